"""k-means, then the most likely module of each gene under its noise: the network's grouping without a network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reguloom.temporal.course_groups import course_groups
from reguloom.temporal.profile import Profile


def weighted_courses(profile: Profile, n_modules: int, seed: int) -> NDArray[np.int64]:
    """Return the groups of :func:`reguloom.temporal.course_groups.course_groups` of the courses as measured.

    Parameters
    ----------
    profile
        Courses.
    n_modules
        Number of groups.
    seed
        Seed.
    """
    values = profile.filled().reshape(profile.values.shape)
    return course_groups(replace(profile, values=values), n_modules, seed)
