"""Arrows on an embedding whose length fits the picture, whatever the embedding's units are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reguloom.pl import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONG = 1.7
"""Length of a long arrow, in steps between arrows."""


def bare(ax: Axes, places: NDArray[Any]) -> None:
    """Frame the cells without ticks, both axes on one scale if the embedding allows."""
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)
    low, high = places.min(axis=0), places.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    ax.set_xlim(low[0] - 0.06 * width[0], high[0] + 0.06 * width[0])
    ax.set_ylim(low[1] - 0.06 * width[1], high[1] + 0.06 * width[1])
    ratio = width[1] / width[0]
    if 0.4 < ratio < 2.5:
        ax.set_aspect("equal")


def cells(ax: Axes, places: NDArray[Any], colors: Any = None, *, size: float | None = None, **kwargs: Any) -> Any:
    """Draw the cells as small dots."""
    diameter = float(np.clip(90.0 / np.sqrt(max(len(places), 1)), 0.8, 5.0)) if size is None else size
    color = _style.FAINT if colors is None else colors
    return ax.scatter(places[:, 0], places[:, 1], c=color, s=diameter**2, linewidths=0, rasterized=True, **kwargs)


def arrows(ax: Axes, points: NDArray[Any], vectors: NDArray[Any], step: float, *, color: str = _style.INK) -> None:
    """Draw arrows of which the longest 5 % reach a bit further than their neighbours stand.

    Parameters
    ----------
    ax
        Where.
    points, vectors
        ``(n_arrows, 2)``.
    step
        Distance between neighbouring arrows, in units of the embedding.
    color
        Of all arrows.
    """
    length = np.linalg.norm(vectors, axis=1)
    if not length.size or length.max() <= 0:
        ax.text(0.5, 0.02, "no shift", transform=ax.transAxes, ha="center", fontsize=_style.SMALL, color=_style.MUTED)
        return
    longest = np.quantile(length[length > 0], 0.95)
    scaled = vectors / longest * step * _LONG
    size = np.linalg.norm(scaled, axis=1)
    over = size > 1.4 * step * _LONG
    scaled[over] *= (1.4 * step * _LONG / size[over])[:, None]
    keep = size > 0.08 * step
    ax.quiver(
        points[keep, 0], points[keep, 1], scaled[keep, 0], scaled[keep, 1], angles="xy", scale_units="xy", scale=1.0,
        color=color, width=0.0042, headwidth=3.6, headlength=4.2, headaxislength=3.8, minlength=0.3, zorder=3,
    )  # fmt: skip


def thin(points: NDArray[Any], kept: NDArray[np.bool_], every: int) -> NDArray[np.bool_]:
    """Return `kept` at every n-th row and column of a square grid."""
    side = int(round(np.sqrt(len(points))))
    row, column = np.divmod(np.arange(len(points)), side)
    return kept & (row % every == every // 2) & (column % every == every // 2)


def diverging(values: NDArray[Any]) -> tuple[Any, float]:
    """Return the colour map of signed scores and the value at which it ends, the same on both sides of 0."""
    from matplotlib.colors import LinearSegmentedColormap

    finite = np.abs(values[np.isfinite(values)])
    top = float(np.quantile(finite, 0.98)) if finite.size else 0.0
    if top <= 0 and finite.size:
        top = float(finite.max())
    shades = ["#7A1E4D", "#C2387E", "#EDA9CB", "#F4F4F4", "#A9D59B", "#3F9A44", "#1A5A26"]
    return LinearSegmentedColormap.from_list("reguloom_score", shades), top if top > 0 else 1.0
