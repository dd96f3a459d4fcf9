"""What every model is stopped by: how well it predicts mean changes that it does not learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reguloom.core import PerturbationData

N_STRONGEST = 20


@dataclass(frozen=True, eq=False)
class Held:
    """Groups of cells kept for validation.

    Parameters
    ----------
    condition, context
        Codes of each group, ``(n_groups,)``.
    change
        Mean change against matched controls, ``(n_groups, n_genes)``.
    strongest
        Which genes change most clearly (the largest t), same shape.
    """

    condition: NDArray[np.int64]
    context: NDArray[np.int64]
    change: NDArray[np.float64]
    strongest: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.condition)

    def scores(self, predicted: NDArray[np.floating]) -> dict[str, float]:
        """Return ``val_mse``, ``val_mse_de`` (of the 20 strongest genes), ``val_pearson_delta`` of `predicted`."""
        squared = (predicted - self.change) ** 2
        a = predicted - predicted.mean(axis=1, keepdims=True)
        b = self.change - self.change.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        r = np.divide((a * b).sum(axis=1), norm, out=np.zeros(len(norm)), where=norm > 0)
        return {
            "val_mse": float(squared.mean()),
            "val_mse_de": float(squared[self.strongest].mean()),
            "val_pearson_delta": float(r.mean()),
        }


def held(data: PerturbationData, cells: NDArray[np.int64]) -> Held:
    """Return the groups of validation cells, controls left out.

    Parameters
    ----------
    data
        The screen.
    cells
        Positions of the cells.
    """
    cells = cells[~data.is_control[cells]]
    bulk = data.pseudobulk(cells)
    # Few cells show no variance in genes that are hardly expressed; an average gene's keeps these from looking sure.
    spread = bulk.variances + np.median(bulk.variances, axis=1, keepdims=True) + bulk.variances.mean() + 1e-6
    error = np.sqrt(spread / np.maximum(bulk.n_cells, 1)[:, None])
    order = np.argsort(-np.abs(bulk.delta / error), axis=1, kind="stable")[:, :N_STRONGEST]
    strongest = np.zeros(bulk.delta.shape, dtype=bool)
    np.put_along_axis(strongest, order, values=True, axis=1)
    return Held(bulk.condition_codes, bulk.context_codes, bulk.delta, strongest)
