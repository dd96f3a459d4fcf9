"""Between rules and signed edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from reguloom._errors import InputError
from reguloom.core import Network
from reguloom.mechanistic._truth import DUAL
from reguloom.mechanistic.formula import Formula, join, variable

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork

WORDS = {1: "activation", -1: "repression", DUAL: "dual"}


def edges(network: BooleanNetwork) -> Network:
    """Return one edge for each regulator that matters."""
    rows = [
        (source, gene, sign)
        for gene in network.genes
        for source, sign in zip(network.function(gene).regulators, network.function(gene).signs, strict=True)
    ]
    return Network.from_edges(
        [row[0] for row in rows],
        [row[1] for row in rows],
        sign=[0 if row[2] == DUAL else row[2] for row in rows],
        extra=pd.DataFrame({"regulation": pd.Categorical([WORDS[row[2]] for row in rows])}),
        provenance=network.provenance("boolean-rules"),
    )


def rules_from_edges(network: Network, rule: str, genes: Sequence[str]) -> dict[str, Formula]:
    """Return gene → rule from signed edges; genes without any are left out."""
    frame = network.to_frame()
    made: dict[str, Formula] = {}
    for gene in genes:
        rows = frame[(frame["target"].astype(str) == gene) & (frame["sign"] != 0)]
        if len(rows):
            up = [variable(str(name)) for name in rows.loc[rows["sign"] > 0, "source"]]
            down = [variable(str(name)) for name in rows.loc[rows["sign"] < 0, "source"]]
            made[gene] = _combined(up, down, rule)
    return made


def _combined(up: list[Formula], down: list[Formula], rule: str) -> Formula:
    """Combine activators and repressors."""
    quiet = [Formula("not", (one,)) for one in down]
    if rule == "majority":
        # more activators on than repressors: of all "on activators and off repressors", more than there are repressors
        return Formula("sumgt", (*up, *quiet), number=len(down)) if up else join("and", quiet)
    if rule == "all":
        return join("and", [*up, *quiet])
    if rule == "inhibitors-win":
        return join("and", [*([join("or", up)] if up else []), *quiet])
    msg = f"the rule is {rule!r}; accepted are 'inhibitors-win', 'majority' and 'all'."
    raise InputError(msg)
