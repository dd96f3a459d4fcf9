"""The figure that the plots return. Imported only when something is drawn."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reguloom.pl._style import style

DATES = {".svg": "Date", ".pdf": "CreationDate", ".ps": "CreationDate", ".eps": "CreationDate"}


class HouseFigure(Figure):
    """A matplotlib Figure that saves without cut-off labels, shows itself in notebooks and needs no closing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)

    def savefig(self, fname: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Save as ``Figure.savefig`` does, cropped to what is drawn, and without the date: same figure, same bytes."""
        kwargs.setdefault("bbox_inches", "tight")
        kwargs.setdefault("pad_inches", 0.06)
        suffix = f".{kwargs['format']}" if "format" in kwargs else Path(str(fname)).suffix
        if suffix in DATES:
            kwargs["metadata"] = {DATES[suffix]: None, **(kwargs.get("metadata") or {})}
        with style():
            super().savefig(fname, **kwargs)

    def _repr_png_(self) -> bytes:
        """Return the picture that a notebook shows."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()
