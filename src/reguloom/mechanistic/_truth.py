"""What a rule does, whatever way it is written: its truth table, the regulators that matter, and their signs.

A table of k regulators is one integer of 2**k bits, so that a connective is one operation on it. Rules of more than
:data:`MAX_TABLE` genes go through a decision diagram instead, which holds only what differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.mechanistic._diagram import Diagram, build
from reguloom.mechanistic.formula import Formula

MAX_TABLE = 20
"""Regulators of the largest table that is written out: 2**20 rows, 1 MB of booleans."""
DUAL = 2
"""Sign of a regulator that activates in some contexts and represses in others."""


@dataclass(frozen=True, eq=False)
class Function:
    """A rule reduced to what it does.

    Parameters
    ----------
    regulators
        Genes whose value can change the result, in the order in which the rule names them.
    bits
        The truth table, row 0 in the lowest bit; -1 where it is too large to write out.
    diagram
        The decision diagram, where there is no table.
    signs
        Of each regulator: +1, -1, or :data:`DUAL`.
    """

    regulators: tuple[str, ...]
    bits: int
    diagram: Diagram | None
    signs: tuple[int, ...]

    @property
    def constant(self) -> int | None:
        """0 or 1 if no gene matters, otherwise None."""
        if self.regulators:
            return None
        return self.bits if self.diagram is None else self.diagram.root

    @cached_property
    def table(self) -> NDArray[np.bool_]:
        """The truth table, shape ``(2**k,)``; in row ``r`` regulator ``i`` is ``(r >> i) & 1``."""
        k = len(self.regulators)
        if self.bits < 0:
            if k > MAX_TABLE:
                msg = f"the rule has {k} regulators, a table of 2**{k} rows; tables are written out up to {MAX_TABLE}."
                raise InputError(msg)
            rows = np.arange(1 << k, dtype=np.int64)
            return self._diagram().table(rows)
        raw = np.frombuffer(self.bits.to_bytes(max(1, (1 << k) // 8), "little"), dtype=np.uint8)
        return np.unpackbits(raw, bitorder="little")[: 1 << k].astype(bool)

    def _diagram(self) -> Diagram:
        """Return the diagram of a rule that has one."""
        if self.diagram is None:
            msg = "the rule has a table and no diagram."
            raise InputError(msg)
        return self.diagram

    def constant_on(self, space: dict[str, int]) -> int | None:
        """Return the value on every state of a subspace, or None if it varies.

        Parameters
        ----------
        space
            Gene → value of the genes that are fixed.
        """
        known = [space.get(name, -1) for name in self.regulators]
        if self.diagram is not None:
            return self.diagram.constant_on(known)
        bits, full = self.bits, (1 << (1 << len(known))) - 1
        kept = full
        for i, value in enumerate(known):
            if value >= 0:
                column = column_bits(i, len(known))
                kept &= column if value else column ^ full
        on = bits & kept
        return 1 if on == kept else 0 if on == 0 else None


def column_bits(i: int, k: int) -> int:
    """Return the column of regulator `i` in a table of `k` regulators, as an integer of 2**k bits."""
    block = ((1 << (1 << i)) - 1) << (1 << i)  # 2**i zeros, then 2**i ones
    width = 2 << i
    while width < 1 << k:
        block |= block << width
        width *= 2
    return block


def reduce(expression: Formula) -> Function:
    """Return what an expression does: its table over the regulators that matter."""
    names = expression.names
    if len(names) > MAX_TABLE:
        return _reduce_large(expression, names)
    k = len(names)
    full = (1 << (1 << k)) - 1
    columns = {name: column_bits(i, k) for i, name in enumerate(names)}
    bits = expression.evaluate(columns, full=full)
    kept, signs = [], []
    for i, name in enumerate(names):
        sign = _sign(bits, columns[name] ^ full, 1 << i)
        if sign:
            kept.append(name)
            signs.append(sign)
    if len(kept) < k:
        k = len(kept)
        full = (1 << (1 << k)) - 1
        columns = {**dict.fromkeys(names, 0), **{name: column_bits(i, k) for i, name in enumerate(kept)}}
        bits = expression.evaluate(columns, full=full)
    return Function(tuple(kept), bits, None, tuple(signs))


def _sign(bits: int, off: int, shift: int) -> int:
    """Compare the rows where a gene is off with those where it is on: 0 if it makes no difference."""
    low, high = bits & off, (bits >> shift) & off
    up, down = bool(high & ~low), bool(low & ~high)
    return DUAL if up and down else int(up) - int(down)


def _reduce_large(expression: Formula, names: tuple[str, ...]) -> Function:
    """Return what a rule of many genes does, by way of a decision diagram."""
    diagram = build(expression, names)
    signs = diagram.signs()
    kept = [i for i, sign in enumerate(signs) if sign]
    diagram = diagram.renumbered(kept)
    return Function(tuple(names[i] for i in kept), -1, diagram, tuple(signs[i] for i in kept))
