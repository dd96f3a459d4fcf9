"""Networks as lines of text: .bnet, BoolNet and BoolODE rule files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from reguloom._errors import InputError
from reguloom.mechanistic._names import comments, read_comments, spellings
from reguloom.mechanistic.boolean_network import Alternative, BooleanNetwork
from reguloom.mechanistic.formula import DIALECTS, Formula, to_text, variable
from reguloom.mechanistic.parse import parse

_HEADER = re.compile(r"\s*targets\s*(?P<separator>\S|\s)\s*(factors|functions)\b", re.IGNORECASE)
_BOOLODE_HEADER = re.compile(r"\s*gene\s*[\t ,]\s*rule\s*$", re.IGNORECASE)
_OPENING, _CLOSING = "([{", ")]}"


@dataclass
class _Collected:
    """What the lines gave so far."""

    rules: dict[str, list[tuple[Formula, float | None]]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def read_text(text: str, *, where: str, probabilistic: bool = True) -> BooleanNetwork:
    """Return the network of a .bnet, BoolNet or BoolODE text.

    Parameters
    ----------
    text
        The file's content.
    where
        Name of the file, for messages.
    probabilistic
        Whether a gene may have several rules.

    Raises
    ------
    InputError
        If a line is wrong; the message begins with the file and the line's number.
    """
    original = read_comments(text.splitlines())
    found = _Collected()
    separator = ","
    for number, line in _content(text):
        header = _HEADER.match(line)
        if not found.rules and (header or _BOOLODE_HEADER.match(line)):
            separator = header["separator"] if header else "\t"
            continue
        try:
            _add(found, line, separator, number, probabilistic)
        except InputError as error:
            msg = f"{where}, line {number}: {error}"
            raise InputError(msg) from error
    if not found.rules:
        msg = f"{where} holds no rules; a line reads 'gene, rule', such as 'Gata1, Gata2 & !Spi1'."
        raise InputError(msg)
    return _network(found, original, where)


def _content(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, without comments, with their numbers."""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("#", 1)[0]
        if line.strip():
            yield number, line


def _add(found: _Collected, line: str, separator: str, number: int, probabilistic: bool) -> None:
    """Read one line."""
    parts = [part.strip() for part in split_outside(line, separator)]
    if len(parts) < 2 and separator != "\t":  # files without a header, separated by tabs
        parts = [part.strip() for part in line.strip().split("\t", 1)]
    if len(parts) < 2 or not parts[0] or not parts[1]:
        between = "<tab>" if separator == "\t" else separator
        msg = f"{line.strip()[:60]!r} is no rule; a line reads 'gene{between} rule'."
        raise InputError(msg)
    gene = parts[0].strip("\"`'")
    probability = None
    if len(parts) > 2 and parts[2]:
        probability = _probability(parts[2])
    if gene in found.rules and not probabilistic:
        msg = f"{gene} has a rule already, on line {found.lines[gene]}; a gene has one rule in this format."
        raise InputError(msg)
    found.rules.setdefault(gene, []).append((parse(parts[1]), probability))
    found.lines.setdefault(gene, number)


def _probability(text: str) -> float:
    """Return the number in the third column."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        msg = f"the probability is {text!r}; it is a number between 0 and 1."
        raise InputError(msg)
    return value


def split_outside(line: str, separator: str) -> list[str]:
    """Split at the separators that are not inside brackets or quotes."""
    parts, depth, start, quoted = [], 0, 0, ""
    for i, letter in enumerate(line):
        if quoted:
            quoted = "" if letter == quoted else quoted
        elif letter in '"`':
            quoted = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
        elif letter == separator and depth == 0:
            parts.append(line[start:i])
            start = i + 1
    parts.append(line[start:])
    return parts


def _network(found: _Collected, original: dict[str, str], where: str) -> BooleanNetwork:
    """Make the network: fill probabilities and inputs in, and bring respelled names back."""
    made: dict[str, tuple[Alternative, ...]] = {}
    for gene, choices in found.rules.items():
        given = [probability for _, probability in choices]
        if any(one is None for one in given) and any(one is not None for one in given):
            msg = f"{where}, line {found.lines[gene]}: some rules of {gene} have a probability and some not."
            raise InputError(msg)
        total = sum(one for one in given if one is not None)
        if given[0] is not None and abs(total - 1.0) > 1e-4:
            msg = f"{where}, line {found.lines[gene]}: the probabilities of {gene} add up to {total:g}, not to 1."
            raise InputError(msg)
        uniform = 1.0 / len(choices)
        made[original.get(gene, gene)] = tuple(
            Alternative(respell(rule, original), uniform if probability is None else probability)
            for rule, probability in choices
        )
    named = (name for choices in made.values() for one in choices for name in one.expression.names)
    genes = tuple(dict.fromkeys([*made, *named]))
    return BooleanNetwork(genes, {gene: made.get(gene, (Alternative(variable(gene)),)) for gene in genes})


def respell(rule: Formula, names: dict[str, str]) -> Formula:
    """Return the rule with genes renamed."""
    if not names:
        return rule

    def change(node: Formula) -> Formula:
        if node.kind != "var" or node.name not in names:
            return node
        return variable(names[node.name], node.delay)

    return rule.substitute(change)


def write_text(network: BooleanNetwork, *, dialect: str) -> str:
    """Return the network as .bnet (``bnet``), BoolNet (``boolnet``) or BoolODE (``boolode``) text.

    Raises
    ------
    InputError
        If the format cannot hold it: delays, clocks and several rules are BoolNet's alone.
    """
    if dialect not in DIALECTS:
        msg = f"there is no dialect {dialect!r}; accepted are bnet, boolnet and boolode."
        raise InputError(msg)
    if network.is_probabilistic and dialect != "boolnet":
        msg = f"the network is probabilistic, which {dialect} cannot say; write BoolNet's format (.txt)."
        raise InputError(msg)
    names = spellings(network.genes)
    header = "Gene\tRule" if dialect == "boolode" else "targets, factors"
    header += ", probabilities" if network.is_probabilistic else ""
    lines = [*comments(names), header]
    for gene in network.genes:
        for one in network.alternatives[gene]:
            rule = to_text(one.expression, dialect=dialect, name=names.__getitem__)
            end = f", {one.probability!r}" if network.is_probabilistic else ""
            lines.append(f"{names[gene]}{chr(9) if dialect == 'boolode' else ', '}{rule}{end}")
    return "\n".join(lines) + "\n"
