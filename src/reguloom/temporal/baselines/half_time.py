"""Groups by half-time and direction alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom.temporal.baselines.kmeans import kmeans
from reguloom.temporal.timing import measure

if TYPE_CHECKING:
    from reguloom.temporal.profile import Profile


def half_time_bins(profile: Profile, n_modules: int, seed: int) -> NDArray[np.int64]:
    """Return groups of genes that answer at about the same time, up and down apart.

    The half-time of the track with the largest change is taken by its rank among the sampling times, and cut by k-means
    on the line; genes that go down are shifted by more than the whole course.

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
    measured = [measure(profile.times, values[:, number]) for number in range(len(profile.tracks))]
    change = np.stack([one["change"] for one in measured], axis=1)
    half = np.stack([one["half_time"] for one in measured], axis=1)
    rows, leading = np.arange(len(values)), np.abs(change).argmax(axis=1)
    place = np.interp(half[rows, leading], profile.times, np.linspace(0, 1, len(profile.times)))
    return kmeans((place + 1.5 * (change[rows, leading] < 0))[:, None], n_modules, seed)
