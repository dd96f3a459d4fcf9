"""Genes of a combination act independently: the changes under each alone are summed."""

from __future__ import annotations

import numpy as np

from reguloom.core.perturbation import Perturbation
from reguloom.evaluate.response_baselines._baseline import Baseline, Profile


class Additive(Baseline):
    """Predict control + Σ (single − control).

    A gene that was not trained on alone contributes the mean change of single genes.
    """

    name = "additive"
    needs_combinations = True

    def _delta(self, perturbation: Perturbation, context: str) -> Profile:
        training = self.training_
        total = np.zeros(len(training.genes))
        for gene in perturbation.genes:
            alone = training.single(gene, context, perturbation.dose)
            total += training.mean_single_delta if alone is None else alone
        return total
