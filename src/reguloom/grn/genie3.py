"""GENIE3: a forest per target, and its variant with extremely randomised trees.

Huynh-Thu et al., PLoS ONE 5:e12776 (2010). Parameters as in arboreto: 1,000 trees, square root of the regulators at
each split, trees grown until their leaves are pure.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from reguloom._errors import InputError
from reguloom.grn._binning import bin_regulators
from reguloom.grn._forest_kernels import forest, forest_workspace
from reguloom.grn._problem import FitBlock, Problem, TargetEdges, edges_of, no_edges


def prepare(problem: Problem, *, n_estimators: int = 1000, max_features: float | str = "sqrt") -> FitBlock:
    """Bin the regulators once and return the function that fits random forests.

    Parameters
    ----------
    problem
        Regulators and targets.
    n_estimators
        Trees of a target, each on a bootstrap sample of the cells.
    max_features
        ``"sqrt"`` of the regulators, or their share, drawn at each split.

    Returns
    -------
    A function from positions of targets to their edges. The importances of a target sum to 1.

    Raises
    ------
    InputError
        If a parameter is out of its range.
    """
    return _forests(problem, n_estimators, max_features, bootstrap=True, at_random=False, name="genie3")


def prepare_extra_trees(problem: Problem, *, n_estimators: int = 1000, max_features: float | str = "sqrt") -> FitBlock:
    """Return the function that fits extremely randomised trees: all cells, one random threshold per regulator.

    Geurts et al., Machine Learning 63:3 (2006). Parameters as for :func:`prepare`.
    """
    return _forests(problem, n_estimators, max_features, bootstrap=False, at_random=True, name="extratrees")


def _forests(
    problem: Problem, n_estimators: int, max_features: float | str, *, bootstrap: bool, at_random: bool, name: str
) -> FitBlock:
    """Return the function that fits forests of one kind."""
    _check(n_estimators, max_features)
    binned = bin_regulators(problem.regulators)
    varying = binned.n_bins > 1
    local = threading.local()

    def fit(k: int) -> TargetEdges:
        values, features = problem.target(k), problem.predictors(k)
        if values.min() == values.max():
            return no_edges(k, "constant")
        if not varying[features].any():
            return no_edges(k, "no regulator")
        if not hasattr(local, "workspace"):
            local.workspace = forest_workspace(binned)
        importance = np.zeros(problem.n_regulators)
        n_drawn, seed = n_features_drawn(max_features, features.size), problem.seed_of(k, name)
        forest(
            *(binned, local.workspace, values - values.mean(), features, n_drawn, n_estimators),
            *(bootstrap, at_random, seed, importance),
        )
        total = importance.sum()
        return edges_of(k, importance / total if total > 0 else importance, n_trees=n_estimators)

    def fit_block(targets: Sequence[int]) -> list[TargetEdges]:
        return [fit(k) for k in targets]

    return fit_block


def n_features_drawn(max_features: float | str, n_features: int) -> int:
    """Return how many regulators are drawn at a split."""
    if max_features == "sqrt":
        return max(1, int(np.sqrt(n_features)))
    return max(1, int(float(max_features) * n_features))


def _check(n_estimators: int, max_features: float | str) -> None:
    """Refuse parameters out of range."""
    if n_estimators < 1:
        msg = f"n_estimators is {n_estimators}; it must be at least 1."
        raise InputError(msg)
    if max_features != "sqrt" and (isinstance(max_features, str) or not 0 < max_features <= 1):
        msg = f"max_features is {max_features!r}; it must be 'sqrt' or a share above 0 and at most 1."
        raise InputError(msg)
