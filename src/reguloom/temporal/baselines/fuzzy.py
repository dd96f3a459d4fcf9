"""Fuzzy c-means on z-scores (as in Mfuzz; Futschik & Carlisle 2005)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom.temporal.baselines.kmeans import kmeans

if TYPE_CHECKING:
    from reguloom.temporal.profile import Profile

_ROUNDS = 100


def fuzzy_cmeans(profile: Profile, n_modules: int, seed: int) -> NDArray[np.int64]:
    """Return the group in which each gene has the largest share.

    Parameters
    ----------
    profile
        Courses.
    n_modules
        Number of groups.
    seed
        Seed.
    """
    from reguloom.manifold._blas import one_blas_thread

    z = profile.z_scores()
    start = kmeans(z, n_modules, seed, n_init=3)
    k = int(start.max()) + 1
    if k < 2:
        return start
    m = fuzzifier(*z.shape)
    centres = np.stack([z[start == one].mean(axis=0) for one in range(k)])
    squares = (z**2).sum(axis=1)
    with one_blas_thread():
        for _ in range(_ROUNDS):
            distance = np.maximum(squares[:, None] - 2.0 * z @ centres.T + (centres**2).sum(axis=1), 1e-12)
            inverse = (distance.min(axis=1, keepdims=True) / distance) ** (1.0 / (m - 1.0))
            share = (inverse / inverse.sum(axis=1, keepdims=True)) ** m
            moved = share.T @ z / np.maximum(share.sum(axis=0), 1e-12)[:, None]
            if np.abs(moved - centres).max() < 1e-6:
                break
            centres = moved
    return np.asarray(share.argmax(axis=1), dtype=np.int64)


def fuzzifier(n_genes: int, n_values: int) -> float:
    """Return the exponent at which unstructured data show no groups (Schwämmle & Jensen 2010, eq. 5)."""
    return float(
        1.0
        + (1418.0 / n_genes + 22.05) * n_values**-2.0
        + (12.33 / n_genes + 0.243) * n_values ** (-0.0406 * np.log(n_genes) - 0.1134)
    )
