"""Fits to parts of the cells and to velocities dealt out at random, for the checks: as smooth as the field itself.

The Gram matrix depends on which cells are used and not on their velocities, so it is made once for each part; every
further set of velocities costs one thin product and one small solve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reguloom.vectorfield._solver import Features, solve_ridge

if TYPE_CHECKING:
    from reguloom.vectorfield.field import VectorField


@dataclass(frozen=True)
class Refits:
    """Solutions on parts of the cells.

    Parameters
    ----------
    features
        Whitened features of the cells.
    weights
        Weight of each cell: its probability to be an inlier.
    scale
        What velocities are divided by.
    damping
        Ridge strength.
    grams
        Gram matrices that were made so far, by name of the part.
    """

    features: Features
    weights: np.ndarray
    scale: float
    damping: float
    grams: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, made: VectorField, n_jobs: int | None) -> Refits:
        """Return what is needed to fit `made` again."""
        features = Features.of(made.states, made.control_points, made.bandwidth, dtype="float64", n_jobs=n_jobs)
        scale2 = max(float((made.velocities**2).mean()), 1e-300)
        noise = made.report.get("sigma2", float(((made.velocities - made()) ** 2).mean())) / scale2
        damping = max(made.report.get("ridge", 3.0) * noise, 1e-9)
        return cls(features, np.maximum(made.inlier, 1e-5), scale2**0.5, damping)

    def cut(self, names: Sequence[str], parts: Sequence[np.ndarray]) -> None:
        """Make the Gram matrix of each part (a mask of the cells), unless it is there already."""
        for name, used in zip(names, parts, strict=True):
            if name not in self.grams:
                self.grams[name] = self.features.gram_of_change(self.weights * used)

    def solve(self, names: Sequence[str], used: np.ndarray, velocities: np.ndarray) -> np.ndarray:
        """Return the solution on the cells `used`, whose parts have these names."""
        gram = np.sum([self.grams[name] for name in names], axis=0)
        moment = self.features.moment(self.weights * used, velocities / self.scale)
        return solve_ridge(gram, moment, self.damping)

    def values(self, solution: np.ndarray) -> np.ndarray:
        """Return the field of a solution at the cells."""
        return self.features.predict(solution) * self.scale

    def coefficients(self, solution: np.ndarray) -> np.ndarray:
        """Return the coefficients of the control points."""
        return self.features.coefficients(solution) * self.scale
