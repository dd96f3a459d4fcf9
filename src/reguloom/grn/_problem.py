"""The regression problems of one network: regulators as predictors, one target gene at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._random import child_seed

#: Every state that a target can end in, and what it means.
STATES = ("ok", "constant", "no regulator", "no split")


@dataclass(frozen=True, eq=False)
class Problem:
    """Regulators and targets, in alphabetical order so that the order of genes in a file changes nothing.

    Parameters
    ----------
    regulators
        Values of the regulators, CSC of float32, shape ``(n_cells, n_regulators)``.
    regulator_names
        Their names, sorted.
    targets
        Values of the targets, CSC of float32, shape ``(n_cells, n_targets)``.
    target_names
        Their names, sorted.
    own
        Position of each target among the regulators, -1 if it is none, shape ``(n_targets,)``.
    seed
        The root seed.
    """

    regulators: Any
    regulator_names: pd.Index
    targets: Any
    target_names: pd.Index
    own: NDArray[np.int64]
    seed: int

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.targets.shape[0])

    @property
    def n_targets(self) -> int:
        """Number of targets."""
        return len(self.target_names)

    @property
    def n_regulators(self) -> int:
        """Number of regulators."""
        return len(self.regulator_names)

    def target(self, k: int) -> NDArray[np.float64]:
        """Return the values of target `k`, shape ``(n_cells,)``."""
        values = np.zeros(self.n_cells)
        stored = slice(self.targets.indptr[k], self.targets.indptr[k + 1])
        values[self.targets.indices[stored]] = self.targets.data[stored]
        return values

    def target_columns(self, targets: Sequence[int]) -> Any:
        """Return several targets as CSC, shape ``(n_cells, len(targets))``."""
        return self.targets[:, list(targets)]

    def own_position(self, k: int) -> int:
        """Return the place of target `k` among the regulators, -1 if it is none."""
        return int(self.own[k])

    def predictors(self, k: int) -> NDArray[np.int64]:
        """Return the positions of the regulators of target `k`: all but the target itself."""
        everyone, own = np.arange(self.n_regulators), self.own_position(k)
        return everyone if own < 0 else np.delete(everyone, own)

    def seed_of(self, k: int, method: str) -> np.uint64:
        """Return the seed of target `k`: it depends on the root, the method and the gene's name alone."""
        return np.uint64(child_seed(self.seed, "grn", method, str(self.target_names[k])))


class TargetEdges(NamedTuple):
    """What a method found for one target."""

    target: int
    """Position of the target."""
    regulators: NDArray[np.int32]
    """Positions of the regulators with an edge."""
    importance: NDArray[np.float64]
    """Strength of each edge, above 0."""
    sign: NDArray[np.int8]
    """Sign of each edge, 0 where the method gives none."""
    n_trees: int
    """Trees in the target's ensemble, 0 for other methods."""
    state: int
    """Position in :data:`STATES`."""


FitBlock = Callable[[Sequence[int]], list[TargetEdges]]
"""What a method's ``prepare`` returns: targets in, edges out. Runs on several threads at once."""


class PreparedFit:
    """A method made ready for a problem; sent elsewhere it takes the problem along and is made ready there.

    Parameters
    ----------
    prepare
        The method's ``prepare``.
    problem
        What it fits.
    params
        Its parameters.
    """

    def __init__(self, prepare: Callable[..., FitBlock], problem: Problem, params: Mapping[str, Any]) -> None:
        self._parts = (prepare, problem, dict(params))
        self._fit = prepare(problem, **params)

    def __call__(self, targets: Sequence[int]) -> list[TargetEdges]:
        """Fit some targets."""
        return self._fit(targets)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes the same again."""
        return PreparedFit, self._parts


def no_edges(target: int, state: str, n_trees: int = 0) -> TargetEdges:
    """Return a target without edges and the reason."""
    empty = np.zeros(0)
    signs = empty.astype(np.int8)
    return TargetEdges(target, empty.astype(np.int32), empty, signs, n_trees, STATES.index(state))


def edges_of(target: int, importance: NDArray[np.float64], *, n_trees: int = 0, signed: bool = False) -> TargetEdges:
    """Return the edges with a strength other than 0.

    Parameters
    ----------
    target
        Position of the target.
    importance
        One strength per regulator, shape ``(n_regulators,)``.
    n_trees
        Trees in the ensemble.
    signed
        Whether the sign of `importance` is that of the edge.
    """
    found = np.flatnonzero(importance)
    if not found.size:
        return no_edges(target, "no split", n_trees)
    strength = importance[found]
    sign = np.sign(strength).astype(np.int8) if signed else np.zeros(found.size, np.int8)
    return TargetEdges(target, found.astype(np.int32), np.abs(strength), sign, n_trees, STATES.index("ok"))
