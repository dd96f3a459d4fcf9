"""What every baseline shares: the profiles that it may learn from, and how it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, NotFittedError
from reguloom._random import SeedLike
from reguloom.core.expression import Expression
from reguloom.core.perturbation import Perturbation
from reguloom.core.perturbation_data import PerturbationData
from reguloom.core.prediction import Prediction
from reguloom.core.provenance import Provenance
from reguloom.evaluate._split import CONTROL, Split

if TYPE_CHECKING:
    from anndata import AnnData

Profile = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Training:
    """Mean profiles of the training units of a split.

    Parameters
    ----------
    perturbations, contexts
        What each training unit is, controls left out.
    means, delta
        Mean expression, and its difference from the matched control, ``(n_units, n_genes)``.
    n_cells
        Cells of each unit.
    control
        Context → mean of its control cells, ``(n_genes,)``.
    genes
        Names of genes.
    """

    perturbations: tuple[Perturbation, ...]
    contexts: tuple[str, ...]
    means: Profile
    delta: Profile
    n_cells: NDArray[np.int64]
    control: dict[str, Profile]
    genes: pd.Index

    @classmethod
    def of(cls, data: PerturbationData, split: Split) -> Training:
        """Return the profiles of the training units of `data` under `split`; those of no other unit are used."""
        bulk = data.pseudobulk()
        position = {unit: i for i, unit in enumerate(bulk.units)}
        rows = np.array([position[unit] for unit in split.train if unit[0] != CONTROL], dtype=np.intp)
        if not len(rows):
            msg = "the training part of the split has no perturbation; a baseline needs at least one."
            raise InputError(msg)
        own = np.flatnonzero(bulk.condition_codes == 0)
        overall = np.average(bulk.means[own], axis=0, weights=bulk.n_cells[own])
        control = {data.contexts[bulk.context_codes[i]]: bulk.means[i] for i in own}
        return cls(
            perturbations=tuple(data.conditions[code] for code in bulk.condition_codes[rows]),
            contexts=tuple(data.contexts[code] for code in bulk.context_codes[rows]),
            means=bulk.means[rows],
            delta=bulk.delta[rows],
            n_cells=bulk.n_cells[rows],
            control={context: control.get(context, overall) for context in data.contexts},
            genes=data.genes,
        )

    @cached_property
    def mean_delta(self) -> Profile:
        """Mean change over training units, each counted once."""
        return self.delta.mean(axis=0)

    @cached_property
    def is_single(self) -> NDArray[np.bool_]:
        """Which units are perturbations of one gene."""
        return np.array([len(one.genes) == 1 for one in self.perturbations])

    @cached_property
    def mean_single_delta(self) -> Profile:
        """Mean change over perturbations of one gene; over all where there are none."""
        return self.delta[self.is_single].mean(axis=0) if self.is_single.any() else self.mean_delta

    def rows_of(self, perturbation: Perturbation, context: str | None = None) -> NDArray[np.intp]:
        """Return the training units of a perturbation, in one context or in all.

        Parameters
        ----------
        perturbation
            What was done.
        context
            Where; anywhere if left out.
        """
        wanted = (frozenset(perturbation.genes), perturbation.dose)
        return np.array([i for i, one in enumerate(self.perturbations)
                         if (frozenset(one.genes), one.dose) == wanted and context in (None, self.contexts[i])],
                        dtype=np.intp)  # fmt: skip

    def single(self, gene: str, context: str, dose: float | None = None) -> Profile | None:
        """Return the change under one gene alone: in this context, else the mean over others, else None.

        Parameters
        ----------
        gene, context, dose
            Which.
        """
        alone = [i for i, one in enumerate(self.perturbations) if one.genes == (gene,)]
        exact = [i for i in alone if self.perturbations[i].dose == dose] or alone
        here = [i for i in exact if self.contexts[i] == context] or exact
        return self.delta[here].mean(axis=0) if here else None


class Baseline(ABC):
    """A predictor that costs nothing; subclasses say what change they predict."""

    name: ClassVar[str] = "baseline"
    needs_combinations: ClassVar[bool] = False
    needs_contexts: ClassVar[bool] = False

    def fit(self, data: PerturbationData, split: Split, *, rng: SeedLike = 0) -> Self:
        """Learn from the training part of a split.

        Parameters
        ----------
        data
            The screen.
        split
            What may be looked at.
        rng
            Not used: nothing is random.
        """
        self.training_ = Training.of(data, split)
        self.unknown_: set[str] = set()
        self._prepare(self.training_)
        return self

    def _prepare(self, training: Training) -> None:  # noqa: B027 - most have nothing to compute
        """Compute what is needed once."""

    @abstractmethod
    def _delta(self, perturbation: Perturbation, context: str) -> Profile:
        """Return the predicted change, ``(n_genes,)``."""

    def predict(
        self,
        perturbations: Perturbation | Sequence[Perturbation],
        adata: AnnData | None = None,
        *,
        contexts: Sequence[str] | None = None,
    ) -> Prediction:
        """Return the predicted change: one row for each perturbation and context.

        Parameters
        ----------
        perturbations
            One or several.
        adata
            Control cells to measure from, log-normalised; those of the screen if left out.
        contexts
            Where; every context of the screen if left out.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        """
        if not hasattr(self, "training_"):
            msg = f"the baseline {self.name!r} is not fitted; call fit(data, split) first."
            raise NotFittedError(msg)
        many = [perturbations] if isinstance(perturbations, Perturbation) else list(perturbations)
        training = self.training_
        where = list(training.control) if contexts is None else list(contexts)
        units = [(one, context) for one in many for context in where]
        delta = np.stack([self._delta(one, context) for one, context in units])
        control = np.stack([training.control.get(context, training.control[where[0]]) for _, context in units])
        if adata is not None:
            control = np.broadcast_to(_mean_of(adata, training.genes), delta.shape)
        names = [f"{one.label}|{context}" if len(training.control) > 1 else one.label for one, context in units]
        checks = dict.fromkeys(sorted(self.unknown_), "no embedding, so the mean change is predicted")
        return Prediction(delta, control, pd.Index(names), training.genes, [one for one, _ in units], "baseline",
                          checks, Provenance(f"baseline.{self.name}"),
                          obs=pd.DataFrame({"context": [context for _, context in units]}))  # fmt: skip

    def available(self) -> pd.DataFrame:
        """Return the genes that were seen in training: a baseline answers for every other one too."""
        genes = sorted({gene for one in self.training_.perturbations for gene in one.genes})
        return pd.DataFrame({"available": True, "reason": ""}, index=pd.Index(genes, name="gene"))


def _mean_of(adata: AnnData, genes: pd.Index) -> Profile:
    """Return the mean profile of cells over `genes`."""
    return Expression.of(adata).select_genes(genes).to_dense().mean(axis=0)
