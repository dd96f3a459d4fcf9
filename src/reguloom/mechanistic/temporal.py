"""Temporal networks: rules that look back several steps, or at the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reguloom.mechanistic.formula import CLOCK, Formula, constant, simplify, variable

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork


def unfold(network: BooleanNetwork) -> BooleanNetwork:
    """Return the ordinary network whose states are histories of `network`.

    ``gene[-3]`` becomes the gene ``gene[-2]``, which copies ``gene[-1]``, which copies ``gene``: each holds what
    ``gene`` was that many steps before now. Clock predicates take the value they have in the long run, so that the
    attractors are those that the network settles on.

    Parameters
    ----------
    network
        A temporal network; others come back with the same rules.
    """
    made: dict[str, Formula | list[tuple[Formula, float]]] = {}
    depth = dict.fromkeys(network.genes, 1)
    for choices in network.alternatives.values():
        for one in choices:
            for node in one.expression.walk():
                if node.kind == "var":
                    depth[node.name] = max(depth[node.name], node.delay)
    for gene in network.genes:
        made[gene] = [
            (simplify(one.expression.substitute(_now)), one.probability) for one in network.alternatives[gene]
        ]
    for gene in network.genes:
        for back in range(1, depth[gene]):
            made[past(gene, back)] = variable(past(gene, back - 1))
    return type(network).from_rules(made)


def past(gene: str, back: int) -> str:
    """Return what a gene's value `back` steps before now is called."""
    return f"{gene}[-{back}]" if back else gene


def _now(node: Formula) -> Formula:
    """Replace a delayed gene by the copy that holds it, and a clock by what it says in the long run."""
    if node.kind in CLOCK:
        return constant(node.kind == "timegt")
    return variable(past(node.name, node.delay - 1))
