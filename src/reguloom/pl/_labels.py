"""Labels that keep out of each other's way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom.pl import _style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.text import Text


def spread(wanted: Sequence[float] | NDArray[np.float64], gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Return places near the wanted ones, in the same order, at least `gap` apart and between two limits.

    Least squares under order constraints: places in conflict are pooled around their common mean (pool adjacent
    violators). If the limits cannot hold all labels at this gap, they are spaced evenly.

    Parameters
    ----------
    wanted
        Ideal places, in any order.
    gap
        Least distance between neighbours.
    low, high
        Limits.
    """
    place = np.asarray(wanted, dtype=np.float64)
    if len(place) < 2:
        return np.clip(place, low, high)
    order = np.argsort(place, kind="stable")
    if gap * (len(place) - 1) >= high - low:
        sorted_places = np.linspace(low, high, len(place))
    else:
        offset = gap * np.arange(len(place))
        sorted_places = np.clip(_isotonic(place[order] - offset), low, high - offset[-1]) + offset
    result = np.empty_like(place)
    result[order] = sorted_places
    return result


def _isotonic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the non-decreasing sequence closest to `values` in squares."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        mean, size = float(value), 1
        while blocks and blocks[-1][0] > mean:
            before, count = blocks.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        blocks.append((mean, size))
    return np.concatenate([np.full(size, mean) for mean, size in blocks])


def push_apart(
    boxes: NDArray[np.float64], anchors: NDArray[np.float64], *, fixed: NDArray[np.float64], n_iter: int = 300
) -> NDArray[np.float64]:
    """Return shifts that take text boxes off each other and off fixed boxes, and keep them near their anchors.

    Parameters
    ----------
    boxes
        Left, bottom, right, top of each text, ``(n_texts, 4)``.
    anchors
        Where each text's point is, ``(n_texts, 2)``.
    fixed
        Boxes that do not move, ``(n_fixed, 4)``.
    n_iter
        Rounds.

    Returns
    -------
    Shift of each text, ``(n_texts, 2)``.
    """
    shift = np.zeros((len(boxes), 2))
    home = (boxes[:, :2] + boxes[:, 2:]) / 2
    for step in range(n_iter):
        moved = boxes + np.tile(shift, 2)
        force = _repulsion(moved, moved, own=True) + 2 * _repulsion(moved, fixed, own=False)
        if not force.any():
            break
        pull = (anchors - home - shift) * 0.004
        shift += (force * 0.5 + pull) * (1 - 0.5 * step / n_iter)
    return shift


def _repulsion(boxes: NDArray[np.float64], others: NDArray[np.float64], *, own: bool) -> NDArray[np.float64]:
    """Return for each box how far, along the shorter way, the boxes that overlap it push it."""
    if not len(others):
        return np.zeros((len(boxes), 2))
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    overlap = np.clip(high - low, 0, None)
    hit = (overlap > 0).all(axis=2)
    if own:
        np.fill_diagonal(hit, False)
    centre, other = (boxes[:, :2] + boxes[:, 2:]) / 2, (others[:, :2] + others[:, 2:]) / 2
    away = np.sign(centre[:, None] - other[None])
    ties = np.where(np.arange(len(boxes))[:, None] > np.arange(len(others))[None], 1.0, -1.0)[..., None]
    away = np.where(away == 0, ties, away)
    shorter = overlap <= overlap[..., ::-1]
    shorter[..., 0] &= ~(shorter[..., 0] & shorter[..., 1])
    return np.asarray((np.where(shorter, overlap, 0.0) * away * hit[..., None]).sum(axis=1))


def text_boxes(texts: Sequence[Text], *, pad: float = 1.0) -> NDArray[np.float64]:
    """Return left, bottom, right, top of each text in pixels, ``(n_texts, 4)``."""
    figure = texts[0].get_figure()
    renderer = figure.canvas.get_renderer()  # type: ignore[union-attr]
    boxes = [text.get_window_extent(renderer) for text in texts]
    return np.array([[box.x0 - pad, box.y0 - pad, box.x1 + pad, box.y1 + pad] for box in boxes])


def halo(artist: Artist, *, width: float = 2.0) -> None:
    """Put a white rim around a text or line, so that it can be read on top of points."""
    from matplotlib import patheffects

    artist.set_path_effects([patheffects.withStroke(linewidth=width, foreground="white", alpha=0.9)])


def name_groups(
    ax: Axes, places: NDArray[np.float64], factor: pd.Categorical, *, size: float, weight: str = "normal"
) -> None:
    """Write each group's name at the middle of its cells, names kept off each other.

    Parameters
    ----------
    ax
        With its limits set, since the names move in pixels.
    places
        Coordinates, ``(n_cells, 2)``.
    factor
        The group of each cell.
    size, weight
        Of the text.
    """
    middles = np.array([np.median(places[factor.codes == code], axis=0) for code in range(len(factor.categories))])
    texts = []
    for (x, y), name in zip(middles.tolist(), factor.categories, strict=True):
        texts.append(ax.text(x, y, _style.shorten(str(name), 20), ha="center", va="center", fontsize=size, zorder=6))
        texts[-1].set_fontweight(weight)
        halo(texts[-1], width=2.4)
    ax.figure.canvas.draw()  # fixes where the names are in pixels
    pixels = ax.transData.transform(middles)
    shifts = push_apart(text_boxes(texts), pixels, fixed=np.zeros((0, 4)))
    for text, (x, y) in zip(texts, ax.transData.inverted().transform(pixels + shifts).tolist(), strict=True):
        text.set_position((x, y))
