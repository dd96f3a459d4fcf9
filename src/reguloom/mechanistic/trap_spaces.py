"""Trap spaces: subspaces that no update leaves. The minimal ones are the attractors of most permissive dynamics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reguloom.mechanistic import _solvers, _spaces
from reguloom.mechanistic.attractors import Attractor, Attractors, Limits, ordered, refuse_many

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork

MAX_GENES = 20
"""Free genes up to which no solver is needed."""


def attractors(network: BooleanNetwork, limits: Limits) -> Attractors:
    """Return the attractors of most permissive dynamics: all states of each minimal trap space.

    Parameters
    ----------
    network
        A deterministic network without delays.
    limits
        How much may be listed, and the solver's time.
    """
    members = []
    for space in minimal(network, limits):
        size = 1 << (len(network.genes) - len(space))
        states = None
        if size <= limits.max_states:
            states = np.zeros((size, len(network.genes)), dtype=bool)
            free = [i for i, gene in enumerate(network.genes) if gene not in space]
            for i, gene in enumerate(network.genes):
                states[:, i] = space.get(gene, 0)
            for bit, i in enumerate(free):
                states[:, i] = (np.arange(size) >> bit) & 1
        members.append(Attractor(_spaces.text_of(space, network.genes), size, states))
    return Attractors(network.genes, ordered(members), "most-permissive", n_states=1 << len(network.free))


def minimal(network: BooleanNetwork, limits: Limits) -> list[dict[str, int]]:
    """Return the minimal trap spaces as gene → value of the genes that are constant in them.

    Up to 20 free genes: every minimal trap space holds an asynchronous attractor, and the smallest trap space around
    any of its states is the whole space, so the smallest of these spaces are the answer. Beyond, answer set
    programming (biobalm's trappist, Trinh et al. 2022) is asked.

    Parameters
    ----------
    network
        A deterministic network without delays.
    limits
        How much may be listed, and the solver's time.
    """
    from reguloom.mechanistic.asynchronous import explicit

    if network.inputs and 1 << len(network.inputs) > limits.max_attractors:
        raise refuse_many(network, f"at least 2**{len(network.inputs)}", limits.max_attractors)
    known = _spaces.percolated(network)
    if len(network.genes) - len(known) > MAX_GENES:
        _solvers.require(len(network.genes) - len(known), MAX_GENES, "minimal trap spaces")
        return _solvers.minimal_trap_spaces(network, known, limits)
    candidates = []
    for one in explicit(network, known, Limits(limits.max_attractors, 1 << MAX_GENES)):
        if one.states is not None:
            state = {gene: int(value) for gene, value in zip(network.genes, one.states[0], strict=True)}
            candidates.append(state if one.size == 1 else _spaces.trap_space_of(network, state))
    unique = {tuple(sorted(space.items())): space for space in candidates}
    spaces = list(unique.values())
    points = [space for space in spaces if len(space) == len(network.genes)]
    wide = [space for space in spaces if len(space) < len(network.genes)]
    return points + [one for one in wide if not any(_contains(one, other) for other in spaces if other is not one)]


def _contains(outer: dict[str, int], inner: dict[str, int]) -> bool:
    """Tell whether one space holds another."""
    return len(outer) <= len(inner) and all(inner.get(gene) == value for gene, value in outer.items())
