"""Single states of networks of any size: next values from tables or decision diagrams, and random walks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reguloom._numba import GOLDEN, mix, njit


@njit
def uniform(counter: np.uint64) -> float:
    """Return the random number in [0, 1) that belongs to a counter."""
    return float(mix(counter) >> np.uint64(11)) * 1.1102230246251565e-16


@njit
def next_value(
    gene: int,
    state: NDArray[np.uint8],
    regulators: NDArray[np.int32],
    first: NDArray[np.int64],
    values: NDArray[np.uint8],
    start: NDArray[np.int64],
    nodes: NDArray[np.int32],
    root: NDArray[np.int32],
) -> int:
    """Return the value that a gene's rule gives in a state; the arrays are those of :class:`Tables`."""
    begin = first[gene]
    if start[gene] >= 0:
        row = 0
        for i in range(begin, first[gene + 1]):
            row |= np.int64(state[regulators[i]]) << (i - begin)
        return int(values[start[gene] + row])
    node = root[gene]
    while node > 1:
        node = nodes[node, 2] if state[regulators[begin + nodes[node, 0]]] else nodes[node, 1]
    return int(node)


@njit
def _step(
    state: NDArray[np.uint8],
    after: NDArray[np.uint8],
    regulators: NDArray[np.int32],
    first: NDArray[np.int64],
    values: NDArray[np.uint8],
    start: NDArray[np.int64],
    nodes: NDArray[np.int32],
    root: NDArray[np.int32],
) -> None:
    """Write the synchronous successor of a state."""
    for gene in range(len(state)):
        after[gene] = next_value(gene, state, regulators, first, values, start, nodes, root)


@njit
def follow(
    state: NDArray[np.uint8],
    regulators: NDArray[np.int32],
    first: NDArray[np.int64],
    values: NDArray[np.uint8],
    start: NDArray[np.int64],
    nodes: NDArray[np.int32],
    root: NDArray[np.int32],
    max_steps: int,
    max_length: int,
) -> NDArray[np.uint8]:
    """Follow synchronous updating to its cycle (Brent 1980) and return the cycle's states, or none if it is too far."""
    n = len(state)
    slow, fast, after = state.copy(), state.copy(), state.copy()
    power, length = 1, 0
    for _ in range(max_steps):
        _step(fast, after, regulators, first, values, start, nodes, root)
        fast[:] = after
        length += 1
        if (fast == slow).all():
            break
        if length == power:
            slow[:] = fast
            power *= 2
            length = 0
    if length == 0 or length > max_length or not (fast == slow).all():
        return np.zeros((0, n), dtype=np.uint8)
    cycle = np.empty((length, n), dtype=np.uint8)
    for i in range(length):
        cycle[i] = fast
        _step(fast, after, regulators, first, values, start, nodes, root)
        fast[:] = after
    return cycle


@njit
def walk_asynchronous(
    states: NDArray[np.uint8],
    cumulative: NDArray[np.float64],
    choices: NDArray[np.int64],
    record: NDArray[np.uint8],
    seed: np.uint64,
    tables: tuple,  # type: ignore[type-arg]
) -> None:
    """Walk from each state, one randomly chosen gene at a time, and record every step.

    Parameters
    ----------
    states
        Starting states, shape ``(n_walks, n_genes)``; changed in place.
    cumulative, choices
        Genes that are updated, and the running sum of how likely each is chosen.
    record
        Filled with the states, shape ``(n_walks, n_steps + 1, n_genes)``.
    seed
        Of this call; walk and step number choose the random words.
    tables
        The arrays of :class:`Tables`.
    """
    regulators, first, values, start, nodes, root = tables
    for walk in range(len(states)):
        state = states[walk]
        counter = mix(seed + np.uint64(walk + 1) * GOLDEN)
        record[walk, 0] = state
        for step in range(1, record.shape[1]):
            counter += GOLDEN
            gene = choices[np.searchsorted(cumulative, uniform(counter), side="right")]
            state[gene] = next_value(gene, state, regulators, first, values, start, nodes, root)
            record[walk, step] = state


@njit
def walk_continuous(
    states: NDArray[np.uint8],
    up: NDArray[np.float64],
    down: NDArray[np.float64],
    times: NDArray[np.float64],
    record: NDArray[np.uint8],
    seed: np.uint64,
    tables: tuple,  # type: ignore[type-arg]
) -> None:
    """Walk in continuous time (Gillespie 1976): a gene whose rule disagrees with it flips at its own rate.

    Parameters
    ----------
    states
        Starting states, shape ``(n_walks, n_genes)``; changed in place.
    up, down
        Rates of switching on and off, per unit of time.
    times
        When the state is recorded, ascending.
    record
        Filled with the states, shape ``(n_walks, n_times, n_genes)``.
    seed
        Of this call.
    tables
        The arrays of :class:`Tables`.
    """
    regulators, first, values, start, nodes, root = tables
    n_genes = states.shape[1]
    rates = np.zeros(n_genes)
    for walk in range(len(states)):
        state = states[walk]
        counter = mix(seed + np.uint64(walk + 1) * GOLDEN)
        now, at = 0.0, 0
        while at < len(times):
            total = 0.0
            for gene in range(n_genes):
                wanted = next_value(gene, state, regulators, first, values, start, nodes, root)
                rates[gene] = 0.0 if wanted == state[gene] else (up[gene] if wanted else down[gene])
                total += rates[gene]
            counter += GOLDEN
            now = now - np.log(1.0 - uniform(counter)) / total if total > 0 else np.inf
            while at < len(times) and times[at] < now:
                record[walk, at] = state
                at += 1
            if total == 0:
                break
            counter += GOLDEN
            threshold = uniform(counter) * total
            chosen = -1
            for gene in range(n_genes):
                if rates[gene] > 0:
                    chosen = gene
                    threshold -= rates[gene]
                    if threshold < 0:
                        break
            state[chosen] = 1 - state[chosen]


@njit
def walk_to_spaces(
    states: NDArray[np.uint8],
    choices: NDArray[np.int64],
    spaces: NDArray[np.int8],
    max_steps: int,
    seed: np.uint64,
    tables: tuple,  # type: ignore[type-arg]
) -> NDArray[np.int64]:
    """Walk from each state, one gene at a time, until it is in one of the trap spaces.

    Parameters
    ----------
    states
        Starting states, shape ``(n_walks, n_genes)``; changed in place.
    choices
        Genes that are updated, equally likely.
    spaces
        Trap spaces, shape ``(n_spaces, n_genes)``: 0, 1, or -1 for free.
    max_steps
        Updates before a walk is given up.
    seed
        Of this call.
    tables
        The arrays of :class:`Tables`.

    Returns
    -------
    The number of the space that each walk reached, -1 for none.
    """
    regulators, first, values, start, nodes, root = tables
    reached = np.full(len(states), -1, dtype=np.int64)
    for walk in range(len(states)):
        state = states[walk]
        counter = mix(seed + np.uint64(walk + 1) * GOLDEN)
        for step in range(max_steps + 1):
            if step % len(choices) == 0:
                reached[walk] = _space_of(state, spaces)
                if reached[walk] >= 0:
                    break
            counter += GOLDEN
            gene = choices[np.int64(uniform(counter) * len(choices))]
            state[gene] = next_value(gene, state, regulators, first, values, start, nodes, root)
    return reached


@njit
def _space_of(state: NDArray[np.uint8], spaces: NDArray[np.int8]) -> int:
    """Return the first space that holds a state, or -1."""
    for i in range(len(spaces)):
        inside = True
        for gene in range(len(state)):
            if spaces[i, gene] >= 0 and spaces[i, gene] != state[gene]:
                inside = False
                break
        if inside:
            return i
    return -1
