"""Reduced ordered decision diagrams (Bryant 1986), for the few rules whose table would not fit.

Nodes are numbered; 0 and 1 are the constants. Genes are tested in the order in which the rule names them, which suits
the nested and listed forms that people write.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.mechanistic.formula import Formula

MAX_NODES = 300_000
"""Nodes made while a rule is read, before it is refused."""
_LEAF = 1 << 30


@dataclass(frozen=True, eq=False)
class Diagram:
    """A Boolean function as a graph of tests.

    Parameters
    ----------
    tests
        Gene tested at each node, shape ``(n_nodes,)``; nodes 0 and 1 are the constants.
    low, high
        Where to go when it is off or on.
    root
        Where to start.
    """

    tests: NDArray[np.int32]
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    root: int

    def table(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the value for each row number, whose bit ``i`` is the value of gene ``i``."""
        node = np.full(rows.shape, self.root, dtype=np.int64)
        while (node > 1).any():
            inner = node > 1
            at = node[inner]
            on = (rows[inner] >> self.tests[at]) & 1
            node[inner] = np.where(on == 1, self.high[at], self.low[at])
        return node == 1

    def constant_on(self, known: list[int]) -> int | None:
        """Return the value on every state that agrees with `known` (-1 for free genes), or None if it varies."""
        seen = {self.root}
        waiting = [self.root]
        leaves: set[int] = set()
        while waiting and len(leaves) < 2:
            node = waiting.pop()
            if node <= 1:
                leaves.add(node)
                continue
            value = known[self.tests[node]]
            for branch, wanted in ((self.low, 0), (self.high, 1)):
                if value in (-1, wanted) and int(branch[node]) not in seen:
                    seen.add(int(branch[node]))
                    waiting.append(int(branch[node]))
        return leaves.pop() if len(leaves) == 1 else None

    def signs(self) -> list[int]:
        """Return for each gene 0 (without effect), +1, -1 or 2 (both)."""
        builder = _Builder.of(self)
        n_genes = int(self.tests[2:].max(initial=-1)) + 1
        made = []
        for gene in range(n_genes):
            off, on = builder.cofactor(self.root, gene, 0), builder.cofactor(self.root, gene, 1)
            up = builder.both(on, builder.choose(off, 0, 1)) != 0
            down = builder.both(off, builder.choose(on, 0, 1)) != 0
            made.append(2 if up and down else int(up) - int(down))
        return made

    def renumbered(self, kept: list[int]) -> Diagram:
        """Return the diagram with the genes `kept` numbered from 0; the others are tested nowhere."""
        place = np.full(max(kept, default=0) + 1, -1, dtype=np.int32)
        place[kept] = np.arange(len(kept))
        tests = self.tests.copy()
        tests[2:] = place[self.tests[2:]]
        return Diagram(tests, self.low, self.high, self.root)


class _Builder:
    """The table of nodes while a diagram grows."""

    def __init__(self) -> None:
        self.nodes: list[tuple[int, int, int]] = [(_LEAF, 0, 0), (_LEAF, 1, 1)]
        self.unique: dict[tuple[int, int, int], int] = {}
        self.known: dict[tuple[int, int, int], int] = {}

    @classmethod
    def of(cls, diagram: Diagram) -> _Builder:
        """Return a builder that holds the nodes of `diagram` under their numbers."""
        made = cls()
        columns = zip(diagram.tests.tolist(), diagram.low.tolist(), diagram.high.tolist(), strict=True)
        made.nodes = [(_LEAF, 0, 0), (_LEAF, 1, 1), *list(columns)[2:]]
        made.unique = {node: i for i, node in enumerate(made.nodes) if i > 1}
        return made

    def node(self, test: int, low: int, high: int) -> int:
        """Return the number of a test, making it if it is new and makes a difference."""
        if low == high:
            return low
        key = (test, low, high)
        if key not in self.unique:
            if len(self.nodes) >= MAX_NODES:
                msg = (
                    f"a rule needs more than {MAX_NODES:,} decisions, so it cannot be worked with; "
                    "split it with an auxiliary gene."
                )
                raise InputError(msg)
            self.unique[key] = len(self.nodes)
            self.nodes.append(key)
        return self.unique[key]

    def choose(self, test: int, yes: int, no: int) -> int:
        """Return "if `test` then `yes` else `no`"."""
        if test <= 1:
            return yes if test else no
        if yes == no:
            return yes
        if (yes, no) == (1, 0):
            return test
        key = (test, yes, no)
        if key in self.known:
            return self.known[key]
        top = min(self.nodes[node][0] for node in key)
        parts = [self._split(node, top) for node in key]
        low = self.choose(*(part[0] for part in parts))
        high = self.choose(*(part[1] for part in parts))
        self.known[key] = self.node(top, low, high)
        return self.known[key]

    def _split(self, node: int, top: int) -> tuple[int, int]:
        """Return the node's two branches on the gene `top`."""
        test, low, high = self.nodes[node]
        return (low, high) if test == top else (node, node)

    def both(self, left: int, right: int) -> int:
        """Return the conjunction."""
        return self.choose(left, right, 0)

    def cofactor(self, node: int, gene: int, value: int) -> int:
        """Return the function with a gene set."""
        made: dict[int, int] = {}

        def go(at: int) -> int:
            test, low, high = self.nodes[at]
            if test > gene:
                return at
            if test == gene:
                return high if value else low
            if at not in made:
                made[at] = self.node(test, go(low), go(high))
            return made[at]

        return go(node)


@dataclass(frozen=True)
class _Bits:
    """A node that takes part in expressions: ``&``, ``|`` and ``^`` make new nodes."""

    builder: _Builder
    node: int

    def __and__(self, other: _Bits) -> _Bits:
        return _Bits(self.builder, self.builder.choose(self.node, other.node, 0))

    def __or__(self, other: _Bits) -> _Bits:
        return _Bits(self.builder, self.builder.choose(self.node, 1, other.node))

    def __xor__(self, other: _Bits) -> _Bits:
        negated = self.builder.choose(other.node, 0, 1)
        return _Bits(self.builder, self.builder.choose(self.node, negated, other.node))


def build(expression: Formula, names: tuple[str, ...]) -> Diagram:
    """Return the decision diagram of an expression over `names`, tested in that order.

    Raises
    ------
    InputError
        If it grows beyond :data:`MAX_NODES`.
    """
    builder = _Builder()
    values = {name: _Bits(builder, builder.node(i, 0, 1)) for i, name in enumerate(names)}
    root = expression.evaluate(values, full=_Bits(builder, 1)).node
    reached, waiting = {0, 1}, [root]
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting += builder.nodes[node][1:]
    order = sorted(reached)
    place = {node: i for i, node in enumerate(order)}
    rows = [builder.nodes[node] for node in order]
    tests = np.array([0, 0] + [row[0] for row in rows[2:]], dtype=np.int32)
    low = np.array([place[row[1]] for row in rows], dtype=np.int32)
    high = np.array([place[row[2]] for row in rows], dtype=np.int32)
    return Diagram(tests, low, high, place[root])
