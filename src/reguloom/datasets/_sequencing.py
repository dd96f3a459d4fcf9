"""From molecules to counts: capture, depth, genes that are easier to see than others, and states that are nobody's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

DEPTH_SD = 0.35
"""Standard deviation of the log depth of cells."""
LEVEL_SD = 0.7
"""Standard deviation of the log expression level between genes."""
TF_LEVEL = 0.5
"""Level of TFs beside that of other genes: they are expressed weakly."""
SHARE_STATE, STATE_LOADING = 0.2, 0.35
"""Share of genes that a hidden state of the cell (stress, handling) moves, and how far."""


@dataclass(frozen=True, eq=False)
class Assay:
    """How molecules are seen.

    Parameters
    ----------
    level
        Relative level of each gene, ``(n_genes,)``.
    loading
        Answer of each gene to the hidden state, ``(n_genes,)``.
    capture
        Share of molecules that are counted.
    molecules
        Molecules in one unit of concentration.
    """

    level: NDArray[np.float64]
    loading: NDArray[np.float64]
    capture: float
    molecules: float

    @classmethod
    def draw(cls, is_tf: NDArray[np.bool_], *, capture: float, molecules: float, rng: np.random.Generator) -> Assay:
        """Draw what differs between genes, which are TFs or not, ``(n_genes,)``."""
        n_genes = len(is_tf)
        level = rng.lognormal(-0.5 * LEVEL_SD**2, LEVEL_SD, n_genes) * np.where(is_tf, TF_LEVEL, 1.0)
        loading = np.where(rng.random(n_genes) < SHARE_STATE, STATE_LOADING, 0.0) * rng.choice([-1.0, 1.0], n_genes)
        return cls(level, loading, capture, molecules)

    def cells(self, n_cells: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draw depth and hidden state of each cell."""
        return rng.lognormal(-0.5 * DEPTH_SD**2, DEPTH_SD, n_cells), rng.normal(size=n_cells)

    def count(
        self,
        concentration: NDArray[np.float32],
        depth: NDArray[np.float64],
        state: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> csr_array:
        """Draw UMI counts, ``(n_cells, n_genes)``.

        Parameters
        ----------
        concentration
            ``(n_cells, n_genes)``.
        depth, state
            Of each cell.
        rng
            Source of randomness.
        """
        expected = concentration * (self.level * self.capture * self.molecules) * depth[:, None]
        expected *= np.exp(state[:, None] * self.loading)
        counts = csr_array(rng.poisson(expected).astype(np.float32))
        counts.sort_indices()
        return counts
