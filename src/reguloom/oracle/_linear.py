"""Many perturbations at once: where the change of a cell is a factor times its group's response, products suffice.

Without the floor at 0, knocking gene g out changes cell i by ``-x_ig`` times one vector per group. A correlation does
not see the factor, so a matrix product of expression with the responses gives every correlation of every cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom._random import generator
from reguloom.manifold import Neighborhood
from reguloom.manifold._kernels import linear_shift
from reguloom.oracle._design import Design
from reguloom.oracle._gram import Moments
from reguloom.oracle._kernels import rewire, solve_targets
from reguloom.oracle.simulate import responses

_SWAPS_PER_EDGE = 10
_POOL = 30


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

    def scores(self, design: Design, moments: Sequence[Moments], genes: NDArray[Any]) -> NDArray[np.float64]:
        """Fit, filter, fit again and knock each of `genes` out: net score of each by lineage.

        Parameters
        ----------
        design
            The edges; its regulators may stand in for others.
        moments
            Products for these regulators.
        genes
            Columns of the genes that are knocked out.
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
            answers.append(responses(edges, genes, n_propagation=self.n_propagation))
        return self.net(answers, -(self.expression[:, genes] > 0).astype(np.float64))

    def net(self, answers: Sequence[NDArray[Any]], sign: NDArray[Any]) -> NDArray[np.float64]:
        """Return the net score, by perturbation and lineage, of responses that cells show with a sign.

        Parameters
        ----------
        answers
            Response of each group to each perturbation, ``(n_perturbations, n_genes)``.
        sign
            Of each cell's factor, ``(n_cells, n_perturbations)``; 0 where nothing happens.
        """
        tables = []
        for answer in answers:
            centred = answer - answer.mean(axis=1, keepdims=True)
            size = np.linalg.norm(centred, axis=1, keepdims=True)
            unit = np.divide(centred, size, out=np.zeros_like(centred), where=size > 1e-12)
            tables.append(self.expression @ unit.astype(np.float32).T)
        stacked = np.stack(tables, axis=2).astype(np.float64)  # (n_cells, n_perturbations, n_groups)
        plain = self.units.mean(axis=1)
        made, shift = np.empty((stacked.shape[1], len(self.pulls))), np.empty((len(self.expression), 2))
        groups = self.groups if len(answers) > 1 else np.zeros_like(self.groups)
        for one in range(stacked.shape[1]):
            scores = np.ascontiguousarray(stacked[:, one])
            active = sign[:, one] * (np.abs(scores).max(axis=0) > 0)[groups]
            linear_shift(
                scores, groups, active, self.indices, self.distances, self.units, plain, self.sigma_corr, shift
            )
            made[one] = np.einsum("lnd,nd->l", self.pulls, shift)
        return made

    def observed(self, genes: NDArray[Any]) -> NDArray[np.float64]:
        """Return the net scores under the prior as it is, by the same steps as the nulls."""
        return self.scores(self.design, self.moments(self.design.regulators), genes)

    def rewired(self, moments: Sequence[Moments], genes: NDArray[Any], seed: int) -> NDArray[np.float64]:
        """Return the net scores under a random prior in which every gene keeps its number of edges."""
        design = self.design
        source, target = design.source.astype(np.int64), design.target_of_edge.astype(np.int64)
        present = np.zeros((design.regulators.size, design.targets.size), dtype=bool)
        present[source, target] = True
        place = {int(column): number for number, column in enumerate(design.targets)}
        own = np.array([place.get(int(column), -1) for column in design.regulators])
        rewire(source, target, present, own, _SWAPS_PER_EDGE * source.size, int(seed >> 1))
        return self.scores(design.with_edges(source, target), moments, genes)

    def matched(self, genes: NDArray[Any], seed: int) -> NDArray[np.float64]:
        """Return the net scores with each regulator replaced by a gene of like expression that regulates nothing."""
        rng = generator(seed)
        n = self.design.regulators.size
        stand_in = self._pools()[np.arange(n), rng.integers(0, _POOL, n)]
        place = np.full(self.expression.shape[1], -1)
        place[self.design.regulators] = np.arange(stand_in.size)
        design = Design(self.design.genes, stand_in, self.design.targets, self.design.indptr, self.design.source)
        return self.scores(design, self.moments(stand_in), stand_in[place[genes]])

    def _pools(self) -> NDArray[np.int64]:
        """Return, for each regulator, the genes nearest in mean expression that are no regulators."""
        mean = self.expression.mean(axis=0, dtype=np.float64)
        others = np.setdiff1d(np.flatnonzero(self.expression.std(axis=0) > 0), self.design.regulators)
        if not others.size:
            others = self.design.regulators
        away = np.abs(np.log1p(mean[others])[None, :] - np.log1p(mean[self.design.regulators])[:, None])
        order = np.argsort(away, axis=1, kind="stable")[:, :_POOL]
        return others[np.resize(order, (len(order), _POOL)) if order.shape[1] < _POOL else order]
