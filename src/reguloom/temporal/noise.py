"""How much a value varies by chance: between replicates, between cells, or about a smooth course."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from reguloom.temporal.timecourse import COUNT_LIKELIHOODS, TimeCourse

#: Squared coefficient of variation taken where nothing tells it.
ASSUMED_DISPERSION = 0.04
MOST_DF = 200.0


@dataclass(frozen=True, eq=False)
class Noise:
    """The chance variation of the values of a time course.

    Parameters
    ----------
    alpha
        Of counts, ``Var = mu + alpha mu^2``, ``(n_genes, n_bins)``; zeros for other likelihoods.
    variance
        Of means, ``(n_genes, n_bins)``; for ``tweedie`` on the scale of the values.
    df
        Degrees of freedom behind them, ``(n_genes,)``.
    source
        Where they come from: ``replicates``, ``cells``, ``standard errors``, ``residuals``, ``assumed`` or ``poisson``.
    """

    alpha: NDArray[np.float64]
    variance: NDArray[np.float64]
    df: NDArray[np.float64]
    source: str

    def select(self, which: Any) -> Noise:
        """Return the genes at `which`, a mask or positions."""
        return replace(self, alpha=self.alpha[which], variance=self.variance[which], df=self.df[which])


def estimate_noise(course: TimeCourse) -> Noise:
    """Return the noise of a time course, each gene's own estimate drawn towards genes of like level.

    Replicates are used where there are some, then the variation between cells (which is no biological replication),
    then what a smooth course leaves over.

    Parameters
    ----------
    course
        The time course.
    """
    if course.likelihood == "poisson":
        return Noise(np.zeros(course.totals.shape), np.zeros(course.totals.shape), _df(course, MOST_DF), "poisson")
    if course.likelihood in COUNT_LIKELIHOODS:
        return _count_noise(course)
    noise = _mean_noise(course)
    return _with_power(course, noise) if course.likelihood == "tweedie" else noise


def _df(course: TimeCourse, value: float) -> NDArray[np.float64]:
    return np.full(course.n_genes, min(float(value), MOST_DF))


def groups(course: TimeCourse) -> NDArray[np.int64]:
    """Return a number for each bin that is the same for replicates of one track and time."""
    keys = np.column_stack([course.track, np.searchsorted(course.grid, course.times)])
    return np.unique(keys, axis=0, return_inverse=True)[1].astype(np.int64).ravel()


def pooled(values: NDArray[np.float64], code: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return sums of the columns of `values` with the same `code`, ``(n_rows, n_codes)``."""
    made = np.zeros((len(values), int(code.max()) + 1))
    for number in range(made.shape[1]):
        made[:, number] = values[:, code == number].sum(axis=1)
    return made


# ------------------------------------------------------------------------------------------------------------- counts


def _count_noise(course: TimeCourse) -> Noise:
    """Return the dispersion of counts."""
    code = groups(course)
    size = np.where(course.mask, course.size, 0.0)
    sums = pooled(size, code)
    mu = course.size * (pooled(course.totals, code) / np.maximum(sums, 1e-12))[:, code]
    n_rep = np.bincount(code)[code]
    per_bin = np.ones(course.n_bins)
    if course.has_replicates:
        use = course.mask & (n_rep > 1)
        free = np.clip(1.0 - course.size / np.maximum(sums, 1e-12)[:, code], 0.05, 1.0)
        excess, source, df = (course.totals - mu) ** 2 / free - mu, "replicates", (use * free).sum(axis=1)
    elif course.variance is not None and np.isfinite(course.variance).any():
        use = course.mask & np.isfinite(course.variance)
        # The variation between cells averages out over the cells of a bin.
        per_bin = 1.0 / np.maximum(course.n_cells, 1)
        excess, source, df = np.where(use, course.variance, 0.0) - mu, "cells", (use * (course.n_cells - 1)).sum(axis=1)
    else:
        return _residual_dispersion(course)
    squares = np.where(use, mu**2 * per_bin, 0.0).sum(axis=1)
    raw = np.divide(np.where(use, excess, 0.0).sum(axis=1), squares, out=np.zeros(course.n_genes), where=squares > 0)
    level = np.divide(np.where(use, mu * per_bin, 0.0).sum(axis=1), np.maximum(use.sum(axis=1), 1))
    alpha, extra = shrink_dispersion(raw, level, np.clip(df, 1.0, MOST_DF))
    return Noise(alpha[:, None] * per_bin, np.zeros(mu.shape), np.clip(df + extra, 1.0, MOST_DF), source)


def _residual_dispersion(course: TimeCourse) -> Noise:
    """Return the dispersion about a smooth course, or an assumed one where too few times are left for it."""
    from reguloom.temporal._glm import fit_smooth

    shape = course.totals.shape
    start = Noise(np.full(shape, ASSUMED_DISPERSION), np.zeros(shape), _df(course, MOST_DF), "assumed")
    smooth = fit_smooth(course, start)
    left = course.mask.sum(axis=1) - smooth.n_parameters
    if np.median(left) < 2:
        return start
    mu = course.size * np.exp(smooth.eta)
    share = np.maximum(left, 1) / np.maximum(course.mask.sum(axis=1), 1)
    excess = np.where(course.mask, (course.totals - mu) ** 2 / share[:, None] - mu, 0.0).sum(axis=1)
    squares = np.where(course.mask, mu**2, 0.0).sum(axis=1)
    raw = np.divide(excess, squares, out=np.zeros(course.n_genes), where=squares > 0)
    alpha, extra = shrink_dispersion(raw, mu.mean(axis=1), np.clip(left, 1.0, MOST_DF))
    return Noise(
        np.repeat(alpha[:, None], course.n_bins, axis=1), np.zeros(shape), np.clip(left + extra, 1, MOST_DF),
        "residuals",
    )  # fmt: skip


def shrink_dispersion(
    raw: NDArray[np.float64], level: NDArray[np.float64], df: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return dispersions drawn towards the trend ``a0 + a1 / level``, and the degrees of freedom that the trend adds.

    Parameters
    ----------
    raw, level, df
        Each gene's own estimate (negative where counts vary less than Poisson), its mean count, and the degrees of
        freedom behind the estimate.
    """
    usable = level > 0
    if usable.sum() < 10:
        return np.maximum(raw, 1e-4), np.zeros(len(raw))
    trend = _trend(raw, level, usable)
    ratio = raw[usable] / trend[usable]
    # What chance alone does to an estimate: chi-squared with df, widened by the Poisson part.
    chance = 2.0 / df[usable] * (1.0 + 1.0 / (trend[usable] * level[usable])) ** 2
    spread = (np.clip(ratio, 0.0, 6.0) - 1.0) ** 2
    between = np.clip(np.median(spread) - np.median(chance), 0.05, 4.0)
    known = chance_of(df, trend, level)
    weight = between / (between + known)
    made = np.where(usable, weight * np.maximum(raw, 0.0) + (1.0 - weight) * trend, trend)
    return np.maximum(made, 1e-5), np.full(len(raw), 2.0 / between)


def chance_of(df: NDArray[np.float64], trend: NDArray[np.float64], level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared relative error of a gene's own dispersion."""
    return 2.0 / df * (1.0 + 1.0 / np.maximum(trend * level, 1e-9)) ** 2


def _trend(raw: NDArray[np.float64], level: NDArray[np.float64], usable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return ``a0 + a1 / level``, fitted to the means of twenty groups of like level."""
    order = np.flatnonzero(usable)[np.argsort(level[usable], kind="stable")]
    parts = np.array_split(order, min(20, max(2, len(order) // 5)))
    x = np.array([1.0 / np.mean(level[part]) for part in parts])
    # A trimmed mean: the median of a skewed estimate is too low, the mean is led by a few genes.
    y = np.array([_trimmed(raw[part]) for part in parts])
    weight = np.array([len(part) for part in parts], dtype=np.float64)
    floor = max(1e-5, 0.05 * float(np.median(np.maximum(y, 0.0))))
    fitted = np.maximum(y, floor)
    from scipy.optimize import nnls

    for _ in range(5):
        scale = np.sqrt(weight) / np.maximum(fitted, floor)
        a, _ = nnls(np.column_stack([np.ones(len(x)), x]) * scale[:, None], np.maximum(y, 0.0) * scale)
        fitted = a[0] + a[1] * x
    return np.maximum(a[0] + a[1] / np.maximum(level, 1e-9), floor)


def _trimmed(values: NDArray[np.float64]) -> float:
    """Return the mean without the highest twentieth."""
    kept = np.sort(values)[: max(1, int(np.ceil(0.95 * len(values))))]
    return float(kept.mean())


# -------------------------------------------------------------------------------------------------------------- means


def _mean_noise(course: TimeCourse) -> Noise:
    """Return the variance of means: of replicates, as given, or about a smooth course."""
    code = groups(course)
    if course.has_replicates:
        own, df = _within(course, code)
        variance, extra = moderate(own, df)
        table, source = np.repeat(variance[:, None], course.n_bins, axis=1), "replicates"
        return Noise(np.zeros(table.shape), table, np.clip(df + extra, 1.0, MOST_DF), source)
    if course.standard_error is not None:
        table = course.standard_error**2
        known = np.isfinite(table) & course.mask
        middle = np.median(table[known]) if known.any() else 1.0
        # A bin of equal values has no spread, and yet some error.
        table = np.where(known, np.maximum(table, 0.02 * middle), middle)
        cells = np.where(course.n_cells > 1, course.n_cells - 1, 5).sum()
        return Noise(np.zeros(table.shape), table, _df(course, cells), "standard errors")
    return _residual_variance(course)


def _within(course: TimeCourse, code: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each gene's variance within replicates, and its degrees of freedom."""
    n = pooled(course.mask.astype(float), code)
    mean = pooled(np.where(course.mask, course.totals, 0.0), code) / np.maximum(n, 1.0)
    squares = np.where(course.mask, (course.totals - mean[:, code]) ** 2, 0.0).sum(axis=1)
    df = np.maximum(n - 1.0, 0.0).sum(axis=1)
    return squares / np.maximum(df, 1.0), np.maximum(df, 1.0)


def _residual_variance(course: TimeCourse) -> Noise:
    """Return the variance about a smooth course, or of half of all variation where too few times are left."""
    from reguloom.temporal._glm import fit_smooth

    shape = course.totals.shape
    smooth = fit_smooth(course, Noise(np.zeros(shape), np.ones(shape), _df(course, MOST_DF), "assumed"))
    left = course.mask.sum(axis=1) - smooth.n_parameters
    squares = np.where(course.mask, (course.totals - smooth.eta) ** 2, 0.0).sum(axis=1)
    if np.median(left) < 2:
        centred = course.totals - course.totals.mean(axis=1, keepdims=True)
        level = float(np.median((centred**2).mean(axis=1))) / 2
        return Noise(np.zeros(shape), np.full(shape, max(level, 1e-8)), _df(course, 3.0), "assumed")
    variance, extra = moderate(squares / np.maximum(left, 1), np.maximum(left, 1).astype(float))
    df = np.clip(left + extra, 1.0, MOST_DF)
    return Noise(np.zeros(shape), np.repeat(variance[:, None], course.n_bins, axis=1), df, "residuals")


def _with_power(course: TimeCourse, noise: Noise) -> Noise:
    """Let the variance of each gene grow with a power of its mean, ``phi mu^p`` with 1 < p < 2 (Tweedie)."""
    seen = np.where(course.mask, course.totals, 0.0)
    mean = seen.sum(axis=1) / np.maximum(course.mask.sum(axis=1), 1)
    gene = noise.variance.mean(axis=1)
    use = (mean > 0) & (gene > 0)
    slope = np.polyfit(np.log(mean[use]), np.log(gene[use]), 1)[0] if use.sum() > 2 else 1.5
    power = float(np.clip(slope, 1.05, 1.95))
    # A bin at zero still has some error: the mean is taken a little towards that of the gene.
    mu = 0.9 * course.totals + 0.1 * mean[:, None]
    ratio = np.divide(mu, mean[:, None], out=np.ones_like(mu), where=mean[:, None] > 0)
    return replace(noise, variance=np.maximum(gene[:, None] * ratio**power, 1e-12))


def moderate(variance: NDArray[np.float64], df: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return variances drawn towards their common value, and the degrees of freedom that it adds (Smyth 2004).

    Parameters
    ----------
    variance, df
        Of each gene, ``(n_genes,)``.
    """
    positive = variance > 0
    if positive.sum() < 5:
        return np.maximum(variance, 1e-8), np.zeros(len(variance))
    half = df[positive] / 2.0
    e = np.log(variance[positive]) - special.digamma(half) + np.log(half)
    spread = float(np.var(e, ddof=1) - np.mean(special.polygamma(1, half)))
    extra = MOST_DF if spread <= 1e-6 else min(2.0 * _trigamma_inverse(spread), MOST_DF)
    prior = np.exp(e.mean() + special.digamma(extra / 2.0) - np.log(extra / 2.0))
    made = (df * variance + extra * prior) / (df + extra)
    return np.maximum(made, 1e-8 * prior), np.full(len(variance), extra)


def _trigamma_inverse(value: float) -> float:
    """Return x with ``trigamma(x) = value``, by Newton's method."""
    x = 0.5 + 1.0 / value
    for _ in range(50):
        tri = float(special.polygamma(1, x))
        step = tri * (1.0 - tri / value) / float(special.polygamma(2, x))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x
