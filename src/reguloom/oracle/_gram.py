"""Products of regulators and targets over weighted cells: all that a ridge regression needs to know of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom.oracle._design import Design


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over weighted cells, from which centred products follow; sums of disjoint cells add up.

    Parameters
    ----------
    n
        Sum of the weights.
    x, y
        Weighted sums of the regulators and of the targets.
    xx, xy, yy
        Weighted sums of products: regulators, regulators with targets, each target with itself.
    """

    n: float
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    xx: NDArray[np.float64]
    xy: NDArray[np.float64]
    yy: NDArray[np.float64]

    @classmethod
    def of(cls, x: NDArray[Any], y: NDArray[Any], weights: NDArray[Any] | None = None) -> Moments:
        """Sum over the cells of `x`, ``(n_cells, n_regulators)``, and `y`, ``(n_cells, n_targets)``."""
        weighted = x if weights is None else x * weights[:, None]
        heavy = y if weights is None else y * weights[:, None]
        n = float(len(x) if weights is None else weights.sum())
        return cls(n, weighted.sum(0), heavy.sum(0), weighted.T @ x, weighted.T @ y, (heavy * y).sum(0))

    def __add__(self, other: Moments) -> Moments:
        """Return the sums over both sets of cells."""
        return Moments(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def scaled(self, factor: float) -> Moments:
        """Return the sums with every cell counted `factor` times."""
        return Moments(*(getattr(self, name) * factor for name in self.__dataclass_fields__))

    def centred(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the centred products of regulators, and of regulators with targets."""
        return (
            self.xx - np.outer(self.x, self.x) / self.n,
            self.xy - np.outer(self.x, self.y) / self.n,
        )

    def about(self, x: NDArray[Any], y: NDArray[Any]) -> tuple[Any, Any, Any]:
        """Return the products about the given means of regulators and targets: xx, xy, and the diagonal of yy."""
        xx = self.xx - np.outer(self.x, x) - np.outer(x, self.x) + self.n * np.outer(x, x)
        xy = self.xy - np.outer(self.x, y) - np.outer(x, self.y) + self.n * np.outer(x, y)
        return xx, xy, self.yy - 2 * y * self.y + self.n * y * y


def group_data(
    expression: NDArray[Any], rows: NDArray[Any], design: Design, scale: NDArray[Any] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return regulators (scaled) and targets of some cells, each minus its mean over them to keep digits.

    Parameters
    ----------
    expression
        ``(n_cells, n_genes)``.
    rows
        Which cells.
    design
        Which columns.
    scale
        What regulators are divided by, ``(n_regulators,)``.
    """
    x = expression[np.ix_(rows, design.regulators)].astype(np.float64)
    y = expression[np.ix_(rows, design.targets)].astype(np.float64)
    x -= x.mean(axis=0)
    y -= y.mean(axis=0)
    return (x if scale is None else x / scale), y


def regulator_scale(expression: NDArray[Any], design: Design) -> NDArray[np.float64]:
    """Return the standard deviation of each regulator over all cells; 1 for one that is constant."""
    values = expression[:, design.regulators].astype(np.float64)
    deviation = values.std(axis=0)
    return np.where(deviation > 0, deviation, 1.0)
