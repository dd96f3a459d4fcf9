"""A regular grid over an embedding, and the averages of nearby cells at its points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError
from reguloom.manifold.neighbors import nearest

_MARGIN = 0.025


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular grid over a two-dimensional embedding.

    Parameters
    ----------
    x, y
        Coordinates along the axes, each of shape ``(n_grid,)``.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]

    @classmethod
    def of(cls, embedding: ArrayLike, n_grid: int = 40) -> Grid:
        """Lay a grid over the cells, with a margin of 2.5 % of each axis.

        Parameters
        ----------
        embedding
            ``(n_cells, 2)``.
        n_grid
            Points along each axis.

        Raises
        ------
        InputError
            If the embedding does not have two dimensions, or is flat.
        """
        places = np.asarray(embedding, dtype=np.float64)
        if places.ndim != 2 or places.shape[1] != 2:
            msg = f"the embedding has shape {places.shape}; a grid needs two dimensions, so take the first two."
            raise InputError(msg)
        axes = []
        for values in places.T:
            low, high = values.min(), values.max()
            if not high > low:
                msg = f"the embedding spans {low:g} to {high:g} along one axis; a grid needs cells that lie apart."
                raise InputError(msg)
            low = low - abs(high - low) * _MARGIN
            high = high + abs(high - low) * _MARGIN  # of the widened span: the original's grid, point for point
            axes.append(np.linspace(low, high, n_grid))
        return cls(axes[0], axes[1])

    @property
    def points(self) -> NDArray[np.float64]:
        """Coordinates of the points, ``(n_grid ** 2, 2)``, x running fastest."""
        x, y = np.meshgrid(self.x, self.y)
        return np.column_stack([x.ravel(), y.ravel()])

    @property
    def step(self) -> float:
        """Mean distance between neighbouring points of both axes."""
        return float(np.mean([np.diff(np.sort(axis)).mean() for axis in (self.x, self.y)]))

    def gradient(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the slope of `values` at the points along x and y, per step of the grid: ``(n_points, 2)``."""
        table = np.asarray(values, dtype=np.float64).reshape(len(self.y), len(self.x))
        along_y, along_x = np.gradient(table)
        return np.column_stack([along_x.ravel(), along_y.ravel()])


@dataclass(frozen=True, eq=False)
class GridWeights:
    """How much each cell counts at each point of a grid.

    Parameters
    ----------
    indices, weights
        Nearest cells of each point and their weights, ``(n_points, n_neighbors)``.
    mass
        Sum of the weights of each point, ``(n_points,)``.
    divisor
        What sums are divided by at each point, ``(n_points,)``.
    """

    indices: NDArray[np.int32]
    weights: NDArray[np.float64]
    mass: NDArray[np.float64]
    divisor: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        grid: Grid,
        embedding: ArrayLike,
        *,
        smooth: float = 0.8,
        n_neighbors: int = 200,
        mask: ArrayLike | None = None,
        compat: bool = False,
        n_jobs: int | None = None,
    ) -> GridWeights:
        """Weigh the nearest cells of each point by a Gaussian of their distance.

        Parameters
        ----------
        grid
            Where.
        embedding
            ``(n_cells, 2)``.
        smooth
            Width of the Gaussian, in steps of the grid.
        n_neighbors
            Nearest cells that count.
        mask
            Which cells count, ``(n_cells,)``; all if left out.
        compat
            Whether to use the density of the normal distribution, whose unit depends on the embedding, and to divide
            sums by no less than 1, as CellOracle does. By default weights have no unit and averages are averages.
        n_jobs
            Threads.
        """
        places = np.asarray(embedding, dtype=np.float64)
        cells = np.arange(len(places)) if mask is None else np.flatnonzero(np.asarray(mask))
        if not cells.size:
            msg = "no cell is left for the grid; check the mask."
            raise InputError(msg)
        near, distance = nearest(places[cells], min(n_neighbors, cells.size), queries=grid.points, n_jobs=n_jobs)
        width = smooth * grid.step
        weights = np.exp(-0.5 * (distance / width) ** 2)
        if compat:
            weights = weights / (width * np.sqrt(2.0 * np.pi))
        mass = weights.sum(axis=1)
        divisor = np.maximum(1.0, mass) if compat else np.where(mass > 0, mass, 1.0)
        return cls(cells[near].astype(np.int32), weights, mass, divisor)

    @property
    def relative_mass(self) -> NDArray[np.float64]:
        """Mass as a share of the densest point's: the same on every scale of the embedding."""
        return self.mass / self.mass.max() if self.mass.max() > 0 else self.mass

    def average(self, values: ArrayLike) -> NDArray[Any]:
        """Return the weighted mean of `values` of the cells, ``(n_cells, ...)``, at each point."""
        table = np.asarray(values, dtype=np.float64)
        flat = table.reshape(len(table), -1)
        sums = np.einsum("pk,pkd->pd", self.weights, flat[self.indices])
        return (sums / self.divisor[:, None]).reshape(len(self.mass), *table.shape[1:])

    def pull_back(self, values: ArrayLike, n_cells: int) -> NDArray[np.float64]:
        """Return, per cell, the sum over points of ``weight / divisor * values``: the transpose of :meth:`average`.

        Parameters
        ----------
        values
            One row per point, ``(n_points, n_columns)``.
        n_cells
            Number of cells.
        """
        share = self.weights / self.divisor[:, None]
        table = np.asarray(values, dtype=np.float64)
        made = np.empty((n_cells, table.shape[1]))
        for column, line in enumerate(table.T):
            made[:, column] = np.bincount(self.indices.ravel(), (share * line[:, None]).ravel(), minlength=n_cells)
        return made
