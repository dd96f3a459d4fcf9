"""Principal components of z-scores, and a Gaussian mixture on them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom.temporal.baselines.kmeans import kmeans

if TYPE_CHECKING:
    from reguloom.temporal.profile import Profile

_N_COMPONENTS = 4


def pca_gmm(profile: Profile, n_modules: int, seed: int) -> NDArray[np.int64]:
    """Return the groups of a Gaussian mixture with full covariances on principal components of the z-scores.

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
    with one_blas_thread():
        u, s, _ = np.linalg.svd(z - z.mean(axis=0), full_matrices=False)
    points = (u * s)[:, : min(_N_COMPONENTS, (s > 1e-8 * s.max(initial=0.0)).sum())]
    return mixture(points, n_modules, seed)


def mixture(points: NDArray[np.float64], n_groups: int, seed: int) -> NDArray[np.int64]:
    """Return the groups of a Gaussian mixture with full covariances that starts from k-means.

    Parameters
    ----------
    points
        ``(n_points, n_dimensions)``.
    n_groups
        Number of components.
    seed
        Seed.
    """
    from sklearn.exceptions import ConvergenceWarning as NotConverged
    from sklearn.mixture import GaussianMixture

    from reguloom.manifold._blas import one_blas_thread

    k = min(n_groups, len(points) // 2)
    start = kmeans(points, k, seed)
    if k < 2 or points.shape[1] == 0:
        return start
    means = np.stack([points[start == one].mean(axis=0) for one in range(k)])
    size = np.maximum(np.bincount(start, minlength=k), 1) / len(points)
    scale = max(float(points.var()), 1e-12)
    precisions = np.repeat(np.eye(points.shape[1])[None] / scale, k, axis=0)
    model = GaussianMixture(
        k, reg_covar=1e-3 * scale, max_iter=200, init_params="random_from_data", means_init=means,
        weights_init=size / size.sum(), precisions_init=precisions, random_state=seed % 2**32,
    )  # fmt: skip
    with one_blas_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)
        return np.asarray(model.fit(points).predict(points), dtype=np.int64)
