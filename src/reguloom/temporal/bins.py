"""Cells into time bins: counts summed over the cells of one track, time and replicate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom._errors import InputError, MissingKeyError, warn
from reguloom._logging import logger
from reguloom.core import Expression
from reguloom.temporal.read_time import parse_times
from reguloom.temporal.timecourse import COUNT_LIKELIHOODS, LIKELIHOODS, TimeCourse, composition

if TYPE_CHECKING:
    from anndata import AnnData

#: Names of columns that usually hold cell types; pooling them unasked would mix their courses.
CELL_TYPE_COLUMNS = ("cell_type", "celltype", "CellType", "Cell_Type", "cell_types", "louvain", "leiden")
MOST_TIMES = 60
FEWEST_PER_BIN, MERGE_BELOW, MASK_BELOW = 50, 20, 10
#: Cells in a bin of one time, and in all, below which nothing should be concluded.
FEWEST_CELLS, ENOUGH_CELLS = 30, 250


def bin_cells(
    adata: AnnData,
    *,
    time: str,
    layer: str | None = None,
    groupby: str | None = None,
    mask_var: str | Sequence[bool] | None = None,
    condition: str | None = None,
    batch: str | None = None,
    size_factors: str | None = None,
    likelihood: str = "auto",
    n_bins: int | None = None,
    pool: bool = False,
    accept_aliasing: bool = False,
) -> TimeCourse:
    """Return the time course of cells: one bin for each track, time and batch.

    Parameters
    ----------
    adata
        Cells × genes; raw counts, or normalised values (which give means with their standard errors).
    time
        Column of ``adata.obs`` with the capture time, in hours or with a unit ("30min", "3h").
    layer, mask_var
        Which values and which genes to use.
    groupby
        Column with the cell type: a track for each.
    condition
        Column with the condition: a track for each, within each cell type.
    batch
        Column with the batch or donor: a replicate for each.
    size_factors
        Column with size factors of the cells; their total counts over the median if left out.
    likelihood
        ``"auto"``: ``nb`` for counts, ``gaussian`` otherwise.
    n_bins
        Take `time` as pseudotime and cut it into so many bins of about equal numbers of cells.
    pool
        Whether cells of several types may be pooled.
    accept_aliasing
        Whether batches may coincide with times, so that a difference of batches looks like a course.

    Returns
    -------
    TimeCourse
        Times in hours.

    Raises
    ------
    MissingKeyError
        If a column is not there.
    InputError
        If cells have no time, there is one time only, cell types would be pooled unasked, or batch and time coincide.
    """
    data = Expression.of(adata, layer=layer, mask_var=mask_var)
    notes: list[str] = []
    hours, track_names, track, replicate = _annotation(adata, time, groupby, condition, batch, n_bins, notes)
    _check_pooling(adata, [groupby, condition], pool, notes)
    if batch is not None and n_bins is None:
        _check_aliasing(hours, replicate, accept_aliasing, notes)
    if n_bins is not None:
        hours = _quantile_bins(hours, n_bins)
        notes.append(f"time is pseudotime in {len(np.unique(hours))} bins of about equal numbers of cells")
    keys = pd.DataFrame({"track": track, "time": hours, "replicate": replicate})
    bins = keys.drop_duplicates().sort_values(["track", "time", "replicate"], ignore_index=True)
    code = pd.MultiIndex.from_frame(bins).get_indexer(pd.MultiIndex.from_frame(keys))
    whole = _is_counts(data)
    kind = _choose(likelihood, whole)
    sums = _sum_by(data, code, len(bins), _cell_sizes(adata, data, size_factors, counts=kind in COUNT_LIKELIHOODS))
    notes += _size_notes(sums["n"])
    few = sums["n"] < MASK_BELOW
    if few.any() and n_bins is None:
        # Real samples are what they are: their noise tells that they are small.
        notes.append(f"{int(few.sum())} of {len(few)} bins hold fewer than {MASK_BELOW} cells")
        few = np.zeros(len(few), dtype=bool)
    if few.any():
        notes.append(f"{int(few.sum())} bins of fewer than {MASK_BELOW} cells are left out")
        logger.warning("%d of %d time bins hold fewer than %d cells and are left out", few.sum(), len(few), MASK_BELOW)
    return _made(bins, sums, kind, data.genes, track_names, notes).take_bins(~few)


def _size_notes(n_cells: NDArray[np.int64]) -> list[str]:
    """Say where there are too few cells to conclude anything."""
    few, total = int(np.median(n_cells)), int(n_cells.sum())
    if few >= FEWEST_CELLS and total >= ENOUGH_CELLS:
        return []
    text = f"{total} cells, {few} in a bin of one time: too small to conclude which genes answer when"
    logger.warning("warning: %s", text)
    return [text]


def _annotation(
    adata: AnnData, time: str, groupby: str | None, condition: str | None, batch: str | None, n_bins: int | None,
    notes: list[str],
) -> tuple[NDArray[np.float64], pd.Index, NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Return each cell's time in hours, the names of the tracks, and each cell's track and replicate."""
    hours = parse_times(_column(adata, time), name=time)
    n_times = len(np.unique(hours))
    if n_times < 2:
        msg = f"adata.obs[{time!r}] holds one time, {hours[0]:g} h; a course needs at least 2, and 4 say something."
        raise InputError(msg)
    if n_bins is None and n_times > MOST_TIMES and len(hours) < 20 * n_times:
        msg = (
            f"adata.obs[{time!r}] holds {n_times} different values in {len(hours)} cells: it looks like pseudotime; "
            "give n_bins=20 to cut it into bins, or a column of capture times."
        )
        raise InputError(msg)
    parts = [_column(adata, one).astype(str) for one in (groupby, condition) if one is not None]
    labels = np.array([" | ".join(both) for both in zip(*parts, strict=True)] if parts else ["all"] * len(hours))
    names, track = np.unique(labels, return_inverse=True)
    replicate = np.zeros(len(hours), dtype=np.int64)
    if batch is not None:
        replicate = pd.factorize(_column(adata, batch).astype(str), sort=True)[0].astype(np.int64)
    return hours, pd.Index(names.astype(object), name="track"), track.astype(np.int64), replicate


def _column(adata: AnnData, name: str) -> NDArray[Any]:
    """Return a column of obs without gaps."""
    if name not in adata.obs:
        msg = f"adata.obs has no column {name!r}; it has {sorted(map(str, adata.obs.columns))[:20]}."
        raise MissingKeyError(msg)
    values = adata.obs[name]
    if values.isna().any():
        msg = f"{int(values.isna().sum())} cells have no {name!r}; drop these cells or fill the column."
        raise InputError(msg)
    return np.asarray(values)


def _check_pooling(adata: AnnData, used: list[str | None], pool: bool, notes: list[str]) -> None:
    """Refuse to pool cell types unasked; note it where it was asked for."""
    for name in CELL_TYPE_COLUMNS:
        if used[0] is None and name not in used and name in adata.obs and adata.obs[name].nunique() > 1:
            n = adata.obs[name].nunique()
            if not pool:
                msg = (
                    f"adata.obs[{name!r}] holds {n} cell types, whose courses would be pooled; give groupby={name!r}, "
                    "or pool=True to pool them all the same."
                )
                raise InputError(msg)
            notes.append(f"{n} cell types ({name}) are pooled, so a change of shares looks like a course of genes")
            return


def _check_aliasing(hours: NDArray[np.float64], replicate: NDArray[np.int64], accept: bool, notes: list[str]) -> None:
    """Refuse batches that coincide with times: their differences cannot be told from a course."""
    pairs = pd.DataFrame({"time": hours, "batch": replicate}).drop_duplicates()
    nested = pairs.groupby("batch")["time"].nunique().max() == 1
    if not (nested and pairs.groupby("time")["batch"].nunique().max() == 1):
        return
    text = "every batch holds one time and every time one batch, so batches cannot be told from a course"
    if not accept:
        msg = f"{text}; leave batch out, or give accept_aliasing=True to go on with a note."
        raise InputError(msg)
    notes.append(text)
    warn(f"{text}.")


def _quantile_bins(values: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Return the mean pseudotime of each cell's bin; bins hold about equal numbers of cells."""
    if n_bins < 2:
        msg = f"n_bins is {n_bins}; accepted are 2 and more, and 20 is usual."
        raise InputError(msg)
    n = min(n_bins, max(2, len(values) // FEWEST_PER_BIN))
    if n < n_bins:
        logger.warning("%d cells fill %d bins of %d cells, not %d", len(values), n, FEWEST_PER_BIN, n_bins)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, n + 1)[1:-1]))
    code = np.searchsorted(edges, values, side="right")
    for smallest in range(len(edges), 0, -1):
        # Ties may leave a bin nearly empty; it joins the one before it.
        if (code == smallest).sum() < MERGE_BELOW:
            code[code == smallest] = smallest - 1
    means = np.bincount(code, weights=values) / np.maximum(np.bincount(code), 1)
    return means[code]


def _is_counts(data: Expression) -> bool:
    """Tell whether all values are whole numbers of 0 and above."""
    for _, _, block in data.blocks():
        values = block.data if hasattr(block, "indptr") else np.asarray(block)
        if not np.isfinite(values).all():
            msg = "some values are NaN or infinite; fill or drop such genes first."
            raise InputError(msg)
        if (values < 0).any() or (values != np.rint(values)).any():
            return False
    return True


def _choose(likelihood: str, whole: bool) -> str:
    """Return the likelihood to use."""
    if likelihood == "auto":
        return "nb" if whole else "gaussian"
    if likelihood not in LIKELIHOODS:
        msg = f"likelihood is {likelihood!r}; accepted are auto, {', '.join(LIKELIHOODS)}."
        raise InputError(msg)
    if likelihood in COUNT_LIKELIHOODS and not whole:
        msg = f"likelihood {likelihood!r} takes whole counts, and the values are not; give the layer of raw counts."
        raise InputError(msg)
    return likelihood


def _cell_sizes(adata: AnnData, data: Expression, column: str | None, *, counts: bool) -> NDArray[np.float64]:
    """Return the size factor of each cell."""
    if not counts:
        return np.ones(data.n_cells)
    if column is not None:
        given = np.asarray(_column(adata, column), dtype=np.float64)
        if (given <= 0).any() or not np.isfinite(given).all():
            msg = f"adata.obs[{column!r}] holds size factors of 0 or less; every cell needs a positive one."
            raise InputError(msg)
        return given
    sums = np.concatenate([np.asarray(block.sum(axis=1)).ravel() for _, _, block in data.blocks()])
    positive = sums[sums > 0]
    return sums / (np.median(positive) if positive.size else 1.0)


def _sum_by(data: Expression, code: NDArray[Any], n: int, sizes: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return, for each bin, the sums of values, of their squares and products with the sizes, cells and sizes."""
    made = {name: np.zeros((data.n_genes, n)) for name in ("y", "yy", "ys")}
    for start, stop, block in data.blocks():
        values = csr_array(block).astype(np.float64)
        rows = np.arange(stop - start)
        one = csr_array((np.ones(stop - start), (code[start:stop], rows)), shape=(n, stop - start))
        weighted = csr_array((sizes[start:stop], (code[start:stop], rows)), shape=(n, stop - start))
        made["y"] += (one @ values).toarray().T
        made["yy"] += (one @ values.power(2)).toarray().T
        made["ys"] += (weighted @ values).toarray().T
    return {
        **made, "n": np.bincount(code, minlength=n), "s": np.bincount(code, weights=sizes, minlength=n),
        "ss": np.bincount(code, weights=sizes**2, minlength=n),
    }  # fmt: skip


def _made(
    bins: pd.DataFrame, sums: dict[str, NDArray[Any]], kind: str, genes: pd.Index, tracks: pd.Index, notes: list[str]
) -> TimeCourse:
    """Return the time course; variances over cells are those about the bin's rate, ``sum (y - s rate)^2 n/(n-1)``."""
    n = sums["n"]
    keep = sums["s"] > 0
    if kind in COUNT_LIKELIHOODS and keep.all():
        size = composition(sums["y"], sums["s"])
        factor = size / sums["s"]
        sums = {**sums, "s": size, "ys": sums["ys"] * factor, "ss": sums["ss"] * factor**2}
    rate = sums["y"] / np.where(keep, sums["s"], 1.0)
    spread = np.maximum(sums["yy"] - 2 * rate * sums["ys"] + rate**2 * sums["ss"], 0.0) * n / np.maximum(n - 1, 1)
    spread = np.where(n > 1, spread, np.nan)
    counts = kind in COUNT_LIKELIHOODS
    totals = sums["y"] if counts else sums["y"] / n
    variance = spread if counts else spread / n**2
    made = TimeCourse(
        genes=pd.Index(genes.astype(str), name="gene"), tracks=tracks, track=bins["track"].to_numpy(np.int64),
        times=bins["time"].to_numpy(np.float64), totals=totals, size=np.where(keep, sums["s"], 1.0) if counts else
        np.ones(len(n)), n_cells=n.astype(np.int64), replicate=bins["replicate"].to_numpy(np.int64),
        mask=np.ones(totals.shape, dtype=bool), likelihood=kind, standard_error=None if counts else np.sqrt(variance),
        variance=variance, notes=tuple(notes),
    )  # fmt: skip
    return made.take_bins(keep)
