"""A motif: one or several position weight matrices under one name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError

BASES = "ACGT"


@dataclass(frozen=True, eq=False)
class Motif:
    """A DNA motif.

    Parameters
    ----------
    name
        Its identifier.
    matrices
        Counts or probabilities of A, C, G and T by position, each of shape ``(width, 4)``. Several matrices are
        variants of one motif (a motif cluster); the best one counts.
    """

    name: str
    matrices: tuple[NDArray[np.float64], ...]

    def __post_init__(self) -> None:
        """Check the shapes and values."""
        for matrix in self.matrices:
            wrong = matrix.ndim != 2 or matrix.shape[1] != len(BASES) or matrix.shape[0] == 0
            if wrong or not np.isfinite(matrix).all() or (matrix < 0).any() or (matrix.sum(axis=1) <= 0).any():
                msg = (
                    f"motif {self.name!r} has a matrix of shape {matrix.shape} that is not one row of four counts or "
                    "probabilities (A, C, G, T) per position; check its file."
                )
                raise InputError(msg)
        if not self.matrices:
            msg = f"motif {self.name!r} has no matrix; check its file."
            raise InputError(msg)

    @property
    def width(self) -> int:
        """Positions in the widest matrix."""
        return max(len(matrix) for matrix in self.matrices)

    def log_odds(self, background: ArrayLike, *, pseudocount: float = 0.01) -> list[NDArray[np.float64]]:
        """Return log2 odds against `background` for each matrix, shape ``(width, 4)``.

        Parameters
        ----------
        background
            Probabilities of A, C, G, T.
        pseudocount
            Share of the background mixed into each position, so that no probability is 0.
        """
        base = np.asarray(background, dtype=np.float64)
        tables = []
        for matrix in self.matrices:
            probability = matrix / matrix.sum(axis=1, keepdims=True)
            probability = (probability + pseudocount * base) / (1.0 + pseudocount)
            tables.append(np.log2(probability / base))
        return tables
