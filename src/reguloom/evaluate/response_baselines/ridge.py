"""Ridge regression of the change on the embedding of a perturbation."""

from __future__ import annotations

import numpy as np

from reguloom.evaluate.response_baselines._baseline import Profile
from reguloom.evaluate.response_baselines._embedded import Embedded

PENALTIES = np.logspace(-4, 4, 17)
"""Relative to the mean squared singular value."""


class Ridge(Embedded):
    """Predict a linear function of the embedding; the penalty has the smallest leave-one-out error."""

    kind = "ridge"

    def _learn(self, places: Profile, delta: Profile) -> None:
        self.centre_, self.offset_ = places.mean(axis=0), delta.mean(axis=0)
        left, singular, right = np.linalg.svd(places - self.centre_, full_matrices=False)
        target = left.T @ (delta - self.offset_)
        scale = float((singular**2).mean()) or 1.0
        errors = []
        for penalty in PENALTIES * scale:
            shrink = singular**2 / (singular**2 + penalty)
            # The mean is estimated as well, which takes 1/n of each point's own weight.
            own = (left**2 * shrink).sum(axis=1) + 1 / len(places)
            residual = delta - self.offset_ - left @ (shrink[:, None] * target)
            errors.append(float(((residual / np.maximum(1 - own, 1e-6)[:, None]) ** 2).sum()))
        self.penalty_ = float(PENALTIES[int(np.argmin(errors))] * scale)
        self.weights_ = right.T @ ((singular / (singular**2 + self.penalty_))[:, None] * target)

    def _answer(self, place: Profile) -> Profile:
        return (place - self.centre_) @ self.weights_ + self.offset_
