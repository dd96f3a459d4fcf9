"""The bilinear model of Ahlmann-Eltze, Huber & Anders (Nature Methods 2025): genes × perturbations, both embedded."""

from __future__ import annotations

import numpy as np

from reguloom.evaluate.response_baselines._baseline import Profile
from reguloom.evaluate.response_baselines._embedded import Embedded

PENALTY = 0.1


class Linear(Embedded):
    """Predict control + G W p + b, W by ridge regression on both sides.

    W = (GᵀG + λI)⁻¹ Gᵀ Y Pᵀ (P Pᵀ + λI)⁻¹ with Y the changes of the training perturbations and of the control (0),
    minus their row means b; G the principal components of genes, P the embeddings of the perturbations (0 for the
    control); λ = 0.1.
    """

    kind = "linear"

    def _learn(self, places: Profile, delta: Profile) -> None:
        known = np.vstack([np.zeros(places.shape[1]), places]).T
        change = np.vstack([np.zeros(delta.shape[1]), delta]).T
        self.offset_ = change.mean(axis=1)
        genes = self.gene_scores_
        left = np.linalg.solve(genes.T @ genes + PENALTY * np.eye(genes.shape[1]), genes.T)
        inner = left @ (change - self.offset_[:, None]) @ known.T
        self.weights_ = np.linalg.solve(known @ known.T + PENALTY * np.eye(len(known)), inner.T).T

    def _answer(self, place: Profile) -> Profile:
        return self.gene_scores_ @ (self.weights_ @ place) + self.offset_
