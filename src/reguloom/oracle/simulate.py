"""What a perturbation does to every other gene: the shift, propagated along the fitted edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom._threads import map_ordered
from reguloom.manifold._blas import one_blas_thread
from reguloom.oracle._kernels import farthest_out

_BLOCK = 1024


def propagate(
    expression: NDArray[Any],
    levels: Mapping[int, NDArray[Any]],
    coefficients: Sequence[csr_array],
    groups: NDArray[Any],
    *,
    n_propagation: int = 3,
    pin: str = "gene",
    clip: bool = False,
    limits: tuple[NDArray[Any], NDArray[Any]] | None = None,
    n_jobs: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shift of every gene in every cell.

    With D the shift and C the group's coefficients (regulators in rows): D starts as the perturbation itself; then,
    `n_propagation` times, D becomes D C, perturbed genes are put back, and expression is kept from falling below 0.
    Each round replaces the last one: the shift is the network's answer to the shift before, not a sum over paths.

    Parameters
    ----------
    expression
        ``(n_cells, n_genes)``.
    levels
        Column of each perturbed gene → its level in every cell, ``(n_cells,)``.
    coefficients
        Of each group, ``(n_genes, n_genes)``.
    groups
        Number of each cell's group.
    n_propagation
        Rounds.
    pin
        ``"gene"`` keeps perturbed genes at their level; ``"value"`` only where that differs from the cell's own value,
        as CellOracle does, so that feedback can switch a knocked-out gene on.
    clip
        Whether simulated values are kept within `limits` at the end.
    limits
        Lowest and highest value of each gene.
    n_jobs
        Threads.

    Returns
    -------
    The shift ``(n_cells, n_genes)``, and the mean summed absolute shift of a cell before and after each round.
    """
    parts = [_involved(one, list(levels)) for one in coefficients]
    shift = np.zeros(expression.shape, dtype=expression.dtype)
    members = [np.flatnonzero(groups == code) for code in range(len(coefficients))]
    tasks = [(code, rows[at : at + _BLOCK]) for code, rows in enumerate(members) for at in range(0, rows.size, _BLOCK)]

    def work(task: tuple[int, NDArray[Any]]) -> NDArray[np.float64]:
        code, rows = task
        # Genes without an edge in this group stay as they are: only the others take part.
        genes, edges = parts[code]
        values = np.ascontiguousarray(expression[np.ix_(rows, genes)].T, dtype=np.float64)
        start = np.zeros_like(values)
        fixed = np.searchsorted(genes, list(levels))
        for place, level in zip(fixed, levels.values(), strict=True):
            start[place] = level[rows] - values[place]
        found, sizes = _rounds(values, start, fixed, edges, n_propagation, pin)
        if clip and limits is not None:
            found = np.clip(values + found, limits[0][genes, None], limits[1][genes, None]) - values
        shift[np.ix_(rows, genes)] = found.T
        return sizes

    with one_blas_thread():
        growth = sum(map_ordered(work, tasks, n_jobs), np.zeros(n_propagation + 1))
    return shift, growth / max(len(expression), 1)


def _involved(coefficients: csr_array, perturbed: Sequence[int]) -> tuple[NDArray[np.int64], csr_array]:
    """Return the genes with an edge, the perturbed ones among them, and the edges between them, targets in rows."""
    row, column = coefficients.nonzero()
    genes = np.unique(np.concatenate([row, column, np.asarray(perturbed, dtype=row.dtype)])).astype(np.int64)
    return genes, csr_array(coefficients[genes][:, genes].T)


def _rounds(
    values: NDArray[Any], start: NDArray[Any], fixed: NDArray[Any], edges: csr_array, n: int, pin: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shift of one block, genes in rows, and the summed size after each round."""
    shift, sizes = start, [np.abs(start).sum()]
    for _ in range(n):
        shift = edges @ shift
        here = start[fixed]
        shift[fixed] = here if pin == "gene" else np.where(here != 0, here, shift[fixed])
        np.maximum(shift, -values, out=shift)
        sizes.append(np.abs(shift).sum())
    return shift, np.asarray(sizes)


def responses(
    coefficients: csr_array,
    genes: Sequence[int] | NDArray[Any],
    *,
    together: Sequence[int] | NDArray[Any] | None = None,
    n_propagation: int = 3,
) -> NDArray[np.float64]:
    """Return the shift of every gene per unit of shift of each of `genes`, ``(len(genes), n_genes)``.

    The same rounds without the floor at 0, where they are linear: what nulls are made of. Genes that are perturbed
    together are all kept from changing by the network, so that their responses add up to that of the combination.

    Parameters
    ----------
    coefficients
        ``(n_genes, n_genes)``.
    genes
        Columns of the perturbed genes.
    together
        Number of the perturbation that each of `genes` belongs to; each is one of its own if left out.
    n_propagation
        Rounds.
    """
    columns, which = np.asarray(genes), np.arange(len(genes))
    owner = which if together is None else np.asarray(together)
    one, other = np.nonzero(owner[:, None] == owner[None, :])
    made = np.zeros((coefficients.shape[0], len(columns)))
    made[columns, which] = 1.0
    edges = csr_array(coefficients.T)
    for _ in range(n_propagation):
        made = edges @ made
        made[columns[one], other] = 0.0
        made[columns, which] = 1.0
    return np.ascontiguousarray(made.T)


def out_of_range(
    expression: NDArray[Any], shift: NDArray[Any], limits: tuple[NDArray[Any], NDArray[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, per gene, how far simulated values leave the observed range (1 = its width) and the share of such cells.

    Parameters
    ----------
    expression, shift
        ``(n_cells, n_genes)``.
    limits
        Lowest and highest observed value of each gene.
    """
    low, high = limits
    farthest, count = farthest_out(expression, shift, low, high)
    return farthest, count / len(expression)
