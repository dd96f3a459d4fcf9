"""GRNBoost2: stochastic gradient boosting per target, stopped early by the out-of-bag loss.

Moerman et al., Bioinformatics 35:2159 (2019). The parameters are those of the published tool. The stopping rule is
computed here, on the **same** out-of-bag cells before and after each tree; scikit-learn's ``oob_improvement_`` means
something else since its version 1.3, which makes the original stop after some 25 trees.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.grn._binning import bin_regulators
from reguloom.grn._kernels import MAX_DEPTH, Workspace, boost, workspace
from reguloom.grn._problem import FitBlock, Problem, TargetEdges, edges_of, no_edges


def prepare(
    problem: Problem,
    *,
    n_estimators: int = 5000,
    learning_rate: float = 0.01,
    max_features: float = 0.1,
    bag_fraction: float = 0.9,
    max_depth: int = 3,
    early_stop_window: int = 25,
) -> FitBlock:
    """Bin the regulators once and return the function that fits targets.

    Parameters
    ----------
    problem
        Regulators and targets.
    n_estimators
        Most trees of a target.
    learning_rate
        Share of each tree that is taken.
    max_features
        Share of the regulators drawn at each split, at least one.
    bag_fraction
        Share of the cells in the bag of each tree, drawn without replacement.
    max_depth
        Depth of the trees, 1 to 6.
    early_stop_window
        Rounds over which the out-of-bag improvement is averaged; 0 never stops early.

    Returns
    -------
    A function from positions of targets to their edges. The importances of a target sum to its number of trees.

    Raises
    ------
    InputError
        If a parameter is out of its range.
    """
    check_params(n_estimators, learning_rate, max_features, bag_fraction, max_depth, early_stop_window)
    binned = bin_regulators(problem.regulators)
    varying = binned.n_bins > 1
    n_bag = max(int(bag_fraction * problem.n_cells), 1)
    local = threading.local()

    def fit(k: int) -> TargetEdges:
        values, features = problem.target(k), problem.predictors(k)
        if values.min() == values.max():
            return no_edges(k, "constant")
        if not varying[features].any():
            return no_edges(k, "no regulator")
        n_drawn = max(1, int(max_features * features.size))
        importance = np.zeros(problem.n_regulators)
        seed = problem.seed_of(k, "grnboost2")
        n_trees = boost(
            *(binned, _buffers(local, binned), values - values.mean(), features, n_drawn),
            *(n_estimators, learning_rate, n_bag, max_depth, early_stop_window, seed, importance),
        )
        return edges_of(k, denormalised(importance, n_trees), n_trees=int(n_trees))

    def fit_block(targets: Sequence[int]) -> list[TargetEdges]:
        return [fit(k) for k in targets]

    return fit_block


def denormalised(importance: NDArray[np.float64], n_trees: int) -> NDArray[np.float64]:
    """Scale importances so that they sum to the number of trees: targets that need more trees are better explained."""
    total = importance.sum()
    return importance * (n_trees / total) if total > 0 else importance


def _buffers(local: threading.local, binned: object) -> Workspace:
    """Return this thread's buffers."""
    if not hasattr(local, "workspace"):
        local.workspace = workspace(binned)  # type: ignore[arg-type]
    return local.workspace  # type: ignore[no-any-return]


def check_params(
    n_estimators: int, learning_rate: float, max_features: float, bag_fraction: float, max_depth: int, window: int
) -> None:
    """Refuse parameters out of range.

    Raises
    ------
    InputError
        If one is.
    """
    rules = (
        ("n_estimators", n_estimators, n_estimators >= 1, "at least 1"),
        ("learning_rate", learning_rate, 0 < learning_rate <= 1, "above 0 and at most 1"),
        ("max_features", max_features, 0 < max_features <= 1, "above 0 and at most 1"),
        ("bag_fraction", bag_fraction, 0 < bag_fraction <= 1, "above 0 and at most 1"),
        ("max_depth", max_depth, 1 <= max_depth <= MAX_DEPTH, f"from 1 to {MAX_DEPTH}"),
        ("early_stop_window", window, window >= 0, "0 or more"),
    )
    for name, value, fine, accepted in rules:
        if not fine:
            msg = f"{name} is {value}; it must be {accepted}."
            raise InputError(msg)
