"""Asynchronous updating: terminal components of the state graph, explicit where small, symbolic beyond."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reguloom._errors import ConvergenceWarning, warn
from reguloom.mechanistic import _solvers, _spaces, trap_spaces
from reguloom.mechanistic._program import compile_rules
from reguloom.mechanistic.attractors import Attractor, Attractors, Limits, decode, enclosing, ordered, refuse_many
from reguloom.mechanistic.synchronous import successor_map

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork

MAX_GENES = 20
"""Genes of the largest asynchronous state graph that is searched explicitly."""


def attractors(network: BooleanNetwork, limits: Limits) -> Attractors:
    """Return the terminal components of the asynchronous state graph.

    Genes that constants decide are taken out first. Up to 20 remaining genes, the graph is searched (Tarjan);
    beyond, AEON and biobalm are asked side by side, and the first answer counts. If neither comes in time, what the
    minimal trap spaces hold is returned, marked incomplete.

    Parameters
    ----------
    network
        A deterministic network without delays.
    limits
        How much may be listed, and the solvers' time.
    """
    if len(network.inputs) > 0 and 1 << len(network.inputs) > limits.max_attractors:
        raise refuse_many(network, f"at least 2**{len(network.inputs)}", limits.max_attractors)
    known = _spaces.percolated(network)
    if len(network.genes) - len(known) <= MAX_GENES:
        return _collected(network, explicit(network, known, limits), limits)
    _solvers.require(len(network.genes) - len(known), MAX_GENES, "asynchronous attractors")
    began = time.monotonic()
    spaces = trap_spaces.minimal(network, limits)
    deadline = began + limits.time_limit
    # what remains is for looking into the trap spaces, should the solvers not finish
    left = max(1.0, 0.8 * (deadline - time.monotonic()))
    found = _solvers.attractors(network, known, replace(limits, time_limit=left))
    if found is not None:
        return _collected(network, found, limits)
    return _from_trap_spaces(network, spaces, limits, deadline)


def explicit(network: BooleanNetwork, known: Mapping[str, int], limits: Limits) -> list[Attractor]:
    """Return the attractors inside a trap space with few free genes.

    Parameters
    ----------
    network
        The network.
    known
        Genes that are constant there.
    limits
        How much may be listed.
    """
    from reguloom.mechanistic._kernels import terminal_components

    inside = network.with_fixed({gene: value for gene, value in known.items() if network.fixed.get(gene) != value})
    rules = [inside.expression(gene) for gene in inside.free]
    program = compile_rules(rules, inside.free, inside.fixed)
    successor = successor_map(program, len(inside.free))
    states, bounds, _, _ = terminal_components(successor, len(inside.free))
    if len(bounds) - 1 > limits.max_attractors:
        raise refuse_many(network, f"{len(bounds) - 1:,}", limits.max_attractors)
    members = []
    for begin, end in zip(bounds[:-1], bounds[1:], strict=True):
        codes = np.sort(states[begin:end])
        rows = decode(codes, inside, inside.free)
        members.append(Attractor(enclosing(rows), len(rows), rows if len(rows) <= limits.max_states else None))
    return members


def _collected(network: BooleanNetwork, members: list[Attractor], limits: Limits) -> Attractors:
    """Return the attractors in order, unless there are too many."""
    if len(members) > limits.max_attractors:
        raise refuse_many(network, f"{len(members):,}", limits.max_attractors)
    return Attractors(network.genes, ordered(members), "asynchronous", n_states=1 << len(network.free))


def _from_trap_spaces(
    network: BooleanNetwork, spaces: list[dict[str, int]], limits: Limits, deadline: float
) -> Attractors:
    """Return what is certain without the solvers: every minimal trap space holds an attractor."""
    members: list[Attractor] = []
    for space in spaces:
        n_free = len(network.genes) - len(space)
        if n_free == 0:
            text = _spaces.text_of(space, network.genes)
            members.append(Attractor(text, 1, np.array([[letter == "1" for letter in text]])))
        elif n_free <= MAX_GENES and time.monotonic() < deadline:
            members += explicit(network, space, limits)
        else:
            members.append(Attractor(_spaces.text_of(space, network.genes), 1 << n_free))
    note = (
        f"neither AEON nor biobalm answered within {limits.time_limit:g} s: each minimal trap space holds an attractor "
        "(sizes of large ones are upper bounds), and whether there are others is not settled; "
        "raise time_limit, fix genes, or take update='most-permissive', which is exact."
    )
    warn(note, ConvergenceWarning)
    return Attractors(
        network.genes, ordered(members), "asynchronous", complete=False, note=note, n_states=1 << len(network.free)
    )
