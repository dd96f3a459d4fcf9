"""How the activity of regulons is distributed within groups of cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import _keys
from reguloom._errors import InputError
from reguloom.pl import _inputs, _style
from reguloom.pl.binarization import kde

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_DEFAULT = 6
"""Regulons drawn when none are named."""


def regulon_violin(
    data: AnnData | pd.DataFrame,
    regulons: str | Iterable[str] | None = None,
    *,
    groupby: str | Sequence[Any] | pd.Series,
    split: str | Sequence[Any] | pd.Series | None = None,
    key: str = _keys.AUCELL,
    ax: Axes | None = None,
) -> Figure:
    """Draw the distribution of activity in each group as violins: quartiles as a bar, the median as a dot.

    Parameters
    ----------
    data
        AnnData with activity in ``obsm[key]``, or a table of cells × regulons.
    regulons
        Which regulons, or their TFs; six that stand out in the groups if left out.
    groupby
        Column of ``obs``, or one label per cell.
    split
        A second grouping of exactly two kinds (a treatment and its control), drawn as the two halves of each violin.
    key
        Slot of the activity.
    ax
        Where to draw a single regulon.

    Returns
    -------
    Figure
        One row for each regulon, the groups side by side.

    Raises
    ------
    MissingKeyError
        If the slot, the column or a regulon is not there.
    InputError
        If `split` has not two kinds, or `ax` is given for several regulons.

    Examples
    --------
    >>> figure = rl.pl.regulon_violin(adata, "Gata1", groupby="cell_type")  # doctest: +SKIP
    """
    auc = _inputs.activity(data, key)
    factor = _inputs.groups(data, groupby, auc.index)
    names = _inputs.most_telling(auc, factor, N_DEFAULT) if regulons is None else _inputs.choose(auc, regulons)
    halves = None if split is None else _inputs.groups(data, split, auc.index)
    if halves is not None and len(halves.categories) != 2:
        msg = f"split has the kinds {list(halves.categories)[:5]}; a violin has two halves, so it takes exactly two."
        raise InputError(msg)
    _inputs.one_panel(ax, len(names))
    colors = _inputs.colors_of(data, groupby, len(factor.categories))
    n_groups = len(factor.categories)
    with _style.style():
        if ax is None:
            each = float(np.clip(8.0 / n_groups, 0.24, 0.62))
            figure = _style.new_figure(max(1.6, each * n_groups) + 0.75, 1.05 * len(names) + 0.55)
            axes = figure.subplots(len(names), 1, sharex=True, squeeze=False).ravel().tolist()
        else:
            figure, axes = ax.get_figure(), [ax]  # type: ignore[assignment]
            each = 0.8 * ax.get_position().width * figure.get_figwidth() / n_groups
        for panel, name in zip(axes, names, strict=True):
            _draw(panel, auc[name].to_numpy(dtype=np.float64), factor, halves, colors)
            panel.set_title(_style.shorten(name, 48), loc="left", fontsize=_style.TEXT, pad=2)
            panel.set_ylabel("AUC")
        labels = [_style.shorten(str(name), 24) for name in factor.categories]
        axes[-1].set_xticks(range(n_groups), labels, **_style.label_rotation(labels, each))
        if halves is not None:
            _legend(axes[0], [str(name) for name in halves.categories])
    return figure


def _draw(
    ax: Axes,
    values: NDArray[np.float64],
    groups: pd.Categorical,
    halves: pd.Categorical | None,
    colors: list[str],
) -> None:
    """Draw one regulon."""
    known = np.isfinite(values)
    for code, color in enumerate(colors):
        inside = known & (groups.codes == code)
        if halves is None:
            _violin(ax, values[inside], code, color, side=0)
            continue
        for half, (side, tone) in enumerate(zip((-1, 1), _half_colors(), strict=True)):
            _violin(ax, values[inside & (halves.codes == half)], code, tone, side=side)
    low, high = float(values[known].min(initial=0.0)), float(values[known].max(initial=0.0))
    pad = 0.04 * (high - low) or 0.05
    ax.set(ylim=(low - pad, high + pad), xlim=(-0.6, len(colors) - 0.4))
    ax.locator_params(axis="y", nbins=4)
    ax.grid(axis="y")
    ax.tick_params(axis="x", length=0)


def _half_colors() -> tuple[str, str]:
    """Return the colours of the two halves."""
    return _style.GROUPS[0], _style.GROUPS[1]


def _violin(ax: Axes, values: NDArray[np.float64], place: float, color: str, *, side: int) -> None:
    """Draw one violin (`side` 0) or its left (-1) or right (1) half; too few cells are drawn as points."""
    if not len(values):
        return
    middle = place + 0.10 * side
    density = kde(values, float(values.min()), float(values.max())) if len(values) >= 5 else None
    if density is None:
        ax.scatter(np.full(len(values), middle), values, s=6, c=color, linewidths=0, zorder=3)
        return
    grid, height = density
    width = 0.40 * height / height.max()
    left = place - (width if side <= 0 else 0.0)
    right = place + (width if side >= 0 else 0.0)
    ax.fill_betweenx(grid, left, right, facecolor=color, alpha=0.85, linewidth=0)
    lower, median, upper = np.quantile(values, (0.25, 0.5, 0.75))
    ax.plot([middle, middle], [lower, upper], color=_style.INK, linewidth=2.2, solid_capstyle="round", zorder=3)
    ax.scatter([middle], [median], s=7, c=_style.PAPER, linewidths=0, zorder=4)


def _legend(ax: Axes, names: list[str]) -> None:
    """Say which half is which, above the first panel on the right."""
    from matplotlib.patches import Patch

    handles = [Patch(color=tone, label=_style.shorten(name)) for name, tone in zip(names, _half_colors(), strict=True)]
    ax.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 0.98),
        ncols=2,
        handlelength=0.8,
        handleheight=0.8,
        columnspacing=1.0,
        borderaxespad=0.2,
    )
