"""Synchronous updating: the whole state space as one map, its cycles and the exact size of every basin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._threads import map_ordered, resolve_n_jobs
from reguloom.mechanistic._program import Program, compile_network, compile_rules
from reguloom.mechanistic.attractors import (
    Attractor,
    Attractors,
    Limits,
    advice,
    decode,
    enclosing,
    ordered,
    refuse_many,
)

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork

MAX_GENES = 26
"""Genes of the largest state space that is enumerated: 2**26 states, 400 MB."""
_THREADED = 18
"""From so many genes on, successors are computed on several threads."""


def successor_map(program: Program, n_genes: int, n_jobs: int | None = None) -> NDArray[np.uint32]:
    """Return the next state of every state, shape ``(2**n_genes,)``; gene ``i`` is bit ``i``.

    Parameters
    ----------
    program
        The rules.
    n_genes
        Genes that vary.
    n_jobs
        Threads.
    """
    from reguloom.mechanistic._kernels import WORDS, successors

    result = np.empty(1 << n_genes, dtype=np.uint32)
    n_words = max(1, (1 << n_genes) >> 6)
    n_parts = 1 if n_genes < _THREADED else 4 * resolve_n_jobs(n_jobs)
    size = -(-n_words // (n_parts * WORDS)) * WORDS
    parts = [(first, min(first + size, n_words)) for first in range(0, n_words, size)]

    def one(part: tuple[int, int]) -> None:
        successors(program.code, program.outputs, n_genes, part[0], part[1], result)

    if len(parts) == 1:
        one(parts[0])
    else:
        list(map_ordered(one, parts, n_jobs))
    return result


@dataclass(frozen=True, eq=False)
class _Core:
    """The genes that others listen to, and in which order the rest follows from them."""

    genes: tuple[str, ...]
    followers: tuple[str, ...]


def _core(network: BooleanNetwork) -> _Core:
    """Take genes away that regulate no remaining gene: they double every basin and lengthen no cycle."""
    listens = {gene: set(network.expression(gene).names) - {gene} for gene in network.free}
    selfish = {gene for gene in network.free if gene in network.expression(gene).names}
    kept = dict.fromkeys(network.free)
    followers: list[str] = []
    heard = dict.fromkeys(kept, 0)
    for names in listens.values():
        for name in names & kept.keys():
            heard[name] += 1
    waiting = [gene for gene in kept if not heard[gene] and gene not in selfish]
    while waiting:
        gene = waiting.pop()
        followers.append(gene)
        del kept[gene]
        for name in listens[gene] & kept.keys():
            heard[name] -= 1
            if not heard[name] and name not in selfish:
                waiting.append(name)
    return _Core(tuple(kept), tuple(reversed(followers)))


def attractors(network: BooleanNetwork, limits: Limits, update: str = "synchronous") -> Attractors:
    """Return the cycles of the synchronous map with their basins.

    Parameters
    ----------
    network
        A deterministic network; a temporal one is unfolded.
    limits
        How much may be listed.
    update
        ``synchronous`` or ``temporal``.

    Raises
    ------
    InputError
        If more than 26 genes matter to others.
    """
    shown = network
    network = network.unfolded() if network.is_temporal else network
    if len(network.free) <= _THREADED:
        core = _Core(network.free, ())
        program = compile_network(network)
    else:
        core = _core(network)
        if len(core.genes) > MAX_GENES:
            raise _too_large(network, len(core.genes))
        program = compile_rules([network.expression(gene) for gene in core.genes], core.genes, network.fixed)
    successor = successor_map(program, len(core.genes))
    starts, sizes = _cycles(successor, network, limits)
    scale = 1 << len(core.followers)
    cycles = [_walk(successor, int(start)) for start in starts]
    members = _attractors(shown, network, core, cycles, [int(size) * scale for size in sizes], limits)
    return Attractors(shown.genes, ordered(members), update, n_states=1 << len(network.free))


def _cycles(
    successor: NDArray[np.uint32], network: BooleanNetwork, limits: Limits
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a state of each cycle and the size of its basin."""
    from reguloom.mechanistic._kernels import basins

    narrow = np.iinfo(np.uint16).max - 1
    wide = limits.max_attractors > narrow
    labels = np.zeros(len(successor), dtype=np.uint32 if wide else np.uint16)
    starts, sizes = basins(successor, labels, limits.max_attractors)
    if not len(starts):
        raise refuse_many(network, f"more than {limits.max_attractors:,}", limits.max_attractors)
    return starts, sizes


def _walk(successor: NDArray[np.uint32], start: int) -> list[int]:
    """Return the states of a cycle in order, from its smallest number on."""
    cycle = [start]
    state = int(successor[start])
    while state != start:
        cycle.append(state)
        state = int(successor[state])
    first = cycle.index(min(cycle))
    return cycle[first:] + cycle[:first]


def _attractors(
    shown: BooleanNetwork,
    network: BooleanNetwork,
    core: _Core,
    cycles: list[list[int]],
    sizes: list[int],
    limits: Limits,
) -> list[Attractor]:
    """Return the cycles with the genes that follow filled in; of an unfolded network, only the present is shown."""
    lengths = [len(cycle) for cycle in cycles]
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    states = decode(np.concatenate([np.array(cycle) for cycle in cycles]), network, core.genes)
    place = {gene: i for i, gene in enumerate(network.genes)}
    if core.followers:
        before = np.arange(len(states)) - 1
        before[bounds[:-1]] = bounds[1:] - 1  # the state before the first of a cycle is its last
        for gene in core.followers:
            function = network.function(gene)
            row = np.zeros(len(states), dtype=np.int64)
            for i, name in enumerate(function.regulators):
                row |= states[before, place[name]].astype(np.int64) << i
            states[:, place[gene]] = function.table[row]
    if shown is not network:
        states = states[:, [place[gene] for gene in shown.genes]]
    made = []
    for text, begin, length, basin in zip(_spaces_of(states, bounds[:-1]), bounds, lengths, sizes, strict=False):
        listed = states[begin : begin + length] if length <= limits.max_states else None
        made.append(Attractor(text, length, listed, basin))
    return made


def _spaces_of(states: NDArray[np.bool_], begins: NDArray[np.int64]) -> list[str]:
    """Return the smallest subspace around each block of states."""
    if not len(begins):
        return []
    values = states.view(np.uint8)
    low, high = np.minimum.reduceat(values, begins), np.maximum.reduceat(values, begins)
    letters = np.where(low == high, low + ord("0"), ord("*")).astype(np.uint8)
    return [row.tobytes().decode() for row in letters]


def _too_large(network: BooleanNetwork, n_genes: int) -> InputError:
    """Return the error for a state space that cannot be enumerated."""
    msg = (
        f"{n_genes} genes matter to others, and synchronous state spaces are enumerated up to {MAX_GENES}; "
        f"{advice(network)}, or sample them with n_samples=1000 (--samples 1000)."
    )
    return InputError(msg)


def sampled(network: BooleanNetwork, limits: Limits, n_samples: int, seed: int) -> Attractors:
    """Follow random states to their cycles; ``basin`` then counts the samples that ended in each.

    Parameters
    ----------
    network
        A deterministic network of any size.
    limits
        How much may be listed.
    n_samples
        Random starts.
    seed
        Of the random starts.
    """
    from reguloom.mechanistic._program import tabulate
    from reguloom.mechanistic._walk_kernels import follow

    shown = network
    network = network.unfolded() if network.is_temporal else network
    tables = tabulate(network)
    generator = np.random.default_rng(seed)
    place = {gene: i for i, gene in enumerate(network.genes)}
    members: dict[bytes, tuple[NDArray[np.bool_], int]] = {}
    lost = 0
    for _ in range(n_samples):
        state = generator.integers(0, 2, len(network.genes)).astype(np.uint8)
        for gene, value in network.fixed.items():
            state[place[gene]] = value
        cycle = follow(state, *tables.arrays, 100_000, limits.max_states)
        if not len(cycle):
            lost += 1
            continue
        key = min(row.tobytes() for row in cycle)
        found = members.get(key, (cycle.astype(bool), 0))
        members[key] = (found[0], found[1] + 1)
    columns = [place[gene] for gene in shown.genes]
    made = [
        Attractor(enclosing(states[:, columns]), len(states), states[:, columns], count)
        for states, count in members.values()
    ]
    note = f"found from {n_samples:,} random states, {lost} of which met no cycle; basins count these states."
    return Attractors(shown.genes, ordered(made), "synchronous", complete=False, note=note, n_states=n_samples)


def transition_table(network: BooleanNetwork) -> pd.DataFrame:
    """Return the synchronous transition table: every state, its successor, its attractor and the way to it.

    Parameters
    ----------
    network
        A network of up to 16 free genes.

    Returns
    -------
    DataFrame
        One row for each state of the free genes: ``state`` and ``next_state`` (texts over all genes), ``attractor``
        (``A1`` …) and ``steps`` to it (0 on the attractor).

    Raises
    ------
    InputError
        If the table would have more than 65,536 rows.
    """
    from reguloom.mechanistic._kernels import distances

    if len(network.free) > 16:
        msg = f"the table would have 2**{len(network.free)} rows; tables are made for up to 16 free genes."
        raise InputError(msg)
    found = attractors(network, Limits(1 << 16, 1 << 16))
    successor = successor_map(compile_network(network), len(network.free))
    columns = [network.genes.index(gene) for gene in network.free]
    label = np.zeros(len(successor), dtype=np.int64)
    for i, one in enumerate(found, 1):
        states = one.states if one.states is not None else np.zeros((0, len(network.genes)), dtype=bool)
        label[(states[:, columns].astype(np.int64) << np.arange(len(columns))).sum(axis=1)] = i
    steps = distances(successor, label > 0)
    for state in np.argsort(steps, kind="stable"):
        label[state] = label[state] or label[successor[state]]
    rows = decode(np.arange(len(label)), network, network.free)
    texts = np.array(["".join("01"[int(value)] for value in row) for row in rows])
    columns_made = {
        "state": texts,
        "next_state": texts[successor],
        "attractor": [f"A{i}" for i in label],
        "steps": steps,
    }
    table = pd.DataFrame(columns_made)
    table.attrs["genes"] = list(network.genes)
    return table
