"""Distances between two clouds of cells: energy, maximum mean discrepancy, Wasserstein."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError


def _clouds(one: ArrayLike, other: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two tables of cells with the same columns."""
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or 0 in (len(first), len(second)):
        msg = f"the clouds have shapes {first.shape} and {second.shape}; give cells x features, the same features."
        raise InputError(msg)
    return first, second


def _squared(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squared Euclidean distances."""
    inner = one @ other.T
    return np.maximum((one**2).sum(axis=1)[:, None] - 2 * inner + (other**2).sum(axis=1)[None, :], 0.0)


def energy_distance(one: ArrayLike, other: ArrayLike) -> float:
    """Return the E-distance 2 δ(X, Y) - σ(X) - σ(Y) on squared Euclidean distances (Peidli et al. 2024).

    Within a cloud, a cell's distance to itself is left out, so that clouds from the same source give 0 on average.

    Parameters
    ----------
    one, other
        Cells × features.
    """
    first, second = _clouds(one, other)
    return float(2 * _squared(first, second).mean() - _within(first) - _within(second))


def _within(cloud: NDArray[np.float64]) -> float:
    """Return the mean squared distance between different cells."""
    n = len(cloud)
    return float(_squared(cloud, cloud).sum() / (n * (n - 1))) if n > 1 else 0.0


def maximum_mean_discrepancy(one: ArrayLike, other: ArrayLike, *, width: float | None = None) -> float:
    """Return the unbiased squared maximum mean discrepancy with a Gaussian kernel.

    Parameters
    ----------
    one, other
        Cells × features.
    width
        Of the kernel, exp(-d² / (2 width²)); the median distance between the clouds if left out.
    """
    first, second = _clouds(one, other)
    if min(len(first), len(second)) < 2:
        msg = f"the clouds have {len(first)} and {len(second)} cells; the discrepancy needs 2 of each."
        raise InputError(msg)
    across = _squared(first, second)
    scale = 2 * (float(np.median(across)) if width is None else width**2)
    scale = scale if scale > 0 else 1.0
    parts = []
    for cloud in (first, second):
        kernel = np.exp(-_squared(cloud, cloud) / scale)
        parts.append((kernel.sum() - np.trace(kernel)) / (len(cloud) * (len(cloud) - 1)))
    return float(parts[0] + parts[1] - 2 * np.exp(-across / scale).mean())


def wasserstein(one: ArrayLike, other: ArrayLike) -> float:
    """Return the mean over features of the Wasserstein-1 distance between the two distributions of its values.

    Parameters
    ----------
    one, other
        Cells × features.
    """
    first, second = _clouds(one, other)
    return float(wasserstein_per_feature(first, second).mean())


def wasserstein_per_feature(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Wasserstein-1 distance of each feature: the area between the two distribution functions.

    Parameters
    ----------
    one, other
        Cells × features.
    """
    values = np.concatenate([one, other])
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    mass = np.where(order < len(one), 1 / len(one), -1 / len(other))
    return (np.abs(np.cumsum(mass, axis=0))[:-1] * np.diff(ordered, axis=0)).sum(axis=0)
