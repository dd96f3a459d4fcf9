"""Dynamic time warping within a band."""

from __future__ import annotations

import numpy as np

from reguloom._numba import njit


@njit
def _table(a: np.ndarray, b: np.ndarray, band: int, cost: np.ndarray) -> None:
    """Fill `cost`, one larger than the courses on each side, with the summed squares of the best path."""
    n = a.shape[0]
    cost[:] = np.inf
    cost[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(max(1, i - band), min(n, i + band) + 1):
            here = 0.0
            for d in range(a.shape[1]):
                here += (a[i - 1, d] - b[j - 1, d]) ** 2
            cost[i, j] = here + min(cost[i - 1, j - 1], cost[i - 1, j], cost[i, j - 1])


@njit
def nearest(courses: np.ndarray, centres: np.ndarray, band: int) -> np.ndarray:
    """Return the nearest centre of each course; courses are ``(n, n_times, n_tracks)``."""
    n = courses.shape[1]
    cost = np.empty((n + 1, n + 1))
    label = np.zeros(courses.shape[0], dtype=np.int64)
    for g in range(courses.shape[0]):
        lowest = np.inf
        for k in range(centres.shape[0]):
            _table(courses[g], centres[k], band, cost)
            total = float(cost[n, n])
            if total < lowest:
                lowest = total
                label[g] = k
    return label


@njit
def barycentre(courses: np.ndarray, members: np.ndarray, centre: np.ndarray, band: int) -> np.ndarray:
    """Return the mean of what the best paths align with each time of `centre`."""
    n = centre.shape[0]
    cost = np.empty((n + 1, n + 1))
    sums = np.zeros(centre.shape)
    count = np.zeros(n)
    for g in members:
        _table(centre, courses[g], band, cost)
        i, j = n, n
        while i > 0 and j > 0:
            sums[i - 1] += courses[g, j - 1]
            count[i - 1] += 1
            diagonal, up, left = cost[i - 1, j - 1], cost[i - 1, j], cost[i, j - 1]
            if diagonal <= up and diagonal <= left:
                i, j = i - 1, j - 1
            elif up <= left:
                i -= 1
            else:
                j -= 1
    for i in range(n):
        sums[i] /= count[i]
    return sums
