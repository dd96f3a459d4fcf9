"""A combination is the mean of its genes (Systema)."""

from __future__ import annotations

import numpy as np

from reguloom.core.perturbation import Perturbation
from reguloom.evaluate.response_baselines._baseline import Baseline, Profile


class MatchingMean(Baseline):
    """Predict the mean over the genes: each gene's own mean if it was trained on alone, else the mean of all.

    With both genes seen it points as the additive prediction does, at half the length: correlations cannot tell them
    apart.
    """

    name = "matching mean"
    needs_combinations = True

    def _delta(self, perturbation: Perturbation, context: str) -> Profile:
        training = self.training_
        found = [training.single(gene, context, perturbation.dose) for gene in perturbation.genes]
        parts = [training.mean_delta if one is None else one for one in found]
        return np.mean(parts, axis=0) if parts else np.zeros(len(training.genes))
