"""k-means on z-scores, and the k-means that other readouts use as well: the same bytes on any number of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom._random import generator

if TYPE_CHECKING:
    from reguloom.temporal.profile import Profile

_ROUNDS, _FIRST_ROUNDS = 100, 8
#: Starts that are followed to the end, of those that were begun.
_FINISHED = 3


def zscore_kmeans(profile: Profile, n_modules: int, seed: int) -> NDArray[np.int64]:
    """Return the groups of k-means on each gene's z-scores, all tracks side by side.

    Parameters
    ----------
    profile
        Courses.
    n_modules
        Number of groups.
    seed
        Seed.
    """
    return kmeans(profile.z_scores(), n_modules, seed)


def kmeans(points: NDArray[np.float64], n_groups: int, seed: int, *, n_init: int = 10) -> NDArray[np.int64]:
    """Return the groups of Lloyd's algorithm, the best of `n_init` starts (k-means++).

    Parameters
    ----------
    points
        ``(n_points, n_dimensions)``.
    n_groups
        Number of groups; points that are fewer get a group each.
    seed
        Seed.
    n_init
        Number of starts.
    """
    from reguloom.manifold._blas import one_blas_thread

    k = min(n_groups, len(points))
    if k < 2:
        return np.zeros(len(points), dtype=np.int64)
    squares = (points**2).sum(axis=1)
    with one_blas_thread():
        begun = []
        for start in range(n_init):
            centres = _seeds(points, squares, k, generator(seed, "kmeans", start))
            begun.append(_lloyd(points, squares, centres, _FIRST_ROUNDS))
        # Starts that are behind after a few rounds seldom win, and most of the time would go to them.
        begun.sort(key=lambda one: one[2])
        ended = [_lloyd(points, squares, centres, _ROUNDS) for _, centres, _ in begun[:_FINISHED]]
    return min(ended, key=lambda one: one[2])[0]


def _lloyd(
    points: NDArray[np.float64], squares: NDArray[np.float64], centres: NDArray[np.float64], most: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
    """Return labels, centres and inertia after at most so many rounds."""
    k = len(centres)
    label = np.full(len(points), -1, dtype=np.int64)
    for _ in range(most):
        distance = (centres**2).sum(axis=1) - 2.0 * (points @ centres.T)
        found = distance.argmin(axis=1)
        if (found == label).all():
            break
        label = found.astype(np.int64)
        one_hot = (label[:, None] == np.arange(k)).astype(np.float64)
        size = one_hot.sum(axis=0)
        sums = one_hot.T @ points
        # An empty group takes the point that is farthest from its centre.
        if not size.all():
            far = np.argsort(-(squares + distance[np.arange(len(points)), label]), kind="stable")
            for number, empty in enumerate(np.flatnonzero(size == 0)):
                sums[empty], size[empty] = points[far[number]], 1
        centres = sums / size[:, None]
    return label, centres, float((squares + distance.min(axis=1)).sum())


def _seeds(points: NDArray[np.float64], squares: NDArray[np.float64], k: int, rng: np.random.Generator) -> NDArray:
    """Return centres to start with, far from each other (k-means++, Arthur & Vassilvitskii 2007)."""
    chosen = [int(rng.integers(len(points)))]
    nearest = np.full(len(points), np.inf)
    while len(chosen) < k:
        last = points[chosen[-1]]
        nearest = np.minimum(nearest, np.maximum(squares - 2.0 * points @ last + last @ last, 0.0))
        total = nearest.sum()
        at = np.searchsorted(np.cumsum(nearest), rng.random() * total) if total > 0 else rng.integers(len(points))
        chosen.append(int(min(at, len(points) - 1)))
    return points[chosen].copy()
