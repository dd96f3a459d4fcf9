"""Between cells and Boolean states: which attractor is a cell nearest to, and where would it go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import _keys
from reguloom._errors import InputError
from reguloom._random import child_seed
from reguloom.core import Expression, check_genes
from reguloom.mechanistic.attractors import Attractors, attractors
from reguloom.mechanistic.fates import MAX_GENES, MAX_WORK, Absorption, walk_ends

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.mechanistic.boolean_network import BooleanNetwork

MAX_MISSING = 10
"""Genes without a measurement over whose values a cell's fate is averaged."""


def binary_states(
    data: AnnData | pd.DataFrame | Expression,
    network: BooleanNetwork,
    *,
    layer: str | None = None,
    method: str = "kmeans",
) -> pd.DataFrame:
    """Return the cells as Boolean states of a network's genes.

    Parameters
    ----------
    data
        Expression of cells. Values that are 0 and 1 alone are taken as they are.
    network
        The network.
    layer
        Layer of an AnnData.
    method
        How expression is made binary; see :func:`reguloom.mechanistic.binarize_expression`.

    Returns
    -------
    DataFrame
        Cells × genes, 0, 1, or NaN for genes that were not measured; fixed genes have their value.
    """
    from reguloom.mechanistic.binarize_expression import binarize_expression

    expression = Expression.of(data, layer=layer)
    check_genes(network.genes, expression.genes, what="genes of the network", where="the cells")
    measured = [gene for gene in network.genes if gene in set(expression.genes)]
    columns = [list(expression.genes).index(gene) for gene in measured]
    values = expression.X[:, columns]
    dense = np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)
    if not np.isin(dense, (0.0, 1.0)).all():
        dense = binarize_expression(pd.DataFrame(dense, columns=measured), method=method).states.to_numpy(dtype=float)
    made = pd.DataFrame(dense, index=expression.cells, columns=measured).reindex(columns=list(network.genes))
    for gene, value in network.fixed.items():
        made[gene] = float(value)
    return made


def expected_levels(network: BooleanNetwork, states: pd.DataFrame) -> pd.DataFrame:
    """Return for each cell the expected long-run level of each gene, cells × genes.

    Parameters
    ----------
    network
        The network.
    states
        From :func:`binary_states`; values of genes that the network fixes are replaced.
    """
    found = attractors(network)
    weights = cell_fates(network, states, found)
    return pd.DataFrame(weights.to_numpy() @ found.levels().to_numpy(), states.index, list(network.genes))


def cell_fates(network: BooleanNetwork, states: pd.DataFrame, found: Attractors | None = None) -> pd.DataFrame:
    """Return the probability that each cell ends in each attractor, under asynchronous updating.

    Parameters
    ----------
    network
        The network.
    states
        From :func:`binary_states`; genes without a value are averaged over both.
    found
        The network's asynchronous attractors, if they are known already.

    Returns
    -------
    DataFrame
        Cells × attractors; computed up to 20 free genes, beyond estimated from 200 walks for each state.

    Raises
    ------
    InputError
        If more than 10 genes have no value.
    """
    found = attractors(network) if found is None else found
    free = states[list(network.free)].to_numpy(dtype=np.float64)
    unique, inverse = np.unique(np.nan_to_num(free, nan=-1.0).astype(np.int8), axis=0, return_inverse=True)
    n_missing = int((unique < 0).sum(axis=1).max(initial=0))
    if n_missing > MAX_MISSING:
        msg = f"{n_missing} genes have no value in some cells; fates are averaged over up to {MAX_MISSING} such genes."
        raise InputError(msg)
    spread, owner = _filled(unique)
    if len(network.free) <= MAX_GENES and len(found) << len(network.free) <= MAX_WORK:
        codes = (spread.astype(np.int64) << np.arange(spread.shape[1])).sum(axis=1)
        chances = np.array(Absorption(network, found).chances(codes)).T.reshape(len(codes), len(found))
    else:
        chances = _walked(network, found, spread)
    sums = np.zeros((len(unique), len(found)))
    np.add.at(sums, owner, chances)
    means = sums / np.bincount(owner, minlength=len(unique))[:, None]
    return pd.DataFrame(means[inverse.reshape(-1)], states.index, found.names)


def _filled(states: NDArray[np.int8]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Replace each missing value (-1) by 0 and by 1; return the states and which one each comes from."""
    owner = np.arange(len(states))
    for column in range(states.shape[1]):
        missing = states[:, column] < 0
        if missing.any():
            twice = states[missing].copy()
            states = np.concatenate([states, twice])
            states[: len(missing), column][missing] = 0
            states[len(missing) :, column] = 1
            owner = np.concatenate([owner, owner[missing]])
    return states, owner


def _walked(
    network: BooleanNetwork, found: Attractors, free: NDArray[np.int8], n_walks: int = 200
) -> NDArray[np.float64]:
    """Estimate fates from walks."""
    states = np.zeros((len(free), len(network.genes)), dtype=np.uint8)
    states[:, [network.genes.index(gene) for gene in network.free]] = free
    for gene, value in network.fixed.items():
        states[:, network.genes.index(gene)] = value
    ends = walk_ends(network, found, np.repeat(states, n_walks, axis=0), None, child_seed(0, "cells"))
    counts = np.zeros((len(free), len(found) + 1))
    np.add.at(counts, (np.repeat(np.arange(len(free)), n_walks), ends), 1.0)
    return counts[:, :-1] / n_walks


def assign_attractors(
    adata: AnnData,
    network: BooleanNetwork,
    found: Attractors | None = None,
    *,
    layer: str | None = None,
    method: str = "kmeans",
    fates: bool = True,
    key_added: str = _keys.ATTRACTOR,
    copy: bool = False,
) -> AnnData | None:
    """Say for each cell which attractor is nearest to its state, and how likely it ends in each.

    Parameters
    ----------
    adata
        Cells; genes are matched by name.
    network
        The network.
    found
        Attractors of any update scheme; the asynchronous ones if left out.
    layer
        Layer that holds the expression; ``X`` if left out.
    method
        How expression is made binary; see :func:`reguloom.mechanistic.binarize_expression`.
    fates
        Whether to compute the fates too (asynchronous updating).
    key_added
        Beginning of the slots' names.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    AnnData or None
        The copy, if one was asked for.

    Writes
    ------
    ``adata.obs[key_added]`` : categorical
        The nearest attractor (``A1`` …).
    ``adata.obs[key_added + '_distance']`` : float
        Share of the measured genes in which the cell differs from the nearest state of that attractor, 0–1.
    ``adata.obsm[key_added + '_fates']`` : DataFrame ``(n_cells, n_attractors)``
        Probability of ending in each attractor, if `fates`.
    ``adata.uns[key_added]`` : dict
        ``attractors``: table of attractors × genes; ``spaces``; ``update``; ``complete``.
    """
    adata = adata.copy() if copy else adata
    found = attractors(network) if found is None else found
    if not len(found):
        msg = "there are no attractors to assign cells to."
        raise InputError(msg)
    states = binary_states(adata, network, layer=layer, method=method)
    distance = _distances(states.to_numpy(), found)
    nearest = distance.argmin(axis=1)
    names = np.array(found.names)
    adata.obs[key_added] = pd.Categorical(names[nearest], categories=found.names)
    adata.obs[f"{key_added}_distance"] = distance[np.arange(len(nearest)), nearest]
    if fates:
        known = found if found.update == "asynchronous" else None
        table = cell_fates(network, states, known)
        table.index = adata.obs_names
        adata.obsm[f"{key_added}_fates"] = table
    adata.uns[key_added] = _entry(found)
    return adata if copy else None


def _entry(found: Attractors) -> dict[str, Any]:
    """Return what ``uns`` holds of the attractors."""
    return {
        "attractors": found.levels(),
        "spaces": [one.space for one in found],
        "update": found.update,
        "complete": found.complete,
    }


def _distances(states: NDArray[np.float64], found: Attractors) -> NDArray[np.float64]:
    """Return cells × attractors: the share of measured genes in which they differ, at the nearest state."""
    measured = ~np.isnan(states)
    filled = np.where(measured, states, 0.0)
    made = np.empty((len(states), len(found)))
    for i, one in enumerate(found):
        if one.states is not None:
            targets = one.states.astype(np.float64)
            differ = (filled * measured) @ (1 - targets).T + ((1 - filled) * measured) @ targets.T
            made[:, i] = differ.min(axis=1)
        else:
            wanted = np.array([-1.0 if letter == "*" else float(letter) for letter in one.space])
            made[:, i] = ((filled != wanted) & (wanted >= 0) & measured).sum(axis=1)
    return made / np.maximum(measured.sum(axis=1, keepdims=True), 1)
