"""Whole counts out of layers that may have been normalised, and their two halves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reguloom.core import Expression

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy.sparse import csr_array

TOLERANCE = 1e-3
FEWEST = 6
"""Most molecules that the least value of a cell is taken for."""


def whole_counts(adata: AnnData, layer: str) -> csr_array | None:
    """Return a layer as whole counts, or None if it cannot be traced back to them.

    A layer that was scaled cell by cell, as scVelo does in place, is brought back: the least value of a cell is one
    molecule or a few, and every other value a multiple of one molecule.

    Parameters
    ----------
    adata
        The cells.
    layer
        Name of the layer.
    """
    counts = Expression.of(adata, layer=layer).to_csr().astype(np.float64)
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    if (counts.data == np.round(counts.data)).all():
        return counts if (counts.data >= 0).all() else None
    if (counts.data < 0).any():
        return None
    least = np.full(counts.shape[0], np.inf)
    np.minimum.at(least, rows[counts.data > 0], counts.data[counts.data > 0])
    unit, found = least.copy(), np.zeros(len(least), dtype=bool)
    for share in range(1, FEWEST + 1):
        values = counts.data * share / least[rows]
        off = np.zeros(len(least))
        np.maximum.at(off, rows, np.abs(values - np.round(values)) / np.maximum(values, 1.0))
        won = ~found & (off < TOLERANCE)
        unit[won] = least[won] / share
        found |= won
    if not found.all():
        return None
    counts.data = np.round(counts.data / unit[rows])
    return counts


def halve(counts: csr_array, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    """Return two matrices that add up to `counts`: each molecule goes to one or the other.

    Parameters
    ----------
    counts
        Whole counts, ``(n_cells, n_genes)``.
    rng
        Where the coins come from.
    """
    first, second = counts.copy(), counts.copy()
    first.data = rng.binomial(counts.data.astype(np.int64), 0.5).astype(np.float64)
    second.data = counts.data - first.data
    return first, second
