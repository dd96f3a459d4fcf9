"""How far runs of one method agree, from sums by regulator: any sample of regulators follows from these at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._random import generator
from reguloom.evaluate import _resampling
from reguloom.evaluate._candidates import Candidates, Edges

METRICS = ("stability_spearman", "stability_jaccard")


@dataclass(frozen=True)
class Settings:
    """What the summaries need besides the runs.

    Parameters
    ----------
    candidates
        The pairs compared.
    n_bootstrap, n_permutations
        Samples for the interval and for the null.
    confidence
        Of the interval.
    root
        Seed.
    """

    candidates: Candidates
    n_bootstrap: int
    n_permutations: int
    confidence: float
    root: int


@dataclass(frozen=True)
class _Pair(ABC):
    """One pair of runs: sums by regulator, from which the statistic of any sample of regulators follows."""

    sums: NDArray[np.float64]
    n_candidates: int

    @abstractmethod
    def value(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the statistic where regulators count `weight` times, shape ``(n_samples, n_regulators)``."""

    @abstractmethod
    def null(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the statistic of `n` pairs that have nothing in common."""


class _Spearman(_Pair):
    """Sums of 1, x, y, xx, yy, xy over each regulator's pairs, x and y being ranks."""

    def value(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the correlation of the ranks."""
        n, x, y, xx, yy, xy = (weight @ self.sums).T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y)))

    def null(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return correlations of shuffled ranks: mean 0 and variance 1 / (pairs - 1), normal for this many pairs."""
        return rng.normal(0.0, 1 / np.sqrt(max(self.n_candidates - 1, 1)), size=n)


class _Jaccard(_Pair):
    """Number of shared edges and of all edges of either run, by regulator."""

    def value(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of shared edges."""
        shared, either = (weight @ self.sums).T
        return np.divide(shared, either, out=np.full(len(shared), np.nan), where=either > 0)

    def null(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the shares of sets of this size that were drawn apart: the overlap is hypergeometric."""
        shared, either = self.sums.sum(axis=0)
        size = round((shared + either) / 2)
        hits = rng.hypergeometric(size, max(self.n_candidates - size, 0), size, size=n)
        return np.asarray(hits / np.maximum(2 * size - hits, 1))


def _rank_sums(one: Edges, other: Edges, candidates: Candidates) -> _Spearman:
    """Return the sums of ranks of signed weights over all pairs of genes; the unnamed ones share one rank."""
    keys = np.union1d(one.keys, other.keys)
    n_rest = candidates.n - len(keys)
    columns = []
    for edges in (one, other):
        values = np.zeros(len(keys))
        values[np.searchsorted(keys, edges.keys)] = edges.size * np.where(edges.sign < 0, -1.0, 1.0)
        below = int((values < 0).sum())
        ranks = (
            pd.Series(values).rank().to_numpy()
            + np.where(values > 0, n_rest, 0.0)
            + np.where(values == 0, n_rest / 2, 0.0)
        )
        rest = below + (n_rest + (values == 0).sum() + 1) / 2
        columns.append((ranks - (candidates.n + 1) / 2, rest - (candidates.n + 1) / 2))
    (x, x_rest), (y, y_rest) = columns
    row = keys // len(candidates.targets)
    per_row = len(candidates.targets) - candidates.sources.isin(candidates.targets).astype(np.int64)
    left = per_row - np.bincount(row, minlength=len(candidates.sources))
    terms = [(np.ones_like(x), 1.0), (x, x_rest), (y, y_rest), (x * x, x_rest**2), (y * y, y_rest**2)]
    terms.append((x * y, x_rest * y_rest))
    sums = [np.bincount(row, weights=term, minlength=len(left)) + left * rest for term, rest in terms]
    return _Spearman(np.stack(sums, axis=1), candidates.n)


def _overlaps(one: Edges, other: Edges, size: int, candidates: Candidates) -> _Jaccard:
    """Return the shared and all edges among the `size` strongest of each, by regulator."""
    tops = [np.sort(edges.keys[np.argsort(-edges.size, kind="stable")[:size]]) for edges in (one, other)]
    counts = [
        np.bincount(keys // len(candidates.targets), minlength=len(candidates.sources))
        for keys in (np.intersect1d(tops[0], tops[1]), np.union1d(tops[0], tops[1]))
    ]
    return _Jaccard(np.stack(counts, axis=1).astype(np.float64), candidates.n)


def _summary(metric: str, pairs: Sequence[_Pair], settings: Settings) -> tuple[object, ...]:
    """Return metric, value, low, high, chance, ratio and p."""
    n_sources = len(settings.candidates.sources)
    value = float(np.median([pair.value(np.ones((1, n_sources)))[0] for pair in pairs]))
    rng = generator(settings.root, metric, "bootstrap")
    weight = rng.multinomial(n_sources, np.full(n_sources, 1 / n_sources), size=settings.n_bootstrap).astype(float)
    drawn = np.median([pair.value(weight) for pair in pairs], axis=0) if settings.n_bootstrap else np.zeros(0)
    low, high = _resampling.interval(value, drawn, settings.confidence)
    rng = generator(settings.root, metric, "null")
    null = np.median([pair.null(settings.n_permutations, rng) for pair in pairs], axis=0)
    chance = float(null.mean()) if settings.n_permutations and metric == METRICS[1] else 0.0
    ratio = value / chance if chance > 0 else float("nan")
    return metric, value, low, high, chance, ratio, _resampling.p_value(value, null)


def agreement(runs: Sequence[Edges], top: int, settings: Settings) -> list[tuple[object, ...]]:
    """Return metric, value, low, high, chance, ratio, p, number of pairs of runs, of candidates, and edges compared.

    Parameters
    ----------
    runs
        Edges of two runs or more.
    top
        Strongest edges whose overlap is taken.
    settings
        Pairs, samples and seed.
    """
    candidates, pairs = settings.candidates, list(combinations(runs, 2))
    spearman = _summary(METRICS[0], [_rank_sums(one, other, candidates) for one, other in pairs], settings)
    shared = _summary(METRICS[1], [_overlaps(one, other, top, candidates) for one, other in pairs], settings)
    return [(*spearman, len(pairs), candidates.n, candidates.n), (*shared, len(pairs), candidates.n, top)]
