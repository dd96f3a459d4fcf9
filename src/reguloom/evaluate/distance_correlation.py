"""Distance correlation (Székely, Rizzo & Bakirov 2007): dependence of any kind between two sets of points."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError

ROWS_AT_A_TIME = 512


def distance_correlation(one: ArrayLike, other: ArrayLike) -> float:
    """Return the distance correlation, between 0 (independent) and 1.

    Distances are made in blocks of rows, so memory grows with the number of points, not with its square.

    Parameters
    ----------
    one, other
        Points, ``(n,)`` or ``(n, n_dims)``; the numbers of dimensions may differ.

    Raises
    ------
    InputError
        If the numbers of points differ, or there are fewer than two.
    """
    first, second = (np.asarray(points, dtype=np.float64) for points in (one, other))
    first, second = first.reshape(len(first), -1), second.reshape(len(second), -1)
    if len(first) != len(second) or len(first) < 2:
        msg = f"there are {len(first)} and {len(second)} points; give the same number of each, two at least."
        raise InputError(msg)
    n = len(first)
    rows = np.zeros((2, n))
    products = np.zeros(3)
    for start in range(0, n, ROWS_AT_A_TIME):
        a, b = (_distances(points[start : start + ROWS_AT_A_TIME], points) for points in (first, second))
        rows[0, start : start + len(a)], rows[1, start : start + len(a)] = a.mean(axis=1), b.mean(axis=1)
        products += (a * b).sum(), (a * a).sum(), (b * b).sum()
    # Double centring, written with means of rows: mean(AB) - 2 mean(row row) + mean mean.
    both, own, others = (
        product / n**2 - 2 * (rows[i] * rows[j]).mean() + rows[i].mean() * rows[j].mean()
        for product, (i, j) in zip(products, ((0, 1), (0, 0), (1, 1)), strict=True)
    )
    scale = np.sqrt(max(own, 0.0) * max(others, 0.0))
    return float(np.sqrt(max(both, 0.0) / scale)) if scale > 0 else 0.0


def _distances(some: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Euclidean distances between some points and all."""
    from scipy.spatial.distance import cdist

    return cdist(some, points)
