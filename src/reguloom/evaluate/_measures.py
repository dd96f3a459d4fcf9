"""The measures, computed for many rankings at once from what stands before and at each place with a true edge.

Ties are taken exactly: equal weights are one place, and no order within it is made up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reguloom.evaluate._candidates import Ranking

Counts: TypeAlias = NDArray[np.int64]
Values: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """Places that hold true edges, one row for each ranking (observed, resampled or shuffled).

    Parameters
    ----------
    weight
        True edges that each column stands for, shape ``(n_rankings, n_steps)``.
    true_before, true_through
        True edges before the place, and down to its end.
    false_before, false_through
        The same of the other candidates.
    named
        Whether the prediction names the place at all.
    n_true, n_false
        Number of true edges and of other candidates.
    n_named
        Candidates that the prediction names, shape ``(n_rankings, 1)``.
    enlarged
        Size of the set of the ``n_true`` strongest named edges with all that tie with the last one, same shape.
    """

    weight: Counts
    true_before: Counts
    true_through: Counts
    false_before: Counts
    false_through: Counts
    named: NDArray[np.bool_]
    n_true: int
    n_false: int
    n_named: Counts
    enlarged: Counts

    @property
    def start(self) -> Counts:
        """Candidates before the place."""
        return self.true_before + self.false_before

    @property
    def stop(self) -> Counts:
        """Candidates down to the end of the place."""
        return self.true_through + self.false_through

    def hits(self, k: Counts | int) -> Values:
        """Return the true edges expected among the `k` strongest candidates, ties broken at random."""
        share = np.clip((k - self.start) / np.maximum(self.stop - self.start, 1), 0.0, 1.0)
        return (self.weight * share).sum(axis=1)

    def called(self, top: int | None) -> tuple[Values, Values]:
        """Return how many edges are called, and how many of these are true: the `top` strongest named, or all."""
        n_named = self.n_named[:, 0].astype(np.float64)
        if top is None:
            return n_named, (self.weight * self.named).sum(axis=1).astype(np.float64)
        size = np.minimum(top, self.n_named)
        return size[:, 0].astype(np.float64), self.hits(size)


def steps_of(ranking: Ranking, places: Counts) -> Steps:
    """Return the steps of true edges at `places`, each row increasing, shape ``(n_rankings, n_true)``."""
    n_rankings, n_true = places.shape
    numbers = np.arange(n_true)
    new = np.ones(places.shape, dtype=bool)
    new[:, 1:] = places[:, 1:] != places[:, :-1]
    before = np.maximum.accumulate(np.where(new, numbers, 0), axis=1)
    last = np.ones(places.shape, dtype=bool)
    last[:, :-1] = new[:, 1:]
    through = np.minimum.accumulate(np.where(last, numbers + 1, n_true)[:, ::-1], axis=1)[:, ::-1]
    return Steps(
        weight=np.ones((1, 1), dtype=np.int64),
        true_before=before,
        true_through=through,
        false_before=ranking.start[places] - before,
        false_through=ranking.stop[places] - through,
        named=places < ranking.n_named_places,
        n_true=n_true,
        n_false=ranking.n_candidates - n_true,
        n_named=np.full((n_rankings, 1), ranking.n_named, dtype=np.int64),
        enlarged=np.full((n_rankings, 1), enlarged_size(ranking, n_true), dtype=np.int64),
    )


def enlarged_size(ranking: Ranking, k: int) -> int:
    """Return how many named edges are at least as strong as the `k`-th."""
    if not ranking.n_named_places:
        return 0
    place = int(np.searchsorted(ranking.stop, k))
    return int(ranking.stop[min(place, ranking.n_named_places - 1)])


def average_precision(steps: Steps) -> Values:
    """Return the sum of recall gained times the precision there, as scikit-learn's ``average_precision_score``."""
    precision = steps.true_through / np.maximum(steps.stop, 1)
    return (steps.weight * precision).sum(axis=1) / steps.n_true


def trapezoid_auprc(steps: Steps) -> Values:
    """Return the area under the precision-recall curve with straight lines between its points, as BEELINE.

    The curve begins at recall 0 with precision 1; straight lines are too kind where weights tie (Davis & Goadrich
    2006), which is why this is no default.
    """
    precision = steps.true_through / np.maximum(steps.stop, 1)
    before = np.where(steps.start > 0, steps.true_before / np.maximum(steps.start, 1), 1.0)
    # A place stands in as many columns as it holds true edges: each takes its share of the trapezoid.
    return (steps.weight * (precision + before) / 2).sum(axis=1) / steps.n_true


def auroc(steps: Steps) -> Values:
    """Return the chance that a true edge comes before another candidate, ties counting one half."""
    if not steps.n_false:
        return np.full(steps.true_through.shape[0], np.nan)
    after = steps.n_false - (steps.false_before + steps.false_through) / 2
    return (steps.weight * after).sum(axis=1) / (steps.n_true * steps.n_false)


def early_precision(steps: Steps) -> Values:
    """Return the precision expected among as many strongest candidates as there are true edges, ties at random."""
    return steps.hits(steps.n_true) / steps.n_true


def enlarged_early_precision(steps: Steps) -> Values:
    """Return the precision of the named edges at least as strong as the ``n_true``-th, as BEELINE."""
    inside = (steps.start < steps.n_true) & steps.named
    size = steps.enlarged[:, 0]
    return np.where(size > 0, (steps.weight * inside).sum(axis=1) / np.maximum(size, 1), 0.0)


def precision(steps: Steps, top: int | None) -> Values:
    """Return the share of the called edges that are true; NaN where none is called."""
    size, hits = steps.called(top)
    return np.divide(hits, size, out=np.full(len(size), np.nan), where=size > 0)


def recall(steps: Steps, top: int | None) -> Values:
    """Return the share of the true edges that are called."""
    return steps.called(top)[1] / steps.n_true


def f1(steps: Steps, top: int | None) -> Values:
    """Return the harmonic mean of precision and recall."""
    size, hits = steps.called(top)
    return 2 * hits / (size + steps.n_true)


Measure: TypeAlias = Callable[[Steps], Values]
