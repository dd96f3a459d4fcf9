"""The sign of each edge: Pearson correlation of regulator and target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, MissingKeyError
from reguloom._threads import map_ordered
from reguloom.core import Expression, Network
from reguloom.grn._edge_kernels import edge_correlations, masked_correlations
from reguloom.grn.correlation import moments

#: Correlations within this of 0 count as no regulation.
RHO_THRESHOLD = 0.03


def add_correlation(
    network: Network,
    data: Any,
    *,
    layer: str | None = None,
    rho_threshold: float = RHO_THRESHOLD,
    mask_dropouts: bool = False,
    n_jobs: int | None = None,
) -> Network:
    """Add ``regulation`` and ``rho`` to each edge, and set its sign.

    rho is Pearson's correlation of regulator and target over all cells, or over the cells in which neither is 0.
    regulation is +1 above the threshold, -1 below its negative, else 0; an undefined rho (a gene that does not vary)
    is NaN and gives 0.

    Parameters
    ----------
    network
        The network.
    data
        AnnData, DataFrame of cells × genes, or Expression, shape ``(n_cells, n_genes)``.
    layer
        Which values to use.
    rho_threshold
        Size below which a correlation counts as none.
    mask_dropouts
        Whether to use only the cells in which both genes are detected.
    n_jobs
        Threads.

    Returns
    -------
    The same edges in the same order, with the columns ``regulation`` and ``rho``.

    Raises
    ------
    MissingKeyError
        If a gene of the network is not in the matrix.
    InputError
        If `rho_threshold` is negative, or a value is NaN.

    References
    ----------
    Van de Sande et al., Nature Protocols 15:2247 (2020), step "add correlation".
    """
    if rho_threshold < 0:
        msg = f"rho_threshold is {rho_threshold}; it must be 0 or more."
        raise InputError(msg)
    expression = Expression.of(data, layer=layer).check_values()
    rho = correlations(network, expression, mask_dropouts=mask_dropouts, n_jobs=n_jobs)
    regulation = (rho > rho_threshold).astype(np.int8) - (rho < -rho_threshold).astype(np.int8)
    kept = network.extra.drop(columns=["regulation", "rho"], errors="ignore")
    added = pd.DataFrame({"regulation": regulation.astype(np.int64), "rho": rho})
    extra = pd.concat([kept.reset_index(drop=True), added], axis=1) if kept.shape[1] else added
    return replace(network, sign=regulation, extra=extra)


def correlations(
    network: Network, expression: Expression, *, mask_dropouts: bool, n_jobs: int | None = None
) -> NDArray[np.float64]:
    """Return the correlation along each edge, shape ``(n_edges,)``."""
    sources = _positions(network.regulators, network.source, expression.genes)
    targets = _positions(network.targets, network.target, expression.genes)
    columns = expression.to_csc().astype(np.float64)
    means_and_spreads = moments(columns)
    order = np.argsort(sources, kind="stable")
    bounds = np.flatnonzero(np.diff(sources[order], prepend=-1, append=-1))
    rho = np.empty(len(network))

    def one(group: NDArray[np.int64]) -> None:
        rho[group] = _one_source(columns, means_and_spreads, int(sources[group[0]]), targets[group], mask_dropouts)

    groups = (order[first:last] for first, last in zip(bounds[:-1], bounds[1:], strict=True))
    for _ in map_ordered(one, groups, n_jobs):
        pass
    return rho


def _one_source(
    columns: Any, means_and_spreads: tuple[NDArray[Any], NDArray[Any]], source: int, targets: NDArray[Any], masked: bool
) -> NDArray[np.float64]:
    """Return the correlations of one regulator with its targets."""
    values = columns[:, [source]].toarray().ravel()
    rho = np.empty(targets.size)
    matrix = (columns.indptr, columns.indices, columns.data)
    if masked:
        masked_correlations(values, targets, *matrix, rho)
    else:
        means, spreads = means_and_spreads
        edge_correlations(values, means[source], spreads[source], targets, *matrix, means, spreads, rho)
    return rho


def _positions(names: pd.Index, codes: NDArray[np.int32], genes: pd.Index) -> NDArray[np.int64]:
    """Return the column of each edge's gene in the matrix."""
    found = genes.get_indexer(names)
    missing = names[np.intersect1d(np.flatnonzero(found < 0), codes)]
    if len(missing):
        msg = (
            f"{len(missing)} genes of the network are not in the matrix, such as {list(missing[:3])}; "
            "give the matrix that the network was inferred from."
        )
        raise MissingKeyError(msg)
    return found[codes].astype(np.int64)
