"""Before and after a perturbation, side by side, with the angle by which the flow turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._errors import InputError
from reguloom.pl import _field, _stream, _style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_PANEL = 3.1


def perturbation_flow(
    places: Any,
    before: Any,
    after: Any,
    *,
    angle: Any = None,
    title: str = "perturbed",
    label: str = "",
    density: float = 1.1,
) -> Figure:
    """Draw the flow without and with a perturbation, and by how much each cell's velocity turns.

    Lines of both panels share one scale of thickness.

    Parameters
    ----------
    places
        Coordinates of the cells, ``(n_cells, 2)``.
    before, after
        Arrows there, ``(n_cells, 2)``: from :func:`reguloom.vectorfield.on_embedding`.
    angle
        Degrees by which velocity turns, from the prediction's ``cells``; on the embedding if left out.
    title
        Name of the perturbation.
    label
        Name of the embedding.
    density
        How closely lines stand.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If the arrays do not fit each other.
    """
    x, v = _stream.checked(places, before)
    again, w = _stream.checked(places, after)
    if len(again) != len(x):
        msg = "the arrows before and after are not of the same cells; compute both from one field."
        raise InputError(msg)
    turn = _angle(v, w) if angle is None else np.asarray(angle, dtype=float)
    if len(turn) != len(x):
        msg = f"there are {len(turn)} angles and {len(x)} cells; give one angle for each cell that has an arrow."
        raise InputError(msg)
    with _style.style():
        figure, axes = _style.panels(3, ncols=3, width=_PANEL, height=_PANEL)
        for panel in axes[:2]:
            _field.cells(panel, x)
        top = _stream.draw(axes[0], x, v, density=density)
        _stream.draw(axes[1], x, w, density=density, color=_style.DOWN, largest=top or None)
        high = max(float(np.quantile(turn, 0.98)), 1e-3)
        order = np.argsort(turn, kind="stable")
        drawn = _field.cells(axes[2], x[order], turn[order], cmap=_style.activity_map(), vmin=0, vmax=high)
        for panel, text in zip(axes, ("unperturbed", _style.shorten(title), "turn of velocity"), strict=True):
            _field.bare(panel, x)
            panel.set_title(text)
        _stream.bar(axes[2], drawn, "degrees", [0.0, high])
        _stream.compass(axes[0], label)
    return figure


def _angle(v: Any, w: Any) -> Any:
    """Return the angle between rows in degrees."""
    size = np.linalg.norm(v, axis=1) * np.linalg.norm(w, axis=1)
    cosine = np.divide((v * w).sum(axis=1), size, out=np.ones(len(v)), where=size > 0)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def response_curve(table: pd.DataFrame) -> Figure:
    """Draw how the change of velocity grows with the level of a gene: exact, and to first order.

    Parameters
    ----------
    table
        From :func:`reguloom.vectorfield.dose_response`.

    Returns
    -------
    The figure; a panel for each group. Where the two lines part, the Jacobian is no longer to be read.

    Raises
    ------
    InputError
        If columns are missing.
    """
    lacking = sorted({"level", "group", "difference", "first_order"} - set(table.columns))
    if lacking or table.empty:
        msg = f"the table of doses lacks {lacking or 'rows'}; make it with vectorfield.dose_response."
        raise InputError(msg)
    names = list(dict.fromkeys(table["group"]))
    with _style.style():
        figure, axes = _style.panels(len(names), ncols=None, width=2.1, height=1.9, sharex=True, sharey=True)
        for panel, name in zip(axes, names, strict=True):
            own = table[table["group"] == name]
            panel.plot(own["level"], own["difference"], color=_style.UP, linewidth=1.6, label="exact difference")
            panel.plot(own["level"], own["first_order"], color=_style.MARK, linewidth=1.2, linestyle=(0, (4, 2)),
                       label="first order")  # fmt: skip
            panel.set_title(_style.shorten(str(name), 22))
            panel.set_ylim(bottom=0)
            panel.grid(axis="y")
        figure.supxlabel("level of the gene", fontsize=_style.TEXT)
        figure.supylabel("change of velocity / speed", fontsize=_style.TEXT)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return figure
