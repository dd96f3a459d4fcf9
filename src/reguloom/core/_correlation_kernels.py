"""Correlation along given edges: one regulator as a dense column, targets as sparse columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom._numba import njit


@njit
def edge_correlations(
    values: NDArray[np.float64],
    mean: float,
    spread: float,
    targets: NDArray[np.int64],
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    means: NDArray[np.float64],
    spreads: NDArray[np.float64],
    rho: NDArray[np.float64],
) -> None:
    """Write the Pearson correlation of `values` with each of `targets` to `rho`, over all cells.

    ``sum (x - mean) y`` needs the stored entries of y alone, because the centred x sums to 0. `spread` is the root of
    the centred sum of squares; a gene that does not vary has spread 0 and correlation NaN.
    """
    for e in range(targets.shape[0]):
        k = targets[e]
        shared = 0.0
        for j in range(indptr[k], indptr[k + 1]):
            shared += (values[indices[j]] - mean) * data[j]
        scale = spread * spreads[k]
        rho[e] = min(1.0, max(-1.0, shared / scale)) if scale > 0.0 else np.nan


@njit
def masked_correlations(
    values: NDArray[np.float64],
    targets: NDArray[np.int64],
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[np.float64],
    rho: NDArray[np.float64],
) -> None:
    """Write the Pearson correlation of `values` with each of `targets`, over cells where both are not 0."""
    for e in range(targets.shape[0]):
        k = targets[e]
        n, sum_x, sum_y = 0, 0.0, 0.0
        low_x, high_x, low_y, high_y = np.inf, -np.inf, np.inf, -np.inf
        for j in range(indptr[k], indptr[k + 1]):
            x, y = values[indices[j]], data[j]
            if x != 0.0:
                n += 1
                sum_x += x
                sum_y += y
                low_x, high_x, low_y, high_y = min(low_x, x), max(high_x, x), min(low_y, y), max(high_y, y)
        # Constants are told by their range: a rounded mean would leave them a spurious spread.
        if n == 0 or low_x == high_x or low_y == high_y:
            rho[e] = np.nan
            continue
        mean_x, mean_y = sum_x / n, sum_y / n
        xx, yy, xy = 0.0, 0.0, 0.0
        for j in range(indptr[k], indptr[k + 1]):
            if values[indices[j]] != 0.0:
                x, y = values[indices[j]] - mean_x, data[j] - mean_y
                xx += x * x
                yy += y * y
                xy += x * y
        rho[e] = min(1.0, max(-1.0, xy / np.sqrt(xx * yy)))
