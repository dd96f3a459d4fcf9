"""Generalised linear models of many genes at once: counts with a log link, means with the identity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from reguloom.temporal.noise import Noise
from reguloom.temporal.timecourse import COUNT_LIKELIHOODS, TimeCourse

_ROUNDS = 12
_RIDGE = 1e-9


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    Parameters
    ----------
    eta
        Fitted log rate (counts, Tweedie) or mean, ``(n_genes, n_bins)``.
    loglik
        Log-likelihood of each gene, up to a constant that is the same for every model of the same data.
    n_parameters
        Number of free parameters of a gene.
    """

    eta: NDArray[np.float64]
    loglik: NDArray[np.float64]
    n_parameters: int


def log_likelihood(course: TimeCourse, noise: Noise, eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-likelihood of every value given `eta`, 0 where it is masked, ``(n_genes, n_bins)``.

    Counts have their full density; for ``tweedie`` it is the quasi-likelihood, normal about the mean.
    """
    y = course.totals
    if course.likelihood in COUNT_LIKELIHOODS:
        made = count_density(y, course.size * np.exp(eta), noise.alpha)
    else:
        mean = np.exp(eta) if course.likelihood == "tweedie" else eta
        made = -0.5 * ((y - mean) ** 2 / noise.variance + np.log(2 * np.pi * noise.variance))
    return np.where(course.mask, made, 0.0)


def count_density(y: NDArray[np.float64], mu: NDArray[np.float64], alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log density of negative binomial counts, of Poisson counts where alpha is 0."""
    mu = np.maximum(mu, 1e-12)
    size = 1.0 / np.maximum(alpha, 1e-8)
    poisson = y * np.log(mu) - mu - special.gammaln(y + 1)
    nb = (
        special.gammaln(y + size) - special.gammaln(size) - special.gammaln(y + 1)
        + size * np.log(size / (size + mu)) + y * np.log(mu / (size + mu))
    )  # fmt: skip
    return np.where(alpha > 1e-8, nb, poisson)


def fit_glm(course: TimeCourse, noise: Noise, design: NDArray[np.float64]) -> Fit:
    """Fit a model to every gene by iteratively reweighted least squares.

    Parameters
    ----------
    course, noise
        The data.
    design
        ``(n_bins, n_parameters)``, or one for each gene, ``(n_genes, n_bins, n_parameters)``.
    """
    table = np.broadcast_to(design, (course.n_genes, *design.shape)) if design.ndim == 2 else design
    if course.likelihood == "gaussian":
        eta = _least_squares(table, course.totals, course.mask / noise.variance)
        return Fit(eta, log_likelihood(course, noise, eta).sum(axis=1), design.shape[-1])
    lowest, highest = _bounds(course)
    eta = np.clip(np.log((course.totals + 0.5) / course.size), lowest, highest)
    best, best_value = eta, np.full(course.n_genes, -np.inf)
    for number in range(_ROUNDS):
        weight, target = _working(course, noise, eta)
        eta = np.clip(_least_squares(table, target, weight), lowest, highest)
        value = log_likelihood(course, noise, eta).sum(axis=1)
        better = value > best_value + 1e-9
        best = np.where(better[:, None], eta, best)
        gain = np.where(better, value - best_value, 0.0)
        best_value = np.where(better, value, best_value)
        if number > 2 and gain.max(initial=0.0) < 1e-6:
            break
    return Fit(best, best_value, design.shape[-1])


def _bounds(course: TimeCourse) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far the log rate of each gene may go: a bin of zeros would send it to minus infinity."""
    rate = course.totals / course.size
    seen = np.where(course.mask, rate, 0.0)
    size = np.where(course.mask, course.size, np.nan)
    lowest = np.log(0.05 / np.nanmax(np.where(np.isnan(size), 1e-9, size), axis=1, keepdims=True))
    highest = np.log(np.maximum(seen.max(axis=1, keepdims=True), 1e-9)) + 3.0
    if course.likelihood == "tweedie":
        lowest = highest - 15.0
    return np.minimum(lowest, highest - 3.0), highest


def _working(
    course: TimeCourse, noise: Noise, eta: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the working weights and responses of a log link."""
    mu = course.size * np.exp(eta)
    if course.likelihood == "tweedie":
        mu = np.exp(eta)
        weight = mu**2 / noise.variance
    else:
        weight = mu / (1.0 + noise.alpha * mu)
    return np.where(course.mask, weight, 0.0), eta + (course.totals - mu) / mu


def _least_squares(
    design: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the fitted values of a weighted least squares for each gene."""
    weighted = design * weight[:, :, None]
    gram = np.swapaxes(weighted, 1, 2) @ design
    size = np.einsum("gpp->g", gram) / design.shape[-1]
    gram = gram + (_RIDGE * np.maximum(size, 1e-12))[:, None, None] * np.eye(design.shape[-1])
    right = np.einsum("gbp,gb->gp", weighted, np.where(weight > 0, y, 0.0))
    return np.einsum("gbp,gp->gb", design, np.linalg.solve(gram, right[:, :, None])[:, :, 0])


def spline_df(course: TimeCourse) -> int:
    """Return the degrees of freedom of the smooth course: 3, or fewer where there are few times."""
    fewest = min(len(np.unique(course.times[course.track == one])) for one in np.unique(course.track))
    return max(1, min(3, fewest - 1))


def fit_smooth(course: TimeCourse, noise: Noise, *, df: int | None = None) -> Fit:
    """Fit a natural cubic spline over time to every gene in every track."""
    return fit_glm(course, noise, smooth_design(course, df or spline_df(course)))


def smooth_design(course: TimeCourse, df: int) -> NDArray[np.float64]:
    """Return the design of a level and a spline of `df` functions for each track.

    Times are taken by their rank, since experiments sample where something happens.
    """
    used = np.unique(course.track)
    design = np.zeros((course.n_bins, len(used) * (df + 1)))
    for number, one in enumerate(used):
        rows = course.track == one
        own = np.unique(course.times[rows])
        position = np.searchsorted(own, course.times[rows]) / max(len(own) - 1, 1)
        design[rows, number * (df + 1) : (number + 1) * (df + 1)] = natural_spline(position, df)
    return design


def level_design(course: TimeCourse) -> NDArray[np.float64]:
    """Return the design of one level for each track."""
    return (course.track[:, None] == np.unique(course.track)).astype(np.float64)


def natural_spline(x: NDArray[np.float64], df: int) -> NDArray[np.float64]:
    """Return a natural cubic spline basis with an intercept, ``(n, df + 1)`` (Hastie et al., ESL, eq. 5.4).

    Knots stand at quantiles of the distinct values.
    """
    knots = np.quantile(np.unique(x), np.linspace(0, 1, df + 1))
    columns = [np.ones_like(x), x]

    def part(k: int) -> NDArray[np.float64]:
        upper = np.maximum(x - knots[k], 0) ** 3 - np.maximum(x - knots[-1], 0) ** 3
        return upper / (knots[-1] - knots[k])

    columns += [part(k) - part(df - 1) for k in range(df - 1)]
    return np.column_stack(columns[: df + 1])
