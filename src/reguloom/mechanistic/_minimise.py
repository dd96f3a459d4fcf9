"""From a truth table to a short rule: prime implicants (Quine 1952, McCluskey 1956) and a greedy cover of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from reguloom._errors import InputError
from reguloom.mechanistic.formula import Formula, constant, join, variable

MAX_REGULATORS = 12
"""Beyond, the table is written as nested choices, which is longer but quick."""


def cover(regulators: Sequence[str], table: Any) -> Formula:
    """Return a rule for a truth table, as a disjunction of few conjunctions.

    Parameters
    ----------
    regulators
        Names; regulator ``i`` is bit ``i`` of a row's number.
    table
        Values 0 and 1, shape ``(2**k,)``.

    Raises
    ------
    InputError
        If the table has not 2**k rows of 0 and 1.
    """
    values = np.asarray(table).astype(np.int64)
    k = len(regulators)
    if values.shape != (1 << k,) or not np.isin(values, (0, 1)).all():
        msg = f"a table of {k} regulators has {1 << k} rows of 0 and 1; this one has shape {values.shape}."
        raise InputError(msg)
    if not values.any() or values.all():
        return constant(bool(values.all()))
    if k > MAX_REGULATORS:
        return _choices(list(regulators), values)
    ones = {int(row) for row in np.flatnonzero(values)}
    terms = [_term(regulators, mask, bits) for mask, bits in _chosen(_primes(ones, k), ones)]
    return join("or", terms)


def _primes(ones: set[int], k: int) -> list[tuple[int, int]]:
    """Return the prime implicants as (mask of the genes that matter, their values)."""
    level = {((1 << k) - 1, row) for row in ones}
    primes: list[tuple[int, int]] = []
    while level:
        merged, used = set(), set()
        for mask, bits in level:
            for i in range(k):
                bit = 1 << i
                if mask & bit and not bits & bit and (mask, bits | bit) in level:
                    merged.add((mask & ~bit, bits))
                    used |= {(mask, bits), (mask, bits | bit)}
        primes += sorted(level - used)
        level = merged
    return primes


def _chosen(primes: list[tuple[int, int]], ones: set[int]) -> list[tuple[int, int]]:
    """Return implicants that together cover all ones, the widest first."""
    covers = {prime: {row for row in ones if row & prime[0] == prime[1]} for prime in primes}
    left, chosen = set(ones), []
    while left:
        best = max(covers, key=lambda prime: (len(covers[prime] & left), -bin(prime[0]).count("1"), prime))
        chosen.append(best)
        left -= covers.pop(best)
    return chosen


def _term(regulators: Sequence[str], mask: int, bits: int) -> Formula:
    """Return one conjunction."""
    parts = []
    for i, name in enumerate(regulators):
        if mask >> i & 1:
            gene = variable(name)
            parts.append(gene if bits >> i & 1 else Formula("not", (gene,)))
    return join("and", parts)


def _choices(regulators: list[str], values: np.ndarray) -> Formula:
    """Return "if the last regulator then … else …", all the way down."""
    if not values.any() or values.all():
        return constant(bool(values[0]))
    half = len(values) // 2
    gene = variable(regulators[-1])
    low, high = _choices(regulators[:-1], values[:half]), _choices(regulators[:-1], values[half:])
    if low == high:
        return low
    parts = []
    if high.kind != "const" or high.number:
        parts.append(gene if high.kind == "const" else join("and", [gene, high]))
    if low.kind != "const" or low.number:
        negated = Formula("not", (gene,))
        parts.append(negated if low.kind == "const" else join("and", [negated, low]))
    return join("or", parts)
