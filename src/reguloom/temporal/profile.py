"""Level, amplitude and shape of every gene's course, each with its noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.temporal.noise import Noise, groups, pooled
from reguloom.temporal.timecourse import COUNT_LIKELIHOODS, TimeCourse

#: Smallest amplitude in log rate: below it a course counts as flat.
SMALLEST_AMPLITUDE = 0.05


@dataclass(frozen=True, eq=False)
class Profile:
    """Courses of genes on the common times of all tracks, replicates put together.

    Parameters
    ----------
    genes
        Names.
    tracks
        Names.
    times
        Hours, increasing, ``(n_times,)``.
    level
        Mean log rate (counts, Tweedie) or mean, ``(n_genes, n_tracks)``.
    scale
        Amplitude: standard deviation over time that noise does not explain, over all tracks, ``(n_genes,)``.
    values
        Log rate or mean less the level, ``(n_genes, n_tracks, n_times)``; 0 where nothing was measured.
    error
        Standard error of `values`.
    mask
        Whether there is a value.
    """

    genes: pd.Index
    tracks: pd.Index
    times: NDArray[np.float64]
    level: NDArray[np.float64]
    scale: NDArray[np.float64]
    values: NDArray[np.float64]
    error: NDArray[np.float64]
    mask: NDArray[np.bool_]

    @classmethod
    def of(cls, course: TimeCourse, noise: Noise) -> Profile:
        """Return the courses of a time course with the given noise."""
        course, noise = merge_replicates(course, noise)
        value, error = _transformed(course, noise)
        shape = (course.n_genes, course.n_tracks, len(course.grid))
        place = (slice(None), course.track, np.searchsorted(course.grid, course.times))
        values, errors, mask = np.zeros(shape), np.ones(shape), np.zeros(shape, dtype=bool)
        values[place], errors[place], mask[place] = value, error, course.mask
        weight = np.zeros(shape)
        weight[place] = np.where(course.mask, 1.0, 0.0)
        total = weight.sum(axis=2)
        level = np.divide((values * weight).sum(axis=2), total, out=np.full(total.shape, np.nan), where=total > 0)
        centred = np.where(mask, values - np.nan_to_num(level)[:, :, None], 0.0)
        return cls(course.genes, course.tracks, course.grid, level, _scale(centred, errors, mask, course), centred,
                   np.where(mask, errors, 1.0), mask)  # fmt: skip

    @property
    def shape(self) -> NDArray[np.float64]:
        """Values over the amplitude, ``(n_genes, n_tracks, n_times)``."""
        return self.values / self.scale[:, None, None]

    @property
    def shape_error(self) -> NDArray[np.float64]:
        """Standard error of :attr:`shape`."""
        return self.error / self.scale[:, None, None]

    def select(self, which: Any) -> Profile:
        """Return the genes at `which`, a mask or positions."""
        return replace(
            self, genes=self.genes[which], level=self.level[which], scale=self.scale[which],
            values=self.values[which], error=self.error[which], mask=self.mask[which],
        )  # fmt: skip

    def filled(self) -> NDArray[np.float64]:
        """Return the values with gaps filled along time, tracks side by side, ``(n_genes, n_tracks * n_times)``."""
        made = self.values.copy()
        for gene, track in np.argwhere(~self.mask.all(axis=2)):
            here = self.mask[gene, track]
            if here.any():
                made[gene, track] = np.interp(self.times, self.times[here], self.values[gene, track, here])
        return made.reshape(len(made), -1)

    def z_scores(self) -> NDArray[np.float64]:
        """Return the filled values scaled to deviation 1 in each gene, as k-means on z-scores takes them."""
        flat = self.filled()
        centred = flat - flat.mean(axis=1, keepdims=True)
        return centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-12)


def merge_replicates(course: TimeCourse, noise: Noise) -> tuple[TimeCourse, Noise]:
    """Return the time course with one bin for each track and time, and its noise."""
    code = groups(course)
    if code.max() + 1 == course.n_bins and (np.diff(code) > 0).all():
        return course, noise
    first = np.array([np.flatnonzero(code == one)[0] for one in range(code.max() + 1)])
    seen = course.mask.astype(np.float64)
    n = np.maximum(pooled(seen, code), 1.0)
    if course.likelihood in COUNT_LIKELIHOODS:
        # A replicate that misses one gene leaves the others' sums larger; scale to the full size of the bin.
        size = np.array([course.size[code == one].sum() for one in range(len(first))])
        sums = pooled(course.totals * seen, code)
        share = pooled(seen * course.size, code) / size
        totals = np.rint(np.divide(sums, share, out=np.zeros_like(sums), where=share > 0))
    else:
        totals, size = pooled(course.totals * seen, code) / n, np.ones(len(first))
    made = replace(
        course, track=course.track[first], times=course.times[first], totals=totals, size=size,
        n_cells=np.array([course.n_cells[code == one].sum() for one in range(len(first))]),
        replicate=np.zeros(len(first), dtype=np.int64), mask=pooled(seen, code) > 0, standard_error=None, variance=None,
    )  # fmt: skip
    alpha = pooled(noise.alpha * seen, code) / n**2
    return made, replace(noise, alpha=alpha, variance=pooled(noise.variance * seen, code) / n**2)


def _transformed(course: TimeCourse, noise: Noise) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return values on the scale of the model (log rates of counts), and their standard errors."""
    if course.likelihood == "gaussian":
        return course.totals, np.sqrt(noise.variance)
    if course.likelihood == "tweedie":
        floor = 0.01 * np.maximum(course.totals.max(axis=1, keepdims=True), 1e-9)
        mean = np.maximum(course.totals, floor)
        return np.log(mean), np.sqrt(noise.variance) / mean
    # Half a count in a bin of ordinary size, the same rate in every bin, so that bins of different size agree.
    rate = course.totals / course.size + 0.5 / np.median(course.size)
    return np.log(rate), np.sqrt(1.0 / np.maximum(rate * course.size, 0.5) + noise.alpha)


def _scale(
    values: NDArray[np.float64], error: NDArray[np.float64], mask: NDArray[np.bool_], course: TimeCourse
) -> NDArray[np.float64]:
    """Return each gene's amplitude over all its tracks."""
    n = np.maximum(mask.sum(axis=(1, 2)), 1)
    free = np.maximum(n - mask.any(axis=2).sum(axis=1), 1)
    spread = np.where(mask, values**2, 0.0).sum(axis=(1, 2)) / free
    chance = np.where(mask, error**2, 0.0).sum(axis=(1, 2)) / n
    floor = SMALLEST_AMPLITUDE**2
    if course.likelihood == "gaussian":
        floor *= max(float(np.median(spread)), 1e-12)
    return np.sqrt(np.maximum(spread - chance, 0.05 * chance) + floor)
