"""The sign of each edge: Pearson correlation of regulator and target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom.core import Expression, Network
from reguloom.core.correlation import edge_correlation

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
    _check_genes(network, expression)
    rho = edge_correlation(network, expression, mask_dropouts=mask_dropouts, n_jobs=n_jobs)
    regulation = (rho > rho_threshold).astype(np.int8) - (rho < -rho_threshold).astype(np.int8)
    kept = network.extra.drop(columns=["regulation", "rho"], errors="ignore")
    added = pd.DataFrame({"regulation": regulation.astype(np.int64), "rho": rho})
    extra = pd.concat([kept.reset_index(drop=True), added], axis=1) if kept.shape[1] else added
    return replace(network, sign=regulation, extra=extra)


def _check_genes(network: Network, expression: Expression) -> None:
    """Raise if a gene with an edge is not in the matrix."""
    used = network.regulators[np.unique(network.source)].union(network.targets[np.unique(network.target)], sort=False)
    missing = list(used.difference(expression.genes, sort=False))
    if missing:
        msg = (
            f"{len(missing)} genes of the network are not in the matrix, such as {missing[:3]}; "
            "give the matrix that the network was inferred from."
        )
        raise MissingKeyError(msg)
