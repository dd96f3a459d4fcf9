"""k-means under dynamic time warping, with barycentres of warped courses (Petitjean et al. 2011)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom.temporal.baselines.kmeans import kmeans

if TYPE_CHECKING:
    from reguloom.temporal.profile import Profile

_ROUNDS = 8
#: Half-width of the band along the diagonal, as a share of the course.
BAND = 0.2


def dtw_kmeans(profile: Profile, n_modules: int, seed: int) -> NDArray[np.int64]:
    """Return the groups of k-means under banded dynamic time warping of the z-scores; tracks warp together.

    Parameters
    ----------
    profile
        Courses.
    n_modules
        Number of groups.
    seed
        Seed.
    """
    from reguloom.temporal.baselines._dtw_kernels import barycentre, nearest

    n_tracks, n_times = len(profile.tracks), len(profile.times)
    z = profile.z_scores()
    courses = np.ascontiguousarray(z.reshape(-1, n_tracks, n_times).transpose(0, 2, 1))
    label = kmeans(z, n_modules, seed, n_init=3)
    band = max(1, round(BAND * n_times))
    k = int(label.max()) + 1
    centres = np.stack([courses[label == one].mean(axis=0) for one in range(k)])
    for _ in range(_ROUNDS):
        for one in range(k):
            members = np.flatnonzero(label == one)
            if len(members):
                centres[one] = barycentre(courses, members, centres[one], band)
        found = nearest(courses, centres, band)
        if (found == label).all():
            break
        label = found
    return label
