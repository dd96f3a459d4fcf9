"""The dip: how far a sample is from every unimodal distribution.

Hartigan & Hartigan, Annals of Statistics 13:70 (1985), section 3. The dip is half the smallest distance that a band
around the empirical distribution function needs for a unimodal function to fit in: convex up to a modal interval,
concave after it. The interval is narrowed step by step, between the greatest convex minorant and the least concave
majorant, until narrowing no longer helps.

Equal values are merged first. A unimodal distribution may have an atom at its mode and nowhere else, so a jump counts
against unimodality outside the modal interval only; heaps of zeros, usual among activity scores, do no harm as such.
"""

from __future__ import annotations

import numpy as np

from reguloom._numba import njit


@njit
def _hull(x: np.ndarray, y: np.ndarray, low: int, high: int, sign: int, knots: np.ndarray) -> int:
    """List the knots of the lower (`sign` 1) or upper (-1) convex hull of the points low..high; returns how many."""
    n = 0
    for k in range(low, high + 1):
        while n >= 2:
            a, b = knots[n - 2], knots[n - 1]
            turn = (x[b] - x[a]) * (y[k] - y[a]) - (y[b] - y[a]) * (x[k] - x[a])
            if sign * turn > 0:
                break
            n -= 1
        knots[n] = k
        n += 1
    return n


@njit
def _on_hull(x: np.ndarray, y: np.ndarray, knots: np.ndarray, n: int, low: int, high: int, value: np.ndarray) -> None:
    """Fill in the height of a hull at the points low..high."""
    segment = 0
    for k in range(low, high + 1):
        while segment < n - 2 and knots[segment + 1] < k:
            segment += 1
        if n == 1:
            value[k] = y[knots[0]]
        else:
            a, b = knots[segment], knots[segment + 1]
            value[k] = y[a] + (y[b] - y[a]) * ((x[k] - x[a]) / (x[b] - x[a]))


@njit
def _neighbour(knots: np.ndarray, n: int, k: int, upward: bool) -> int:
    """Return the first knot at or after `k`, or the last one at or before it."""
    if upward:
        i = 0
        while knots[i] < k:
            i += 1
        return knots[i]
    i = n - 1
    while knots[i] > k:
        i -= 1
    return knots[i]


@njit
def _modal_interval(
    below: np.ndarray,
    through: np.ndarray,
    minorant: np.ndarray,
    majorant: np.ndarray,
    lower: np.ndarray,
    n_lower: int,
    upper: np.ndarray,
    n_upper: int,
) -> tuple[float, int, int]:
    """Return the largest gap between the two hulls, and the knots of each that enclose it."""
    gap, left, right = -1.0, 0, 0
    for i in range(n_lower):
        k = lower[i]
        if majorant[k] - below[k] > gap:
            gap, left, right = majorant[k] - below[k], k, _neighbour(upper, n_upper, k, True)
    for i in range(n_upper):
        k = upper[i]
        if through[k] - minorant[k] > gap:
            gap, left, right = through[k] - minorant[k], _neighbour(lower, n_lower, k, False), k
    return gap, left, right


@njit
def _merge(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct values, and how many of the sorted `values` lie below and up to each of them."""
    n = values.size
    x, below, through = np.empty(n), np.empty(n), np.empty(n)
    m = 0
    for i in range(n):
        if m == 0 or values[i] > x[m - 1]:
            x[m], below[m] = values[i], i
            m += 1
        through[m - 1] = i + 1
    return x[:m], below[:m], through[:m]


@njit
def dip_sorted(values: np.ndarray) -> float:
    """Return the dip of an ascending sample, between ``1 / (2 n)`` and ``1 / 4``.

    Parameters
    ----------
    values
        Sorted, finite, shape ``(n,)``.
    """
    x, below, through = _merge(values)
    m = x.size
    lower, upper = np.empty(m, np.int64), np.empty(m, np.int64)
    minorant, majorant = np.empty(m), np.empty(m)
    low, high, dip = 0, m - 1, 1.0
    while True:
        n_lower = _hull(x, below, low, high, 1, lower)
        n_upper = _hull(x, through, low, high, -1, upper)
        _on_hull(x, below, lower, n_lower, low, high, minorant)
        _on_hull(x, through, upper, n_upper, low, high, majorant)
        gap, left, right = _modal_interval(below, through, minorant, majorant, lower, n_lower, upper, n_upper)
        if gap <= dip:
            break
        for k in range(low, left):
            dip = max(dip, through[k] - minorant[k])
        for k in range(right + 1, high + 1):
            dip = max(dip, majorant[k] - below[k])
        if left == low and right == high:
            break
        low, high = left, right
    return dip / (2 * values.size)


@njit
def simulate_dips(n: int, n_samples: int, seed: int) -> np.ndarray:
    """Return the dips of uniform samples of size `n`, the least favourable unimodal case.

    Sorted uniforms are normalised partial sums of exponentials, so that nothing needs sorting.
    """
    np.random.seed(seed)
    dips, values = np.empty(n_samples), np.empty(n)
    for sample in range(n_samples):
        total = 0.0
        for i in range(n):
            total += np.random.standard_exponential()
            values[i] = total
        dips[sample] = dip_sorted(values)
    return dips
