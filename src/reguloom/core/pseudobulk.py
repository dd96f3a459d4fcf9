"""Means of cells: one profile for each perturbation in each context, beside the control that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import MissingKeyError


@dataclass(frozen=True, eq=False, repr=False)
class Pseudobulk:
    """Profiles of groups of cells: every pair of condition and context that has cells, control groups among them.

    Parameters
    ----------
    means, variances
        Per group and gene, ``(n_groups, n_genes)``, of log-normalised expression; variances with one degree of
        freedom taken away, 0 for single cells.
    control
        Mean of the matched control cells for each group, ``(n_groups, n_genes)``.
    n_cells
        Cells of each group, ``(n_groups,)``.
    condition_codes, context_codes
        Which condition and which context each group is, ``(n_groups,)``.
    conditions, contexts
        Their labels.
    genes
        Names of genes.
    """

    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    control: NDArray[np.float64]
    n_cells: NDArray[np.int64]
    condition_codes: NDArray[np.int64]
    context_codes: NDArray[np.int64]
    conditions: tuple[str, ...]
    contexts: tuple[str, ...]
    genes: pd.Index

    def __repr__(self) -> str:
        """Say the size."""
        return f"Pseudobulk({len(self.means)} groups x {len(self.genes)} genes)"

    @property
    def delta(self) -> NDArray[np.float64]:
        """Mean minus matched control, ``(n_groups, n_genes)``."""
        return self.means - self.control

    @cached_property
    def units(self) -> list[tuple[str, str]]:
        """Condition and context of each group."""
        pairs = zip(self.condition_codes, self.context_codes, strict=True)
        return [(self.conditions[one], self.contexts[other]) for one, other in pairs]

    def position(self, condition: str, context: str) -> int:
        """Return the row of a group.

        Parameters
        ----------
        condition, context
            Labels.

        Raises
        ------
        MissingKeyError
            If there are no such cells.
        """
        try:
            return self.units.index((condition, context))
        except ValueError as error:
            msg = f"there are no cells of {condition!r} in {context!r}; the groups are such as {self.units[:3]}."
            raise MissingKeyError(msg) from error

    def to_frame(self) -> pd.DataFrame:
        """Return the means, one row for each group, indexed by condition and context."""
        index = pd.MultiIndex.from_tuples(self.units, names=["condition", "context"])
        return pd.DataFrame(self.means, index=index, columns=self.genes)
