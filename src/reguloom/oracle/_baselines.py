"""Trivial predictors, scored as the oracle is: what any answer has to be held against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.core import Perturbation
from reguloom.manifold import Neighborhood
from reguloom.oracle._fields import Lineage
from reguloom.oracle._linear import LinearScreen, Questions


def baseline_columns(
    table: pd.DataFrame,
    asked: Sequence[Perturbation],
    linear: LinearScreen,
    near: Neighborhood,
    lineages: Sequence[Lineage],
    sigma_corr: float,
    n_jobs: int | None,
) -> None:
    """Add the net scores of the trivial predictors to the table of a screen.

    No change scores 0. The neighbours' mean moves each cell to the mean of its neighbours, whatever is perturbed.
    Correlation changes every gene by its slope on the perturbed gene within the group, edges or none; the changes of a
    combination add up.

    Parameters
    ----------
    table
        One row per perturbation and lineage, in this order.
    asked
        The perturbations.
    linear, near, lineages, sigma_corr
        Of the screen.
    n_jobs
        Threads.
    """
    table["baseline_no_change"] = 0.0
    drift = near.shift(_toward_neighbors(near), sigma_corr=sigma_corr, n_jobs=n_jobs)
    net = [float((one.pull * drift).sum()) for one in lineages]
    table["baseline_neighbors_mean"] = np.tile(net, len(asked))
    table["baseline_correlation"] = correlation_scores(linear, Questions.of(asked, linear.design.genes)).ravel()


def correlation_scores(linear: LinearScreen, asked: Questions) -> NDArray[np.float64]:
    """Return the net score, by perturbation and lineage, if all genes follow the perturbed ones by their slopes."""
    answers = []
    same = asked.owner[:, None] == asked.owner[None, :]
    for code in range(len(linear.n_edges)):
        values = linear.expression[linear.groups == code].astype(np.float64)
        values -= values.mean(axis=0)
        own = values[:, asked.columns]
        square = (own**2).sum(axis=0)[:, None]
        cross = own.T @ values
        slope = np.divide(cross, square, out=np.zeros_like(cross), where=square > 0)
        one, other = np.nonzero(same)
        slope[one, asked.columns[other]] = 0.0
        slope[np.arange(len(slope)), asked.columns] = square[:, 0] > 0
        answers.append(slope)
    return linear.net(answers, asked.starts(linear.expression), asked.owner)


class _Toward:
    """Each cell's way to the mean of its neighbours, made some rows at a time."""

    def __init__(self, near: Neighborhood) -> None:
        self.near, self.shape = near, near.expression.shape

    def __getitem__(self, rows: Any) -> NDArray[np.float64]:
        """Return the way of some cells."""
        values = self.near.expression
        return np.array([values[self.near.indices[i]].mean(axis=0) - values[i] for i in rows])


def _toward_neighbors(near: Neighborhood) -> Any:
    """Return each cell's way to the mean of its neighbours as something that gives rows."""
    return _Toward(near)
