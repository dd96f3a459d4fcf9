"""Pearson and Spearman correlation: the baselines that every inference method has to beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom.core.correlation import moments
from reguloom.grn._problem import FitBlock, Problem, TargetEdges, edges_of, no_edges


def prepare_pearson(problem: Problem) -> FitBlock:
    """Return the function that correlates regulators with targets.

    Parameters
    ----------
    problem
        Regulators and targets.

    Returns
    -------
    A function from positions of targets to their edges: the size of Pearson's correlation, with its sign.
    """
    return _correlating(problem, lambda values: values)


def prepare_spearman(problem: Problem) -> FitBlock:
    """Return the function that correlates the ranks of regulators and targets; ties share their mean rank.

    Parameters and result as for :func:`prepare_pearson`.
    """
    return _correlating(problem, rank_values)


def _correlating(problem: Problem, transform: Callable[[Any], Any]) -> FitBlock:
    """Return the function that correlates transformed values."""
    regulators = transform(problem.regulators.astype(np.float64))
    by_regulator = regulators.T.tocsr()
    means, spreads = moments(regulators)

    def fit_block(targets: Sequence[int]) -> list[TargetEdges]:
        columns = transform(problem.target_columns(targets).astype(np.float64))
        target_means, target_spreads = moments(columns)
        centred = columns.toarray() - target_means
        with np.errstate(invalid="ignore", divide="ignore"):
            # The centred target sums to 0, so the regulator's mean drops out and its zeros stay out of the product.
            rho = (by_regulator @ centred) / (spreads[:, None] * target_spreads)
        rho = np.clip(rho, -1.0, 1.0)
        return [_edges(problem, k, rho[:, j], spreads, target_spreads[j]) for j, k in enumerate(targets)]

    return fit_block


def _edges(
    problem: Problem, k: int, rho: NDArray[np.float64], spreads: NDArray[np.float64], spread: float
) -> TargetEdges:
    """Return the edges of one target, itself and regulators that do not vary left out."""
    if spread == 0:
        return no_edges(k, "constant")
    candidates = problem.predictors(k)
    if not (spreads[candidates] > 0).any():
        return no_edges(k, "no regulator")
    kept = np.zeros(rho.size)
    kept[candidates] = np.where(spreads[candidates] > 0, rho[candidates], 0.0)
    return edges_of(k, kept, signed=True)


def rank_values(columns: Any) -> Any:
    """Return the ranks of each column of a CSC matrix, less the rank of zero, so that zeros stay unstored.

    Ties share their mean rank. A shift changes no correlation.
    """
    from scipy.stats import rankdata

    ranked = columns.copy()
    n_rows, n_columns = columns.shape
    for k in range(n_columns):
        stored = slice(columns.indptr[k], columns.indptr[k + 1])
        values = columns.data[stored]
        n_zeros = n_rows - values.size
        n_below = int((values < 0).sum())
        ranks = rankdata(values)
        rank_of_zero = n_below + 0.5 * (n_zeros + 1)
        ranked.data[stored] = np.where(values > 0, ranks + n_zeros, ranks) - (rank_of_zero if n_zeros else 0.0)
    return ranked
