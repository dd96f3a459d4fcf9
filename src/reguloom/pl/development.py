"""The field of development that shifts are held against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom.pl import _field, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def development(field: Any, *, every: int | None = None, ax: Axes | None = None) -> Figure:
    """Draw the direction of development over the cells, which are shaded by pseudotime.

    Parameters
    ----------
    field
        From :func:`reguloom.oracle.development`.
    every
        Draw every n-th row and column of the grid; chosen so that arrows do not crowd if left out.
    ax
        Where to draw.

    Returns
    -------
    The figure.
    """
    points = field.grid.points
    every = (1 if field.kept.sum() < 260 else 2) if every is None else max(1, every)
    shown = _field.thin(points, field.kept, every)
    with _style.style():
        figure: Any = _style.new_figure(3.6, 3.3) if ax is None else ax.figure
        ax = figure.add_subplot() if ax is None else ax
        known = bool(np.isfinite(field.pseudotime).all())
        shades: dict[str, Any] = {"cmap": "cividis_r", "alpha": 0.6} if known else {}
        drawn = _field.cells(ax, field.embedding, field.pseudotime if known else None, **shades)
        _field.arrows(ax, points[shown], field.flow[shown], every * field.grid.step)
        _field.bare(ax, field.embedding)
        ax.set_title("development")
        if known:
            bar = figure.colorbar(drawn, ax=ax, shrink=0.5, aspect=16, pad=0.01)
            bar.solids.set_alpha(1)
            bar.outline.set_visible(False)
            bar.set_label(str(field.settings["source"]).partition(" ")[2].replace("_", " "))
    return figure
