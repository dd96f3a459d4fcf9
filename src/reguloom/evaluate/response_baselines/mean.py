"""Every perturbation does the same: the mean change over training perturbations."""

from __future__ import annotations

import numpy as np

from reguloom._errors import InputError
from reguloom.core.perturbation import Perturbation
from reguloom.evaluate.response_baselines._baseline import Baseline, Profile, Training

WEIGHTS = ("perturbations", "cells")


class Mean(Baseline):
    """Predict the control plus the mean change over what was trained on.

    Parameters
    ----------
    weights
        ``perturbations`` counts each once (the perturbed centroid of Systema); ``cells`` each cell.
    """

    def __init__(self, weights: str = "perturbations") -> None:
        if weights not in WEIGHTS:
            msg = f"weights is {weights!r}; accepted are {', '.join(WEIGHTS)}."
            raise InputError(msg)
        self.weights = weights

    @property
    def name(self) -> str:  # type: ignore[override]
        """Which mean it is."""
        return "mean" if self.weights == "perturbations" else "mean (cells)"

    def _prepare(self, training: Training) -> None:
        weights = None if self.weights == "perturbations" else training.n_cells
        self.mean_ = np.average(training.delta, axis=0, weights=weights)

    def _delta(self, perturbation: Perturbation, context: str) -> Profile:
        return self.mean_
