"""Scores of predicted against observed profiles, in four families; each is a number for each unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reguloom.evaluate._response_truth import Table, Truth

Scores = NDArray[np.float64]
FAMILIES = ("scale", "direction", "discrimination", "differential expression", "distribution")


@dataclass(frozen=True)
class Metric:
    """One way to score.

    Parameters
    ----------
    name, family
        What it is called and what it asks.
    function
        ``(predicted, truth)`` → one score for each unit; NaN where it is undefined.
    higher
        Whether more is better.
    perfect
        The score of the truth itself.
    floor
        The baseline that stands for "nothing was learned".
    headline
        Whether it counts for the headline.
    meaning
        In words.
    """

    name: str
    family: str
    function: Callable[[Table, Truth], Scores]
    higher: bool
    perfect: float
    floor: str
    headline: bool
    meaning: str


def correlate(one: Table, other: Table, mask: NDArray[np.bool_] | None = None) -> Scores:
    """Return Pearson correlations of rows over the entries in `mask`; NaN where one of them is constant.

    Parameters
    ----------
    one, other
        ``(n_rows, n_columns)``.
    mask
        Which entries; all if left out.
    """
    where = np.ones(one.shape, dtype=bool) if mask is None else mask
    n = where.sum(axis=1, keepdims=True)
    first = np.where(where, one - np.where(where, one, 0).sum(axis=1, keepdims=True) / n, 0.0)
    second = np.where(where, other - np.where(where, other, 0).sum(axis=1, keepdims=True) / n, 0.0)
    length = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    # Rounding leaves some 1e-16 of a constant row.
    defined = length > 1e-12
    return np.divide((first * second).sum(axis=1), length, out=np.full(len(one), np.nan), where=defined)


def l2(predicted: Table, truth: Truth) -> Scores:
    """Euclidean distance over the 1000 genes most expressed in controls."""
    return np.sqrt((np.where(truth.expressed, predicted - truth.observed, 0.0) ** 2).sum(axis=1))


def mse(predicted: Table, truth: Truth) -> Scores:
    """Mean squared error over all genes."""
    return ((predicted - truth.observed) ** 2).mean(axis=1)


def mae(predicted: Table, truth: Truth) -> Scores:
    """Mean absolute error over all genes."""
    return np.abs(predicted - truth.observed).mean(axis=1)


def pearson_delta(predicted: Table, truth: Truth) -> Scores:
    """Correlation of the changes from control, over the genes of the distance."""
    return correlate(predicted - truth.control, truth.observed - truth.control, truth.expressed)


def pearson_perturbed(predicted: Table, truth: Truth) -> Scores:
    """Correlation of what sets a perturbation apart from the average one."""
    return correlate(predicted - truth.reference, truth.observed - truth.reference)


def pearson_perturbed_top20(predicted: Table, truth: Truth) -> Scores:
    """The same over the 20 genes that tell the perturbation from the rest."""
    return correlate(predicted - truth.reference, truth.observed - truth.reference, truth.top20)


def _closer(distances: Table, own: Scores, self_: int) -> float:
    """Return the share of others that are further away than one's own, ties counted half."""
    others = np.delete(distances, self_)
    mine = own[self_]
    return float(((others > mine) + 0.5 * (others == mine)).mean())


def centroid_accuracy(predicted: Table, truth: Truth) -> Scores:
    """Share of the other perturbations of the context that the prediction is further from than from its own."""
    scores = np.full(len(predicted), np.nan)
    for rows in truth.groups:
        if len(rows) < 2:
            continue
        squares = (truth.observed[rows] ** 2).sum(axis=1)
        # |a-b|^2 without the term of the prediction, which is the same for all.
        distance = squares[None, :] - 2 * predicted[rows] @ truth.observed[rows].T
        for i, row in enumerate(rows):
            scores[row] = _closer(distance[i], distance[i], i)
    return scores


def discrimination(predicted: Table, truth: Truth) -> Scores:
    """Rank of the own effect among all by L1 distance, the target genes left out (PDS): 1 - rank / N."""
    scores = np.full(len(predicted), np.nan)
    effect, real = predicted - truth.control, truth.observed - truth.control
    for rows in truth.groups:
        if len(rows) < 2:
            continue
        for i, row in enumerate(rows):
            keep = np.ones(effect.shape[1], dtype=bool)
            keep[truth.targets[row]] = False
            distance = np.abs(real[rows][:, keep] - effect[row, keep]).sum(axis=1)
            rank = (distance < distance[i]).sum() + 0.5 * ((distance == distance[i]).sum() - 1)
            scores[row] = 1.0 - rank / len(rows)
    return scores


def de_overlap(predicted: Table, truth: Truth) -> Scores:
    """Share of the k changed genes among the k largest predicted changes; undefined if nothing changed."""
    scores = np.full(len(predicted), np.nan)
    effect = np.abs(predicted - truth.control)
    for i, changed in enumerate(truth.changed):
        k = int(changed.sum())
        if k and effect[i].max() > 0:
            top = np.argsort(-effect[i], kind="stable")[:k]
            scores[i] = changed[top].mean()
    return scores


def de_direction(predicted: Table, truth: Truth) -> Scores:
    """Share of the changed genes that are predicted to go the right way."""
    scores = np.full(len(predicted), np.nan)
    effect, real = predicted - truth.control, truth.observed - truth.control
    for i, changed in enumerate(truth.changed):
        if changed.any() and np.abs(effect[i]).max() > 0:
            scores[i] = (np.sign(effect[i, changed]) == np.sign(real[i, changed])).mean()
    return scores


def weighted_mse(predicted: Table, truth: Truth) -> Scores:
    """Mean squared error weighted by how much each gene tells the perturbation from the rest."""
    return (truth.weights * (predicted - truth.observed) ** 2).sum(axis=1)


def weighted_r2(predicted: Table, truth: Truth) -> Scores:
    """Weighted R² of what sets a perturbation apart from the average one; not bounded below."""
    real = truth.observed - truth.reference
    centre = (truth.weights * real).sum(axis=1, keepdims=True)
    total = (truth.weights * (real - centre) ** 2).sum(axis=1)
    error = (truth.weights * (predicted - truth.observed) ** 2).sum(axis=1)
    return 1.0 - np.divide(error, total, out=np.full(len(real), np.nan), where=total > 0)


_MEAN, _NONE = "mean", "no change"
METRICS: dict[str, Metric] = {
    one.name: one
    for one in (
        Metric("l2", "scale", l2, False, 0.0, _MEAN, True, "distance over the 1000 most expressed genes"),
        Metric("mse", "scale", mse, False, 0.0, _MEAN, False, "mean squared error over all genes"),
        Metric("mae", "scale", mae, False, 0.0, _MEAN, False, "mean absolute error over all genes"),
        Metric("pearson_delta", "direction", pearson_delta, True, 1.0, _MEAN, True,
               "correlation of changes from control"),
        Metric("pearson_delta_perturbed", "direction", pearson_perturbed, True, 1.0, _MEAN, True,
               "correlation of changes from the average perturbation"),
        Metric("pearson_delta_perturbed_top20", "direction", pearson_perturbed_top20, True, 1.0, _MEAN, False,
               "the same over the 20 most telling genes"),
        Metric("centroid_accuracy", "discrimination", centroid_accuracy, True, 1.0, _MEAN, True,
               "share of other perturbations that lie further away than the right one"),
        Metric("discrimination", "discrimination", discrimination, True, 1.0, _MEAN, False,
               "rank of the right effect, target genes left out"),
        Metric("de_overlap", "differential expression", de_overlap, True, 1.0, _MEAN, False,
               "share of the changed genes that are found"),
        Metric("de_direction", "differential expression", de_direction, True, 1.0, _MEAN, False,
               "share of the changed genes that go the right way"),
        Metric("weighted_mse", "differential expression", weighted_mse, False, 0.0, _MEAN, True,
               "mean squared error, genes weighted by how telling they are"),
        Metric("weighted_r2", "differential expression", weighted_r2, True, 1.0, _MEAN, False,
               "weighted R² of what sets a perturbation apart"),
    )
}  # fmt: skip
"""Every metric on means, by name."""
