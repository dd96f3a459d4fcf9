"""What came out: observed profiles of the test units, with all that a metric needs to know about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.core.perturbation_data import PerturbationData
from reguloom.evaluate._split import Split, Unit
from reguloom.evaluate.differential_expression import DifferentialExpression
from reguloom.evaluate.response_baselines import Training

Table = NDArray[np.float64]
N_EXPRESSED = 1000
FDR = 0.05


@dataclass(frozen=True, eq=False)
class Truth:
    """Observed profiles of test units, ``(n_units, n_genes)`` each.

    Parameters
    ----------
    units
        Condition and context of each row.
    genes
        Names of genes.
    observed
        Mean expression.
    control
        Mean of the matched control cells: the one control that truth and every prediction are measured against.
    reference
        The perturbed centroid: control plus the mean change over training units.
    variance, n_cells
        Variance between cells, and their number.
    p_adjusted, against_rest
        False discovery rate against controls; t against the rest of the context.
    targets
        Columns of the perturbed genes of each unit.
    """

    units: tuple[Unit, ...]
    genes: pd.Index
    observed: Table
    control: Table
    reference: Table
    variance: Table
    n_cells: NDArray[np.int64]
    p_adjusted: Table
    against_rest: Table
    targets: tuple[NDArray[np.intp], ...]

    @classmethod
    def of(cls, data: PerturbationData, split: Split, found: DifferentialExpression) -> Truth:
        """Return the truth of the test part of `split` in `data`, with the tests in `found`."""
        bulk = data.pseudobulk()
        position = {unit: i for i, unit in enumerate(bulk.units)}
        rows = np.array([position[unit] for unit in split.test], dtype=np.intp)
        tested = found.rows(split.test)
        return cls(
            units=split.test,
            genes=data.genes,
            observed=bulk.means[rows],
            control=bulk.control[rows],
            reference=bulk.control[rows] + Training.of(data, split).mean_delta,
            variance=bulk.variances[rows],
            n_cells=bulk.n_cells[rows],
            p_adjusted=found.p_adjusted[tested],
            against_rest=found.against_rest[tested],
            targets=tuple(_columns(data, condition) for condition, _ in split.test),
        )

    def seen_as(self, observed: Table) -> Truth:
        """Return the same truth with other means `observed`, such as those of a technical duplicate."""
        return replace(self, observed=observed)

    @cached_property
    def expressed(self) -> NDArray[np.bool_]:
        """The 1000 genes with the highest control mean of each unit, the first of equals first."""
        n = min(N_EXPRESSED, len(self.genes))
        order = np.argsort(-self.control, axis=1, kind="stable")[:, :n]
        mask = np.zeros(self.control.shape, dtype=bool)
        np.put_along_axis(mask, order, values=True, axis=1)
        return mask

    @cached_property
    def changed(self) -> NDArray[np.bool_]:
        """Genes that differ from the controls at a false discovery rate of 5 %."""
        return self.p_adjusted < FDR

    @cached_property
    def top20(self) -> NDArray[np.bool_]:
        """The 20 genes with the largest observed change against the rest of each unit."""
        order = np.argsort(-np.abs(self.against_rest), axis=1, kind="stable")[:, :20]
        mask = np.zeros(self.control.shape, dtype=bool)
        np.put_along_axis(mask, order, values=True, axis=1)
        return mask

    @cached_property
    def weights(self) -> Table:
        """Weights of genes by how much they tell a unit from the rest: squared min-max of |t|, summing to 1."""
        size = np.abs(self.against_rest)
        low, high = size.min(axis=1, keepdims=True), size.max(axis=1, keepdims=True)
        scaled = np.divide(size - low, high - low, out=np.zeros_like(size), where=high > low) ** 2
        total = scaled.sum(axis=1, keepdims=True)
        return np.divide(scaled, total, out=np.full_like(scaled, 1 / scaled.shape[1]), where=total > 0)

    @cached_property
    def groups(self) -> list[NDArray[np.intp]]:
        """Rows of each context: units are told apart within their own."""
        contexts = pd.factorize(pd.Series([context for _, context in self.units]))[0]
        return [np.flatnonzero(contexts == code) for code in range(contexts.max() + 1)]


def _columns(data: PerturbationData, condition: str) -> NDArray[np.intp]:
    """Return the columns of the measured genes that a condition perturbs."""
    genes = data.conditions[data.condition_labels.index(condition)].genes
    found = data.genes.get_indexer(list(genes))
    return found[found >= 0]


def halves(data: PerturbationData, units: tuple[Unit, ...], rng: np.random.Generator) -> tuple[Table, Table]:
    """Return means of two halves of the cells of each unit, which share no cell; NaN for units of one cell.

    Parameters
    ----------
    data
        The screen.
    units
        Conditions in contexts.
    rng
        Where chance comes from.
    """
    found = np.full((2, len(units), data.n_genes), np.nan)
    for i, (condition, context) in enumerate(units):
        cells = rng.permutation(data.cells_of(condition, context))
        if len(cells) < 2:
            continue
        for half, part in zip(found, (cells[: len(cells) // 2], cells[len(cells) // 2 :]), strict=True):
            half[i] = np.asarray(data.sparse_values(np.sort(part)).mean(axis=0)).ravel()
    return found[0], found[1]


def duplicates(data: PerturbationData, units: tuple[Unit, ...], rng: np.random.Generator) -> tuple[Table, Table]:
    """Return two technical duplicates of units: each drawn with replacement to twice its cells, and split in halves.

    Parameters
    ----------
    data
        The screen.
    units
        Conditions in contexts.
    rng
        Where chance comes from.

    Returns
    -------
    Two tables of means over as many cells as each unit has, ``(n_units, n_genes)``.
    """
    halves = np.empty((2, len(units), data.n_genes))
    for i, (condition, context) in enumerate(units):
        cells = data.cells_of(condition, context)
        values = data.sparse_values(cells)
        for half in halves:
            weights = np.bincount(rng.integers(len(cells), size=len(cells)), minlength=len(cells)) / len(cells)
            half[i] = np.asarray(weights @ values).ravel()
    return halves[0], halves[1]
