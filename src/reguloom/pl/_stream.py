"""A smooth field of arrows on a grid, from arrows at cells; none where there are no cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.pl import _field, _style
from reguloom.pl._labels import name_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_GRID = 44


def checked(places: Any, vectors: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first two coordinates of cells and arrows, those of cells that have both.

    Raises
    ------
    InputError
        If the two do not fit each other, or nothing is left.
    """
    places, vectors = np.asarray(places, dtype=np.float64), np.asarray(vectors, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] < 2 or places.shape[:1] != vectors.shape[:1] or vectors.ndim != 2:
        msg = f"places have shape {places.shape} and arrows {vectors.shape}; both are cells x 2."
        raise InputError(msg)
    known = np.isfinite(places).all(axis=1) & np.isfinite(vectors).all(axis=1)
    if known.sum() < 3:
        msg = f"{known.sum()} cells have a place and an arrow; nothing can be drawn."
        raise InputError(msg)
    return places[known, :2], vectors[known, :2]


def grid(places: NDArray[Any], vectors: NDArray[Any], n_grid: int = N_GRID) -> tuple[NDArray[Any], ...]:
    """Return x, y and the two components on a grid, NaN where no cell is near.

    Weights fall off as a Gaussian of half a typical step among the nearest cells, and arrows are averaged with them.
    """
    from scipy.spatial import cKDTree

    low, high = places.min(axis=0), places.max(axis=0)
    pad = 0.03 * np.where(high > low, high - low, 1.0)
    x, y = (np.linspace(low[d] - pad[d], high[d] + pad[d], n_grid) for d in (0, 1))
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    # Axes on one scale, so that a flat embedding is smoothed alike along both.
    unit = np.array([x[1] - x[0], y[1] - y[0]])
    k = min(max(10, len(places) // 50), len(places), 200)
    far, near = cKDTree(places / unit).query(points / unit, k=k)
    weights = np.exp(-0.5 * (far / 1.1) ** 2)
    mass = weights.sum(axis=1)
    mean = np.einsum("pk,pkd->pd", weights, vectors[near]) / np.maximum(mass, 1e-300)[:, None]
    typical = np.quantile(mass[far[:, 0] < 1], 0.5) if (far[:, 0] < 1).any() else mass.max()
    mean[(far[:, 0] > 1.8) | (mass < 0.04 * typical)] = np.nan
    return x, y, mean[:, 0].reshape(n_grid, n_grid), mean[:, 1].reshape(n_grid, n_grid)


def draw(
    ax: Axes,
    places: NDArray[Any],
    vectors: NDArray[Any],
    *,
    density: float = 1.3,
    color: str = _style.INK,
    largest: float | None = None,
) -> float:
    """Draw streamlines, thicker where flow is faster; return the speed at which they are thickest."""
    x, y, u, v = grid(places, vectors)
    speed = np.sqrt(u**2 + v**2)
    top = float(np.nanquantile(speed, 0.95)) if largest is None else largest
    if not np.isfinite(speed).any() or not top > 0:
        ax.text(0.5, 0.02, "no flow", transform=ax.transAxes, ha="center", fontsize=_style.SMALL, color=_style.MUTED)
        return 0.0
    width = np.nan_to_num(0.35 + 1.15 * np.clip(speed / top, 0, 1))
    ax.streamplot(
        x, y, np.ma.masked_invalid(u), np.ma.masked_invalid(v), density=density, color=color, linewidth=width,
        arrowsize=0.75, arrowstyle="-|>", minlength=0.08, zorder=3,
    )  # fmt: skip
    return top


def factor_of(groups: Any, n: int) -> pd.Categorical | None:
    """Return groups as a categorical of text, one for each of `n` cells."""
    if groups is None:
        return None
    made = pd.Categorical(groups)
    if len(made) != n:
        msg = f"there are {len(made)} groups and {n} cells; give one label for each cell."
        raise InputError(msg)
    made = made.remove_unused_categories()
    return made.rename_categories([str(name) for name in made.categories])


def backdrop(ax: Axes, places: NDArray[Any], factor: pd.Categorical | None, *, names: bool = True) -> None:
    """Draw the cells, pale, by group."""
    if factor is None:
        _field.cells(ax, places)
        _field.bare(ax, places)
        return
    colors = np.array([*_style.group_colors(len(factor.categories)), _style.FAINT])
    _field.cells(ax, places, colors[factor.codes], alpha=0.4, size=_size(len(places)))
    _field.bare(ax, places)
    if names:
        name_groups(ax, places, factor, size=_style.TEXT, weight="bold")


def _size(n: int) -> float:
    """Return the diameter of a cell in points."""
    return float(np.clip(110.0 / np.sqrt(max(n, 1)), 1.2, 6.0))


def compass(ax: Axes, label: str) -> None:
    """Name the axes in a corner."""
    names = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PC", "phate": "PHATE"}
    name = names.get(label.removeprefix("X_"), label.removeprefix("X_"))
    if name:
        ax.text(0.0, -0.015, f"{name} 1, 2", transform=ax.transAxes, ha="left", va="top", fontsize=_style.SMALL - 0.5,
                color=_style.MUTED)  # fmt: skip


def bar(ax: Axes, points: Any, title: str, ticks: Sequence[float] | None = None) -> None:
    """Put a small colour bar beside a panel."""
    made = ax.figure.colorbar(points, ax=ax, shrink=0.45, aspect=14, pad=0.015)
    made.outline.set_visible(False)  # type: ignore[operator]
    if ticks is not None:
        made.set_ticks(list(ticks), labels=[f"{one:.3g}" for one in ticks])
    made.ax.tick_params(length=0, pad=2, labelsize=_style.SMALL)
    made.ax.set_title(title, fontsize=_style.SMALL, color=_style.MUTED, pad=4, loc="left")
