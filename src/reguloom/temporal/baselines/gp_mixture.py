"""A mixture of Gaussian processes over true time, with one mean course for each group (after McDowell et al. 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom.temporal.baselines.kmeans import kmeans

if TYPE_CHECKING:
    from reguloom.temporal.profile import Profile

_ROUNDS = 50
_LENGTHS = (0.15, 0.3, 0.6)
_JITTER = 1e-4


def gp_mixture(profile: Profile, n_modules: int, seed: int) -> NDArray[np.int64]:
    """Return the groups of a mixture whose means are Gaussian processes over time, fitted by EM.

    Genes share the times, so that a group is summarised by its mean course: the kernel (squared exponential, over time
    as share of the course) smooths the mean, and each group has a noise of its own. The length scale is the one of
    three with the highest likelihood.

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
    start = kmeans(z, n_modules, seed)
    span = max(float(profile.times[-1] - profile.times[0]), 1e-12)
    place = (profile.times - profile.times[0]) / span
    best, highest = start, -np.inf
    with one_blas_thread():
        for length in _LENGTHS:
            kernel = np.exp(-0.5 * ((place[:, None] - place[None, :]) / length) ** 2)
            whole = np.kron(np.eye(len(profile.tracks)), kernel) + _JITTER * np.eye(z.shape[1])
            label, value = _em(z, start, whole)
            if value > highest:
                best, highest = label, value
    return best


def _em(z: NDArray[np.float64], start: NDArray[np.int64], kernel: NDArray[np.float64]) -> tuple[NDArray, float]:
    """Return labels and log-likelihood."""
    k = int(start.max()) + 1
    share = (start[:, None] == np.arange(k)).astype(np.float64)
    noise = np.full(k, 0.3)
    label, value = start, -np.inf
    for _ in range(_ROUNDS):
        size = share.sum(axis=0) + 1e-9
        density = np.zeros(share.shape)
        for one in range(k):
            mean = share[:, one] @ z / size[one]
            # The posterior mean of the group's course, given its mean of `size` noisy courses.
            smooth = kernel @ np.linalg.solve(kernel + noise[one] / size[one] * np.eye(len(kernel)), mean)
            squares = ((z - smooth) ** 2).sum(axis=1)
            noise[one] = max(float(share[:, one] @ squares) / (size[one] * z.shape[1]), 1e-3)
            density[:, one] = np.log(size[one] / len(z)) - 0.5 * (
                squares / noise[one] + z.shape[1] * np.log(2 * np.pi * noise[one])
            )
        top = density.max(axis=1, keepdims=True)
        total = top[:, 0] + np.log(np.exp(density - top).sum(axis=1))
        share = np.exp(density - total[:, None])
        gained = float(total.sum()) - value
        label, value = density.argmax(axis=1).astype(np.int64), float(total.sum())
        if abs(gained) < 1e-6 * abs(value):
            break
    return label, value
