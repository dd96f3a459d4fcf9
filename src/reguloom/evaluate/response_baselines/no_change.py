"""Nothing happens: the control profile."""

from __future__ import annotations

import numpy as np

from reguloom.core.perturbation import Perturbation
from reguloom.evaluate.response_baselines._baseline import Baseline, Profile


class NoChange(Baseline):
    """Predict the mean of the control cells."""

    name = "no change"

    def _delta(self, perturbation: Perturbation, context: str) -> Profile:
        return np.zeros(len(self.training_.genes))
