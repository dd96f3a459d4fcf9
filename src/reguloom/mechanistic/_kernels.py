"""State spaces of Boolean networks: successors 64 states at a time, cycles, and terminal components."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom._numba import njit

WORDS = 32
"""Words that one instruction works on: 2,048 states."""


@njit
def successors(
    code: NDArray[np.int32],
    outputs: NDArray[np.int32],
    n_genes: int,
    first_word: int,
    last_word: int,
    result: NDArray[np.uint32],
) -> None:
    """Write the synchronous successor of each state of the given words into `result`.

    Parameters
    ----------
    code, outputs
        From :class:`Program`: registers 0 and 1 are false and true, then the genes.
    n_genes
        Free genes; gene ``i`` is bit ``i`` of a state.
    first_word, last_word
        Range of words of 64 states; below 6 genes the one word is only partly used.
    result
        Successors, shape ``(2**n_genes,)``, unsigned.
    """
    n_states = 1 << n_genes
    registers = np.zeros((2 + n_genes + len(code), WORDS), dtype=np.uint64)
    registers[1] = ~np.uint64(0)
    patterns = np.array(
        [
            0xAAAAAAAAAAAAAAAA,
            0xCCCCCCCCCCCCCCCC,
            0xF0F0F0F0F0F0F0F0,
            0xFF00FF00FF00FF00,
            0xFFFF0000FFFF0000,
            0xFFFFFFFF00000000,
        ],
        dtype=np.uint64,
    )
    for gene in range(min(n_genes, 6)):
        registers[2 + gene] = patterns[gene]
    column = np.zeros(64, dtype=result.dtype)
    for base in range(first_word, last_word, WORDS):
        width = min(WORDS, last_word - base)
        for gene in range(6, n_genes):
            for w in range(width):
                registers[2 + gene, w] = ~np.uint64(0) if ((base + w) >> (gene - 6)) & 1 else np.uint64(0)
        _execute(code, registers, 2 + n_genes)
        for w in range(width):
            column[:] = 0
            for gene in range(n_genes):
                word = registers[outputs[gene], w]
                for s in range(64):
                    column[s] |= result.dtype.type((word >> np.uint64(s)) & np.uint64(1)) << result.dtype.type(gene)
            start = (base + w) * 64
            stop = min(start + 64, n_states)
            for s in range(start, stop):
                result[s] = column[s - start]


@njit
def _execute(code: NDArray[np.int32], registers: NDArray[np.uint64], offset: int) -> None:
    """Run straight-line code on a block of words."""
    for i in range(len(code)):
        operator, left, right = code[i, 0], code[i, 1], code[i, 2]
        target = offset + i
        if operator == 0:
            for w in range(WORDS):
                registers[target, w] = ~registers[left, w]
        elif operator == 1:
            for w in range(WORDS):
                registers[target, w] = registers[left, w] & registers[right, w]
        elif operator == 2:
            for w in range(WORDS):
                registers[target, w] = registers[left, w] | registers[right, w]
        else:
            for w in range(WORDS):
                registers[target, w] = registers[left, w] ^ registers[right, w]


@njit
def basins(
    successor: NDArray[np.uint32], labels: NDArray[Any], limit: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find every cycle of a map and how many states end in each.

    Only states that are the successor of some state are walked; all others follow theirs. A walk marks its path and
    stops at a mark: its own closes a new cycle, another's says where the path ends.

    Parameters
    ----------
    successor
        Next state of each state.
    labels
        Zeros, of the same length; filled with 1 + number of the attractor, for states that have a predecessor.
    limit
        Attractors that `labels` can tell apart.

    Returns
    -------
    One state of each cycle, and the size of its basin; both empty if there are more than `limit`.
    """
    n_states = len(successor)
    image = np.zeros((n_states + 63) >> 6, dtype=np.uint64)
    for s in range(n_states):
        t = successor[s]
        image[t >> 6] |= np.uint64(1) << np.uint64(t & 63)
    on_path = labels.dtype.type(limit + 1)
    found = np.zeros(64, dtype=np.int64)
    n_found = 0
    for s in range(n_states):
        if not (image[s >> 6] >> np.uint64(s & 63)) & np.uint64(1) or labels[s]:
            continue
        state = s
        while labels[state] == 0:
            labels[state] = on_path
            state = successor[state]
        if labels[state] == on_path:
            if n_found >= limit:
                return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
            if n_found == len(found):
                grown = np.zeros(2 * n_found, dtype=np.int64)
                grown[:n_found] = found
                found = grown
            found[n_found] = state
            n_found += 1
            label = labels.dtype.type(n_found)
        else:
            label = labels[state]
        state = s
        while labels[state] == on_path:
            labels[state] = label
            state = successor[state]
    sizes = np.zeros(n_found + 1, dtype=np.int64)
    for s in range(n_states):
        sizes[labels[successor[s]]] += 1
    return found[:n_found], sizes[1:]


@njit
def distances(successor: NDArray[np.uint32], on_cycle: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return how many steps each state is away from its cycle; `on_cycle` marks the states of cycles."""
    steps = np.full(len(successor), -1, dtype=np.int32)
    path = np.empty(len(successor), dtype=np.int64)
    for s in range(len(successor)):
        length, state = 0, s
        while steps[state] < 0 and not on_cycle[state]:
            path[length] = state
            length += 1
            state = successor[state]
        if on_cycle[state]:
            steps[state] = 0
        count = steps[state]
        for i in range(length - 1, -1, -1):
            count += 1
            steps[path[i]] = count
    return steps


@njit(inline="always")
def _complete(
    v: int, stack: NDArray[np.uint32], n_stack: int, order: NDArray[np.uint32], n_order: int,
    done: NDArray[np.bool_], leaves: NDArray[np.bool_],
) -> tuple[int, int, bool]:  # fmt: skip
    """Move a component, `v` and all above it, from the stack to `order`; tell whether no edge leaves it."""
    terminal = True
    while True:
        n_stack -= 1
        u = stack[n_stack]
        done[u] = True
        order[n_order] = u
        n_order += 1
        terminal = terminal and not leaves[u]
        if u == v:
            return n_stack, n_order, terminal


@njit
def terminal_components(
    successor: NDArray[np.uint32], n_genes: int
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint32], NDArray[np.bool_]]:
    """Find the attractors of asynchronous updating: components of the state graph that no edge leaves.

    Tarjan's algorithm without recursion, on edges that are not stored: from ``s`` one differing bit of
    ``s ^ successor[s]`` flips.

    Parameters
    ----------
    successor
        Synchronous next state of each state.
    n_genes
        Number of bits.

    Returns
    -------
    The states of all attractors; where each attractor begins and ends among them; and all states in the order in
    which their components were completed (every component after those it leads to), with the last state of each marked.
    """
    n_states = len(successor)
    index, low = np.zeros(n_states, dtype=np.uint32), np.zeros(n_states, dtype=np.uint32)
    done = np.zeros(n_states, dtype=np.bool_)
    leaves = np.zeros(n_states, dtype=np.bool_)
    stack, calls = np.empty(n_states, dtype=np.uint32), np.empty(n_states, dtype=np.uint32)
    bit = np.zeros(n_states, dtype=np.uint8)
    order = np.empty(n_states, dtype=np.uint32)
    last = np.zeros(n_states, dtype=np.bool_)
    members = np.empty(n_states, dtype=np.uint32)
    bounds = [0]
    n_members, n_order, n_stack, counter = 0, 0, 0, np.uint32(0)
    for start in range(n_states):
        if index[start]:
            continue
        depth = 0
        calls[0] = start
        counter += np.uint32(1)
        index[start] = counter
        low[start] = counter
        stack[n_stack] = start
        n_stack += 1
        while depth >= 0:
            v = np.int64(calls[depth])
            change = v ^ np.int64(successor[v])
            descended = False
            while bit[depth] < n_genes:
                b = np.int64(bit[depth])
                bit[depth] += 1
                if not (change >> b) & 1:
                    continue
                w = v ^ (np.int64(1) << b)
                if not index[w]:
                    counter += np.uint32(1)
                    index[w] = counter
                    low[w] = counter
                    stack[n_stack] = w
                    n_stack += 1
                    depth += 1
                    calls[depth] = w
                    bit[depth] = 0
                    descended = True
                    break
                if done[w]:
                    leaves[v] = True
                elif index[w] < low[v]:
                    low[v] = index[w]
            if descended:
                continue
            is_root = low[v] == index[v]
            if is_root:
                begin = n_order
                n_stack, n_order, terminal = _complete(v, stack, n_stack, order, n_order, done, leaves)
                last[n_order - 1] = True
                if terminal:
                    for i in range(begin, n_order):
                        members[n_members] = order[i]
                        n_members += 1
                    bounds.append(n_members)
            bit[depth] = 0
            depth -= 1
            if depth >= 0:
                parent = calls[depth]
                if is_root:
                    leaves[parent] = True
                elif low[v] < low[parent]:
                    low[parent] = low[v]
    return members[:n_members].copy(), np.array(bounds), order, last


@njit
def absorption(
    successor: NDArray[np.uint32],
    n_genes: int,
    order: NDArray[np.uint32],
    last: NDArray[np.bool_],
    chance: NDArray[np.float64],
    is_target: NDArray[np.int8],
    tolerance: float,
    max_sweeps: int,
) -> float:
    """Compute the probability of ending in one attractor, from every state, under asynchronous updating.

    Components come after those they lead to, so a component of one state takes one look at its successors; the others
    are swept (Gauss-Seidel) until nothing changes by more than `tolerance`.

    Parameters
    ----------
    successor, n_genes
        As for :func:`terminal_components`.
    order, last
        What it returned.
    chance
        Zeros; filled with the probabilities.
    is_target
        Marks the states of attractors: 1 for the one asked for, 2 for others, 0 for transient states.
    tolerance, max_sweeps
        When sweeping stops.

    Returns
    -------
    The largest change in the last sweep over any component.
    """
    worst = 0.0
    begin = 0
    for end in range(len(order)):
        if not last[end]:
            continue
        kind = is_target[order[end]]
        if kind:
            for i in range(begin, end + 1):
                chance[order[i]] = 1.0 if kind == 1 else 0.0
            begin = end + 1
            continue
        for _ in range(max_sweeps):
            moved = 0.0
            for i in range(begin, end + 1):
                v = np.int64(order[i])
                change = v ^ np.int64(successor[v])
                total, count = 0.0, 0
                for b in range(n_genes):
                    if (change >> b) & 1:
                        total += chance[v ^ (np.int64(1) << b)]
                        count += 1
                value = total / count
                moved = max(moved, abs(value - chance[v]))
                chance[v] = value
            if begin == end or moved <= tolerance:
                break
        if begin < end:
            worst = max(worst, moved)
        begin = end + 1
    return worst
