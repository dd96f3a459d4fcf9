"""Pearson correlation along the edges of a network, without making the expression dense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from reguloom.core import Expression, Network

BLOCK = 64
"""Regulators per block: bounds the memory to BLOCK × n_genes numbers."""
MOSTLY_ZERO = 0.3
"""Share of values that are not zero below which sums of products stay sparse."""


def edge_correlation(network: Network, expression: Expression, *, mask_dropouts: bool = False) -> NDArray[np.float64]:
    """Return Pearson's rho of regulator and target for each edge, shape ``(n_edges,)``.

    Parameters
    ----------
    network
        The edges.
    expression
        Cells × genes.
    mask_dropouts
        Whether only cells where both genes are not zero count.

    Returns
    -------
    NaN where a gene is absent, constant, or (masked) never expressed together with the other.
    """
    rho = np.full(len(network), np.nan)
    genes = network.genes.intersection(expression.genes, sort=False)
    if genes.empty:
        return rho
    chosen = expression.select_genes(genes)
    sparse = chosen.to_csc().astype(np.float64)
    # The values decide, not how they were stored: h5ad, loom and csv of one matrix give the same last digit.
    matrix = sparse if sparse.nnz < MOSTLY_ZERO * chosen.n_cells * chosen.n_genes else sparse.toarray()
    column_of_source, column_of_target = genes.get_indexer(network.regulators), genes.get_indexer(network.targets)
    by_source = np.argsort(network.source, kind="stable")
    sources = network.source[by_source]
    present = np.flatnonzero(column_of_source >= 0)
    for start in range(0, present.size, BLOCK):
        block = present[start : start + BLOCK]
        table = _correlate(matrix[:, column_of_source[block]], matrix, mask_dropouts=mask_dropouts)
        for line, code in zip(table, block, strict=True):
            edges = by_source[np.searchsorted(sources, code, "left") : np.searchsorted(sources, code, "right")]
            columns = column_of_target[network.target[edges]]
            rho[edges] = np.where(columns >= 0, line[columns], np.nan)
    return rho


def _dense(product: Any) -> NDArray[np.float64]:
    """Return a product of matrices as an array."""
    return np.asarray(product.toarray() if hasattr(product, "toarray") else product, dtype=np.float64)


def _correlate(left: Any, right: Any, *, mask_dropouts: bool) -> NDArray[np.float64]:
    """Return the correlations of the columns of `left` with those of `right`, from sums of products."""
    if mask_dropouts:
        there_left, there_right = (left != 0).astype(np.float64), (right != 0).astype(np.float64)
        n = _dense(there_left.T @ there_right)
        sum_left, sum_right = _dense(left.T @ there_right), _dense(there_left.T @ right)
        square_left, square_right = _dense((left * left).T @ there_right), _dense(there_left.T @ (right * right))
    else:
        n = np.full((1, 1), float(left.shape[0]))
        sum_left, sum_right = np.asarray(left.sum(axis=0))[:, None], np.asarray(right.sum(axis=0))[None, :]
        square_left = np.asarray((left * left).sum(axis=0))[:, None]
        square_right = np.asarray((right * right).sum(axis=0))[None, :]
    product = n * _dense(left.T @ right) - sum_left * sum_right
    spread = _spread(n, sum_left, square_left) * _spread(n, sum_right, square_right)
    with np.errstate(divide="ignore", invalid="ignore"):
        return product / np.sqrt(spread)


def _spread(n: Any, total: Any, square: Any) -> NDArray[np.float64]:
    """Return n² times the variance, NaN where it is zero up to rounding."""
    spread = n * square - total**2
    return np.where(spread > 1e-12 * np.abs(n * square), spread, np.nan)
