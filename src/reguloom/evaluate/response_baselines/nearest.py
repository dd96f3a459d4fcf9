"""Similar perturbations do similar things: the mean over the nearest in the embedding."""

from __future__ import annotations

import numpy as np

from reguloom.evaluate.response_baselines._baseline import Profile
from reguloom.evaluate.response_baselines._embedded import Embedded

N_NEIGHBORS = 5


class Nearest(Embedded):
    """Predict the mean change of the five training perturbations that lie nearest."""

    kind = "nearest"

    def _learn(self, places: Profile, delta: Profile) -> None:
        self.places_, self.delta_ = places, delta

    def _answer(self, place: Profile) -> Profile:
        distance = ((self.places_ - place) ** 2).sum(axis=1)
        order = np.argsort(distance, kind="stable")[:N_NEIGHBORS]
        return self.delta_[order].mean(axis=0)
