"""Metacells: sums over near neighbours, within one time and group, that share few cells with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix
from scipy.sparse.linalg import svds

from reguloom._random import generator
from reguloom.manifold import nearest
from reguloom.manifold._blas import one_blas_thread

FEWEST = 5
"""Cells that a metacell has at least."""
N_COMPONENTS = 20


@dataclass(frozen=True, eq=False)
class Metacells:
    """Which cells make which metacell.

    Parameters
    ----------
    member
        ``(n_metacells, n_cells)``, 1 where the cell belongs.
    stratum
        Number of the stratum of each metacell, ``(n_metacells,)``.
    n_neighbors
        Cells in a metacell, for each stratum that has any.
    """

    member: csr_array
    stratum: NDArray[np.int64]
    n_neighbors: dict[int, int]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.stratum)

    def residuals(self, counts: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return features of unit norm, with and without the differences between strata: ``(n_metacells, n_features)``.

        The values are logs of counts per total. What each stratum has in common is taken out of the first, so that
        two features do not agree only because both rise with time.

        Parameters
        ----------
        counts
            Cells × features, sparse.
        """
        sums = (self.member @ csr_array(counts)).toarray().astype(np.float64)
        total = sums.sum(axis=1, keepdims=True)
        values = np.log1p(sums / np.maximum(total, 1.0) * np.median(total))
        within = values.copy()
        for one in np.unique(self.stratum):
            rows = self.stratum == one
            within[rows] -= within[rows].mean(axis=0)
        return unit(within), unit(values - values.mean(axis=0))


def unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return columns of norm 1; those without variation stay 0."""
    norm = np.sqrt((values**2).sum(axis=0))
    return values / np.where(norm > 1e-12, norm, 1.0)


def make_metacells(
    counts: Any, stratum: NDArray[np.int64], *, n_metacells: int, n_neighbors: int, max_overlap: float, root: int
) -> Metacells:
    """Return metacells of the cells of each stratum, seeds in random order, each kept if it is new enough.

    Parameters
    ----------
    counts
        Cells × genes, sparse; neighbours are found on its principal components.
    stratum
        Number of the time and group of each cell, ``(n_cells,)``.
    n_metacells
        How many to make at most.
    n_neighbors
        Cells in each; a third of the stratum's cells where there are fewer.
    max_overlap
        Share of cells that two of them may have in common.
    root
        Root seed.
    """
    rows: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.int64]] = []
    owner: list[int] = []
    used: dict[int, int] = {}
    share = n_metacells / len(stratum)
    for one in np.unique(stratum):
        cells = np.flatnonzero(stratum == one)
        k = min(n_neighbors, max(FEWEST, len(cells) // 3))
        if len(cells) < max(2 * FEWEST, k + 1):
            continue
        used[int(one)] = k
        near, _ = nearest(_components(csr_matrix(counts)[cells]), k - 1)
        groups = np.column_stack([np.arange(len(cells)), near])
        order = generator(root, "metacells", int(one)).permutation(len(cells))
        kept = _spread(groups, order, limit=max(2, round(share * len(cells))), most=int(max_overlap * k))
        for group in kept:
            rows.append(np.full(k, len(owner)))
            columns.append(cells[groups[group]])
            owner.append(int(one))
    place = (np.concatenate(rows), np.concatenate(columns)) if rows else (np.empty(0, int), np.empty(0, int))
    member = csr_array((np.ones(len(place[0])), place), shape=(len(owner), len(stratum)))
    return Metacells(member, np.array(owner, dtype=np.int64), used)


def _components(counts: csr_matrix) -> NDArray[np.float64]:
    """Return principal components of log-normalised counts of some cells, with signs that do not depend on chance."""
    total = np.asarray(counts.sum(axis=1)).ravel()
    scaled = counts.multiply((np.median(total) / np.maximum(total, 1.0))[:, None]).tocsr()
    scaled.data = np.log1p(scaled.data)
    values = scaled.toarray().astype(np.float64)
    values -= values.mean(axis=0)
    k = min(N_COMPONENTS, min(values.shape) - 1)
    with one_blas_thread():
        if k < 1:
            return values
        left, size, _ = svds(values, k=k, v0=np.ones(min(values.shape)))
    return np.ascontiguousarray((left * size)[:, ::-1])


def _spread(groups: NDArray[np.int64], order: NDArray[np.int64], *, limit: int, most: int) -> list[int]:
    """Return groups that share at most `most` cells with each one before."""
    kept: list[int] = []
    holds = np.zeros((0, len(groups)), dtype=bool)
    for one in order.tolist():
        if len(kept) == limit:
            break
        if len(kept) and holds[:, groups[one]].sum(axis=1).max() > most:
            continue
        row = np.zeros((1, len(groups)), dtype=bool)
        row[0, groups[one]] = True
        holds = np.concatenate([holds, row])
        kept.append(one)
    return kept
