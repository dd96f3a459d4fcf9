"""A cells × genes matrix that is a product of two thin ones, and is never made whole unless asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class LowRank:
    """``scores @ loadings.T + mean``.

    Parameters
    ----------
    scores
        ``(n_rows, k)``.
    loadings
        ``(n_columns, k)``.
    mean
        Added to every row, ``(n_columns,)``; nothing if left out.
    """

    scores: np.ndarray
    loadings: np.ndarray
    mean: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.scores), len(self.loadings)

    def columns(self, which: Any) -> np.ndarray:
        """Return the columns at `which`, dense."""
        made = self.scores @ self.loadings[which].T
        return np.asarray(made if self.mean is None else made + self.mean[which])

    def __matmul__(self, other: np.ndarray) -> np.ndarray:
        """Return the product with a dense matrix, through the thin side."""
        made = self.scores @ (self.loadings.T @ other)
        return made if self.mean is None else made + self.mean @ other

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return the whole matrix."""
        return np.asarray(self.columns(slice(None)), dtype=dtype)

    def toarray(self) -> np.ndarray:
        """Return the whole matrix."""
        return np.asarray(self)
