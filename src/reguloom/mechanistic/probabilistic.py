"""Probabilistic Boolean networks (Shmulevich et al. 2002) as Markov chains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import ConvergenceWarning, InputError, warn
from reguloom.mechanistic._program import compile_rules
from reguloom.mechanistic.attractors import Attractor, Attractors, Limits, decode, enclosing, ordered, refuse_many
from reguloom.mechanistic.starts import check_initial
from reguloom.mechanistic.synchronous import successor_map

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from reguloom.mechanistic.boolean_network import BooleanNetwork

MAX_GENES = 16
"""Free genes of the largest chain that is written out."""
MAX_ENTRIES = 1 << 26
"""Transitions of the largest chain."""


def transition_matrix(network: BooleanNetwork, *, noise: float = 0.0) -> csr_array:
    """Return the probabilities of going from each state to each other in one step.

    Every gene draws one of its rules, independently of the others.

    Parameters
    ----------
    network
        A network of up to 16 free genes.
    noise
        Chance that a gene flips after a step; the chain is then written out in full, for up to 10 free genes.

    Returns
    -------
    csr_array
        States × states, rows adding up to 1; free gene ``i`` is bit ``i`` of a state's number.

    Raises
    ------
    InputError
        If the network has delays or too many genes, or the chain too many transitions.
    """
    from scipy.sparse import csr_array

    n_genes = len(network.free)
    limit = 10 if noise else MAX_GENES
    if network.is_temporal or n_genes > limit:
        what = "has rules that look back" if network.is_temporal else f"has {n_genes} free genes"
        msg = f"the network {what}; chains are written out for ordinary rules and up to {limit} free genes."
        raise InputError(msg)
    rows, columns, chances = _transitions(network, n_genes)
    matrix = csr_array((chances, (rows, columns)), shape=(1 << n_genes, 1 << n_genes))
    if noise:
        states = np.arange(1 << n_genes)
        flips = ((states[:, None, None] ^ states[None, :, None]) >> np.arange(n_genes) & 1).sum(axis=2)
        matrix = csr_array(matrix @ (noise**flips * (1 - noise) ** (n_genes - flips)))
    return matrix


def _transitions(network: BooleanNetwork, n_genes: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the transitions: genes that depend on the draw split every state's successor in two."""
    rows = np.arange(1 << n_genes, dtype=np.int64)
    columns = np.zeros(1 << n_genes, dtype=np.int64)
    chances = np.ones(1 << n_genes)
    for bit, gene in enumerate(network.free):
        on = np.zeros(1 << n_genes)
        total = sum(one.probability for one in network.alternatives[gene])
        for one in network.alternatives[gene]:
            program = compile_rules([one.expression], network.free, network.fixed)
            on += one.probability / total * (_evaluated(program, n_genes) & 1)
        chance = on[rows]
        up, down = chance > 0, chance < 1
        if up.sum() + down.sum() > MAX_ENTRIES:
            msg = f"the chain has more than {MAX_ENTRIES:,} transitions; fix some genes."
            raise InputError(msg)
        columns = np.concatenate([columns[up] | (1 << bit), columns[down]])
        chances = np.concatenate([chances[up] * chance[up], chances[down] * (1 - chance[down])])
        rows = np.concatenate([rows[up], rows[down]])
    return rows, columns, chances


def _evaluated(program: Any, n_genes: int) -> NDArray[np.uint32]:
    """Return one rule's value in every state, in the lowest bit."""
    from reguloom.mechanistic._program import Program

    outputs = np.zeros(n_genes, dtype=np.int32)
    outputs[:1] = program.outputs
    return successor_map(Program(program.code, outputs), n_genes)


def markov_simulation(
    network: BooleanNetwork,
    *,
    initial: Mapping[str, int] | None = None,
    n_iterations: int = 1000,
    noise: float = 0.0,
    cutoff: float = 1e-3,
    tolerance: float = 1e-12,
) -> pd.DataFrame:
    """Follow the distribution over the states of a probabilistic network until it no longer changes.

    Parameters
    ----------
    network
        The network, of up to 16 free genes.
    initial
        Gene → start value; all combinations of the other genes are equally likely.
    n_iterations
        Steps at most; a chain that cycles is averaged over the last half of them.
    noise
        Chance that a gene flips after a step.
    cutoff
        States of lower probability are left out of the table.
    tolerance
        Largest change of a probability at which the distribution counts as settled.

    Returns
    -------
    DataFrame
        One row for each state that is left, most probable first: ``state``, ``probability``, and each gene's value.
    """
    matrix = transition_matrix(network, noise=noise)
    given = check_initial(network, initial)
    states = decode(np.arange(matrix.shape[0]), network, network.free)
    start = np.ones(len(states), dtype=bool)
    for gene, value in given.items():
        if gene not in network.fixed:
            start &= states[:, network.genes.index(gene)] == bool(value)
    now = start / start.sum()
    backward = matrix.T.tocsr()
    mean, settled = np.zeros(len(states)), False
    for step in range(n_iterations):
        after = backward @ now
        settled = bool(np.abs(after - now).max() <= tolerance)
        now = after
        if step >= n_iterations // 2:
            mean += now
        if settled:
            break
    if not settled:
        now = mean / max(1, n_iterations - n_iterations // 2)
        warn(
            f"the distribution still moved after {n_iterations} steps, so it is the mean of the last half of them; "
            "a chain that cycles does this, otherwise raise n_iterations.",
            ConvergenceWarning,
        )
    kept = np.flatnonzero(now >= cutoff)
    kept = kept[np.argsort(-now[kept], kind="stable")]
    texts = ["".join("01"[int(value)] for value in row) for row in states[kept]]
    table = pd.DataFrame(states[kept].astype(np.int8), columns=list(network.genes))
    table.insert(0, "probability", now[kept])
    table.insert(0, "state", texts)
    return table


def attractors(network: BooleanNetwork, limits: Limits) -> Attractors:
    """Return the recurrent classes of the chain: sets of states that are never left and visited for ever.

    Parameters
    ----------
    network
        The network.
    limits
        How much may be listed.
    """
    from scipy.sparse.csgraph import connected_components

    matrix = transition_matrix(network)
    count, labels = connected_components(matrix, directed=True, connection="strong")
    edges = matrix.tocoo()
    leaves = np.zeros(count, dtype=bool)
    crossing = labels[edges.row] != labels[edges.col]
    leaves[labels[edges.row[crossing]]] = True
    terminal = np.flatnonzero(~leaves)
    if len(terminal) > limits.max_attractors:
        raise refuse_many(network, f"{len(terminal):,}", limits.max_attractors)
    by_label = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[by_label], np.arange(count + 1))
    members = []
    for label in terminal:
        rows = decode(by_label[first[label] : first[label + 1]], network, network.free)
        members.append(Attractor(enclosing(rows), len(rows), rows if len(rows) <= limits.max_states else None))
    return Attractors(network.genes, ordered(members), "probabilistic", n_states=1 << len(network.free))
