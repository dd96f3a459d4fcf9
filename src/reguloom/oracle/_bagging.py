"""The three regressions that weigh a target's regulators: bagging ridge, plain ridge, Bayesian ridge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom._random import child_seed
from reguloom.oracle._design import Design
from reguloom.oracle._gram import Moments
from reguloom.oracle._kernels import draw_regulators, ridge_variance, solve_targets

Table = dict[str, NDArray[np.float64]]
SKLEARN_SEED = 123


def bagging_ridge(
    x: NDArray[Any], y: NDArray[Any], design: Design, *, alpha: float, n_bags: int, max_features: float, seed: int
) -> Table:
    """Average ridge regressions over bootstrapped cells and random subsets of regulators.

    A bag draws its cells once for all targets, so that one weighted Gram matrix serves every one of them.

    Parameters
    ----------
    x, y
        Regulators ``(n_cells, n_regulators)`` and targets ``(n_cells, n_targets)``.
    design
        The edges.
    alpha
        Penalty.
    n_bags
        How many bags.
    max_features
        Share of a target's regulators in each bag.
    seed
        Of this group of cells.
    """
    hashes = design.hashes()
    bags = np.empty((n_bags, design.n_edges))
    use = np.empty(design.n_edges, dtype=np.bool_)
    for bag in range(n_bags):
        own = child_seed(seed, "bag", bag)
        draws = np.random.default_rng(own).integers(0, len(x), len(x))
        gram, cross = Moments.of(x, y, np.bincount(draws, minlength=len(x)).astype(np.float64)).centred()
        draw_regulators(design.indptr, design.source, *hashes, np.uint64(own), max_features, use)
        solve_targets(gram, cross, design.indptr, design.source, use, alpha, bags[bag])
    return summarise(bags)


def bagging_ridge_sklearn(
    x: NDArray[Any], y: NDArray[Any], design: Design, *, alpha: float, n_bags: int, max_features: float, seed: int
) -> Table:
    """Average the very bags that scikit-learn's ``BaggingRegressor(Ridge(alpha), random_state=seed)`` draws.

    There the bag's cells depend on the number of regulators too, so targets with equally many share a Gram matrix.
    """
    from sklearn.utils.random import sample_without_replacement

    bags = np.full((n_bags, design.n_edges), np.nan)
    width = np.diff(design.indptr)
    seeds = np.random.RandomState(seed).randint(np.iinfo(np.int32).max, size=n_bags)
    for p in np.unique(width[width > 0]):
        members = np.flatnonzero(width == p)
        edges = (design.indptr[members][:, None] + np.arange(p)).ravel()
        used, local = np.unique(design.source[edges], return_inverse=True)
        part, own = x[:, used], y[:, members]
        indptr = np.arange(0, edges.size + 1, p)
        size = max(1, int(max_features * p))
        for bag, bag_seed in enumerate(seeds):
            state = np.random.RandomState(bag_seed)
            features = sample_without_replacement(int(p), size, random_state=state)
            draws = state.randint(0, len(x), len(x))
            gram, cross = Moments.of(part, own, np.bincount(draws, minlength=len(x)).astype(np.float64)).centred()
            use = np.tile(np.isin(np.arange(p), features), members.size)
            found = np.empty(edges.size)
            solve_targets(gram, cross, indptr, local.ravel(), use, alpha, found)
            bags[bag, edges] = found
    return summarise(bags)


def summarise(bags: NDArray[np.float64]) -> Table:
    """Return mean, standard error over bags and CellOracle's p of each edge's coefficients, ``(n_bags, n_edges)``.

    ``p`` is a t-test of the bags against 0. Bags are drawn from the same cells, so it shrinks with their number and
    is no test of the edge; it is kept because files and filters of CellOracle speak of it.
    """
    from scipy.stats import t

    present = ~np.isnan(bags)
    n = present.sum(axis=0)
    total = np.where(present, bags, 0.0).sum(axis=0)
    mean = np.divide(total, n, out=np.zeros_like(total), where=n > 0)
    square = np.where(present, bags - mean, 0.0) ** 2
    deviation = np.sqrt(np.divide(square.sum(axis=0), n - 1, out=np.zeros_like(mean), where=n > 1))
    error = deviation / np.sqrt(np.maximum(n, 1))
    statistic = np.divide(np.abs(mean), error, out=np.zeros_like(mean), where=error > 0)
    p = np.where((n > 1) & (error > 0), 2.0 * t.sf(statistic, np.maximum(n - 1, 1)), 1.0)
    return {"coef_mean": mean, "se": deviation, "p": p, "-logp": -np.log10(np.maximum(p, 1e-300))}


def ridge(x: NDArray[Any], y: NDArray[Any], design: Design, *, alpha: float, **_unused: Any) -> Table:
    """Fit one ridge regression per target; the error is that of a Gaussian model of the cells as independent."""
    from scipy.stats import norm

    moments = Moments.of(x, y)
    gram, cross = moments.centred()
    coefficients, spread = np.empty(design.n_edges), np.empty(design.n_edges)
    every = np.ones(design.n_edges, dtype=np.bool_)
    solve_targets(gram, cross, design.indptr, design.source, every, alpha, coefficients)
    ridge_variance(gram, design.indptr, design.source, alpha, spread)
    target = design.target_of_edge
    explained = np.bincount(target, coefficients * cross[design.source, target], minlength=design.targets.size)
    left = np.maximum(moments.yy - moments.y**2 / moments.n - explained, 0.0)
    noise = left / np.maximum(moments.n - 1 - np.diff(design.indptr), 1.0)
    error = np.sqrt(noise[target] * spread)
    p = np.where(error > 0, 2.0 * norm.sf(np.abs(coefficients) / np.where(error > 0, error, 1.0)), 1.0)
    return {"coef_mean": coefficients, "se": error, "p": p, "-logp": -np.log10(np.maximum(p, 1e-300))}


def bayesian_ridge(x: NDArray[Any], y: NDArray[Any], design: Design, **_unused: Any) -> Table:
    """Fit a Bayesian ridge regression per target (MacKay 1992), as scikit-learn's ``BayesianRidge`` at its defaults."""
    from scipy.stats import norm

    moments = Moments.of(x, y)
    gram, cross = moments.centred()
    square = moments.yy - moments.y**2 / moments.n
    coefficients, variance = np.empty(design.n_edges), np.empty(design.n_edges)
    for target in range(design.targets.size):
        edges = slice(design.indptr[target], design.indptr[target + 1])
        columns = design.source[edges]
        found = _evidence(gram[np.ix_(columns, columns)], cross[columns, target], square[target], moments.n)
        coefficients[edges], variance[edges] = found
    p = np.where(variance > 0, 2.0 * norm.cdf(-np.abs(coefficients) / np.sqrt(np.maximum(variance, 1e-300))), 1.0)
    minus_log = -np.log(np.maximum(p, 1e-300))  # natural here, decimal for the bags: so are CellOracle's tables
    return {"coef_mean": coefficients, "se": np.sqrt(variance), "coef_variance": variance, "p": p, "-logp": minus_log}


def _evidence(gram: Any, cross: Any, square: float, n: float) -> tuple[Any, Any]:
    """Return coefficients and their variances, noise and prior precision chosen by their evidence."""
    prior = 1e-6
    values, vectors = np.linalg.eigh(gram)
    values = np.maximum(values, 0.0)
    turned = vectors.T @ cross
    noise, weight = 1.0 / (square / n + np.finfo(np.float64).eps), 1.0
    old = None
    for _ in range(300):
        coefficients = vectors @ (turned / (values + weight / noise))
        left = max(square - 2.0 * coefficients @ cross + coefficients @ gram @ coefficients, 0.0)
        gamma = (noise * values / (weight + noise * values)).sum()
        weight = (gamma + 2 * prior) / ((coefficients**2).sum() + 2 * prior)
        noise = (n - gamma + 2 * prior) / (left + 2 * prior)
        if old is not None and np.abs(old - coefficients).sum() < 1e-3:
            break
        old = coefficients
    coefficients = vectors @ (turned / (values + weight / noise))
    return coefficients, ((vectors**2) / (values + weight / noise)).sum(axis=1) / noise


METHODS: dict[str, Callable[..., Table]] = {
    "bagging_ridge": bagging_ridge,
    "ridge": ridge,
    "bayesian_ridge": bayesian_ridge,
}
