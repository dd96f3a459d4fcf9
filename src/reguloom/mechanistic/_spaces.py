"""Subspaces: percolation of constants, and the smallest trap space that holds a state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reguloom.mechanistic.formula import Formula, constant, simplify

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork


def percolated(network: BooleanNetwork, space: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return the genes that are constant once those of `space` (by default the fixed ones) are.

    Parameters
    ----------
    network
        The network.
    space
        Gene → value.
    """
    known = dict(network.fixed if space is None else space)
    listeners: dict[str, list[str]] = {gene: [] for gene in network.genes}
    for gene in network.genes:
        for name in network.regulators(gene):
            listeners[name].append(gene)
    waiting = list(network.genes)
    while waiting:
        gene = waiting.pop()
        if gene in known:
            continue
        value = network.function(gene).constant_on(known)
        if value is not None:
            known[gene] = value
            waiting.extend(listeners[gene])
    return known


def trap_space_of(network: BooleanNetwork, state: Mapping[str, int]) -> dict[str, int]:
    """Return the smallest trap space that holds a state: the genes that can never change from there.

    Genes are set free as long as a rule can give another value somewhere in the space.

    Parameters
    ----------
    network
        The network.
    state
        Gene → value, for all genes.
    """
    space = dict(state)
    changed = True
    while changed:
        changed = False
        for gene in list(space):
            if network.function(gene).constant_on(space) != space[gene]:
                del space[gene]
                changed = True
    return space


def text_of(space: Mapping[str, int], genes: Sequence[str]) -> str:
    """Return a space as ``01*``."""
    return "".join(str(space[gene]) if gene in space else "*" for gene in genes)


def from_text(text: str, genes: Sequence[str]) -> dict[str, int]:
    """Return the space that a text such as ``01*`` stands for."""
    return {gene: int(letter) for gene, letter in zip(genes, text, strict=True) if letter != "*"}


def within(network: BooleanNetwork, space: Mapping[str, int]) -> dict[str, Formula]:
    """Return the rules of the genes that are free in a space, with the others' values put in."""

    def put(node: Formula) -> Formula:
        return constant(space[node.name]) if node.name in space else node

    return {gene: simplify(network.expression(gene).substitute(put)) for gene in network.genes if gene not in space}
