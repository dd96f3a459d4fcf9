"""Pearson correlation along the edges of a network, without making the expression dense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._threads import map_ordered
from reguloom.core._correlation_kernels import edge_correlations, masked_correlations

if TYPE_CHECKING:
    from reguloom.core import Expression, Network


def edge_correlation(
    network: Network, expression: Expression, *, mask_dropouts: bool = False, n_jobs: int | None = None
) -> NDArray[np.float64]:
    """Return Pearson's rho of regulator and target for each edge, shape ``(n_edges,)``.

    Parameters
    ----------
    network
        The edges.
    expression
        Cells × genes.
    mask_dropouts
        Whether only cells where both genes are not zero count.
    n_jobs
        Threads.

    Returns
    -------
    NaN where a gene is absent, constant, or (masked) never expressed together with the other.
    """
    rho = np.full(len(network), np.nan)
    genes = network.genes.intersection(expression.genes, sort=False)
    if genes.empty:
        return rho
    columns = expression.select_genes(genes).to_csc().astype(np.float64)
    means, spreads = moments(columns)
    sources, targets = (
        _places(network.regulators, network.source, genes),
        _places(network.targets, network.target, genes),
    )
    present = np.flatnonzero((sources >= 0) & (targets >= 0))
    order = present[np.argsort(sources[present], kind="stable")]
    bounds = np.flatnonzero(np.diff(sources[order], prepend=-1, append=-1))
    matrix = (columns.indptr, columns.indices, columns.data)

    def one(group: NDArray[np.int64]) -> None:
        source = int(sources[group[0]])
        values, found = columns[:, [source]].toarray().ravel(), np.empty(group.size)
        if mask_dropouts:
            masked_correlations(values, targets[group], *matrix, found)
        else:
            edge_correlations(values, means[source], spreads[source], targets[group], *matrix, means, spreads, found)
        rho[group] = found

    groups = (order[first:last] for first, last in zip(bounds[:-1], bounds[1:], strict=True))
    for _ in map_ordered(one, groups, n_jobs):
        pass
    return rho


def moments(columns: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and root of the centred sum of squares of each column of a CSC matrix.

    The second is 0 exactly where a column does not vary. Shapes ``(n_columns,)``.
    """
    n_rows, n_columns = columns.shape
    means, spreads = np.zeros(n_columns), np.zeros(n_columns)
    for k in range(n_columns):
        stored = columns.data[columns.indptr[k] : columns.indptr[k + 1]]
        n_zeros = n_rows - stored.size
        if not stored.size or (not n_zeros and stored.min() == stored.max()):
            means[k] = stored[0] if stored.size else 0.0
            continue
        means[k] = stored.sum() / n_rows
        spreads[k] = np.sqrt(np.square(stored - means[k]).sum() + n_zeros * means[k] ** 2)
    return means, spreads


def _places(names: pd.Index, codes: NDArray[Any], genes: pd.Index) -> NDArray[np.int64]:
    """Return the column of each edge's gene, -1 where the matrix lacks it."""
    return np.asarray(genes.get_indexer(names)[codes], dtype=np.int64)
