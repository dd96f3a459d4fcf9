"""AEON's format: ``A -> B``, ``A -| B`` and ``$B: rule``."""

from __future__ import annotations

import re

from reguloom._errors import InputError
from reguloom.mechanistic._names import comments, read_comments, spellings
from reguloom.mechanistic._rule_text import respell
from reguloom.mechanistic._truth import DUAL
from reguloom.mechanistic.boolean_network import Alternative, BooleanNetwork
from reguloom.mechanistic.formula import Formula, to_text, variable
from reguloom.mechanistic.parse import parse

_EDGE = re.compile(r"(?P<source>\S+)\s*(?P<arrow>->\??|-\|\??|-\?\??)\s*(?P<target>\S+)$")
_RULE = re.compile(r"\$\s*(?P<gene>[^\s:]+)\s*:\s*(?P<rule>.+)$")
_ARROWS = {1: "->", -1: "-|", DUAL: "-?"}


def read_aeon(text: str, *, where: str) -> BooleanNetwork:
    """Return the network of an AEON text.

    Parameters
    ----------
    text
        The file's content.
    where
        Name of the file, for messages.

    Raises
    ------
    InputError
        If a line is wrong, or a gene with regulators has no rule (a partially specified network).
    """
    rules: dict[str, Formula] = {}
    regulated: dict[str, int] = {}
    seen: dict[str, None] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        try:
            _read_line(line, number, rules, regulated, seen)
        except InputError as error:
            msg = f"{where}, line {number}: {error}"
            raise InputError(msg) from error
    if not seen:
        msg = f"{where} holds neither edges ('A -> B') nor rules ('$B: A')."
        raise InputError(msg)
    for gene, number in regulated.items():
        if gene not in rules:
            msg = f"{where}, line {number}: {gene} has regulators and no rule; add a line '${gene}: …' that says it."
            raise InputError(msg)
    original = read_comments(text.splitlines())
    made = {original.get(gene, gene): respell(rule, original) for gene, rule in rules.items()}
    genes = tuple(dict.fromkeys([*made, *(original.get(gene, gene) for gene in seen)]))
    return BooleanNetwork(genes, {gene: (Alternative(made.get(gene, variable(gene))),) for gene in genes})


def _read_line(
    line: str, number: int, rules: dict[str, Formula], regulated: dict[str, int], seen: dict[str, None]
) -> None:
    """Read one edge or rule."""
    rule = _RULE.match(line)
    if rule is not None:
        gene = rule["gene"]
        if gene in rules:
            msg = f"{gene} has a rule already; a gene has one rule."
            raise InputError(msg)
        rules[gene] = parse(rule["rule"])
        seen.update(dict.fromkeys([gene, *rules[gene].names]))
        return
    edge = _EDGE.match(line)
    if edge is None:
        msg = f"{line[:60]!r} is neither an edge ('A -> B', 'A -| B') nor a rule ('$B: A & !C')."
        raise InputError(msg)
    regulated.setdefault(edge["target"], number)
    seen.update(dict.fromkeys([edge["source"], edge["target"]]))


def write_aeon(network: BooleanNetwork) -> str:
    """Return the network as AEON text; edges carry the signs of the truth tables.

    Raises
    ------
    InputError
        If the network is probabilistic or temporal.
    """
    if network.is_probabilistic:
        msg = "the network is probabilistic, which AEON cannot say; write BoolNet's format (.txt)."
        raise InputError(msg)
    names = spellings(network.genes)
    rules, edges = [], []
    for gene in network.genes:
        expression = network.expression(gene)
        rules.append(f"${names[gene]}: {to_text(expression, dialect='aeon', name=names.__getitem__)}")
        function = network.function(gene)
        signs = dict(zip(function.regulators, function.signs, strict=True))
        for source in expression.names:
            arrow = _ARROWS[signs[source]] if source in signs else "-??"
            edges.append(f"{names[source]} {arrow} {names[gene]}")
    return "\n".join([*comments(names), *rules, *edges]) + "\n"
