"""Data split in two halves that share nothing but the truth: what was seen, and what a fit is scored on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reguloom.temporal.noise import Noise
from reguloom.temporal.timecourse import COUNT_LIKELIHOODS, TimeCourse

#: Share of the counts (of the information, for means) that a fit sees.
SHARE = 0.8


def thin(
    course: TimeCourse, noise: Noise, rng: np.random.Generator, *, share: float = SHARE
) -> tuple[tuple[TimeCourse, Noise], tuple[TimeCourse, Noise]]:
    """Split a time course in two that are independent given the true rates, each with its noise.

    Counts are thinned: binomially if they vary as Poisson's, by a beta-binomial if they vary more, which makes the
    halves of a negative binomial independent (Neufeld et al., J. Mach. Learn. Res. 2024). Means are split by adding and
    subtracting noise of their own variance.

    Parameters
    ----------
    course, noise
        What is split.
    rng
        Generator.
    share
        What the first half gets.
    """
    if course.likelihood in COUNT_LIKELIHOODS:
        size = 1.0 / np.maximum(noise.alpha, 1e-6)
        p = np.where(noise.alpha > 1e-6, rng.beta(share * size, (1 - share) * size), share)
        first = rng.binomial(course.totals.astype(np.int64), np.clip(p, 0.0, 1.0)).astype(np.float64)
        return (
            _counts(course, noise, first, share),
            _counts(course, noise, course.totals - first, 1 - share),
        )
    spread = rng.standard_normal(course.totals.shape) * np.sqrt(noise.variance)
    odds = np.sqrt((1 - share) / share)
    return (
        _means(course, noise, course.totals + odds * spread, share),
        _means(course, noise, course.totals - spread / odds, 1 - share),
    )


def bootstrap(course: TimeCourse, noise: Noise, rng: np.random.Generator) -> TimeCourse:
    """Return the time course as another sample of cells would have given it.

    Parameters
    ----------
    course, noise
        What is known.
    rng
        Generator.
    """
    if course.likelihood in COUNT_LIKELIHOODS:
        size = 1.0 / np.maximum(noise.alpha, 1e-6)
        drawn = rng.poisson(np.maximum(course.totals, 0.0) * rng.gamma(size, 1.0 / size)).astype(np.float64)
    else:
        drawn = course.totals + rng.standard_normal(course.totals.shape) * np.sqrt(noise.variance)
        if course.likelihood == "tweedie":
            drawn = np.maximum(drawn, 0.0)
    return replace(course, totals=np.where(course.mask, drawn, course.totals))


def _counts(course: TimeCourse, noise: Noise, totals: NDArray[np.float64], share: float) -> tuple[TimeCourse, Noise]:
    """Return one half of counts."""
    made = replace(course, totals=totals, size=course.size * share, variance=None)
    return made, replace(noise, alpha=noise.alpha / share)


def _means(course: TimeCourse, noise: Noise, totals: NDArray[np.float64], share: float) -> tuple[TimeCourse, Noise]:
    """Return one half of means."""
    if course.likelihood == "tweedie":
        totals = np.maximum(totals, 0.0)
    made = replace(course, totals=totals, standard_error=None, variance=None)
    return made, replace(noise, variance=noise.variance / share)
