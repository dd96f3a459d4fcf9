"""Every perturbation does the same within a context: the mean over the perturbations that were trained on there."""

from __future__ import annotations

from reguloom.core.perturbation import Perturbation
from reguloom.evaluate.response_baselines._baseline import Baseline, Profile


class ContextMean(Baseline):
    """Predict the mean change of the context; the mean over all contexts where nothing was trained on there."""

    name = "context mean"
    needs_contexts = True

    def _delta(self, perturbation: Perturbation, context: str) -> Profile:
        training = self.training_
        here = [i for i, one in enumerate(training.contexts) if one == context]
        return training.delta[here].mean(axis=0) if here else training.mean_delta
