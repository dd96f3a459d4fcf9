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
from reguloom.oracle._linear import LinearScreen


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
    Correlation changes every gene by its slope on the perturbed gene within the group, edges or none.

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
    genes = [int(linear.design.genes.get_loc(one.genes[0])) if len(one.genes) == 1 else -1 for one in asked]
    single = [i for i, gene in enumerate(genes) if gene >= 0]
    columns = np.full((len(asked), len(lineages)), np.nan)
    if single:
        columns[single] = correlation_scores(linear, np.array([genes[i] for i in single]))
        up = np.array([_rises(asked[i]) for i in single])
        columns[single] *= np.where(up, -1.0, 1.0)[:, None]
    table["baseline_correlation"] = columns.ravel()


def correlation_scores(linear: LinearScreen, genes: NDArray[Any]) -> NDArray[np.float64]:
    """Return the net score, by gene and lineage, if all genes follow the knocked-out one by their slope on it."""
    answers = []
    for code in range(len(linear.n_edges)):
        values = linear.expression[linear.groups == code].astype(np.float64)
        values -= values.mean(axis=0)
        own = values[:, genes]
        square = (own**2).sum(axis=0)[:, None]
        cross = own.T @ values
        answers.append(np.divide(cross, square, out=np.zeros_like(cross), where=square > 0))
    return linear.net(answers, -(linear.expression[:, genes] > 0).astype(np.float64))


def _rises(one: Perturbation) -> bool:
    """Tell whether a gene is raised, so that its correlates are too."""
    target = next(iter(one.targets.values()))
    return (
        target.mode == "max"
        or (target.mode == "fold" and target.value > 1)
        or (target.mode in ("level", "quantile") and target.value > 0)
    )


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
