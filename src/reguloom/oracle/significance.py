"""How often chance does as well: p-values from nulls, and false discovery rates within groups of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError
from reguloom.core.fdr import benjamini_hochberg


def pooled_p(observed: ArrayLike, null: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compare each statistic with its own null, standardised and pooled over all of them.

    Every unit (a factor) is standardised by the mean and deviation of its own null draws; so is every null draw, by
    those of the other draws. A pool of units × draws resolves small p-values that the draws of one unit cannot.

    Parameters
    ----------
    observed
        ``(n_units,)``.
    null
        ``(n_draws, n_units)``.

    Returns
    -------
    Two-sided p and z of each unit, ``(n_units,)``; p is 1 where the null does not vary.

    Raises
    ------
    InputError
        If there are fewer than 5 draws.
    """
    values, draws = np.asarray(observed, dtype=np.float64), np.asarray(null, dtype=np.float64)
    n = len(draws)
    if n < 5:
        msg = f"the null has {n} draws; at least 5 are needed, and 100 make it smooth."
        raise InputError(msg)
    mean, variance = draws.mean(axis=0), draws.var(axis=0, ddof=1)
    usable = variance > 1e-24
    z = np.zeros_like(values)
    z[usable] = ((values - mean) / np.sqrt(np.where(usable, variance, 1.0) * (1 + 1 / n)))[usable]
    others_mean = (n * mean - draws) / (n - 1)
    others_square = ((n - 1) * variance + n * mean**2 - draws**2 - (n - 1) * others_mean**2) / (n - 2)
    error = np.sqrt(np.maximum(others_square, 0.0) * (1 + 1 / (n - 1)))
    standard = np.divide(draws - others_mean, error, out=np.zeros_like(draws), where=error > 1e-12)
    pool = np.sort(np.abs(standard[:, usable]).ravel())
    above = pool.size - np.searchsorted(pool, np.abs(z) * (1 - 1e-9), side="left")
    p = np.where(usable, (1.0 + above) / (1.0 + pool.size), 1.0)
    return p, z


def rank_p(observed: float, null: ArrayLike) -> float:
    """Return the two-sided p of one statistic about the mean of its null draws, `null`; never 0."""
    draws = np.asarray(null, dtype=np.float64)
    centre = draws.mean()
    far = (np.abs(draws - centre) >= abs(observed - centre) * (1 - 1e-12)).sum()
    return float((1 + far) / (1 + draws.size))


def add_fdr(table: Any, column: str, *, within: str = "lineage") -> NDArray[np.float64]:
    """Return the false discovery rate of ``table[column]``, corrected over the rows of each group of `within`.

    Parameters
    ----------
    table
        DataFrame.
    column
        Column of p-values.
    within
        Column that says which rows are corrected together.
    """
    made = np.full(len(table), np.nan)
    labels = table[within].to_numpy()
    for name in dict.fromkeys(labels):
        rows = labels == name
        made[rows] = benjamini_hochberg(table[column].to_numpy()[rows])
    return made
