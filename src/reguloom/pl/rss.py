"""Which regulons are specific to which group of cells: the ranking of their specificity scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import _keys
from reguloom._errors import InputError, MissingKeyError
from reguloom.pl import _inputs, _style
from reguloom.pl._labels import spread

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST = 24
"""Characters of a name; the middle of longer ones is left out."""
MAX_WIDTH = 13.0
"""Inches that a figure may be wide."""


def rss(
    data: AnnData | pd.DataFrame,
    *,
    groupby: str | None = None,
    groups: str | Iterable[str] | None = None,
    key: str = _keys.AUCELL,
    n_top: int = 5,
    ncols: int | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw, for each group of cells, its regulons ranked by specificity, the top ones named.

    Parameters
    ----------
    data
        Specificity scores, groups × regulons, or AnnData that holds them in ``uns[key]['rss_<groupby>']``.
    groupby
        Column of ``obs`` that the scores were computed for; needed with AnnData.
    groups
        Which groups; all if left out.
    key
        Slot of ``uns``.
    n_top
        Regulons named in each panel.
    ncols
        Panels in a row.
    ax
        Where to draw a single group.

    Returns
    -------
    Figure
        One panel for each group; each has its own vertical scale.

    Raises
    ------
    MissingKeyError
        If the scores or a group are not there; the closest names are given.
    InputError
        If `groupby` is missing, the table is empty, or `ax` is given for several groups.

    Examples
    --------
    >>> figure = rl.pl.rss(adata, groupby="cell_type")  # doctest: +SKIP
    """
    scores = _scores(data, groupby, key)
    names = _inputs.choose(scores.T, groups, what="group")
    _inputs.one_panel(ax, len(names))
    n_top = min(n_top, scores.shape[1])
    with _style.style():
        if ax is None:
            width, height = _panel_size(scores.loc[names], n_top)
            columns = ncols or max(1, min(_style.columns(len(names)), int(MAX_WIDTH / width)))
            figure, axes = _style.panels(len(names), ncols=columns, width=width, height=height)
            room = height - 0.6
        else:
            figure, axes, columns = ax.get_figure(), [ax], 1  # type: ignore[assignment]
            room = ax.get_position().height * ax.get_figure(root=True).get_figheight()  # type: ignore[union-attr]
        for i, (panel, name) in enumerate(zip(axes, names, strict=True)):
            _draw(panel, scores.loc[name], n_top, room)
            panel.set_title(_style.shorten(name, 26))
            panel.set_ylabel("specificity (RSS)" if i % columns == 0 else "")
            panel.set_xlabel("regulon rank" if i + columns >= len(names) else "")
    return figure


def _scores(data: AnnData | pd.DataFrame, groupby: str | None, key: str) -> pd.DataFrame:
    """Return groups × regulons."""
    frame = data
    if _inputs.is_adata(data):
        if groupby is None:
            msg = "groupby is missing; name the column of adata.obs that the specificity scores were computed for."
            raise InputError(msg)
        entry, name = data.uns.get(key, {}), _keys.rss(groupby)  # type: ignore[union-attr]
        if name not in entry:
            computed = [one for one in entry if one.startswith("rss_")]
            msg = f"adata.uns[{key!r}] has no {name!r} (it has {computed}); run activity.specificity with this groupby."
            raise MissingKeyError(msg)
        frame = entry[name]
    if not isinstance(frame, pd.DataFrame) or 0 in frame.shape:
        msg = "the specificity scores must be a table of groups x regulons, not empty; activity.rss makes one."
        raise InputError(msg)
    return pd.DataFrame(
        frame.to_numpy(dtype=np.float64), index=frame.index.astype(str), columns=frame.columns.astype(str)
    )


def _panel_size(scores: pd.DataFrame, n_top: int) -> tuple[float, float]:
    """Return width and height in inches that hold the names in the right two thirds of the panel."""
    named = {name for _, row in scores.iterrows() for name in row.nlargest(n_top).index}
    longest = max((len(_style.shorten(name, LONGEST)) for name in named), default=0)
    return max(2.05, 0.55 + longest * _style.SMALL * 0.6 / 72 / 0.62), max(2.0, 1.1 + 0.15 * n_top)


def _draw(ax: Axes, scores: pd.Series, n_top: int, room: float) -> None:
    """Draw one group in a panel whose axis is `room` inches high."""
    ranked = scores.dropna().sort_values(ascending=False, kind="stable")
    values = ranked.to_numpy()
    ranks = np.arange(1, len(values) + 1)
    dot = float(np.clip(60 / np.sqrt(max(len(values), 1)), 4, 14))
    ax.scatter(ranks[n_top:], values[n_top:], s=dot, c=_style.REST, linewidths=0)
    ax.scatter(ranks[:n_top], values[:n_top], s=dot + 4, c=_style.MARK, linewidths=0, zorder=3, clip_on=False)
    span = max(float(np.ptp(values)) if len(values) else 0.0, 1e-3)
    low, high = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    ax.set_ylim(low - 0.06 * span, high + 0.06 * span)
    ax.set_xlim(-0.04 * max(len(values), 2), len(values) * 1.02 + 0.5)
    _name(ax, ranked.index[:n_top].tolist(), values, room)
    ax.locator_params(axis="y", nbins=5)
    ax.locator_params(axis="x", nbins=4, integer=True)


def _name(ax: Axes, names: list[str], values: NDArray[np.float64], room: float) -> None:
    """Write names in a column above the curve, joined to their points by hairlines, none on another."""
    if not names:
        return
    bottom, top = ax.get_ylim()
    left, right = ax.get_xlim()
    column = max(left + 0.34 * (right - left), len(names) + 0.14 * (right - left))
    below = float(values[min(int(column), len(values) - 1)])  # the curve falls, so it stays under its height here
    share = (_style.SMALL + 2.4) / 72 / max(room, 0.1)  # of the axis, for one line of text
    rest = 1.0 - share * (len(names) + 0.7)
    if rest > 0.1:  # raise the top of the axis until all names fit between the curve and it
        top = max(top, bottom + (below - bottom) / rest)
        ax.set_ylim(bottom, top)
    gap = share * (top - bottom)
    places = spread(values[: len(names)], gap, min(below + 0.9 * gap, top - len(names) * gap), top - 0.45 * gap)
    for rank, (name, value, place) in enumerate(zip(names, values, places, strict=False), start=1):
        ax.annotate(
            _style.shorten(name, LONGEST),
            xy=(rank, value),
            xytext=(column, place),
            va="center",
            ha="left",
            fontsize=_style.SMALL,
            arrowprops={
                "arrowstyle": "-",
                "color": _style.FAINT,
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 2,
                "relpos": (0, 0.5),
            },
        )
