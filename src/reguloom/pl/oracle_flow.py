"""Development beside the simulated shift, as arrows on the embedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.pl import _field, _inputs, _style
from reguloom.pl._labels import name_groups

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AT = ("grid", "cells")
_PANEL = 2.9
_MOST_ARROWS = 260


def oracle_flow(
    score: Any,
    *,
    groups: str | Sequence[Any] | pd.Series | None = None,
    at: str = "grid",
    every: int | None = None,
) -> Figure:
    """Draw development and, beside it, the direction in which a perturbation moves cells.

    Arrows show direction; their lengths are scaled to the picture, in each panel by itself.

    Parameters
    ----------
    score
        From :func:`reguloom.oracle.perturbation_score`.
    groups
        One label per cell, to show the groups in a panel of their own.
    at
        ``"grid"``: arrows are averages at the points of the grid; ``"cells"``: one for each of some cells.
    every
        Draw every n-th row and column of the grid; chosen so that arrows do not crowd if left out.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If `at` is not known.
    """
    if at not in AT:
        msg = f"at is {at!r}; accepted are {', '.join(AT)}."
        raise InputError(msg)
    places = score.cells[["x", "y"]].to_numpy()
    table = score.grid
    points = table[["x", "y"]].to_numpy()
    kept = table["kept"].to_numpy(dtype=bool)
    every = (1 if kept.sum() < 260 else 2) if every is None else max(1, every)
    shown = _field.thin(points, kept, every)
    step = every * float(np.mean([np.ptp(points[:, axis]) / (np.sqrt(len(points)) - 1) for axis in (0, 1)]))
    with _style.style():
        figure, axes = _style.panels(2 + (groups is not None), ncols=None, width=_PANEL, height=_PANEL)
        if groups is not None:
            _groups(axes[0], places, groups, score.cells.index)
        background = score.cells["pseudotime"].to_numpy()
        known = bool(np.isfinite(background).all())
        _draw(axes[-2], places, background if known else None, "development")
        _field.arrows(axes[-2], points[shown], table[["development_x", "development_y"]].to_numpy()[shown], step)
        _draw(axes[-1], places, None, f"{score.label}: simulated shift")
        if at == "grid":
            flow = table[["flow_x", "flow_y"]].to_numpy()
            _field.arrows(axes[-1], points[shown], flow[shown], step, color=_style.DOWN)
        else:
            chosen = np.unique(np.linspace(0, len(places) - 1, min(_MOST_ARROWS, len(places))).astype(int))
            shift = score.cells[["shift_x", "shift_y"]].to_numpy()
            _field.arrows(axes[-1], places[chosen], shift[chosen], 0.8 * step, color=_style.DOWN)
    return figure


def _draw(ax: Any, places: Any, values: Any, title: str) -> None:
    """Draw the cells, by pseudotime if there is one."""
    if values is None:
        _field.cells(ax, places)
    else:
        _field.cells(ax, places, values, cmap="cividis_r", alpha=0.55)
    _field.bare(ax, places)
    ax.set_title(title)


def _groups(ax: Any, places: Any, groups: Any, names: pd.Index) -> None:
    """Draw the cells by group, each group's name at its middle."""
    factor = _inputs.groups(pd.DataFrame(index=names), groups, names)
    colors = np.array(_style.group_colors(len(factor.categories)))
    known = factor.codes >= 0
    _field.cells(ax, places[known], colors[factor.codes[known]])
    _field.bare(ax, places)
    ax.set_title("groups")
    name_groups(ax, places, factor, size=_style.SMALL)
