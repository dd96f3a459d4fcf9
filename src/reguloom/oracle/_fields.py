"""Lineages held against development: flow on the grid, its inner product, and what can be resampled of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.manifold import GridWeights
from reguloom.manifold.blocks import block_labels
from reguloom.oracle.development import Development

ALL = "all"
FEWEST_CELLS = 30
FEWEST_BLOCKS = 5
_MOST_BLOCKS = 40


@dataclass(frozen=True, eq=False)
class Lineage:
    """Some cells, the points of the grid where there are enough of them, and their blocks.

    Parameters
    ----------
    name
        What the cells are called.
    mask
        Which cells, ``(n_cells,)``.
    weights
        Of these cells at the kept points.
    points
        Numbers of the kept points.
    reference
        Development at the kept points, ``(n_kept, 2)``.
    pull
        Development pulled back to the cells, ``(n_cells, 2)``: its inner product with the shift sums to the net score.
    blocks
        Block of each cell for the bootstrap; -1 outside the lineage.
    regions
        Larger blocks, of twice as many cells as a cell has neighbours, for permutations: shifts of cells that share
        neighbours are alike, and smaller blocks would pass for independent ones.
    compat
        Whether scores are sums over points, as CellOracle's, in place of means.
    """

    name: str
    mask: NDArray[np.bool_]
    weights: GridWeights
    points: NDArray[np.int64]
    reference: NDArray[np.float64]
    pull: NDArray[np.float64]
    blocks: NDArray[np.int64]
    regions: NDArray[np.int64]
    compat: bool

    @classmethod
    def of(
        cls, name: str, mask: Any, development: Development, n_jobs: int | None = None, *, n_neighbors: int = 200
    ) -> Lineage:
        """Weigh the cells of `mask` on the grid of `development`; blocks go by the number of neighbours.

        Raises
        ------
        InputError
            If there are too few cells, or none where the field is known.
        """
        mask = np.asarray(mask, dtype=bool)
        if mask.sum() < FEWEST_CELLS:
            msg = f"the lineage {name!r} has {int(mask.sum())} cells; at least {FEWEST_CELLS} are needed."
            raise InputError(msg)
        whole, kept = development.weigh(mask, n_jobs=n_jobs)
        points = np.flatnonzero(kept)
        if not points.size:
            msg = f"no point of the grid has cells enough of {name!r}; lower min_mass of the development field."
            raise InputError(msg)
        weights = GridWeights(*(getattr(whole, part)[points] for part in ("indices", "weights", "mass", "divisor")))
        reference = development.flow[points]
        compat = development.compat
        scale = 1.0 if compat else 1.0 / points.size
        pull = weights.pull_back(reference * scale, len(mask))
        places, n = development.embedding[mask], int(mask.sum())
        blocks, regions = np.full(len(mask), -1, dtype=np.int64), np.full(len(mask), -1, dtype=np.int64)
        blocks[mask] = block_labels(places, min(_MOST_BLOCKS, max(8, n // n_neighbors)))
        regions[mask] = block_labels(places, min(_MOST_BLOCKS, max(1, n // (2 * n_neighbors))))
        return cls(name, mask, weights, points, reference, pull, blocks, regions, compat)

    @property
    def n_blocks(self) -> int:
        """Number of blocks of cells."""
        return int(self.blocks.max()) + 1

    @property
    def n_regions(self) -> int:
        """Number of regions."""
        return int(self.regions.max()) + 1

    def inner_product(self, shift: NDArray[Any]) -> NDArray[np.float64]:
        """Return the inner product of flow and development at each kept point."""
        return np.asarray((self.weights.average(shift) * self.reference).sum(axis=1))

    def summary(self, product: NDArray[Any]) -> tuple[float, float]:
        """Return the negative and the positive score: how far the shift goes against and along development."""
        negative, positive = -np.minimum(product, 0.0), np.maximum(product, 0.0)
        return (
            (float(negative.sum()), float(positive.sum()))
            if self.compat
            else (float(negative.mean()), float(positive.mean()))
        )

    def bootstrap(self, shift: NDArray[Any], draws: NDArray[Any]) -> NDArray[np.float64]:
        """Return negative and positive score for resampled blocks of cells, ``(n_draws, 2)``.

        Parameters
        ----------
        shift
            ``(n_cells, 2)``.
        draws
            How often each block is drawn, ``(n_draws, n_blocks)``.
        """
        n_points, k = self.weights.indices.shape
        where = np.repeat(np.arange(n_points), k) * self.n_blocks + self.blocks[self.weights.indices].ravel()
        size = n_points * self.n_blocks
        along = (shift[self.weights.indices] * self.reference[:, None, :]).sum(axis=2) * self.weights.weights
        top = np.bincount(where, along.ravel(), minlength=size).reshape(n_points, self.n_blocks) @ draws.T
        mass = (
            np.bincount(where, self.weights.weights.ravel(), minlength=size).reshape(n_points, self.n_blocks) @ draws.T
        )
        bottom = np.maximum(mass, 1.0) if self.compat else np.where(mass > 0, mass, 1.0)
        return np.array([self.summary(column) for column in (top / bottom).T])

    def permuted(self, shift: NDArray[Any], orders: NDArray[Any]) -> tuple[float, NDArray[np.float64]]:
        """Return the net score with development in its place, and with its regions dealt out anew.

        Parameters
        ----------
        shift
            ``(n_cells, 2)``.
        orders
            Which region's development each region gets, ``(n_permutations, n_regions)``.
        """
        inside, n = self.mask, self.n_regions
        label = self.regions[inside]
        count = np.maximum(np.bincount(label, minlength=n), 1)
        total = np.column_stack([np.bincount(label, shift[inside, d], n) for d in (0, 1)])
        field = np.column_stack([np.bincount(label, self.pull[inside, d], n) / count for d in (0, 1)])
        table = total @ field.T
        rows = np.arange(n)
        return float(np.trace(table)), np.asarray(table[rows, orders].sum(axis=1))


def take_lineages(lineages: Any, development: Development, groups: pd.Categorical | None) -> dict[str, NDArray[Any]]:
    """Return the cells of each lineage.

    Parameters
    ----------
    lineages
        Mapping of name → mask, one label per cell, or None for all cells and each of `groups` that is large enough.
    development
        Says how many cells there are.
    groups
        Group of each cell.

    Raises
    ------
    InputError
        If the labels do not fit the cells.
    """
    n = len(development.embedding)
    if lineages is None:
        made = {ALL: np.ones(n, dtype=bool)}
        if groups is not None and len(groups.categories) > 1:
            each = {str(name): np.asarray(groups == name) for name in groups.categories}
            made |= {name: mask for name, mask in each.items() if mask.sum() >= FEWEST_CELLS and name != ALL}
        return made
    if isinstance(lineages, Mapping):
        made = {str(name): np.asarray(mask) for name, mask in lineages.items()}
    else:
        labels = pd.Categorical(np.asarray(lineages, dtype=object))
        each = {str(name): np.asarray(labels == name) for name in labels.categories}
        made = {ALL: np.ones(len(labels), dtype=bool)} | {
            name: mask for name, mask in each.items() if mask.sum() >= FEWEST_CELLS
        }
    wrong = [name for name, mask in made.items() if mask.shape != (n,) or mask.dtype != bool]
    if wrong or not made:
        msg = f"the lineages {wrong[:3]} do not say True or False for each of {n} cells; give masks or labels."
        raise InputError(msg)
    return made
