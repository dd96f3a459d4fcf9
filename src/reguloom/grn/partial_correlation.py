"""Partial correlation: what a regulator says about a target that all other regulators do not.

Correlations are shrunken towards 0 with the analytic intensity of Schäfer & Strimmer, Stat. Appl. Genet. Mol. Biol.
4:32 (2005), equation (10), over all pairs of regulators and of regulator and target, so that the matrix can be inverted
with few cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._logging import logger
from reguloom.core.correlation import moments
from reguloom.grn._problem import FitBlock, Problem, TargetEdges, edges_of, no_edges

#: Targets that are held densely at a time.
_COLUMNS = 256


def prepare(problem: Problem, *, shrinkage: float | None = None) -> FitBlock:
    """Invert the regulators' correlations once and return the function that adds one target at a time.

    Parameters
    ----------
    problem
        Regulators and targets.
    shrinkage
        Share of the correlations that is taken away, between 0 and 1; None estimates it.

    Returns
    -------
    A function from positions of targets to their edges: the size of the partial correlation, with its sign.

    Raises
    ------
    InputError
        If `shrinkage` is no share, or too small for the regulators' correlations to be inverted.
    """
    if shrinkage is not None and not 0 <= shrinkage <= 1:
        msg = f"shrinkage is {shrinkage}; it must lie between 0 and 1."
        raise InputError(msg)
    standard, varying = standardise(problem.regulators.astype(np.float64))
    correlation = standard.T @ standard
    share = estimate_shrinkage(problem, standard) if shrinkage is None else shrinkage
    logger.info("partial correlation: shrinkage %.3f", share)
    precision = _inverse(correlation, share)

    def fit_block(targets: Sequence[int]) -> list[TargetEdges]:
        values, moving = standardise(problem.target_columns(targets).astype(np.float64))
        shared = (1 - share) * (standard.T @ values)
        edges = []
        for j, k in enumerate(targets):
            if not moving[j]:
                edges.append(no_edges(k, "constant"))
            elif not varying[problem.predictors(k)].any():
                edges.append(no_edges(k, "no regulator"))
            else:
                strength = partial(precision, shared[:, j], problem.own_position(k))
                edges.append(edges_of(k, np.where(varying, strength, 0.0), signed=True))
        return edges

    return fit_block


def partial(precision: NDArray[np.float64], shared: NDArray[np.float64], own: int) -> NDArray[np.float64]:
    """Return the partial correlation of a target with each regulator given the others.

    Parameters
    ----------
    precision
        Inverse correlations of the regulators, shape ``(n_regulators, n_regulators)``.
    shared
        Correlations of the target with them, shape ``(n_regulators,)``.
    own
        Position of the target among the regulators, -1 if it is none.
    """
    diagonal = np.diag(precision)
    if own >= 0:
        result = -precision[own] / np.sqrt(diagonal * diagonal[own])
        result[own] = 0.0
        return result
    # One row is added to the inverse: with b = P c and k = 1 - c'b, the new off-diagonal is -b/k and the diagonal
    # of the others grows by b^2/k.
    slope = precision @ shared
    left = max(1.0 - float(shared @ slope), 1e-12)
    return slope / np.sqrt(left * diagonal + slope**2)


def standardise(columns: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return columns centred and of length 1 (dense; 0 where they do not vary), and which of them vary."""
    means, spreads = moments(columns)
    varying = spreads > 0
    return (columns.toarray() - means) * np.divide(1.0, spreads, out=np.zeros_like(spreads), where=varying), varying


def estimate_shrinkage(problem: Problem, standard: NDArray[np.float64]) -> float:
    """Return the shrinkage intensity: the correlations' summed variance over their summed squares.

    Parameters
    ----------
    problem
        Regulators and targets; pairs of two targets play no part.
    standard
        The regulators, centred and of length 1, shape ``(n_cells, n_regulators)``.
    """
    variance, square = shrinkage_sums(standard, standard, problem.n_cells)
    others = np.flatnonzero(problem.own < 0)
    for first in range(0, others.size, _COLUMNS):
        values, _ = standardise(problem.target_columns(list(others[first : first + _COLUMNS])).astype(np.float64))
        more = shrinkage_sums(standard, values, problem.n_cells)
        # Each pair of regulators was met twice, so these count twice as well.
        variance, square = variance + 2 * more[0], square + 2 * more[1]
    return min(1.0, max(0.0, variance / square)) if square > 0 else 1.0


def shrinkage_sums(one: NDArray[np.float64], other: NDArray[np.float64], n_cells: int) -> tuple[float, float]:
    """Return the summed variances and the summed squares of the correlations of two sets of columns.

    Parameters
    ----------
    one, other
        Columns centred and of length 1; if they are the same object, a column is not paired with itself.
    n_cells
        Number of cells n.
    """
    correlation = one.T @ other
    # Schäfer and Strimmer's w_kij is (n - 1) times the product of unit-length columns, whose mean over cells is r / n.
    spread = (one**2).T @ (other**2) - correlation**2 / n_cells
    if one is other:
        np.fill_diagonal(correlation, 0.0)
        np.fill_diagonal(spread, 0.0)
    return float(spread.sum()) * n_cells / (n_cells - 1), float((correlation**2).sum())


def _inverse(correlation: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return the inverse of the shrunken correlations; regulators that do not vary stand apart."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    shrunken = (1 - share) * correlation
    np.fill_diagonal(shrunken, 1.0)
    try:
        factor = cho_factor(shrunken)
    except LinAlgError:
        factor = None
    # Rounding can hide that two regulators are the same; a pivot this small is no more than rounding.
    if factor is None or np.diag(factor[0]).min() < 1e-6:
        msg = f"the correlations of the regulators cannot be inverted with shrinkage {share}; raise it or leave it out."
        raise InputError(msg)
    result: NDArray[np.float64] = cho_solve(factor, np.eye(len(shrunken)))
    return result
