"""How sure: a stratified bootstrap over candidates, and what a ranking that knows nothing would score.

Both are exact and never touch all candidates: between two places that hold true edges only the *number* of the others
matters, and that number is multinomial in a bootstrap sample.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from reguloom.evaluate._candidates import Candidates, Keys, Ranking
from reguloom.evaluate._measures import Counts, Steps, steps_of

#: Numbers held at a time.
_ENTRIES = 2_000_000
#: With fewer things than so many of each kind, drawing the things one by one is faster than drawing the counts.
_CHEAPER = 12


def _portions(n: int, width: int) -> Iterator[int]:
    """Yield numbers of rows that sum to `n`, so that a table of `width` columns stays small."""
    size = max(1, _ENTRIES // max(width, 1))
    for start in range(0, n, size):
        yield min(size, n - start)


def bootstrap(ranking: Ranking, places: Counts, n: int, rng: np.random.Generator) -> Iterator[Steps]:
    """Yield the steps of `n` samples with replacement, true edges and other candidates drawn apart.

    Parameters
    ----------
    ranking
        The candidates in order.
    places
        Place of each true edge, increasing, shape ``(n_true,)``.
    n
        Number of samples.
    rng
        Where they come from.
    """
    unnamed = len(ranking.stop) > ranking.n_named_places
    held, hits = np.unique(places, return_counts=True)
    if unnamed and held[-1] != len(ranking.stop) - 1:
        # The unnamed candidates are a step of their own, so that their number in each sample is known.
        held, hits = np.append(held, len(ranking.stop) - 1), np.append(hits, 0)
    n_true, n_false = len(places), ranking.n_candidates - len(places)
    tied = ranking.stop[held] - ranking.start[held] - hits
    through = ranking.stop[held] - np.cumsum(hits)
    between = np.diff(through - tied, prepend=0) - np.append(0, tied[:-1])
    bins = np.append(np.stack([between, tied], axis=1).ravel(), n_false - through[-1])
    for size in _portions(n, len(bins)):
        drawn, others = _multinomial(hits, size, rng), _multinomial(bins, size, rng)
        yield _resampled(drawn, others, held < ranking.n_named_places, n_true, n_false)


def _multinomial(counts: Counts, size: int, rng: np.random.Generator) -> Counts:
    """Return `size` samples with replacement of as many things as there are, counted by kind."""
    n, n_kinds = int(counts.sum()), len(counts)
    if n > _CHEAPER * n_kinds or not n:
        return rng.multinomial(n, counts / max(n, 1), size=size)
    kind = np.repeat(np.arange(n_kinds), counts)
    made = [np.bincount(kind[rng.integers(0, n, n)], minlength=n_kinds) for _ in range(size)]
    return np.stack(made)


def _resampled(drawn: Counts, others: Counts, named: NDArray[np.bool_], n_true: int, n_false: int) -> Steps:
    """Return the steps of samples: true edges of each step, and others between and at the steps by turns."""
    false = np.cumsum(others, axis=1)
    true = np.cumsum(drawn, axis=1)
    n_unnamed = np.where(named, 0, drawn + others[:, 1:-1:2]).sum(axis=1, keepdims=True)
    n_named = n_true + n_false - n_unnamed
    stop = true + false[:, 1:-1:2]
    inside = (stop - drawn - others[:, 1:-1:2] < n_true) & named
    reached = np.where(inside, stop, 0).max(axis=1, keepdims=True)
    return Steps(
        weight=drawn,
        true_before=true - drawn,
        true_through=true,
        false_before=false[:, 0:-1:2],
        false_through=false[:, 1:-1:2],
        named=np.broadcast_to(named, drawn.shape),
        n_true=n_true,
        n_false=n_false,
        n_named=n_named,
        enlarged=np.maximum(np.minimum(n_true, n_named), reached),
    )


def shuffled_edges(ranking: Ranking, n_true: int, n: int, rng: np.random.Generator) -> Iterator[Steps]:
    """Yield the steps of `n` orders in which the true edges stand anywhere, each place as likely.

    Parameters
    ----------
    ranking
        The candidates in order.
    n_true
        Number of true edges.
    n
        Number of orders.
    rng
        Where they come from.
    """
    for size in _portions(n, n_true):
        drawn = [rng.choice(ranking.n_candidates, n_true, replace=False, shuffle=False) for _ in range(size)]
        positions = np.sort(np.stack(drawn), axis=1)
        yield steps_of(ranking, np.searchsorted(ranking.stop, positions, side="right"))


def shuffled_targets(
    ranking: Ranking,
    candidates: Candidates,
    true: Keys,
    *,
    dropped: Keys,
    n_signs: int,
    n: int,
    rng: np.random.Generator,
) -> Iterator[Steps]:
    """Yield the steps of `n` orders for a truth whose targets have swapped names.

    Each regulator keeps its number of targets and each target its number of regulators, so a prediction does not score
    by knowing the hubs alone. Edges that fall on the regulator itself, or out of the candidates, are left out.

    Parameters
    ----------
    ranking
        The candidates in order.
    candidates
        What the numbers of edges mean.
    true
        Numbers of the true edges.
    dropped
        Numbers that are no candidates here.
    n_signs
        2 if the numbers are those of edges with their sign.
    n
        Number of orders.
    rng
        Where they come from.
    """
    for _ in range(n):
        moved = candidates.shuffled(true, rng.permutation(len(candidates.targets)), n_signs=n_signs)
        moved = moved[~np.isin(moved, dropped)]
        if len(moved):
            yield steps_of(ranking, ranking.places_of(moved)[None, :])


def interval(value: float, draws: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Return the bias-corrected percentile interval (Efron 1987, J. Am. Stat. Assoc. 82:171, equation 2.2).

    Resampling with replacement makes ties among true edges, which shifts precision; the correction takes that out.

    Parameters
    ----------
    value
        What was observed.
    draws
        The same of each bootstrap sample.
    confidence
        Share of the intervals that are to hold the true value.
    """
    from scipy.special import ndtr, ndtri

    draws = draws[np.isfinite(draws)]
    if not len(draws) or not np.isfinite(value):
        return float("nan"), float("nan")
    share = ((draws < value).sum() + 0.5 * (draws == value).sum()) / len(draws)
    shift = 2 * ndtri(np.clip(share, 0.5 / len(draws), 1 - 0.5 / len(draws)))
    tail = ndtri((1 - confidence) / 2)
    low, high = np.quantile(draws, [ndtr(shift + tail), ndtr(shift - tail)])
    return float(low), float(high)


def p_value(value: float, draws: NDArray[np.float64]) -> float:
    """Return the share of the null that is at least as good, the observed one counted among it."""
    draws = draws[np.isfinite(draws)]
    if not len(draws) or not np.isfinite(value):
        return float("nan")
    # The same counts can differ in the last bit when they are summed in another order.
    as_good = int((draws >= value - 1e-12 * max(1.0, abs(value))).sum())
    return (1 + as_good) / (1 + len(draws))
