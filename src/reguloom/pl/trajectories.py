"""Levels of genes over time, one line for each simulated trajectory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.pl import _inputs, _style
from reguloom.pl._labels import halo

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OWN = ("trajectory", "time", "fate")
MAX_LINES = 60
"""Trajectories that are drawn one by one; the medians are of all."""
N_DEFAULT = 12


def trajectories(
    courses: pd.DataFrame, genes: str | Iterable[str] | None = None, *, ncols: int | None = None, ax: Axes | None = None
) -> Figure:
    """Draw mRNA over time: a thin line for each trajectory, a thick one for the median of each fate.

    Parameters
    ----------
    courses
        From :func:`reguloom.mechanistic.time_courses`.
    genes
        Which genes; those that differ most between fates, twelve at most, if left out.
    ncols
        Panels in a row.
    ax
        Where to draw a single gene.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If `courses` is no such table.
    MissingKeyError
        If a gene is not there.

    Examples
    --------
    >>> figure = rl.pl.trajectories(courses, ["Gata1", "Pu.1"])  # doctest: +SKIP
    """
    if not set(OWN) <= set(courses.columns):
        msg = f"the table's columns are {', '.join(map(str, courses.columns[:6]))}; give what time_courses returned."
        raise InputError(msg)
    levels = courses.drop(columns=list(OWN))
    names = _telling(courses, levels) if genes is None else _inputs.choose(levels, genes, what="gene")
    _inputs.one_panel(ax, len(names))
    fates = [str(name) for name in courses["fate"].cat.remove_unused_categories().cat.categories]
    colors = dict(zip(fates, _style.group_colors(len(fates)), strict=True))
    with _style.style():
        if ax is None:
            figure, axes = _style.panels(len(names), ncols=ncols, width=1.9, height=1.45, sharex=True, sharey=True)
        else:
            figure, axes = ax.get_figure(), [ax]  # type: ignore[assignment]
        for panel, name in zip(axes, names, strict=True):
            _draw(panel, courses, name, colors)
        axes[0].set_ylim(bottom=0)
        columns = ncols or _style.columns(len(names))
        for i, panel in enumerate(axes):
            panel.tick_params(labelbottom=i + columns >= len(names))
            if i + columns >= len(names):
                panel.set_xlabel("time")
            if i % columns == 0:
                panel.set_ylabel("mRNA")
        _legend(figure, axes, colors)
    return figure


def _telling(courses: pd.DataFrame, levels: pd.DataFrame) -> list[str]:
    """Return the genes whose end differs most between trajectories, in the table's order."""
    ends = levels[courses["time"] == courses["time"].max()]
    best = set(ends.std().sort_values(ascending=False, kind="stable").index[:N_DEFAULT])
    return [str(name) for name in levels.columns if name in best]


def _draw(ax: Axes, courses: pd.DataFrame, gene: str, colors: dict[str, str]) -> None:
    """Draw one gene."""
    for _, one in list(courses.groupby("trajectory", sort=True))[:MAX_LINES]:
        ax.plot(one["time"], one[gene], color=colors[str(one["fate"].iloc[0])], linewidth=0.35, alpha=0.35)
    for fate, color in colors.items():
        own = courses[courses["fate"] == fate]
        middle = own.groupby("time")[gene].median()
        line: Any = ax.plot(middle.index, middle.to_numpy(), color=color, linewidth=1.6, zorder=5)[0]
        halo(line, width=2.8)
    ax.set_title(_style.shorten(gene, 22), fontsize=_style.TEXT, pad=3)
    ax.margins(x=0)


def _legend(figure: Any, axes: list[Axes], colors: dict[str, str]) -> None:
    """Name the fates."""
    if len(colors) < 2:
        return
    handles = [axes[0].plot([], [], color=color, linewidth=2)[0] for color in colors.values()]
    labels = [_style.shorten(name) for name in colors]
    if len(axes) == 1:
        axes[0].legend(handles, labels, loc="best", handlelength=1.2)
        return
    width = max(len(label) for label in labels) * _style.SMALL * 0.6 / 72 + 0.45
    ncols = int(np.clip(figure.get_figwidth() / width, 1, len(labels)))
    figure.legend(handles, labels, loc="outside lower center", ncols=ncols, handlelength=1.2)
