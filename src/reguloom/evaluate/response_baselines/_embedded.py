"""Baselines that know a perturbation by an embedding of its genes."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import pandas as pd

from reguloom.core.perturbation import Perturbation
from reguloom.evaluate.response_baselines import embeddings
from reguloom.evaluate.response_baselines._baseline import Baseline, Profile, Training


class Embedded(Baseline):
    """Places perturbations by the sum of their genes' embeddings; unknown genes get the mean change.

    Parameters
    ----------
    embedding
        ``pca`` (the screen's own expression, training conditions alone), a table genes × dims, gene sets or a GMT
        file, another screen.
    n_dims
        Principal components, where there are any to compute.
    title
        What the embedding is called in the table.
    """

    kind = "embedded"

    def __init__(
        self,
        embedding: embeddings.Source = "pca",
        *,
        n_dims: int = embeddings.N_DIMS,
        title: str | None = None,
    ) -> None:
        self.embedding = embedding
        self.n_dims = n_dims
        self.title = title

    @property
    def name(self) -> str:  # type: ignore[override]
        """Method and embedding."""
        return self.kind if self.title is None else f"{self.kind} ({self.title})"

    def _prepare(self, training: Training) -> None:
        # Genes are the observations, training conditions and controls the columns (Ahlmann-Eltze et al.).
        columns = np.vstack([training.means, *training.control.values()]).T
        self.gene_scores_ = embeddings.scores(columns, self.n_dims)
        if isinstance(self.embedding, str) and self.embedding == "pca":
            self.table_ = pd.DataFrame(self.gene_scores_, index=training.genes)
        else:
            self.table_ = embeddings.table_of(self.embedding, self.n_dims)
        placed = [self._place(one) for one in training.perturbations]
        known = np.array([i for i, one in enumerate(placed) if one is not None], dtype=np.intp)
        self.known_ = known
        if len(known):
            self._learn(np.stack([placed[i] for i in known]), training.delta[known])

    def _learn(self, places: Profile, delta: Profile) -> None:
        """Fit on the training perturbations that have a place."""

    @abstractmethod
    def _answer(self, place: Profile) -> Profile:
        """Return the change predicted for a place."""

    def _place(self, perturbation: Perturbation) -> Profile | None:
        """Return the sum of the embeddings of the genes; None if one is unknown."""
        if not all(gene in self.table_.index for gene in perturbation.genes):
            return None
        return self.table_.loc[list(perturbation.genes)].to_numpy().sum(axis=0)

    def _delta(self, perturbation: Perturbation, context: str) -> Profile:
        place = self._place(perturbation)
        if place is None or not len(self.known_):
            self.unknown_.add(perturbation.label)
            return self.training_.mean_delta
        return self._answer(place)
