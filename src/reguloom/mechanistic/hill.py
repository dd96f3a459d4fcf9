"""Rules as continuous regulation: truth tables to decision diagrams, evaluated between the corners of the cube.

A Boolean rule ``f(x_1 ... x_k)`` becomes ``F(p) = sum_S f(S) prod_{i in S} theta_i prod_{i not in S} (1 - theta_i)``
with ``theta_i = p_i^n / (p_i^n + K_i^n)``. This one form is that of BoolODE (Pratapa et al. 2020, its denominator
being ``prod (1 + (p_i/K_i)^n)``), of Odefy's HillCubes (Wittmann et al. 2009, BMC Systems Biology 3:98) and of
scanpy's simulator. It is evaluated on the reduced decision diagram of the rule, not over its ``2^k`` terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError

MAX_REGULATORS = 20
"""A truth table has ``2^k`` rows; more regulators than this are refused."""
ABSENT_EDGE = 9
"""Sign of a regulator that a rule names and that changes nothing."""


@dataclass(frozen=True, eq=False)
class Regulation:
    """How every gene answers to its regulators, as arrays that the kernels take.

    Parameters
    ----------
    offsets
        Edges of gene ``g`` are ``offsets[g]`` to ``offsets[g + 1]``, shape ``(n_genes + 1,)``.
    regulator
        Index of the regulating gene of each edge, shape ``(n_edges,)``.
    threshold, hill
        Half-response level ``K`` and Hill coefficient ``n`` of each edge.
    sign
        +1 if the regulator can only raise its target, -1 if it can only lower it, 0 if it does both, and
        :data:`ABSENT_EDGE` if the rule names it and it changes nothing.
    nodes
        Nodes of gene ``g`` are ``nodes[g]`` to ``nodes[g + 1]``; the last is the root.
    edge, low, high, leaf
        Of each node: the edge it asks (-1 for a leaf), its children counted from the gene's first node, and the
        value of a leaf.
    """

    offsets: NDArray[np.int64]
    regulator: NDArray[np.int32]
    threshold: NDArray[np.float64]
    hill: NDArray[np.float64]
    sign: NDArray[np.int8]
    nodes: NDArray[np.int64]
    edge: NDArray[np.int32]
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    leaf: NDArray[np.float64]

    @property
    def n_genes(self) -> int:
        """Number of genes."""
        return len(self.offsets) - 1

    @property
    def target(self) -> NDArray[np.int64]:
        """Index of the regulated gene of each edge."""
        return np.repeat(np.arange(self.n_genes), np.diff(self.offsets))

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The arrays in the kernels' order."""
        whole = np.where(self.hill == np.round(self.hill), self.hill, 0).astype(np.int32)
        return (self.regulator, 1.0 / self.threshold, self.hill, whole, self.nodes, self.edge, self.low, self.high,
                self.leaf)  # fmt: skip

    def with_thresholds(self, threshold: NDArray[np.float64]) -> Regulation:
        """Return the same rules with other half-response levels, shape ``(n_edges,)``."""
        return replace(self, threshold=np.asarray(threshold, dtype=np.float64))

    def restricted(self, keep: NDArray[np.bool_]) -> Regulation:
        """Return the rules of some genes.

        Parameters
        ----------
        keep
            Which genes, ``(n_genes,)``.

        Raises
        ------
        InputError
            If one of them is regulated by a gene that is left out.
        """
        edges = keep[self.target]
        if not keep[self.regulator[edges]].all():
            msg = "a gene that is kept is regulated by one that is left out; keep every regulator of what is kept."
            raise InputError(msg)
        inside = np.repeat(keep, np.diff(self.nodes))
        place, gene = np.cumsum(edges) - 1, np.cumsum(keep) - 1
        asks = self.edge[inside]
        return Regulation(
            offsets=np.concatenate([[0], np.cumsum(np.diff(self.offsets)[keep])]),
            regulator=gene[self.regulator[edges]].astype(np.int32),
            threshold=self.threshold[edges],
            hill=self.hill[edges],
            sign=self.sign[edges],
            nodes=np.concatenate([[0], np.cumsum(np.diff(self.nodes)[keep])]),
            edge=np.where(asks < 0, -1, place[asks] if len(place) else -1).astype(np.int32),
            low=self.low[inside],
            high=self.high[inside],
            leaf=self.leaf[inside],
        )

    def activity(self, protein: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the regulation ``F`` of each gene, 0 to 1, for protein levels ``(n_cells, n_genes)``."""
        from reguloom.mechanistic import _ode_kernels as kernels

        levels = np.ascontiguousarray(protein, dtype=np.float64)
        result = np.empty(levels.shape)
        kernels.regulation(result, levels, *self.arrays)
        return result

    def slopes(self, protein: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``dF_target / dp_regulator`` of each edge, ``(n_cells, n_edges)``."""
        from reguloom.mechanistic import _ode_kernels as kernels

        levels = np.ascontiguousarray(protein, dtype=np.float64)
        result = np.empty((len(levels), len(self.regulator)))
        kernels.edge_slopes(result, levels, *self.arrays)
        return result


def compile_rules(
    regulators: Iterable[Sequence[int]],
    tables: Iterable[NDArray[Any]],
    *,
    threshold: float = 1.0,
    hill: float = 10.0,
) -> Regulation:
    """Turn truth tables into decision diagrams.

    Parameters
    ----------
    regulators
        For each gene, the indices of its regulators.
    tables
        For each gene, the value of its rule in every state of its regulators, shape ``(2**k,)``; the first regulator
        is the least significant bit. Values between 0 and 1 are taken as they are.
    threshold, hill
        ``K`` and ``n`` of every edge.

    Raises
    ------
    InputError
        If a gene has more than 20 regulators, or a table has the wrong length.
    """
    inputs = [list(one) for one in regulators]
    rows = [np.asarray(table) for table in tables]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in inputs])]).astype(np.int64)
    parts = [diagram(table, len(one), int(first)) for one, table, first in zip(inputs, rows, offsets[:-1], strict=True)]
    nodes = np.concatenate([[0], np.cumsum([len(part[0]) for part in parts])]).astype(np.int64)
    edge, low, high, leaf = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    n_edges = int(offsets[-1])
    return Regulation(
        offsets=offsets,
        regulator=np.array([i for one in inputs for i in one], dtype=np.int32),
        threshold=np.full(n_edges, float(threshold)),
        hill=np.full(n_edges, float(hill)),
        sign=np.array(
            [s for one, table in zip(inputs, rows, strict=True) for s in signs(table, len(one))], dtype=np.int8
        ),
        nodes=nodes,
        edge=edge,
        low=low,
        high=high,
        leaf=leaf,
    )


def signs(table: NDArray[Any], n_regulators: int) -> list[int]:
    """Return the sign of each regulator (see :class:`Regulation`).

    Parameters
    ----------
    table
        Values, shape ``(2**n_regulators,)``.
    n_regulators
        Number of regulators.
    """
    result = []
    values = np.asarray(table, dtype=np.float64)
    for i in range(n_regulators):
        halves = values.reshape(-1, 2, 1 << i)
        change = halves[:, 1] - halves[:, 0]
        rises, falls = bool((change > 0).any()), bool((change < 0).any())
        result.append((1 if rises else -1) if rises != falls else 0 if rises else ABSENT_EDGE)
    return result


def diagram(
    table: NDArray[Any], n_regulators: int, first_edge: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Return the reduced ordered decision diagram of a truth table: ``edge``, ``low``, ``high`` and ``leaf``.

    The leaves come first, every node after its children, the root last (Bryant 1986, IEEE Trans. Comput. 35:677).

    Parameters
    ----------
    table
        Values, shape ``(2**n_regulators,)``, the first regulator being the least significant bit.
    n_regulators
        Number of regulators.
    first_edge
        Number of the first regulator's edge.
    """
    if n_regulators > MAX_REGULATORS or table.shape != (1 << n_regulators,):
        msg = (
            f"a rule has {n_regulators} regulators and a table of {table.size} values; "
            f"accepted are up to {MAX_REGULATORS} regulators, with 2^k values."
        )
        raise InputError(msg)
    leaves, ids = np.unique(table.astype(np.float64), return_inverse=True)
    ids = ids.astype(np.int64)
    edge, low, high = [np.full(len(leaves), -1)], [np.zeros(len(leaves))], [np.zeros(len(leaves))]
    n_nodes = len(leaves)
    for i in range(n_regulators):
        off, on = ids[0::2], ids[1::2]
        asks = off != on
        pairs, which = np.unique(np.stack([off[asks], on[asks]], axis=1), axis=0, return_inverse=True)
        ids = off.copy()
        ids[asks] = n_nodes + which.ravel()
        edge.append(np.full(len(pairs), first_edge + i))
        low.append(pairs[:, 0])
        high.append(pairs[:, 1])
        n_nodes += len(pairs)
    arrays = [np.concatenate(parts).astype(np.int32) for parts in (edge, low, high)]
    leaf = np.zeros(n_nodes)
    leaf[: len(leaves)] = leaves
    return _reachable(arrays[0], arrays[1], arrays[2], leaf, int(ids[0]))


def _reachable(
    edge: NDArray[np.int32], low: NDArray[np.int32], high: NDArray[np.int32], leaf: NDArray[np.float64], root: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Keep the nodes below the root, which then is the last one."""
    used = np.zeros(len(edge), dtype=bool)
    used[root] = True
    for node in range(root, -1, -1):
        if used[node] and edge[node] >= 0:
            used[low[node]] = used[high[node]] = True
    place = (np.cumsum(used) - 1).astype(np.int32)
    asked = edge[used] >= 0
    return (
        edge[used],
        np.where(asked, place[low[used]], 0).astype(np.int32),
        np.where(asked, place[high[used]], 0).astype(np.int32),
        leaf[used],
    )
