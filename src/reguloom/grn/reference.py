"""GRNBoost2 on scikit-learn's own trees: slow, and there to check the fast engine against.

The boosting loop, the out-of-bag sample and the stopping rule are written out here, so that the result does not
depend on what a version of scikit-learn calls out-of-bag improvement.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reguloom.grn._problem import FitBlock, Problem, TargetEdges, edges_of, no_edges
from reguloom.grn.grnboost2 import check_params, denormalised


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
    """Return the function that fits targets with scikit-learn's trees; parameters as for GRNBoost2.

    Raises
    ------
    InputError
        If a parameter is out of its range.
    """
    check_params(n_estimators, learning_rate, max_features, bag_fraction, max_depth, early_stop_window)
    predictors = problem.regulators.toarray()
    n_bag = max(int(bag_fraction * problem.n_cells), 1)

    def fit(k: int) -> TargetEdges:
        values, features = problem.target(k), problem.predictors(k)
        if values.min() == values.max():
            return no_edges(k, "constant")
        columns = predictors[:, features]
        if not (columns != columns[0]).any():
            return no_edges(k, "no regulator")
        rng = np.random.RandomState(int(problem.seed_of(k, "reference")) % 2**32)
        tree_params = {"max_depth": max_depth, "max_features": max(1, int(max_features * features.size))}
        found, n_trees = boost_reference(
            *(columns, values, tree_params, n_estimators, learning_rate, n_bag, early_stop_window, rng)
        )
        importance = np.zeros(problem.n_regulators)
        importance[features] = denormalised(found, n_trees)
        return edges_of(k, importance, n_trees=n_trees)

    def fit_block(targets: Sequence[int]) -> list[TargetEdges]:
        return [fit(k) for k in targets]

    return fit_block


def boost_reference(
    columns: NDArray[np.float32],
    values: NDArray[np.float64],
    tree_params: dict[str, int],
    n_estimators: int,
    learning_rate: float,
    n_bag: int,
    window: int,
    rng: np.random.RandomState,
) -> tuple[NDArray[np.float64], int]:
    """Boost scikit-learn's trees and return the mean impurity decrease per regulator and the number of trees.

    Parameters
    ----------
    columns
        Regulators, shape ``(n_cells, n_features)``.
    values
        The target, shape ``(n_cells,)``.
    tree_params
        Further parameters of the trees.
    n_estimators, learning_rate, n_bag, window
        As in GRNBoost2; `n_bag` cells are in the bag.
    rng
        Source of the bags and of the trees' seeds.
    """
    # Friedman's gain is the decrease of the squared error times the node's count, so both choose the same splits;
    # scikit-learn 1.9 deprecates the name "friedman_mse" for that reason.
    from sklearn.tree import DecisionTreeRegressor

    residual = values - values.mean()
    improvements: list[float] = []
    importances = []
    for _ in range(n_estimators):
        order = rng.permutation(values.size)
        inside, outside = np.sort(order[:n_bag]), order[n_bag:]
        tree = DecisionTreeRegressor(criterion="squared_error", random_state=rng, **tree_params)
        tree.fit(columns[inside], residual[inside])
        before = np.square(residual[outside]).mean() if outside.size else 0.0
        residual -= learning_rate * tree.predict(columns)
        after = np.square(residual[outside]).mean() if outside.size else 0.0
        improvements.append(float(before - after))
        if tree.tree_.node_count > 1:
            importances.append(tree.tree_.compute_feature_importances(normalize=False))
        if outside.size and 0 < window <= len(improvements) and np.mean(improvements[-window:]) < 0:
            break
    mean = np.mean(importances, axis=0) if importances else np.zeros(columns.shape[1])
    return mean, len(improvements)
