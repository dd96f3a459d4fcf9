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
            height = max(2.0, 0.9 + 0.13 * n_top)
            figure, axes = _style.panels(len(names), ncols=ncols, width=2.05, height=height)
        else:
            figure, axes = ax.get_figure(), [ax]  # type: ignore[assignment]
        columns = ncols or _style.columns(len(names))
        for i, (panel, name) in enumerate(zip(axes, names, strict=True)):
            _draw(panel, scores.loc[name], n_top)
            panel.set_title(_style.shorten(name))
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


def _draw(ax: Axes, scores: pd.Series, n_top: int) -> None:
    """Draw one group."""
    ranked = scores.dropna().sort_values(ascending=False, kind="stable")
    values = ranked.to_numpy()
    ranks = np.arange(1, len(values) + 1)
    dot = float(np.clip(60 / np.sqrt(max(len(values), 1)), 4, 14))
    ax.scatter(ranks[n_top:], values[n_top:], s=dot, c=_style.REST, linewidths=0)
    ax.scatter(ranks[:n_top], values[:n_top], s=dot + 4, c=_style.MARK, linewidths=0, zorder=3, clip_on=False)
    room = max(float(np.ptp(values)) if len(values) else 0.0, 1e-3)
    low, high = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    ax.set_ylim(low - 0.06 * room, high + 0.10 * room)
    ax.set_xlim(-0.04 * max(len(values), 2), len(values) * 1.02 + 0.5)
    ax.locator_params(axis="y", nbins=5)
    ax.locator_params(axis="x", nbins=4, integer=True)
    _name(ax, ranked.index[:n_top].tolist(), ranks[:n_top], values[:n_top])


def _name(ax: Axes, names: list[str], ranks: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    """Write names in a column to the right of their points, joined by hairlines, none on another."""
    bottom, top = ax.get_ylim()
    left, right = ax.get_xlim()
    figure = ax.get_figure(root=True)
    height = ax.get_position().height * figure.get_figheight() * 72  # in points, before the layout shrinks it
    gap = (top - bottom) * (_style.SMALL + 2.6) / max(height * 0.85, 1.0)
    places = spread(values, gap, bottom, top)
    column = max(left + 0.30 * (right - left), float(ranks[-1]) + 0.16 * (right - left)) if len(ranks) else left
    for name, rank, value, place in zip(names, ranks, values, places, strict=True):
        ax.annotate(
            _style.shorten(name),
            xy=(rank, value),
            xytext=(column, place),
            va="center",
            ha="left",
            fontsize=_style.SMALL,
            arrowprops={"arrowstyle": "-", "color": _style.FAINT, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 2},
        )
