"""Modules as a sparse matrix over the genes of one ranking database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.cistarget.module import Module

MAX_UNMAPPED = 0.20
"""Share of a module's genes from which on too many are missing in the database."""


@dataclass(frozen=True, eq=False)
class Membership:
    """Which genes of a database each module holds; modules that are mapped too poorly are left out.

    Parameters
    ----------
    modules
        The modules that are left, in order.
    genes
        The genes that some module holds, in the database's order.
    starts
        Module `i` holds entries ``starts[i]`` to ``starts[i + 1]`` of the next two; shape ``(n_modules + 1,)``.
    columns
        Positions in `genes`.
    weights
        The modules' weights of these genes.
    """

    modules: list[Module]
    genes: list[str]
    starts: NDArray[np.int64]
    columns: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, modules: Sequence[Module], genes: Sequence[str], *, max_unmapped: float = MAX_UNMAPPED) -> Membership:
        """Map modules to a database's `genes`; modules that lack a share of `max_unmapped` or more are left out."""
        sizes = np.array([len(module) for module in modules], dtype=np.int64)
        names = np.concatenate([module.genes for module in modules])
        place = pd.Index(genes, dtype=object).get_indexer(pd.Index(names, dtype=object))
        weights = np.concatenate([module.weights for module in modules])
        owner = np.repeat(np.arange(len(modules)), sizes)
        n_mapped = np.bincount(owner[place >= 0], minlength=len(modules))
        # written as the reference does, since it rounds: 1 - 16/20 is below 0.2, so 16 of 20 pass
        kept = (n_mapped > 0) & (1.0 - n_mapped / np.maximum(sizes, 1) < max_unmapped)
        entries = (place >= 0) & kept[owner]
        used, columns = np.unique(place[entries], return_inverse=True)
        return cls(
            modules=[module for module, keep in zip(modules, kept, strict=True) if keep],
            genes=[genes[position] for position in used],
            starts=np.r_[0, np.cumsum(n_mapped[kept])].astype(np.int64),
            columns=columns.astype(np.int64),
            weights=weights[entries],
        )

    def __len__(self) -> int:
        """Return the number of modules."""
        return len(self.modules)

    def entries(self, module: int) -> slice:
        """Return where the genes of one module stand in ``columns`` and ``weights``."""
        return slice(int(self.starts[module]), int(self.starts[module + 1]))

    def totals(self, *, weighted: bool) -> NDArray[np.int64] | NDArray[np.float64]:
        """Return the number of genes, or the sum of weights, of each module, shape ``(n_modules,)``."""
        if not weighted:
            return np.diff(self.starts)
        return np.array([self.weights[self.entries(module)].sum() for module in range(len(self))])

    def by_gene(self, which: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Return the modules at `which` as lists by gene: offsets, positions in `which`, weights."""
        sizes = np.diff(self.starts)[which]
        first = np.repeat(self.starts[which] - np.r_[0, np.cumsum(sizes)[:-1]], sizes)
        entries = first + np.arange(int(sizes.sum()))
        owner = np.repeat(np.arange(len(which), dtype=np.int32), sizes)
        columns = self.columns[entries]
        order = np.argsort(columns, kind="stable")
        offsets = np.r_[0, np.cumsum(np.bincount(columns, minlength=len(self.genes)))].astype(np.int64)
        return offsets, owner[order], self.weights[entries][order]
