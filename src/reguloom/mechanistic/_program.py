"""Rules compiled to straight-line code on words of 64 states, and to flat tables for single states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reguloom.mechanistic.formula import Formula

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork

NOT, AND, OR, XOR = range(4)


@dataclass(frozen=True, eq=False)
class Program:
    """Straight-line code: registers 0 and 1 are false and true, then the genes, then one for each instruction.

    Parameters
    ----------
    code
        Operator and its two registers for each instruction, shape ``(n_instructions, 3)``.
    outputs
        Register that holds each gene's next value, shape ``(n_genes,)``.
    """

    code: NDArray[np.int32]
    outputs: NDArray[np.int32]


@dataclass(frozen=True)
class _Wire:
    """A register that takes part in formulas; equal operations share one register."""

    code: dict[tuple[int, int, int], int]
    offset: int
    register: int

    def _emit(self, operator: int, left: int, right: int) -> _Wire:
        key = (operator, min(left, right), max(left, right))
        register = self.code.setdefault(key, self.offset + len(self.code))
        return _Wire(self.code, self.offset, register)

    def __and__(self, other: _Wire) -> _Wire:
        left, right = self.register, other.register
        if left == right or right == 1 or left == 0:
            return self
        return other if left == 1 or right == 0 else self._emit(AND, left, right)

    def __or__(self, other: _Wire) -> _Wire:
        left, right = self.register, other.register
        if left == right or right == 0 or left == 1:
            return self
        return other if left == 0 or right == 1 else self._emit(OR, left, right)

    def __xor__(self, other: _Wire) -> _Wire:
        left, right = self.register, other.register
        if left == right:
            return _Wire(self.code, self.offset, 0)
        if left <= 1 or right <= 1:
            one, gene = (self, other) if left <= 1 else (other, self)
            return gene if one.register == 0 else self._emit(NOT, gene.register, gene.register)
        return self._emit(XOR, left, right)


def compile_rules(rules: Sequence[Formula], names: Sequence[str], fixed: Mapping[str, int]) -> Program:
    """Return the code of some rules.

    Parameters
    ----------
    rules
        One for each gene of `names`.
    names
        Genes that vary, in the order of their bits.
    fixed
        Genes that do not.
    """
    code: dict[tuple[int, int, int], int] = {}
    offset = 2 + len(names)
    values = {name: _Wire(code, offset, 2 + i) for i, name in enumerate(names)}
    values.update({name: _Wire(code, offset, int(value)) for name, value in fixed.items()})
    full = _Wire(code, offset, 1)
    outputs = [rule.evaluate(values, full=full).register for rule in rules]
    listed = np.array(list(code), dtype=np.int32).reshape(len(code), 3)
    return Program(listed, np.array(outputs, dtype=np.int32))


def compile_network(network: BooleanNetwork) -> Program:
    """Return the code of a network's free genes, made once for each network."""
    if "_program" not in network.__dict__:
        rules = [network.expression(gene) for gene in network.free]
        network.__dict__["_program"] = compile_rules(rules, network.free, network.fixed)
    made: Program = network.__dict__["_program"]
    return made


@dataclass(frozen=True, eq=False)
class Tables:
    """Every rule as a table or, where it is too large, as a decision diagram, laid end to end.

    Parameters
    ----------
    regulators, first
        Regulators of gene ``g`` are ``regulators[first[g]:first[g + 1]]``.
    values, start
        Its table begins at ``values[start[g]]``; -1 where it has a diagram.
    nodes, root
        The diagrams: test (position among the regulators), low, high; nodes 0 and 1 are the constants. That of a
        gene starts at ``root[g]``.
    """

    regulators: NDArray[np.int32]
    first: NDArray[np.int64]
    values: NDArray[np.uint8]
    start: NDArray[np.int64]
    nodes: NDArray[np.int32]
    root: NDArray[np.int32]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The arrays in the order in which kernels take them."""
        return self.regulators, self.first, self.values, self.start, self.nodes, self.root


def tabulate(network: BooleanNetwork) -> Tables:
    """Return the tables of all genes, fixed ones included, made once for each network."""
    if "_tables" not in network.__dict__:
        functions = [network.function(gene) for gene in network.genes]
        network.__dict__["_tables"] = lay_out(functions, network.genes)
    made: Tables = network.__dict__["_tables"]
    return made


def lay_out(functions: Sequence[object], genes: Sequence[str]) -> Tables:
    """Lay functions end to end; their regulators become positions in `genes`."""
    place = {gene: i for i, gene in enumerate(genes)}
    regulators: list[int] = []
    first, start, root = [0], [], []
    values: list[NDArray[np.uint8]] = []
    nodes: list[NDArray[np.int32]] = [np.array([[0, 0, 0], [0, 1, 1]], dtype=np.int32)]
    n_values, n_nodes = 0, 2
    for one in functions:
        regulators += [place[name] for name in one.regulators]  # type: ignore[attr-defined]
        first.append(len(regulators))
        diagram = one.diagram  # type: ignore[attr-defined]
        if diagram is None:
            values.append(one.table.astype(np.uint8))  # type: ignore[attr-defined]
            start.append(n_values)
            root.append(0)
            n_values += len(values[-1])
            continue
        start.append(-1)
        # the constants are shared; other nodes move up by what is there already
        shifted = np.stack([diagram.tests, _moved(diagram.low, n_nodes), _moved(diagram.high, n_nodes)], axis=1)
        nodes.append(shifted[2:].astype(np.int32))
        root.append(int(_moved(np.array([diagram.root]), n_nodes)[0]))
        n_nodes += len(shifted) - 2
    return Tables(
        np.array(regulators, dtype=np.int32),
        np.array(first, dtype=np.int64),
        np.concatenate(values) if values else np.zeros(0, dtype=np.uint8),
        np.array(start, dtype=np.int64),
        np.concatenate(nodes),
        np.array(root, dtype=np.int32),
    )


def _moved(numbers: NDArray[np.int32], by: int) -> NDArray[np.int32]:
    """Renumber nodes of a diagram; the constants keep 0 and 1."""
    return np.where(numbers > 1, numbers + by - 2, numbers)
