"""Regulon activity on an embedding, several regulons side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import _keys
from reguloom._errors import InputError
from reguloom.pl import _inputs, _style
from reguloom.pl._labels import name_groups

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_DEFAULT = 8
"""Regulons drawn when none are named."""
PANEL, SMALL_PANEL = 2.15, 1.6
"""Side of a panel in inches, and of one of many."""


def regulon_embedding(
    adata: AnnData,
    regulons: str | Iterable[str] | None = None,
    *,
    groupby: str | None = None,
    basis: str = "X_umap",
    key: str = _keys.AUCELL,
    ncols: int | None = None,
    quantile: float = 0.99,
    point_size: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the activity of regulons over an embedding of the cells, the most active cells on top.

    Parameters
    ----------
    adata
        With activity in ``obsm[key]`` and coordinates in ``obsm[basis]``.
    regulons
        Names of regulons, or of their TFs. If left out, eight: those that stand out most in the groups of `groupby`,
        or without it those whose activity varies most.
    groupby
        Column of ``obs`` to show first, in a panel of its own.
    basis, key
        Slots of the coordinates and of the activity; the ``X_`` may be left out.
    ncols
        Panels in a row.
    quantile
        Colours end at this quantile of the activity, so that a few extreme cells do not fade all others; 1 for none.
    point_size
        Diameter of a cell in points; by the number of cells if left out.
    ax
        Where to draw a single panel.

    Returns
    -------
    Figure
        One panel for each regulon, each with its own colour scale.

    Raises
    ------
    MissingKeyError
        If the slot, the column or a regulon is not there; the closest names are given.
    InputError
        If `ax` is given for several panels, or the quantile is not between 0.5 and 1.

    Examples
    --------
    >>> figure = rl.pl.regulon_embedding(adata, ["Gata1", "Spi1"], groupby="cell_type")  # doctest: +SKIP
    """
    if not 0.5 <= quantile <= 1:
        msg = f"quantile is {quantile}; it is the share of cells below the end of the colours, between 0.5 and 1."
        raise InputError(msg)
    auc = _inputs.activity(adata, key)
    factor = None if groupby is None else _inputs.groups(adata, groupby, auc.index)
    names = _names(auc, regulons, factor)
    places, label = _coordinates(adata, basis)
    n_panels = len(names) + (factor is not None)
    _inputs.one_panel(ax, n_panels)
    with _style.style():
        if ax is None:
            side = PANEL if n_panels <= 24 else SMALL_PANEL
            figure, axes = _style.panels(n_panels, ncols=ncols, width=side * 1.12, height=side * 1.08)
        else:
            figure, axes = ax.get_figure(), [ax]  # type: ignore[assignment]
            side = PANEL
        diameter = point_size or _diameter(len(places)) * side / PANEL
        if groupby is not None and factor is not None:
            _draw_groups(axes[0], places, diameter, factor, adata, groupby)
        for panel, name in zip(axes[factor is not None :], names, strict=True):
            _draw_activity(panel, places, diameter, auc[name].to_numpy(dtype=np.float64), quantile)
            panel.set_title(_style.shorten(name, 26 if side == PANEL else 18))
        for panel in axes:
            _frame(panel, places)
        _compass(axes[0], label)
    return figure


def _names(auc: pd.DataFrame, regulons: str | Iterable[str] | None, factor: pd.Categorical | None) -> list[str]:
    """Return the regulons to draw."""
    if regulons is not None:
        return _inputs.choose(auc, regulons)
    return _inputs.most_variable(auc, N_DEFAULT) if factor is None else _inputs.most_telling(auc, factor, N_DEFAULT)


def _coordinates(adata: AnnData, basis: str) -> tuple[NDArray[np.float64], str]:
    """Return the first two coordinates of each cell, and what the embedding is called."""
    slot = next((name for name in (basis, f"X_{basis}") if name in adata.obsm), None)
    if slot is None:
        raise _inputs.missing(basis, adata.obsm.keys(), what="embedding", where="adata.obsm")
    values = np.asarray(adata.obsm[slot], dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        msg = f"adata.obsm[{slot!r}] has shape {values.shape}; an embedding needs two coordinates for each cell."
        raise InputError(msg)
    names = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PC", "phate": "PHATE", "draw_graph_fa": "FA"}
    stem = slot.removeprefix("X_")
    return values[:, :2], names.get(stem, stem)


def _diameter(n_cells: int) -> float:
    """Return the diameter of a cell in points: they cover about the same area whatever their number."""
    return float(np.clip(105.0 / np.sqrt(max(n_cells, 1)), 0.8, 6.0))


def _draw_activity(
    ax: Axes, places: NDArray[np.float64], diameter: float, values: NDArray[np.float64], quantile: float
) -> None:
    """Draw the cells of one regulon, and its colour bar."""
    known = np.isfinite(values)
    top = float(np.quantile(values[known], quantile)) if known.any() else 1.0
    top = top if top > 0 else float(max(values[known].max(initial=0.0), 1e-9))
    low = min(0.0, float(values[known].min(initial=0.0)))
    order = np.argsort(np.where(known, values, -np.inf), kind="stable")
    shown = np.where(known, values, low)[order]
    points = ax.scatter(
        places[order, 0],
        places[order, 1],
        c=np.clip(shown, low, top),
        s=diameter**2,
        cmap=_style.activity_map(),
        vmin=low,
        vmax=top,
        linewidths=0,
        rasterized=True,
    )
    clipped = quantile < 1 and bool((values[known] > top).any())
    bar = ax.inset_axes((0.99, 0.06, 0.035, 0.34))
    colorbar = ax.figure.colorbar(points, cax=bar, extend="max" if clipped else "neither", extendfrac=0.08)
    colorbar.outline.set_visible(False)  # type: ignore[operator]
    colorbar.set_ticks([low, top], labels=[f"{low:.2g}", f"{top:.2g}"])
    bar.tick_params(length=0, pad=2, labelsize=_style.SMALL - 0.5)
    bar.set_title("AUC", fontsize=_style.SMALL - 0.5, color=_style.MUTED, pad=5 if clipped else 3)


def _draw_groups(
    ax: Axes, places: NDArray[np.float64], diameter: float, groups: pd.Categorical, adata: AnnData, groupby: str
) -> None:
    """Draw the cells coloured by group, each group's name at its middle, or in a legend if there are many."""
    names = [str(name) for name in groups.categories]
    colors = _inputs.colors_of(adata, groupby, len(names))
    shade = np.array([*colors, _style.FAINT], dtype=object)[groups.codes]
    order = np.random.default_rng(0).permutation(len(places))  # so that no group hides the others
    ax.scatter(places[order, 0], places[order, 1], c=list(shade[order]), s=diameter**2, linewidths=0, rasterized=True)
    ax.set_title(_style.shorten(groupby))
    if len(names) > 14:
        _legend(ax, names, colors)
        return
    _frame(ax, places)
    name_groups(ax, places, groups, size=_style.SMALL, weight="bold")


def _legend(ax: Axes, names: list[str], colors: list[str]) -> None:
    """List the groups below all panels, where a name on each would hide the cells."""
    for name, color in zip(names, colors, strict=True):
        ax.scatter([], [], c=color, s=14, linewidths=0, label=_style.shorten(name))
    figure: Any = ax.get_figure(root=True)
    width = max(len(_style.shorten(name)) for name in names) * _style.SMALL * 0.6 / 72 + 0.35
    ncols = max(1, int(figure.get_figwidth() / width))
    figure.legend(loc="outside lower center", ncols=ncols, handletextpad=0.1, columnspacing=0.8, labelspacing=0.3)


def _frame(ax: Axes, places: NDArray[np.float64]) -> None:
    """Show the same part of the embedding, undistorted, without axes."""
    finite = places[np.isfinite(places).all(axis=1)]
    low, high = finite.min(axis=0), finite.max(axis=0)
    middle, half = (low + high) / 2, max(float((high - low).max()) / 2, 1e-9) * 1.06
    ax.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    ax.set_aspect("equal")
    ax.set_axis_off()


def _compass(ax: Axes, label: str) -> None:
    """Draw two short arrows that name the axes."""
    arrow = {
        "arrowstyle": "-|>",
        "color": _style.MUTED,
        "linewidth": 0.7,
        "mutation_scale": 5,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    for end in ((0.2, 0.0), (0.0, 0.2)):
        ax.annotate("", xy=end, xytext=(0, 0), xycoords="axes fraction", arrowprops=arrow)
    small: dict[str, Any] = {"fontsize": _style.SMALL - 1, "color": _style.MUTED, "transform": ax.transAxes}
    ax.text(0.0, -0.02, f"{label} 1", ha="left", va="top", **small)
    ax.text(-0.02, 0.0, f"{label} 2", ha="right", va="bottom", rotation=90, **small)
