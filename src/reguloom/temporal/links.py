"""Peaks that go with a gene from cell to cell at one and the same time, against matched peaks of other chromosomes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.sparse import csr_matrix

from reguloom._errors import EmptyResultError, InputError, MissingKeyError, warn
from reguloom._logging import logger
from reguloom._random import SeedLike, accepts_seed, generator, root_seed
from reguloom._threads import map_ordered
from reguloom.core import Expression
from reguloom.core.fdr import benjamini_hochberg
from reguloom.temporal.links_lag import lags, mean_courses
from reguloom.temporal.links_metacells import make_metacells
from reguloom.temporal.read_peaks import overlaps, peak_places, read_places
from reguloom.temporal.read_time import parse_times

if TYPE_CHECKING:
    from anndata import AnnData

DISTANCE = 250_000
STRONG = 0.2
"""Correlation from which on a link is called strong."""
ENOUGH_CELLS, ENOUGH_METACELLS = 1_000, 100
"""Cells and metacells below which nothing should be concluded."""
LEVELS, GC_LEVELS = 12, 5
"""Classes of accessibility and of GC content among which the null is matched."""
FAR = 2_000_000
"""Bases from which on a peak of the same chromosome may serve in the null, where there is no other chromosome."""
COLUMNS = ("gene", "peak", "distance", "r", "r_with_time", "null_mean", "null_sd", "z", "p", "q", "strong")
LAG_COLUMNS = ("lag", "r_lag")


@dataclass(frozen=True, eq=False)
class _Data:
    """What every gene's work needs."""

    genes: NDArray[np.float64]
    genes_raw: NDArray[np.float64]
    peaks: NDArray[np.float64]
    peaks_raw: NDArray[np.float64]
    level: NDArray[np.int64]
    place: pd.DataFrame
    pools: dict[tuple[str, int], NDArray[np.int64]]
    n_null: int
    root: int
    courses: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None = None


@accepts_seed
def links(
    adata: AnnData,
    accessibility: AnnData,
    genes: pd.DataFrame | str | os.PathLike[str],
    *,
    layer: str | None = None,
    groupby: str | None = None,
    time: str = "time",
    condition: str | None = None,
    only: Any = None,
    distance: int = DISTANCE,
    n_metacells: int = 500,
    n_neighbors: int = 100,
    max_overlap: float = 0.8,
    n_null: int = 100,
    fdr: float = 0.05,
    lag: bool = False,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Link genes to peaks within a distance by their correlation over metacells of one time.

    Everything that rises after a stimulus correlates with everything else that does. So metacells are made within each
    time and cell type, what these have in common is taken out, and what is left is correlated. The null is the gene's
    correlation with peaks of other chromosomes, of like accessibility and GC content; a peak's p-value is that of its
    correlation among them, under a t distribution.

    Parameters
    ----------
    adata
        Counts, cells × genes; from RNA of the same cells, or gene activity (:func:`gene_activity`), in which case
        peaks that were summed for a gene are left out for that gene.
    accessibility
        Counts of the same cells, cells × peaks; ``var['gc']`` is matched if it is there.
    genes
        Where genes lie; see :func:`read_places`.
    layer
        Which values of `adata`.
    groupby, condition
        Columns of ``adata.obs`` besides `time` within which metacells are made.
    time
        Column with the time.
    only
        Genes to look at; all if left out.
    distance
        Bases from the start of transcription, both ways.
    n_metacells, n_neighbors, max_overlap
        Metacells to make, cells in each, and the share of cells that two of them may share.
    n_null
        Peaks in each null.
    fdr
        For ``attrs['n_linked']`` (Benjamini–Hochberg over all pairs).
    lag
        Whether to add by how many hours the mean course of the peak leads the gene's; needs at least 8 times.
    rng
        Seed.
    n_jobs
        Threads; the result does not depend on it.

    Returns
    -------
    One row per gene and peak, all of them, best first within the gene: ``distance`` (negative upstream), ``r``,
    ``r_with_time`` (without taking time out; for comparison), ``null_mean``, ``null_sd``, ``z``, ``p``, ``q``,
    ``strong`` (absolute `r` above 0.2); with `lag`, ``lag`` (hours, 0 if nothing is gained by one) and ``r_lag``, the
    correlation of the mean courses there, a description without a test. ``attrs``: ``n_cells``, ``n_metacells``,
    ``n_linked``, ``notes``.

    Raises
    ------
    InputError
        If the two share too few cells, or there are too few times for a lag.
    EmptyResultError
        If no metacell can be made, or no peak is near a gene.
    """
    root = root_seed(rng)
    rna, atac, stratum = _paired(adata, accessibility, layer, [time, groupby, condition])
    courses = _courses(rna, atac, adata.obs.loc[rna.cells], time, [groupby, condition]) if lag else None
    notes: list[str] = []
    meta = make_metacells(rna.X, stratum, n_metacells=n_metacells, n_neighbors=n_neighbors, max_overlap=max_overlap,
                          root=root)  # fmt: skip
    if len(meta) < 2:
        msg = f"{rna.n_cells} cells in {stratum.max() + 1} times and groups make no metacells; at least 10 each do."
        raise EmptyResultError(msg)
    _judge_size(rna.n_cells, len(meta), notes)
    place = peak_places(accessibility.var)
    pairs = _pairs(rna.genes, read_places(genes), place, distance, only, adata.uns.get("gene_peaks"), notes)
    own, own_raw = meta.residuals(rna.X)
    opened, opened_raw = meta.residuals(atac.X)
    level = _levels(np.asarray(csr_matrix(atac.X).sum(axis=0)).ravel(), accessibility.var.get("gc"))
    data = _Data(own, own_raw, opened, opened_raw, level, place, _pools(place, level, notes), n_null, root,
                 courses)  # fmt: skip
    starts = np.flatnonzero(np.r_[True, pairs["g"].to_numpy()[1:] != pairs["g"].to_numpy()[:-1]])
    parts = [pairs.iloc[low:high] for low, high in zip(starts, [*starts[1:], len(pairs)], strict=True)]
    found = pd.concat(map_ordered(lambda part: _of_gene(data, part), parts, n_jobs), ignore_index=True)
    found["q"] = benjamini_hochberg(found["p"].to_numpy())
    found["strong"] = found["r"].abs() > STRONG
    linked = int((found["q"] <= fdr).sum())
    logger.info("%d of %d pairs of gene and peak are linked (FDR %g, %d metacells)", linked, len(found), fdr, len(meta))
    found = found.sort_values(["gene", "p", "peak"], kind="stable", ignore_index=True)
    found = found[[*COLUMNS, *(LAG_COLUMNS if lag else ())]]
    found.attrs = {"n_cells": rna.n_cells, "n_metacells": len(meta), "n_linked": linked, "notes": notes}
    return found


def _paired(
    expression: AnnData, accessibility: AnnData, layer: str | None, keys: list[str | None]
) -> tuple[Expression, Expression, NDArray[np.int64]]:
    """Return both matrices for the cells that they share, and the stratum of each."""
    rna, atac = Expression.of(expression, layer=layer), Expression.of(accessibility)
    where = atac.cells.get_indexer(rna.cells)
    if (where >= 0).sum() < 10:
        msg = (
            f"{int((where >= 0).sum())} of {rna.n_cells} cells are in both matrices (such as {rna.cells[0]!r} and "
            f"{atac.cells[0]!r}); links need expression and peaks, or gene activity and peaks, of the same cells."
        )
        raise InputError(msg)
    mine = np.flatnonzero(where >= 0)
    names = [name for name in keys if name is not None]
    absent = [name for name in names if name not in expression.obs]
    if absent:
        msg = f"obs has no column {absent[0]!r}; it has {sorted(map(str, expression.obs.columns))[:15]}."
        raise MissingKeyError(msg)
    strata = expression.obs.iloc[mine].groupby(names, observed=True, sort=True).ngroup().to_numpy(np.int64)
    rows = [csr_matrix(one.X)[which] for one, which in ((rna, mine), (atac, where[mine]))]
    cells = rna.cells[mine]
    return Expression(rows[0], cells, rna.genes), Expression(rows[1], cells, atac.genes), strata


def _courses(
    rna: Expression, atac: Expression, obs: pd.DataFrame, time: str, names: list[str | None]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean courses of genes and of peaks in each group, and the times."""
    keys = [name for name in names if name is not None]
    group = obs.groupby(keys, observed=True, sort=True).ngroup().to_numpy(np.int64) if keys else np.zeros(len(obs), int)
    hours = parse_times(obs[time], name=time)
    return mean_courses(rna.X, hours, group), mean_courses(atac.X, hours, group), np.unique(hours)


def _judge_size(n_cells: int, n_metacells: int, notes: list[str]) -> None:
    """Warn where the data are too small to conclude anything."""
    if n_cells < ENOUGH_CELLS or n_metacells < ENOUGH_METACELLS:
        text = f"{n_cells} cells make {n_metacells} metacells: too small to conclude which peak belongs to which gene"
        notes.append(text)
        warn(f"{text}; take links as a check that the path runs, from {ENOUGH_CELLS} cells on as a finding.")


def _pairs(
    names: pd.Index, places: pd.DataFrame, peaks: pd.DataFrame, distance: int, only: Any, used: Any, notes: list[str]
) -> pd.DataFrame:
    """Return genes and the peaks around them: positions ``g`` and ``p``, ``gene``, ``distance``."""
    wanted = names if only is None else names.intersection(pd.Index(list(only)))
    near = places.loc[places.index.isin(wanted)]
    tss = near["tss"].to_numpy()
    windows = pd.DataFrame({"chrom": near["chrom"].to_numpy(), "start": tss - distance, "end": tss + distance + 1})
    middle = (peaks["start"].to_numpy() + peaks["end"].to_numpy()) // 2
    centres = pd.DataFrame({"chrom": peaks["chrom"].to_numpy(), "start": middle, "end": middle + 1})
    peak, gene = overlaps(centres, windows)
    if len(peak) == 0:
        msg = f"no peak lies within {distance:,} bases of the {len(near)} genes whose place is known; check names."
        raise EmptyResultError(msg)
    sign = np.where(near["strand"].to_numpy()[gene] == "-", -1, 1)
    table = pd.DataFrame({
        "g": names.get_indexer(near.index[gene]), "p": peak, "gene": near.index[gene].astype(str),
        "distance": sign * (middle[peak] - tss[gene]),
    })  # fmt: skip
    if used is not None:
        own = pd.MultiIndex.from_frame(used[["gene", "peak"]])
        inside = pd.MultiIndex.from_arrays([table["gene"], peaks.index[peak].astype(str)]).isin(own)
        notes.append(f"{int(inside.sum())} peaks that were summed for a gene's own activity are left out for it")
        table = table[~inside]
        if table.empty:
            msg = "every peak near a gene was summed for its own activity; take expression, or a wider distance."
            raise EmptyResultError(msg)
    return table.sort_values(["g", "p"], kind="stable", ignore_index=True)


def _levels(sums: NDArray[np.float64], gc: pd.Series | None) -> NDArray[np.int64]:
    """Return the class of each peak: accessibility, and GC content where it is known."""
    level = _quantile_class(sums.astype(np.float64), LEVELS)
    return level if gc is None else level * GC_LEVELS + _quantile_class(gc.to_numpy(np.float64), GC_LEVELS)


def _quantile_class(values: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Return which of `n` equally filled classes each value is in."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, n + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def _pools(place: pd.DataFrame, level: NDArray[np.int64], notes: list[str]) -> dict[tuple[str, int], NDArray[np.int64]]:
    """Return, for each chromosome and class, the peaks of other chromosomes in the class."""
    chrom = place["chrom"].to_numpy()
    names = np.unique(chrom)
    if len(names) == 1 or np.unique(chrom, return_counts=True)[1].max() > 0.95 * len(chrom):
        notes.append(f"nearly all peaks lie on one chromosome, so the null takes peaks {FAR:,} bases away on it")
        return {}
    return {
        (str(name), int(one)): np.flatnonzero((level == one) & (chrom != name)) for name in names
        for one in np.unique(level)
    }  # fmt: skip


def _of_gene(data: _Data, part: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one gene."""
    gene, name = int(part["g"].iloc[0]), str(part["gene"].iloc[0])
    peaks = part["p"].to_numpy()
    r = _correlate(data.genes[:, gene], data.peaks[:, peaks])
    raw = _correlate(data.genes_raw[:, gene], data.peaks_raw[:, peaks])
    centre, spread = np.full(len(peaks), np.nan), np.full(len(peaks), np.nan)
    n = np.zeros(len(peaks))
    chrom = str(data.place["chrom"].iloc[int(peaks[0])])
    for one in np.unique(data.level[peaks]):
        pool = _pool(data, chrom, int(one), peaks)
        drawn = pool[generator(data.root, "null", name, int(one)).permutation(len(pool))[: data.n_null]]
        null = _correlate(data.genes[:, gene], data.peaks[:, drawn])
        here = data.level[peaks] == one
        if len(null) > 2:
            centre[here], spread[here], n[here] = null.mean(), null.std(ddof=1), len(null)
    # a new draw from a normal of unknown mean and variance
    width = spread * np.sqrt(1 + 1 / np.maximum(n, 1))
    z = np.divide(r - centre, width, out=np.full(len(r), np.nan), where=width > 0)
    p = 2 * stats.t.sf(np.abs(z), np.maximum(n - 1, 1))
    made = pd.DataFrame({
        "gene": name, "peak": data.place.index[peaks].astype(str), "distance": part["distance"].to_numpy(), "r": r,
        "r_with_time": raw, "null_mean": centre, "null_sd": spread, "z": z, "p": p,
    })  # fmt: skip
    if data.courses is not None:
        of_genes, of_peaks, hours = data.courses
        made["lag"], made["r_lag"] = lags(of_genes[:, :, gene], of_peaks[:, :, peaks], hours)
    return made


def _pool(data: _Data, chrom: str, level: int, peaks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the peaks from which the null of one class is drawn."""
    if data.pools:
        return data.pools[chrom, level]
    start = data.place["start"].to_numpy()
    away = np.abs(start - start[peaks[0]]) > FAR
    return np.flatnonzero((data.level == level) & away)


def _correlate(gene: NDArray[np.float64], peaks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the correlation of columns of norm 1; einsum sums in one order whatever the threads."""
    return np.asarray(np.einsum("i,ij->j", gene, peaks))
