"""Which genes move at all: a smooth course against a constant level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from reguloom._logging import logger
from reguloom.core.fdr import benjamini_hochberg
from reguloom.temporal._glm import fit_glm, level_design, smooth_design, spline_df
from reguloom.temporal._input import take_course
from reguloom.temporal.noise import Noise, estimate_noise
from reguloom.temporal.profile import Profile
from reguloom.temporal.timecourse import TimeCourse


def dynamic_genes(
    data: Any,
    *,
    time: str | None = None,
    layer: str | None = None,
    groupby: str | None = None,
    mask_var: str | Sequence[bool] | None = None,
    condition: str | None = None,
    batch: str | None = None,
    likelihood: str = "auto",
    n_bins: int | None = None,
    pool: bool = False,
    fdr: float = 0.05,
) -> pd.DataFrame:
    """Test every gene for a course in time.

    A natural spline over time (of rank; 3 functions, or one fewer than there are times) is held against a constant
    level in each track, by the likelihood ratio under the noise of the data. The ratio is referred to an F
    distribution, since the noise is itself an estimate.

    Parameters
    ----------
    data
        A time course, AnnData of cells × genes, or a table of genes × samples whose columns are times.
    time, layer, groupby, mask_var, condition, batch, likelihood, n_bins, pool
        Of AnnData; see :func:`bin_cells`.
    fdr
        False discovery rate (Benjamini–Hochberg) up to which a gene is called dynamic.

    Returns
    -------
    One row per gene: ``level`` (mean log rate or mean), ``amplitude`` (deviation over time beyond noise),
    ``noise`` (mean standard error of a bin, of the log rate or the mean), ``statistic`` (twice the log-likelihood
    ratio), ``df``, ``p``, ``q``, ``dynamic``.
    """
    course = take_course(
        data, time=time, layer=layer, groupby=groupby, mask_var=mask_var, condition=condition, batch=batch,
        likelihood=likelihood, n_bins=n_bins, pool=pool,
    )  # fmt: skip
    return course_test(course, estimate_noise(course), fdr=fdr)


def course_test(course: TimeCourse, noise: Noise, *, fdr: float = 0.05) -> pd.DataFrame:
    """Return the table of :func:`dynamic_genes` for data whose noise is known."""
    df = spline_df(course)
    design, flat = smooth_design(course, df), level_design(course)
    smooth, constant = fit_glm(course, noise, design), fit_glm(course, noise, flat)
    extra = design.shape[1] - flat.shape[1]
    statistic = np.maximum(2.0 * (smooth.loglik - constant.loglik), 0.0)
    seen = (course.mask & (course.totals != 0)).any(axis=1)
    p = np.where(seen, stats.f.sf(statistic / extra, extra, noise.df), np.nan)
    q = benjamini_hochberg(p)
    profile = Profile.of(course, noise)
    dynamic = np.nan_to_num(q, nan=1.0) <= fdr
    logger.info("%d of %d genes are dynamic (FDR %g, noise from %s)", dynamic.sum(), len(p), fdr, noise.source)
    return pd.DataFrame(
        {
            "level": np.nanmean(profile.level, axis=1), "amplitude": profile.scale,
            "noise": np.sqrt(np.nanmean(np.where(profile.mask, profile.error**2, np.nan), axis=(1, 2))),
            "statistic": statistic, "df": extra, "p": p, "q": q, "dynamic": dynamic,
        },
        index=course.genes,
    )  # fmt: skip
