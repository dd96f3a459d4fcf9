"""A perturbation does the same in every context: its mean change over the contexts that were trained on (TxPert)."""

from __future__ import annotations

import numpy as np

from reguloom.core.perturbation import Perturbation
from reguloom.evaluate.response_baselines._baseline import Baseline, Profile


class ContextTransfer(Baseline):
    """Predict the perturbation's mean change elsewhere.

    A perturbation that was seen nowhere gets the mean change of the perturbations with as many genes.
    """

    name = "context transfer"
    needs_contexts = True

    def _delta(self, perturbation: Perturbation, context: str) -> Profile:
        training = self.training_
        seen = training.rows_of(perturbation)
        if len(seen):
            return training.delta[seen].mean(axis=0)
        alike = [i for i, one in enumerate(training.perturbations) if len(one.genes) == len(perturbation.genes)]
        return training.delta[np.array(alike)].mean(axis=0) if alike else training.mean_delta
