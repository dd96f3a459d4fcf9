"""When a gene answers: onset, half-time, peak, duration and retention, with intervals; no learned model is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, generator, root_seed
from reguloom.temporal._input import take_course
from reguloom.temporal.noise import estimate_noise
from reguloom.temporal.profile import Profile

CLASSES = (
    "early-transient", "early-sustained", "delayed-transient", "delayed-sustained", "late-rising", "early-repressed",
    "late-repressed",
)  # fmt: skip
#: Shares of the largest change that count as onset and half-time.
ONSET, HALF = 0.2, 0.5
#: Where along the ranks of the times (0 to 1) early ends and late begins; below which retention an answer is transient.
EARLY, LATE, TRANSIENT = 0.4, 0.75, 0.5
MEASURES = ("onset", "half_time", "peak", "centre", "duration", "retention")
_GRID = 121
_CHUNK = 20_000


@accepts_seed
def timing(
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
    genes: Sequence[str] | None = None,
    n_draws: int = 100,
    confidence: float = 0.9,
    rng: SeedLike = 0,
) -> pd.DataFrame:
    """Return when each gene answers in each track.

    The measured course (rates for counts, values as they are for means) is joined by monotone curves (PCHIP), and its
    change since the first time is followed. Intervals come from draws of every bin within its error, and are never
    narrower than the sampling times around the estimate: five time points cannot tell more.

    Parameters
    ----------
    data
        A time course, AnnData of cells × genes, or a table of genes × samples whose columns are times.
    time, layer, groupby, mask_var, condition, batch, likelihood, n_bins, pool
        Of AnnData; see :func:`bin_cells`.
    genes
        Genes to look at; all if left out.
    n_draws
        Draws behind the intervals.
    confidence
        Of the intervals.
    rng
        Seed.

    Returns
    -------
    One row per gene and track: ``gene``, ``track``, ``direction`` (``up`` or ``down``), ``class`` (``early-transient``,
    ``delayed-sustained`` ...), ``onset`` (20 % of the largest change), ``half_time`` (50 %), ``peak``, ``centre`` (of
    mass of the change), ``duration`` (time above half), all in hours; ``retention`` (change at the end over the
    largest); ``change`` (the largest, in the units of the curve); ``_low`` and ``_high`` of onset, half-time and peak.
    """
    course = take_course(
        data, time=time, layer=layer, groupby=groupby, mask_var=mask_var, condition=condition, batch=batch,
        likelihood=likelihood, n_bins=n_bins, pool=pool,
    )  # fmt: skip
    if genes is not None:
        course = course.select_genes(list(genes))
    profile = Profile.of(course, estimate_noise(course))
    return profile_timing(
        profile, logarithmic=course.likelihood != "gaussian", n_draws=n_draws, confidence=confidence,
        root=root_seed(rng),
    )  # fmt: skip


def profile_timing(profile: Profile, *, logarithmic: bool, n_draws: int, confidence: float, root: int) -> pd.DataFrame:
    """Return the table of :func:`timing` for the courses of `profile`."""
    if n_draws < 2 or not 0 < confidence < 1:
        msg = f"n_draws is {n_draws} and confidence {confidence}; give at least 2 draws and a confidence in (0, 1)."
        raise InputError(msg)
    if not len(profile.genes):
        ends = [f"{name}_{end}" for name in ("onset", "half_time", "peak") for end in ("low", "high")]
        return pd.DataFrame(columns=["gene", "track", "direction", "class", *MEASURES, "change", *ends])
    tables = []
    for number, track in enumerate(profile.tracks):
        seen = np.asarray(profile.mask[:, number].any(axis=0))
        times = profile.times[seen]
        if len(times) > 1:
            table = _track_timing(profile, number, seen, logarithmic, n_draws, confidence, root)
            table.insert(0, "track", str(track))
            table.insert(0, "gene", profile.genes)
            tables.append(table)
    if not tables:
        msg = "no track was measured at two times; a course needs at least two."
        raise InputError(msg)
    return pd.concat(tables, ignore_index=True)


def _track_timing(
    profile: Profile, number: int, seen: NDArray[np.bool_], logarithmic: bool, n_draws: int, confidence: float,
    root: int,
) -> pd.DataFrame:  # fmt: skip
    """Return the measures of all genes in one track."""
    times = profile.times[seen]
    filled = profile.filled().reshape(profile.values.shape)[:, number][:, seen]
    values = filled + np.nan_to_num(profile.level[:, number])[:, None]
    error = np.where(profile.mask[:, number], profile.error[:, number], 1.0)[:, seen]
    best = measure(times, np.exp(values) if logarithmic else values)
    table = pd.DataFrame({name: best[name] for name in (*MEASURES, "change")})
    low, high = _intervals(profile, times, values, error, logarithmic, n_draws, confidence, root)
    for name in ("onset", "half_time", "peak"):
        before, after = bracket(times, best[name], peak=name == "peak")
        table[f"{name}_low"] = np.minimum(np.minimum(low[name], before), best[name])
        table[f"{name}_high"] = np.maximum(np.maximum(high[name], after), best[name])
    table.insert(0, "class", classify(times, best))
    table.insert(0, "direction", np.where(best["change"] < 0, "down", "up"))
    return table


def _intervals(
    profile: Profile, times: NDArray[np.float64], values: NDArray[np.float64], error: NDArray[np.float64],
    logarithmic: bool, n_draws: int, confidence: float, root: int,
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:  # fmt: skip
    """Return lower and upper ends of the intervals of the times; each gene's draws come from a seed of its own."""
    low = {name: np.zeros(len(values)) for name in ("onset", "half_time", "peak")}
    high = {name: np.zeros(len(values)) for name in low}
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    step = max(1, _CHUNK // n_draws)
    for start in range(0, len(values), step):
        rows = slice(start, min(start + step, len(values)))
        noise = np.stack([
            generator(root, "timing", str(gene)).standard_normal((n_draws, len(times))) for gene in profile.genes[rows]
        ])  # fmt: skip
        drawn = (values[rows, None] + error[rows, None] * noise).reshape(-1, len(times))
        found = measure(times, np.exp(drawn) if logarithmic else drawn)
        for name in low:
            low[name][rows], high[name][rows] = np.quantile(found[name].reshape(-1, n_draws), ends, axis=1)
    return low, high


def measure(times: NDArray[np.float64], curves: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the measures of curves given at `times`, ``(n_curves, n_times)``, each ``(n_curves,)``."""
    from scipy.interpolate import PchipInterpolator

    # Time points of the data are among those of the grid, so that no peak is missed.
    grid = np.unique(np.concatenate([times, np.linspace(times[0], times[-1], _GRID)]))
    change = PchipInterpolator(times, curves, axis=1)(grid) - curves[:, :1]
    peak = np.abs(change).argmax(axis=1)
    rows = np.arange(len(change))
    top = change[rows, peak]
    safe = np.where(np.abs(top) > 1e-12, top, 1.0)
    share = change / safe[:, None]
    width = np.gradient(grid)
    mass = np.maximum(share, 0.0) * width
    return {
        "onset": _crossing(grid, share, ONSET), "half_time": _crossing(grid, share, HALF), "peak": grid[peak],
        "centre": (mass * grid).sum(axis=1) / np.maximum(mass.sum(axis=1), 1e-12),
        "duration": ((share >= HALF) * width).sum(axis=1) * (grid[-1] - grid[0]) / width.sum(),
        "retention": share[:, -1], "change": top,
    }  # fmt: skip


def _crossing(grid: NDArray[np.float64], share: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Return the first time at which `share` reaches `level`, between grid points by a straight line."""
    first = (share >= level).argmax(axis=1)
    rows = np.arange(len(share))
    before = np.maximum(first - 1, 0)
    low, high = share[rows, before], share[rows, first]
    part = np.where(high > low, (level - low) / np.where(high > low, high - low, 1.0), 1.0)
    return grid[before] + np.clip(part, 0.0, 1.0) * (grid[first] - grid[before])


def bracket(
    times: NDArray[np.float64], found: NDArray[np.float64], *, peak: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sampling times around each estimate; around a peak, those on both sides of its sample."""
    right = np.clip(np.searchsorted(times, found, side="left"), 1, len(times) - 1)
    low, high = right - 1, right
    if peak:
        nearest = np.where(found - times[low] <= times[high] - found, low, high)
        low, high = np.maximum(nearest - 1, 0), np.minimum(nearest + 1, len(times) - 1)
    return times[low], times[high]


def classify(times: NDArray[np.float64], found: dict[str, NDArray[np.float64]]) -> NDArray[np.object_]:
    """Return a word for each course."""
    along = np.interp(found["half_time"], times, np.linspace(0, 1, len(times)))
    early, transient = along < EARLY, found["retention"] < TRANSIENT
    up = np.where(
        transient,
        np.where(early, "early-transient", "delayed-transient"),
        np.where(early, "early-sustained", np.where(along >= LATE, "late-rising", "delayed-sustained")),
    )
    down = np.where(early, "early-repressed", "late-repressed")
    return np.where(found["change"] < 0, down, up).astype(object)
