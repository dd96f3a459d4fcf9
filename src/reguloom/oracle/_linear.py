"""Many perturbations at once: where the change of a cell mixes a few responses of its group, products suffice.

Without the floor at 0, setting gene g to level l changes cell i by ``l - x_ig`` times one vector per group, and a
combination by the sum of such terms. A correlation does not see a common factor, so a matrix product of expression with
the responses gives every correlation of every cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom._random import generator
from reguloom.core import Perturbation
from reguloom.core.perturbation import Target
from reguloom.manifold import Neighborhood
from reguloom.manifold._kernels import linear_shift
from reguloom.oracle._design import Design
from reguloom.oracle._gram import Moments
from reguloom.oracle._kernels import rewire, solve_targets
from reguloom.oracle.simulate import responses

_SWAPS_PER_EDGE = 10
_POOL = 30


@dataclass(frozen=True, eq=False)
class Questions:
    """Perturbations, taken apart into their genes.

    Parameters
    ----------
    columns
        Column of each perturbed gene, ``(n_parts,)``.
    targets
        What happens to it.
    owner
        Number of its perturbation, ``(n_parts,)``; the parts of one perturbation follow each other.
    """

    columns: NDArray[np.int64]
    targets: tuple[Target, ...]
    owner: NDArray[np.int64]

    @classmethod
    def of(cls, asked: Sequence[Perturbation], genes: Any) -> Questions:
        """Take perturbations of the matrix's `genes` apart."""
        parts = [(gene, target, i) for i, one in enumerate(asked) for gene, target in one.targets.items()]
        columns = genes.get_indexer([gene for gene, _, _ in parts]).astype(np.int64)
        return cls(columns, tuple(target for _, target, _ in parts), np.array([i for _, _, i in parts], dtype=np.int64))

    def starts(self, expression: NDArray[Any]) -> NDArray[np.float64]:
        """Return how far each perturbed gene is set away from its value in each cell, ``(n_cells, n_parts)``."""
        made = np.empty((len(expression), self.columns.size))
        for part, (column, target) in enumerate(zip(self.columns, self.targets, strict=True)):
            values = expression[:, column].astype(np.float64)
            made[:, part] = target.level(values) - values
        return made


@dataclass(frozen=True, eq=False)
class LinearScreen:
    """Everything of a data set that the nulls need, computed once.

    Parameters
    ----------
    expression
        ``(n_cells, n_genes)``.
    groups
        Number of each cell's group.
    design
        The prior's edges.
    n_edges
        Edges that each group keeps.
    alpha, refit_alpha
        Penalties of selection and refit.
    n_propagation
        Steps.
    sigma_corr
        Width of the transition kernel.
    indices, distances, units
        Neighbours of each cell, their distances in expression, and the unit steps to them.
    pulls
        Development pulled back to the cells for each lineage, ``(n_lineages, n_cells, 2)``.
    """

    expression: NDArray[np.float32]
    groups: NDArray[np.int64]
    design: Design
    n_edges: tuple[int, ...]
    alpha: float
    refit_alpha: float
    n_propagation: int
    sigma_corr: float
    indices: NDArray[np.int32]
    distances: NDArray[np.float64]
    units: NDArray[np.float64]
    pulls: NDArray[np.float64]

    @classmethod
    def of(
        cls, oracle: Any, near: Neighborhood, pulls: NDArray[Any], *, n_propagation: int, sigma_corr: float, most: int
    ) -> LinearScreen:
        """Prepare the nulls of a fitted oracle; every ``n``-th neighbour is used so that `most` remain."""
        step = max(1, near.indices.shape[1] // most)
        params = oracle.provenance.params
        return cls(
            expression=oracle.expression.astype(np.float32),
            groups=oracle.groups.codes.astype(np.int64),
            design=Design.of(oracle.prior, oracle.genes),
            n_edges=tuple(int(one.nnz) for one in oracle.coefficients),
            alpha=float(params["alpha"]),
            refit_alpha=float(params["refit_alpha"]),
            n_propagation=n_propagation,
            sigma_corr=sigma_corr,
            indices=np.ascontiguousarray(near.indices[:, ::step]),
            distances=np.ascontiguousarray(near.distances[:, ::step]),
            units=np.ascontiguousarray(near.units[:, ::step]),
            pulls=pulls,
        )

    def moments(self, regulators: NDArray[Any]) -> list[Moments]:
        """Return each group's products of some genes with themselves and with the targets."""
        made = []
        for code in range(len(self.n_edges)):
            rows = self.expression[self.groups == code]
            x, y = rows[:, regulators].astype(np.float64), rows[:, self.design.targets].astype(np.float64)
            made.append(Moments.of(x - x.mean(axis=0), y - y.mean(axis=0)))
        return made

    def scores(self, design: Design, moments: Sequence[Moments], asked: Questions) -> NDArray[np.float64]:
        """Fit, filter, fit again and perturb: net score of each perturbation by lineage.

        Parameters
        ----------
        design
            The edges; its regulators may stand in for others.
        moments
            Products for these regulators.
        asked
            The perturbations.
        """
        deviation = self.expression[:, design.regulators].astype(np.float64).std(axis=0)
        scale = np.where(deviation > 0, deviation, 1.0)
        own = design.regulators[design.source] == design.targets[design.target_of_edge]
        answers = []
        for one, n_edges in zip(moments, self.n_edges, strict=True):
            gram, cross = one.centred()
            found = np.empty(design.n_edges)
            scaled = gram / np.outer(scale, scale)
            solve_targets(scaled, cross / scale[:, None], design.indptr, design.source, ~own, self.alpha, found)
            strength = np.where(np.isnan(found), -1.0, np.abs(found))
            use = np.zeros(design.n_edges, dtype=bool)
            use[np.argsort(-strength, kind="stable")[:n_edges]] = True
            use &= strength >= 0
            solve_targets(gram, cross, design.indptr, design.source, use, self.refit_alpha, found)
            row, column = design.regulators[design.source[use]], design.targets[design.target_of_edge[use]]
            shape = (self.expression.shape[1],) * 2
            edges = csr_array((found[use], (row, column)), shape=shape)
            answers.append(responses(edges, asked.columns, together=asked.owner, n_propagation=self.n_propagation))
        return self.net(answers, asked.starts(self.expression), asked.owner)

    def net(
        self, answers: Sequence[NDArray[Any]], starts: NDArray[Any], owner: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the net score, by perturbation and lineage, of responses that cells show in some measure.

        Parameters
        ----------
        answers
            Response of each group to each part of a perturbation, ``(n_parts, n_genes)``.
        starts
            How much of it each cell shows, ``(n_cells, n_parts)``; 0 where nothing happens.
        owner
            Number of the perturbation that each part belongs to, ``(n_parts,)``.
        """
        parts = [_units(answer) for answer in answers]
        tables = np.stack([unit.astype(np.float32) @ self.expression.T for unit, _ in parts])
        sizes = np.stack([size for _, size in parts])
        plain = self.units.mean(axis=1)
        numbers = np.unique(owner)
        made, shift = np.empty((numbers.size, len(self.pulls))), np.empty((len(self.expression), 2))
        groups = self.groups if len(answers) > 1 else np.zeros_like(self.groups)
        for place, number in enumerate(numbers):
            own = np.flatnonzero(owner == number)
            amounts = starts[:, own] * sizes[:, own][groups]
            weights = np.sign(amounts)
            for code, (unit, _) in enumerate(parts if own.size > 1 else []):
                weights[groups == code] = _shares(amounts[groups == code], unit[own])
            linear_shift(
                tables[:, own].astype(np.float64), groups, weights, self.indices, self.distances, self.units, plain,
                self.sigma_corr, shift,
            )  # fmt: skip
            made[place] = np.einsum("lnd,nd->l", self.pulls, shift)
        return made

    def observed(self, asked: Questions) -> NDArray[np.float64]:
        """Return the net scores under the prior as it is, by the same steps as the nulls."""
        return self.scores(self.design, self.moments(self.design.regulators), asked)

    def rewired(self, moments: Sequence[Moments], asked: Questions, seed: int) -> NDArray[np.float64]:
        """Return the net scores under a random prior in which every gene keeps its number of edges."""
        design = self.design
        source, target = design.source.astype(np.int64), design.target_of_edge.astype(np.int64)
        present = np.zeros((design.regulators.size, design.targets.size), dtype=bool)
        present[source, target] = True
        place = {int(column): number for number, column in enumerate(design.targets)}
        own = np.array([place.get(int(column), -1) for column in design.regulators])
        rewire(source, target, present, own, _SWAPS_PER_EDGE * source.size, int(seed >> 1))
        return self.scores(design.with_edges(source, target), moments, asked)

    def matched(self, asked: Questions, seed: int) -> NDArray[np.float64]:
        """Return the net scores with each regulator replaced by a gene of like expression that regulates nothing."""
        rng = generator(seed)
        n = self.design.regulators.size
        stand_in = self._pools()[np.arange(n), rng.integers(0, _POOL, n)]
        place = np.full(self.expression.shape[1], -1)
        place[self.design.regulators] = np.arange(stand_in.size)
        design = Design(self.design.genes, stand_in, self.design.targets, self.design.indptr, self.design.source)
        return self.scores(design, self.moments(stand_in), replace(asked, columns=stand_in[place[asked.columns]]))

    def _pools(self) -> NDArray[np.int64]:
        """Return, for each regulator, the genes nearest in mean expression that are no regulators."""
        mean = self.expression.mean(axis=0, dtype=np.float64)
        others = np.setdiff1d(np.flatnonzero(self.expression.std(axis=0) > 0), self.design.regulators)
        if not others.size:
            others = self.design.regulators
        away = np.abs(np.log1p(mean[others])[None, :] - np.log1p(mean[self.design.regulators])[:, None])
        order = np.argsort(away, axis=1, kind="stable")[:, :_POOL]
        return others[np.resize(order, (len(order), _POOL)) if order.shape[1] < _POOL else order]


def _units(answer: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return responses centred across genes and scaled to length 1, and their lengths; 0 where there is none."""
    centred = answer - answer.mean(axis=1, keepdims=True)
    size = np.linalg.norm(centred, axis=1)
    size[size <= 1e-12] = 0.0
    return np.divide(centred, size[:, None], out=np.zeros_like(centred), where=size[:, None] > 0), size


def _shares(amounts: NDArray[Any], units: NDArray[Any]) -> NDArray[np.float64]:
    """Return the amounts of unit vectors in each cell, scaled so that their sum has length 1; 0 for no change."""
    length = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", amounts, units @ units.T, amounts), 0.0))[:, None]
    # What is left where two changes cancel is rounding, no direction.
    changed = length > 1e-9 * np.abs(amounts).sum(axis=1, keepdims=True)
    return np.divide(amounts, length, out=np.zeros_like(amounts), where=changed)
