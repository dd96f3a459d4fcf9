"""A mixture of two normals on a line, by expectation maximisation from the best split of the values in two.

The steps, the smallest variance and the rule to stop are those of scikit-learn's ``GaussianMixture``, which pySCENIC
uses. It starts from k-means with random centres; on a line the best split can be found exactly, so nothing here is
random.
"""

from __future__ import annotations

import numpy as np

from reguloom._numba import njit

SMALLEST_VARIANCE = 1e-6
TOLERANCE = 1e-3
MAX_STEPS = 100


@njit
def best_split(x: np.ndarray, counts: np.ndarray) -> int:
    """Return how many of the ascending distinct values go to the lower part in the best split (two-means)."""
    total, n = 0.0, 0.0
    for i in range(x.size):
        total += counts[i] * x[i]
        n += counts[i]
    best, at = -1.0, 1
    below, n_below = 0.0, 0.0
    for i in range(x.size - 1):
        below += counts[i] * x[i]
        n_below += counts[i]
        # The sum of squares between the parts, up to a constant.
        between = below**2 / n_below + (total - below) ** 2 / (n - n_below)
        if between > best:
            best, at = between, i + 1
    return at


@njit
def _maximise(x: np.ndarray, counts: np.ndarray, lower: np.ndarray, parameters: np.ndarray) -> None:
    """Fill in share, mean and variance of both normals, given how much of each value is the lower one's."""
    n = counts.sum()
    for part in range(2):
        size, mean = 1e-15, 0.0
        for i in range(x.size):
            share = counts[i] * (lower[i] if part == 0 else 1 - lower[i])
            size += share
            mean += share * x[i]
        mean /= size
        variance = 0.0
        for i in range(x.size):
            variance += counts[i] * (lower[i] if part == 0 else 1 - lower[i]) * (x[i] - mean) ** 2
        parameters[part, 0], parameters[part, 1] = size / n, mean
        parameters[part, 2] = variance / size + SMALLEST_VARIANCE


@njit
def _expect(x: np.ndarray, counts: np.ndarray, parameters: np.ndarray, lower: np.ndarray) -> float:
    """Fill in how much of each value is the lower normal's; returns the mean log-likelihood."""
    total, n = 0.0, 0.0
    for i in range(x.size):
        logs = np.empty(2)
        for part in range(2):
            share, mean, variance = parameters[part]
            logs[part] = np.log(share) - 0.5 * (np.log(2 * np.pi * variance) + (x[i] - mean) ** 2 / variance)
        high = max(logs[0], logs[1])
        together = high + np.log(np.exp(logs[0] - high) + np.exp(logs[1] - high))
        lower[i] = np.exp(logs[0] - together)
        total += counts[i] * together
        n += counts[i]
    return total / n


@njit
def fit_two_normals(x: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit the mixture.

    Parameters
    ----------
    x, counts
        Distinct values, ascending, at least two, and how often each occurs; shape ``(m,)``.

    Returns
    -------
    Share, mean and variance of each normal, shape ``(2, 3)``, and the mean log-likelihood.
    """
    lower, parameters = np.zeros(x.size), np.empty((2, 3))
    lower[: best_split(x, counts)] = 1
    _maximise(x, counts, lower, parameters)
    before = -np.inf
    for _ in range(MAX_STEPS):
        fit = _expect(x, counts, parameters, lower)
        _maximise(x, counts, lower, parameters)
        if abs(fit - before) < TOLERANCE:
            break
        before = fit
    return parameters, _expect(x, counts, parameters, lower)
