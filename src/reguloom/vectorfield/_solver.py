"""The regularised least squares of SparseVFC, solved in whitened coordinates.

The published form ``(U' P U + lambda s2 K) C = U' P Y`` is solved by the original through the normal equations of this
(already normal) system, which squares the condition number a second time: with 300 control points its answer depends
on the machine in the second digit. Here ``K = Q L Q'`` and ``Phi = U Q L^-1/2``, so that with ``W = L^1/2 Q' C``::

    (Phi' P Phi + lambda s2 I) W = Phi' P Y        f = Phi W        tr(C' K C) = |W|^2

The same minimiser, bounded away from singular, and one Cholesky factor per iteration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from reguloom.vectorfield import _gaussian
from reguloom.vectorfield._blocks import over_blocks

RANK_TOLERANCE = 1e-12
"""Eigenvalues of the kernel below this share of the largest are rounding, and are left out."""
KEEP_BYTES = 900 << 20
"""Features larger than this are made again, block by block, in every iteration."""


@dataclass(frozen=True)
class Features:
    """Whitened features of the cells.

    Parameters
    ----------
    states
        ``(n_cells, k)``.
    control_points
        ``(n_control, k)``.
    beta
        Bandwidth.
    whitening
        ``Q L^-1/2``, ``(n_control, rank)``.
    kept
        The features, one array per block of cells; None if they are made anew each time.
    dtype
        Type of the features.
    n_jobs
        Number of threads.
    """

    states: np.ndarray
    control_points: np.ndarray
    beta: float
    whitening: np.ndarray
    kept: list[Any] | None
    dtype: np.dtype
    n_jobs: int | None

    @classmethod
    def of(
        cls,
        states: np.ndarray,
        control_points: np.ndarray,
        beta: float,
        *,
        dtype: str,
        n_jobs: int | None,
        device: str | None = None,
    ) -> Features:
        """Whiten the kernel of the control points and, if they fit in memory, keep the features.

        With a `device` the products over the cells are PyTorch's.
        """
        if device is not None:
            from reguloom.vectorfield._torch import torch_features

            return torch_features().on(states, control_points, beta, dtype=dtype, device=device)
        made = cls.whitened(states, control_points, beta, dtype=dtype, n_jobs=n_jobs)
        if len(states) * made.rank * made.dtype.itemsize > KEEP_BYTES:
            return made
        blocks = list(over_blocks(made._make, len(states), width=len(control_points), n_jobs=n_jobs))
        return cls(states, control_points, beta, made.whitening, blocks, made.dtype, n_jobs)

    @classmethod
    def whitened(
        cls, states: np.ndarray, control_points: np.ndarray, beta: float, *, dtype: str, n_jobs: int | None
    ) -> Features:
        """Return features that are made anew whenever they are needed."""
        from scipy.linalg import eigh

        from reguloom.manifold._blas import one_blas_thread

        with one_blas_thread():
            eigenvalues, vectors = eigh(_gaussian.kernel(control_points, control_points, beta))
        kept = eigenvalues > RANK_TOLERANCE * eigenvalues[-1]
        whitening = vectors[:, kept] / np.sqrt(eigenvalues[kept])
        return Features(states, control_points, beta, whitening, None, np.dtype(dtype), n_jobs)

    @property
    def rank(self) -> int:
        """Number of features."""
        return int(self.whitening.shape[1])

    def _make(self, rows: slice) -> np.ndarray:
        """Return the features of a block of cells."""
        near = _gaussian.kernel(self.states[rows], self.control_points, self.beta)
        return (near @ self.whitening).astype(self.dtype, copy=False)

    def _block(self, rows: slice) -> np.ndarray:
        """Return the features of a block, kept or made."""
        if self.kept is None:
            return self._make(rows)
        return self.kept[rows.start // max(len(self.kept[0]), 1)]

    def _over(self, function: object) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield what `function` gives for each block."""
        return over_blocks(function, len(self.states), width=len(self.control_points), n_jobs=self.n_jobs)  # type: ignore[arg-type]

    def normal_equations(self, weights: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``Phi' W Phi`` and ``Phi' W Y``, added up in float64 in the order of the cells."""
        root = np.sqrt(weights).astype(self.dtype)
        aimed = targets.astype(self.dtype, copy=False)

        def work(rows: slice) -> tuple[np.ndarray, np.ndarray]:
            scaled = self._block(rows) * root[rows, None]
            # numpy sees A.T @ A and computes one triangle.
            return scaled.T @ scaled, scaled.T @ (aimed[rows] * root[rows, None])

        gram = np.zeros((self.rank, self.rank))
        moment = np.zeros((self.rank, targets.shape[1]))
        for part, side in self._over(work):
            gram += part
            moment += side
        return gram, moment

    def gram_of_change(self, change: np.ndarray) -> np.ndarray:
        """Return ``Phi' D Phi`` for a change D of the weights of few cells, of either sign; 0 leaves a cell out."""

        def work(rows: slice) -> tuple[np.ndarray, ...]:
            own = change[rows]
            block = self._block(rows) if own.any() else None
            made = []
            for sign in (1.0, -1.0):
                moved = np.flatnonzero(sign * own > 0)
                if block is not None and len(moved):
                    scaled = block[moved] * np.sqrt(sign * own[moved]).astype(self.dtype)[:, None]
                    made.append(sign * (scaled.T @ scaled))
            return tuple(made)

        total = np.zeros((self.rank, self.rank))
        for parts in self._over(work):
            for part in parts:
                total += part
        return total

    def moment(self, weights: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return ``Phi' W Y``, at a fraction of the cost of both."""
        aimed = (targets * weights[:, None]).astype(self.dtype, copy=False)
        made = np.zeros((self.rank, targets.shape[1]))
        for (part,) in self._over(lambda rows: (self._block(rows).T @ aimed[rows],)):
            made += part
        return made

    def predict(self, solution: np.ndarray) -> np.ndarray:
        """Return ``Phi W``, the field at the cells."""
        weights = solution.astype(self.dtype, copy=False)
        parts = self._over(lambda rows: (self._block(rows) @ weights,))
        return np.concatenate([one[0] for one in parts]).astype(np.float64, copy=False)

    def coefficients(self, solution: np.ndarray) -> np.ndarray:
        """Return the coefficients of the control points, ``(n_control, k)``."""
        from reguloom.manifold._blas import one_blas_thread

        with one_blas_thread():
            return self.whitening @ solution


def solve_ridge(gram: np.ndarray, moment: np.ndarray, strength: float) -> np.ndarray:
    """Return ``(G + strength I)^-1 B`` by Cholesky."""
    from scipy.linalg import cho_factor, cho_solve

    from reguloom.manifold._blas import one_blas_thread

    damped = gram.copy()
    damped[np.diag_indices_from(damped)] += strength
    with one_blas_thread():
        return cho_solve(cho_factor(damped, overwrite_a=True, check_finite=False), moment, check_finite=False)


@dataclass
class Running:
    """The normal equations of one set of velocities while the weights of the cells settle.

    From one iteration to the next few weights change, so only the cells whose weight has moved by more than `slack`
    are added or taken away; where many have, the Gram matrix is made anew.

    Parameters
    ----------
    features
        Whitened features of the cells.
    targets
        Velocities, ``(n_cells, k)``.
    slack
        Change of a weight that is left for later; 0 makes everything anew each time.
    weights
        Weights that the Gram matrix holds.
    gram
        The Gram matrix.
    """

    features: Features
    targets: np.ndarray
    slack: float = 0.0
    weights: np.ndarray | None = None
    gram: np.ndarray | None = None

    def at(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``Phi' W Phi`` and ``Phi' W Y`` for `weights`, to within the slack."""
        if self.slack and self.weights is not None and self.gram is not None:
            change = weights - self.weights
            change[np.abs(change) <= self.slack] = 0.0
            if np.count_nonzero(change) < 0.6 * len(change):
                self.weights = self.weights + change
                self.gram = self.gram + self.features.gram_of_change(change)
                return self.gram, self.features.moment(self.weights, self.targets)
        self.weights = weights.copy()
        self.gram, moment = self.features.normal_equations(weights, self.targets)
        return self.gram, moment
