"""By how many hours the mean course of a peak leads that of a gene."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom._errors import InputError

FEWEST_TIMES = 8
"""Fewer times cannot tell a lag from chance."""
LONGEST, FEWEST_POINTS = 1 / 3, 6
"""Longest lag as share of the course, and times that have to be left for a correlation."""
LEAST_GAIN = 0.005
"""Correlation that a lag has to add to a shorter one."""


def mean_courses(counts: Any, time: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log of counts per total by time in each group, ``(n_groups, n_times, n_features)``; NaN without cells.

    Parameters
    ----------
    counts
        Cells × features, sparse.
    time, group
        Hour and group number of each cell.
    """
    hours, at = np.unique(time, return_inverse=True)
    if len(hours) < FEWEST_TIMES:
        msg = (
            f"there are {len(hours)} times; a lag between peak and gene needs at least {FEWEST_TIMES}: leave lag out, "
            "and compare onsets instead."
        )
        raise InputError(msg)
    n_groups = int(group.max()) + 1
    row = group * len(hours) + at.ravel()
    member = csr_array((np.ones(len(row)), (row, np.arange(len(row)))), shape=(n_groups * len(hours), len(row)))
    sums = (member @ csr_array(counts)).toarray().astype(np.float64)
    total = sums.sum(axis=1, keepdims=True)
    values = np.log1p(sums / np.maximum(total, 1.0) * np.median(total[total > 0]))
    values[total[:, 0] == 0] = np.nan
    return values.reshape(n_groups, len(hours), -1)


def lags(
    gene: NDArray[np.float64], peaks: NDArray[np.float64], hours: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lag (hours) at which the course of each peak goes with the gene's best, and the correlation there.

    Positive lags mean that the peak comes first. Courses of peaks are read between the times by a straight line. The
    shortest lag is taken among those that correlate about as well as the best.

    Parameters
    ----------
    gene
        ``(n_groups, n_times)``.
    peaks
        ``(n_groups, n_times, n_peaks)``.
    hours
        Times, ``(n_times,)``.
    """
    steps = np.unique(np.round(hours[:, None] - hours[None, :], 9))
    longest = LONGEST * (hours[-1] - hours[0])
    tried = [step for step in steps if 0 <= step <= longest and (hours >= hours[0] + step).sum() >= FEWEST_POINTS]
    table = np.stack([_shifted(gene, peaks, hours, float(step)) for step in tried])
    best = table.max(axis=0)
    first = (table >= best - LEAST_GAIN).argmax(axis=0)
    lag = np.where(np.isfinite(best), np.array(tried)[first], np.nan)
    return lag, np.where(np.isfinite(best), table[first, np.arange(table.shape[1])], np.nan)


def _shifted(
    gene: NDArray[np.float64], peaks: NDArray[np.float64], hours: NDArray[np.float64], step: float
) -> NDArray[np.float64]:
    """Return the correlation of the gene with each peak `step` hours before, groups centred each for itself."""
    later = np.flatnonzero(hours >= hours[0] + step - 1e-9)
    mine, theirs = [], []
    for course, others in zip(gene, peaks, strict=True):
        seen = np.isfinite(course)
        if not seen.any():
            continue
        right = np.clip(np.searchsorted(hours[seen], hours[later] - step), 1, seen.sum() - 1)
        known, values = hours[seen], others[seen]
        share = np.clip((hours[later] - step - known[right - 1]) / (known[right] - known[right - 1]), 0.0, 1.0)
        before = values[right - 1] * (1 - share)[:, None] + values[right] * share[:, None]
        keep = seen[later]
        mine.append(course[later][keep] - course[later][keep].mean())
        theirs.append(before[keep] - before[keep].mean(axis=0))
    a, b = np.concatenate(mine), np.concatenate(theirs)
    size = np.sqrt((a**2).sum() * (b**2).sum(axis=0))
    product = np.einsum("i,ij->j", a, b)
    return np.divide(product, size, out=np.full(len(size), -np.inf), where=size > 1e-12)
