"""How sure the coefficients of a fit to smoothed cells are: resampling the cells as they were measured.

With X and Y smoothed by W, the coefficients are ``(X'X + alpha)^-1 X'Y``, and ``X'Y = (W'X)' y`` with y as measured. So
a coefficient is a sum over measured cells, of ``(W'X)_j`` times the residual ``y_j - x_j b``. Smoothed residuals of
neighbours are alike, since they share cells; to resample them would promise twice the certainty that there is.
Measured residuals are not, apart from what neighbouring states have in common, so whole blocks are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom.manifold.blocks import block_labels
from reguloom.oracle._design import Design
from reguloom.oracle._kernels import solve_targets

N_BLOCKS = 20


@dataclass(frozen=True, eq=False)
class Measured:
    """The measured cells behind the smoothed ones of a group.

    Parameters
    ----------
    values
        As measured, all cells × genes, dense or CSR.
    weights
        Of all cells in each average of the group, ``(n_group, n_cells)``.
    places
        Coordinates of all cells, in which they are cut into blocks.
    """

    values: Any
    weights: csr_array
    places: NDArray[Any]


def block_pulls(
    x: NDArray[Any], y: NDArray[Any], design: Design, coefficients: NDArray[Any], block: NDArray[Any],
    cells: Measured | None,
) -> NDArray[np.float64]:  # fmt: skip
    """Return what each block of cells adds to the products of regulators and residuals.

    Parameters
    ----------
    x, y
        Regulators and targets of the group that were fitted, each minus its mean.
    design
        The edges.
    coefficients
        Of each edge.
    block
        Block of each cell, where nothing was smoothed.
    cells
        The measured cells, where it was.

    Returns
    -------
    ``(n_blocks, n_regulators, n_targets)``.
    """
    shape = (design.regulators.size, design.targets.size)
    effect = csr_array((coefficients, (design.source, design.target_of_edge)), shape=shape)
    if cells is None:
        labels, lever, share = block, x, np.full(len(x), 1.0 / len(x))
        rows = np.arange(len(x))
    else:
        rows = np.unique(cells.weights.indices)
        used = cells.weights[:, rows]
        labels, lever, share = block_labels(cells.places[rows], N_BLOCKS), used.T @ x, used.sum(axis=0) / len(x)
    parts = [np.flatnonzero(labels == number) for number in range(labels.max() + 1)]
    made, total, pull = np.empty((len(parts), *shape)), np.zeros(shape[1]), np.empty((len(parts), shape[0]))
    for number, part in enumerate(parts):
        left, right = (x[part], y[part]) if cells is None else _dense(cells.values, rows[part], design)
        residual = right - left @ effect
        made[number], pull[number] = lever[part].T @ residual, lever[part].sum(axis=0)
        total += share[part] @ residual
    return made - pull[:, :, None] * total  # residuals about their mean


def bootstrap(
    gram: NDArray[Any], pulls: NDArray[Any], design: Design, alpha: float, n_draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return how far the coefficients move if blocks are drawn anew, ``(n_draws, n_edges)``.

    Parameters
    ----------
    gram
        Centred products of the regulators.
    pulls
        From :func:`block_pulls`.
    design
        The edges.
    alpha
        Penalty.
    n_draws
        How often.
    rng
        Draws the blocks.
    """
    n = len(pulls)
    made, every = np.empty((n_draws, design.n_edges)), np.ones(design.n_edges, dtype=np.bool_)
    flat = pulls.reshape(n, -1)
    for draw in made:
        times = np.bincount(rng.integers(0, n, n), minlength=n) - 1.0
        cross = (times @ flat).reshape(pulls.shape[1:])
        solve_targets(gram, cross, design.indptr, design.source, every, alpha, draw)
    return made


def _dense(values: Any, rows: NDArray[Any], design: Design) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return regulators and targets of some cells as measured."""
    part = values[rows]
    dense = np.asarray(part.toarray() if hasattr(part, "toarray") else part, dtype=np.float64)
    return dense[:, design.regulators], dense[:, design.targets]
