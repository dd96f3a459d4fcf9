"""Every method beside every other on the same splits: none is shown alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.temporal.baselines import BASELINES
from reguloom.temporal.consensus import adjusted_rand, explained, stability
from reguloom.temporal.grouping import BaselineGrouping, Grouping, Material
from reguloom.temporal.selection import LEAST_GAIN

COLUMNS = ["method", "n_modules", "held_out", "gain", "gain_se", "stability", "shape_explained", "level_explained",
           "agreement"]  # fmt: skip
#: A method is better if it gains so many standard errors: three splits tell their spread only roughly (Student's t with
#: two degrees of freedom, 95 % one-sided, is 2.9).
SURE = 3.0


def benchmark(
    chosen: Grouping, labels: NDArray[np.int64], n_modules: int, material: Material, truth: pd.Series | None
) -> pd.DataFrame:
    """Return the table of :class:`reguloom.temporal.TemporalModules`.

    Parameters
    ----------
    chosen
        The method that was asked for.
    labels
        Its final groups, ``(n_genes,)``.
    n_modules
        Number of groups of every method.
    material
        What was grouped.
    truth
        Gene → true module.
    """
    rows = [_row(chosen, labels, n_modules, material, truth)]
    for name in BASELINES:
        if name != chosen.name:
            other = BaselineGrouping(name, material)
            rows.append(_row(other, other.whole(n_modules), n_modules, material, truth))
    table = pd.DataFrame([row for row, _ in rows])
    scores = np.stack([score for _, score in rows])
    # Splits are the same for all, so that differences within a split are what counts.
    best = 1 + int(scores[1:].mean(axis=1).argmax())
    behind = scores - scores[best]
    table["gain"] = behind.mean(axis=1)
    table["gain_se"] = behind.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])
    return table[COLUMNS]


def _row(
    method: Grouping, labels: NDArray[np.int64], n_modules: int, material: Material, truth: pd.Series | None
) -> tuple[dict[str, object], NDArray[np.float64]]:
    """Return what one method is worth, and its mean score in each split."""
    profile, folds = material.profile, material.folds
    found = [method.fold_labels(number, n_modules) for number in range(len(folds))]
    scores = np.array([folds.score(number, one).mean() for number, one in enumerate(found)])
    return {
        "method": method.name, "n_modules": len(np.unique(labels)), "held_out": float(scores.mean()),
        "stability": stability(found), "shape_explained": explained(labels, profile.z_scores()),
        "level_explained": explained(labels, np.nan_to_num(profile.level)),
        "agreement": _agreement(labels, profile.genes, truth),
    }, scores  # fmt: skip


def _agreement(labels: NDArray[np.int64], genes: pd.Index, truth: pd.Series | None) -> float:
    """Return the adjusted Rand index with the true modules, over the genes that have one."""
    if truth is None:
        return float("nan")
    known = truth.reindex(genes)
    use = known.notna().to_numpy()
    if use.sum() < 2:
        return float("nan")
    return adjusted_rand(labels[use], pd.factorize(known[use])[0].astype(np.int64))


def verdict(table: pd.DataFrame, method: str) -> str:
    """Return in one sentence whether `method` is better than the baselines of the table."""
    if len(table) < 2 or method not in set(table["method"]):
        return ""
    own = table[table["method"] == method].iloc[0]
    others = table[table["method"] != method]
    best = others.loc[others["held_out"].idxmax()]
    steady = float(own["stability"]) >= float(best["stability"]) - 0.05
    told = (
        f"held-out log-likelihood per value {own['held_out']:.4f} against {best['held_out']:.4f} of {best['method']}, "
        f"stability {own['stability']:.2f} against {best['stability']:.2f}"
    )
    if float(own["gain"]) > max(SURE * float(own["gain_se"]), LEAST_GAIN) and steady:
        return f"{method} is better than the best baseline here: {told}."
    return f"{method} is NOT better than the best baseline here: {told}."
