"""From a predicted change of expression to a direction on the embedding, in memory of cells × neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, generator
from reguloom._threads import map_ordered
from reguloom.manifold._blas import one_blas_thread
from reguloom.manifold._kernels import project
from reguloom.manifold.blocks import blocks
from reguloom.manifold.neighbors import nearest

_BLOCK = 64


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """Which cells are near on the embedding, and how far they are in expression.

    Made once for a data set; every perturbation then costs one sampled matrix product.

    Parameters
    ----------
    expression
        ``(n_cells, n_genes)``.
    embedding
        ``(n_cells, n_dims)``.
    indices
        Neighbours of each cell on the embedding, ``(n_cells, n_neighbors)``.
    distances
        Distance of each neighbour in expression, every cell centred across genes, ``(n_cells, n_neighbors)``.
    """

    expression: NDArray[Any]
    embedding: NDArray[np.float64]
    indices: NDArray[np.int32]
    distances: NDArray[np.float64]

    @classmethod
    @accepts_seed
    def of(
        cls,
        expression: ArrayLike,
        embedding: ArrayLike,
        *,
        n_neighbors: int = 200,
        sampled_fraction: float = 1.0,
        sampling_probs: tuple[float, float] = (0.5, 0.1),
        rng: SeedLike = 0,
        n_jobs: int | None = None,
    ) -> Neighborhood:
        """Find the neighbours on `embedding` and their distances in `expression`.

        Parameters
        ----------
        expression
            ``(n_cells, n_genes)``, dense.
        embedding
            ``(n_cells, n_dims)``.
        n_neighbors
            Nearest cells that are considered; at most all others.
        sampled_fraction
            Share of them that is kept, drawn without replacement.
        sampling_probs
            Relative probability of drawing the nearest and the farthest; linear in between.
        rng
            Seed of the draws.
        n_jobs
            Threads.
        """
        values, places = np.asarray(expression), np.ascontiguousarray(embedding, dtype=np.float64)
        if len(values) != len(places):
            msg = f"expression has {len(values)} cells and the embedding {len(places)}; give the same cells."
            raise InputError(msg)
        indices, _ = nearest(places, min(n_neighbors, len(places) - 1), n_jobs=n_jobs)
        if sampled_fraction < 1:
            indices = _sample(indices, sampled_fraction, sampling_probs, generator(rng))
        made = cls(values, places, indices, np.empty(indices.shape))
        with one_blas_thread():
            for rows, block in zip(made._blocks, map_ordered(made._measure, made._blocks, n_jobs), strict=True):
                made.distances[rows] = block
        return made

    @cached_property
    def _blocks(self) -> list[NDArray[np.int64]]:
        """Cells that share neighbours, so that one product serves them all."""
        return blocks(self.embedding, _BLOCK)

    @cached_property
    def units(self) -> NDArray[np.float64]:
        """Unit step to each neighbour, ``(n_cells, n_neighbors, n_dims)``; 0 where two cells coincide."""
        step = self.embedding[self.indices] - self.embedding[:, None, :]
        length = np.sqrt((step**2).sum(axis=2, keepdims=True))
        return np.divide(step, length, out=np.zeros_like(step), where=length > 0)

    @cached_property
    def _row_means(self) -> NDArray[np.float64]:
        """Mean over genes of each cell."""
        return np.asarray(self.expression.mean(axis=1, dtype=np.float64))

    def _union(self, rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return the cells that a block needs, and where its neighbours and itself stand among them."""
        near = self.indices[rows]
        union, back = np.unique(np.concatenate([near.ravel(), rows]), return_inverse=True)
        return union, back[: near.size].reshape(near.shape), back[near.size :]

    def _measure(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Return the distances of one block."""
        union, near, own = self._union(rows)
        values = self.expression[union].astype(np.float64) - self._row_means[union, None]
        squares = np.einsum("ij,ij->i", values, values)
        table = squares[own, None] + squares[None, :] - 2.0 * (values[own] @ values.T)
        found = np.sqrt(np.maximum(np.take_along_axis(table, near, 1), 0.0))
        found[found < 1e-7 * np.sqrt(squares[own, None] + 1e-300)] = 0.0  # what rounding leaves between duplicates
        return np.asarray(found)

    def _correlate(self, rows: NDArray[Any], delta: Any) -> NDArray[np.float64]:
        """Return the correlation of one block's change with the way to each neighbour; 1 where there is none."""
        union, near, own = self._union(rows)
        change = np.asarray(delta[rows], dtype=np.float64)
        mean = change.mean(axis=1, keepdims=True)
        size = np.sqrt(((change - mean) ** 2).sum(axis=1))
        # Only genes that change enter the product; centring takes away the mean change times the summed expression.
        columns = np.flatnonzero(change.any(axis=0))
        table = change[:, columns] @ self.expression[np.ix_(union, columns)].astype(np.float64).T
        table -= mean * (change.shape[1] * self._row_means[union])[None, :]
        way = np.take_along_axis(table, near, 1) - table[np.arange(len(rows)), own][:, None]
        scale = size[:, None] * self.distances[rows]
        return np.divide(way, scale, out=np.ones_like(way), where=scale > 0)

    def _each(self, delta: Any, n_jobs: int | None) -> Iterator[tuple[NDArray[Any], NDArray[np.float64]]]:
        """Yield the rows and the correlations of every block."""
        if delta.shape != self.expression.shape:
            msg = f"the change has shape {delta.shape} and the expression {self.expression.shape}; they must agree."
            raise InputError(msg)
        with one_blas_thread():
            found = map_ordered(lambda rows: self._correlate(rows, delta), self._blocks, n_jobs)
            yield from zip(self._blocks, found, strict=True)

    def correlations(self, delta: Any, *, n_jobs: int | None = None) -> NDArray[np.float64]:
        """Return Pearson's correlation, across genes, of each cell's change with the way to each of its neighbours.

        Parameters
        ----------
        delta
            Predicted change, ``(n_cells, n_genes)``.
        n_jobs
            Threads.

        Returns
        -------
        Shape ``(n_cells, n_neighbors)``; 1 where the change or the way is constant.
        """
        made = np.empty(self.indices.shape)
        for rows, block in self._each(delta, n_jobs):
            made[rows] = block
        return made

    def transitions(self, delta: Any, *, sigma_corr: float = 0.05, n_jobs: int | None = None) -> NDArray[np.float64]:
        """Return the probability of moving to each neighbour, ``(n_cells, n_neighbors)``, rows summing to 1.

        Parameters
        ----------
        delta
            Predicted change, ``(n_cells, n_genes)``.
        sigma_corr
            Width of the kernel ``exp(r / sigma)``.
        n_jobs
            Threads.
        """
        weights = np.exp(self.correlations(delta, n_jobs=n_jobs) / sigma_corr)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def shift(self, delta: Any, *, sigma_corr: float = 0.05, n_jobs: int | None = None) -> NDArray[np.float64]:
        """Return the direction on the embedding that `delta` points in, ``(n_cells, n_dims)``.

        Unit steps to the neighbours, weighted by transition probability, minus their plain mean (La Manno et al. 2018).
        It tells the direction and not the size: doubling `delta` leaves it as it is.

        Parameters
        ----------
        delta
            Predicted change, ``(n_cells, n_genes)``.
        sigma_corr
            Width of the kernel ``exp(r / sigma)``.
        n_jobs
            Threads.
        """
        made = np.zeros(self.embedding.shape)
        for rows, block in self._each(delta, n_jobs):
            project(block, rows, self.indices, self.embedding, sigma_corr, made)
        return made


def _sample(indices: NDArray[Any], fraction: float, probs: tuple[float, float], rng: np.random.Generator) -> Any:
    """Return a share of each row's neighbours, near ones likelier, in order of rank."""
    n, k = indices.shape
    size = max(1, int(fraction * k))
    weight = np.linspace(probs[0], probs[1], k)
    # The largest of log(u) / weight is a draw without replacement with these weights (Efraimidis & Spirakis 2006).
    keys = np.log(rng.random((n, k))) / weight
    chosen = np.sort(np.argpartition(-keys, size - 1, axis=1)[:, :size], axis=1)
    return np.take_along_axis(indices, chosen, 1)
