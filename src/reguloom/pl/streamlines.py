"""Streamlines of a field on an embedding, with its fixed points and the curves that part their basins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom.pl import _field, _stream, _style
from reguloom.pl._labels import name_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = {"stable": ("o", _style.INK), "saddle": ("D", "#FFFFFF"), "unstable": ("o", "#FFFFFF")}
"""Marker and filling of a fixed point: full where flow ends, empty where it begins, a diamond where it parts."""


def streamlines(
    places: Any,
    velocities: Any,
    *,
    groups: Any = None,
    values: Any = None,
    value_label: str = "",
    points: Any = None,
    kinds: Sequence[str] = (),
    curves: Sequence[Any] = (),
    density: float = 1.3,
    label: str = "",
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw where the flow goes; lines are thicker where it is faster, and there are none where there are no cells.

    Parameters
    ----------
    places, velocities
        Coordinates of the cells and arrows there, ``(n_cells, 2)``: from :func:`reguloom.vectorfield.on_embedding`.
    groups
        One label per cell, for the colours.
    values
        One number per cell to colour them by in place of the groups, such as divergence or potential.
    value_label
        What the number is.
    points, kinds
        Places of fixed points, ``(n, 2)``, and ``stable``, ``saddle`` or ``unstable`` for each.
    curves
        Separatrices, each ``(n, 2)``.
    density
        How closely lines stand.
    label, title
        Name of the embedding, and what to write above.
    ax
        Where to draw.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If the arrays do not fit each other.
    """
    n = len(np.asarray(places))
    factor = _stream.factor_of(groups, n) if values is None else None
    x, v = _stream.checked(places, velocities)
    known = np.isfinite(np.asarray(places, dtype=float)).all(axis=1) & np.isfinite(np.asarray(velocities)).all(axis=1)
    with _style.style():
        figure: Any = _style.new_figure(4.3, 4.0) if ax is None else ax.get_figure()
        panel = figure.subplots() if ax is None else ax
        if values is None:
            _stream.backdrop(panel, x, None if factor is None else factor[known], names=False)
        else:
            _values(panel, x, np.asarray(values, dtype=float)[known], value_label)
        _stream.draw(panel, x, v, density=density)
        for curve in curves:
            line = np.asarray(curve)
            panel.plot(line[:, 0], line[:, 1], color=_style.MARK, linewidth=1.6, linestyle=(0, (4, 2)), zorder=4)
        if points is not None and len(points):
            _fixed_points(panel, np.asarray(points, dtype=float), list(kinds))
        if factor is not None:
            name_groups(panel, x, factor[known], size=_style.TEXT, weight="bold")
        _stream.compass(panel, label)
        if title:
            panel.set_title(title)
    return figure


def _values(ax: Axes, places: Any, values: Any, title: str) -> None:
    """Colour the cells by a number; with both signs, white is 0."""
    finite = values[np.isfinite(values)]
    low, high = (float(np.quantile(finite, q)) for q in (0.02, 0.98)) if finite.size else (0.0, 1.0)
    if low < 0 < high:
        top = max(-low, high)
        drawn = _field.cells(ax, places, values, cmap="RdBu_r", vmin=-top, vmax=top)
        ticks = [-top, 0.0, top]
    else:
        drawn = _field.cells(ax, places, values, cmap=_style.activity_map(), vmin=low, vmax=high)
        ticks = [low, high]
    _field.bare(ax, places)
    _stream.bar(ax, drawn, title, ticks)


def _fixed_points(ax: Axes, points: Any, kinds: list[str]) -> None:
    """Mark fixed points by kind, with a legend of the kinds there are."""
    kinds = kinds or ["stable"] * len(points)
    for kind, (marker, fill) in KINDS.items():
        own = np.array([one == kind for one in kinds])
        if own.any():
            ax.scatter(points[own, 0], points[own, 1], marker=marker, s=46, facecolor=fill, edgecolor=_style.INK,
                       linewidth=1.3, zorder=7, label=kind)  # fmt: skip
    ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.03), ncols=3, handletextpad=0.2, columnspacing=1.0,
              title=None, borderaxespad=0.6)  # fmt: skip
