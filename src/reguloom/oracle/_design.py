"""The regression problem of a network and a matrix: which columns are regulators, which are targets, in one order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import EmptyResultError
from reguloom._random import child_seed
from reguloom.core import Network, check_genes


@dataclass(frozen=True, eq=False)
class Design:
    """Edges sorted by target, then by regulator, both by name: the same for every run and machine.

    Parameters
    ----------
    genes
        Names of the matrix's columns.
    regulators, targets
        Columns of the regulators and of the targets, each in the order of their names.
    indptr, source
        Regulators of target t, as positions in `regulators`: ``source[indptr[t]:indptr[t + 1]]``.
    """

    genes: pd.Index
    regulators: NDArray[np.int64]
    targets: NDArray[np.int64]
    indptr: NDArray[np.int64]
    source: NDArray[np.int64]

    @classmethod
    def of(cls, network: Network, genes: pd.Index) -> Design:
        """Take the edges whose two genes are in the matrix; a gene does not regulate itself.

        Raises
        ------
        InputError
            If none of the network's genes are in the matrix.
        EmptyResultError
            If no edge is left.
        """
        frame = network.to_frame()
        sources = frame["source"].cat.remove_unused_categories().cat.categories
        check_genes(sources, genes, what="regulators of the network", where="the matrix")
        check_genes(frame["target"].cat.remove_unused_categories().cat.categories, genes,
                    what="targets of the network", where="the matrix")  # fmt: skip
        source = genes.get_indexer(network.regulators)[network.source]
        target = genes.get_indexer(network.targets)[network.target]
        keep = (source >= 0) & (target >= 0) & (source != target)
        if not keep.any():
            msg = "no edge of the network joins two different genes of the matrix; keep more genes or check the names."
            raise EmptyResultError(msg)
        return cls.of_columns(source[keep], target[keep], genes)

    @classmethod
    def of_columns(cls, source: NDArray[Any], target: NDArray[Any], genes: pd.Index) -> Design:
        """Sort edges given as columns of the matrix; an edge that repeats counts once."""
        rank = np.empty(len(genes), dtype=np.int64)
        rank[np.argsort(genes.to_numpy(dtype=str), kind="stable")] = np.arange(len(genes))
        pairs = np.unique(rank[target] * len(genes) + rank[source])
        column = np.argsort(rank)
        by_target, by_source = column[pairs // len(genes)], column[pairs % len(genes)]
        targets = column[np.unique(rank[by_target])]
        regulators = column[np.unique(rank[by_source])]
        place = np.full(len(genes), -1, dtype=np.int64)
        place[regulators] = np.arange(regulators.size)
        counts = np.unique(rank[by_target], return_counts=True)[1]
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(genes, regulators, targets, indptr, place[by_source])

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return int(self.source.size)

    @property
    def target_of_edge(self) -> NDArray[np.int64]:
        """Position of each edge's target in `targets`."""
        return np.repeat(np.arange(self.targets.size), np.diff(self.indptr))

    @property
    def regulator_names(self) -> pd.Index:
        """Names of the regulators."""
        return self.genes[self.regulators]

    @property
    def target_names(self) -> pd.Index:
        """Names of the targets."""
        return self.genes[self.targets]

    def hashes(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return a 64-bit hash of each regulator's and each target's name."""
        made = [
            np.array([child_seed(0, kind, str(name)) for name in names], dtype=np.uint64)
            for kind, names in (("regulator", self.regulator_names), ("target", self.target_names))
        ]
        return made[0], made[1]

    def take(self, edges: NDArray[np.bool_]) -> Design:
        """Return the problem with some edges alone, targets without any left out."""
        target, source = self.targets[self.target_of_edge[edges]], self.regulators[self.source[edges]]
        return Design.of_columns(source, target, self.genes)

    def with_edges(self, source: NDArray[Any], target: NDArray[Any]) -> Design:
        """Return the problem with the same regulators and targets and other edges, given as positions in them.

        Order within a target follows the positions.
        """
        order = np.lexsort((source, target))
        counts = np.bincount(target, minlength=self.targets.size)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return replace(self, indptr=indptr, source=np.asarray(source)[order].astype(np.int64))
