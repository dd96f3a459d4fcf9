"""Ways of grouping courses that need no network: always run, and printed beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom.temporal.baselines.dtw import dtw_kmeans
from reguloom.temporal.baselines.fuzzy import fuzzy_cmeans
from reguloom.temporal.baselines.gp_mixture import gp_mixture
from reguloom.temporal.baselines.half_time import half_time_bins
from reguloom.temporal.baselines.kmeans import zscore_kmeans
from reguloom.temporal.baselines.pca_gmm import pca_gmm
from reguloom.temporal.baselines.weighted import weighted_courses

if TYPE_CHECKING:
    from reguloom.temporal.profile import Profile

#: Name → function from courses, the number of groups and a seed to the group of each gene.
BASELINES: dict[str, Callable[[Profile, int, int], NDArray[np.int64]]] = {
    "kmeans": zscore_kmeans,
    "pca-gmm": pca_gmm,
    "gp-mixture": gp_mixture,
    "dtw": dtw_kmeans,
    "fuzzy": fuzzy_cmeans,
    "half-time": half_time_bins,
    "weighted": weighted_courses,
}
CITATIONS = {
    "pca-gmm": ("10.1111/j.2517-6161.1977.tb01600.x",),
    "gp-mixture": ("10.1371/journal.pcbi.1005896",),
    "dtw": ("10.1016/j.patcog.2010.09.013",),
    "fuzzy": ("10.1142/S0219720005001375",),
    "weighted": ("10.1016/0167-9473(92)90042-E",),
}
