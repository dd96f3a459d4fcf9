"""The door of time courses: tables of cells, genes × time, genes × samples, AnnData and peaks, with times in hours."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom import io
from reguloom._errors import InputError, MissingKeyError
from reguloom._files import existing, open_text
from reguloom._logging import logger
from reguloom._reading import content_errors, read_frame
from reguloom.temporal import read_cells, read_peaks, read_table
from reguloom.temporal.bins import CELL_TYPE_COLUMNS, bin_cells
from reguloom.temporal.read_scores import MEANING, check_scores
from reguloom.temporal.read_time import parse_label, parse_times
from reguloom.temporal.timecourse import TimeCourse

if TYPE_CHECKING:
    from anndata import AnnData

    PathLike = str | os.PathLike[str]

KIND = "temporal_input"
"""``uns``: whether rows are ``cells`` or ``samples``, and what a reader has to know."""
TEXT = (".csv", ".tsv", ".txt")
MOST_REPLICATES = 12
"""Samples of one time and group above which they are cells."""


def read(
    path: PathLike | Sequence[PathLike],
    *,
    layer: str | None = None,
    time: str | None = None,
    samples: PathLike | None = None,
    genes: PathLike | pd.DataFrame | None = None,
    times: Mapping[str, Any] | Sequence[Any] | None = None,
    unit: str | None = None,
    metadata: Sequence[str] = (),
    bulk: bool | None = None,
    keep_peaks: bool = False,
) -> AnnData:
    """Read a time course in whichever layout it comes.

    - Cells with their time: ``.h5ad``, ``.zarr``, ``.loom`` with a column of ``obs``; csv with columns for time
      (``Time_numeric``, ``Time_numerics`` ...), cell type and genes, as VRNN_Gene_Clustering reads it.
    - Genes × time points in csv or tsv (DPGP, STEM, iDREM): times in the header, ``4h``, ``LPS_4h_rep2``; several files
      are replicates.
    - Genes × cells or samples, with a second table `samples` that gives each its time, group and replicate.
    - Peaks (scATAC): as cells × peaks, or as a table of peak, cell and count (Cicero); with `genes`, gene activity is
      made of them.

    Parameters
    ----------
    path
        The file, or files of replicates.
    layer
        Layer of an AnnData file.
    time
        Column with the time; found by its name if left out.
    samples
        Table of samples or cells, for genes × samples and for peaks.
    genes
        Where genes lie (csv, tsv, BED, GTF), for peaks.
    times
        Label → time (``{"T1": "24h"}``) where labels do not say it, or the times of the columns in order.
    unit
        Unit of bare numbers: ``s``, ``min``, ``h`` (the default), ``d``, ``w``.
    metadata
        Columns of a table of cells that are no genes, besides those with a known name.
    bulk
        Whether samples are independent samples (True) or cells (False); by their number if left out.
    keep_peaks
        Whether to return peaks as they are, for :func:`links`, in place of gene activity.

    Returns
    -------
    AnnData
        Cells or samples × genes; ``obs['time']`` in hours; ``uns['temporal_input']``.

    Raises
    ------
    InputError
        If the file is in none of these layouts, or a value cannot be used.
    MissingKeyError
        If a column is not there.
    """
    paths = [Path(one) for one in ([path] if isinstance(path, (str, os.PathLike)) else path)]
    asked = {"time": time, "times": times, "unit": unit}
    parts = [_read_one(existing(one, what="time course"), samples, tuple(metadata), asked) for one in paths]
    adata = read_table.stack(parts)
    if read_peaks.is_peak_names(adata.var_names) and not keep_peaks:
        if genes is None:
            msg = f"{paths[0]} holds peaks such as {adata.var_names[0]!r}; give where genes lie (genes=, --genes FILE)."
            raise InputError(msg)
        adata = read_peaks.gene_activity(adata, genes, layer=layer)
    elif layer is not None:
        adata = _of_layer(adata, layer)
    notes = _renamed(adata)
    kind = _kind(adata, bulk)
    if kind == "cells":
        scores = check_scores(adata)
        if scores.kind != "counts":
            notes.append(f"the values are {MEANING[scores.kind]}")
            logger.info("the values are %s", scores)
    adata.uns[KIND] = {"kind": kind, "notes": np.array(notes, dtype=object)}
    return adata


def as_course(
    data: AnnData | TimeCourse,
    *,
    layer: str | None = None,
    groupby: str | None = None,
    time: str = "time",
    condition: str | None = None,
    batch: str | None = None,
    likelihood: str = "auto",
    n_bins: int | None = None,
    pool: bool = False,
    accept_aliasing: bool = False,
) -> TimeCourse:
    """Return the time course of what :func:`read` returned: cells are binned, samples stay apart.

    Parameters
    ----------
    data
        From :func:`read`, or any AnnData of cells.
    layer
        Which values.
    groupby, condition
        Columns of obs: a track for each cell type and condition.
    time
        Column of obs with the time.
    batch
        Column of obs with replicate, batch or donor.
    likelihood, n_bins, pool, accept_aliasing
        See :func:`bin_cells`.

    Raises
    ------
    InputError
        If cell types or conditions would be pooled unasked.
    MissingKeyError
        If a column is not there.
    """
    if isinstance(data, TimeCourse):
        return data
    about = data.uns.get(KIND, {})
    notes = tuple(str(one) for one in about.get("notes", ()))
    _check_conditions(data, time, [groupby, condition], pool=pool)
    if about.get("kind") != "samples":
        from dataclasses import replace

        made = bin_cells(data, time=time, layer=layer, groupby=groupby, condition=condition, batch=batch,
                         likelihood=likelihood, n_bins=n_bins, pool=pool, accept_aliasing=accept_aliasing)  # fmt: skip
        return replace(made, notes=(*notes, *made.notes))
    return _of_samples(data, layer, time, [groupby, condition], batch, likelihood, notes)


def _read_one(path: Path, samples: Any, metadata: tuple[str, ...], asked: dict[str, Any]) -> AnnData:
    """Return one file as cells or samples × genes (or peaks), with times in hours."""
    about = None if samples is None else _frame(existing(Path(samples), what="table of samples"))
    if path.is_dir() or Path(path.name.lower().removesuffix(".gz")).suffix not in TEXT:
        adata = io.read(path)
        if about is not None:
            extra = read_table.by_name(about, list(map(str, adata.obs_names)), path)
            adata.obs = adata.obs.join(extra[[name for name in extra if name not in adata.obs]])
        return _timed(adata, asked, path)
    frame = _frame(path)
    names = [str(name) for name in frame.columns]
    if about is not None:
        made = _triplets(frame, about, path) if _is_triplets(frame) else read_table.genes_by_sample(frame, about, path)
        return _timed(made, asked, path)
    if read_cells.is_cells_table(names, asked["time"]):
        kept = tuple(dict.fromkeys([*metadata, *([asked["time"]] if asked["time"] else [])]))
        return _timed(read_cells.cells_from_table(frame, path, metadata=kept), asked, path)
    if asked["time"] is not None:
        msg = f"{path} has no column {asked['time']!r}; it has {', '.join(names[:8])} ..."
        raise MissingKeyError(msg)
    if asked["times"] is None and not any(parse_label(name, unit=asked["unit"]) for name in names[1:]):
        msg = (
            f"{path} has the columns {', '.join(names[:5])} ... and no time among them; accepted are a column such as "
            "Time_numeric beside genes (name another with --time), a header of times (0h, 3h, 24h), or genes x samples "
            "with a table of samples (--samples)."
        )
        raise InputError(msg)
    return read_table.genes_by_time(frame, path, times=asked["times"], unit=asked["unit"])


def _frame(path: Path) -> pd.DataFrame:
    """Return a csv or tsv file; a gene called NA stays a gene.

    Raises
    ------
    InputError
        If it is no table.
    """
    with content_errors(path, what="readable table", mend="it may be cut short"):
        with open_text(path) as handle:
            first = handle.readline()
        mark = "," if first.count(",") > first.count("\t") else "\t"
        frame = read_frame(path, what="readable table", sep=mark, keep_default_na=False, low_memory=False,
                           na_values=["", "NA", "NaN", "nan", "NULL"])  # fmt: skip
    if frame.empty or frame.shape[1] < 2:
        msg = f"{path} holds {frame.shape[0]} rows and {frame.shape[1]} columns; it needs a header, names and numbers."
        raise InputError(msg)
    if frame.index.nlevels > 1:
        msg = f"{path}: the rows hold {frame.index.nlevels} values more than the header names; mend the header."
        raise InputError(msg)
    if not isinstance(frame.index, pd.RangeIndex):  # R leaves the corner of the header out
        frame = frame.reset_index(names="")
    column = frame.columns[0]
    if frame[column].isna().any() and frame[column].dtype.kind not in "if":
        frame[column] = frame[column].fillna("NA")
    return frame


def _is_triplets(frame: pd.DataFrame) -> bool:
    """Tell whether a table holds peak, cell and count (perhaps behind row names)."""
    text = [name for name in frame.columns if frame[name].dtype.kind not in "ifub"]
    return frame.shape[1] in (3, 4) and any(read_peaks.is_peak_names(list(frame[name])) for name in text)


def _triplets(frame: pd.DataFrame, about: pd.DataFrame, path: Path) -> AnnData:
    """Return cells × peaks of a table of peak, cell and count."""
    from anndata import AnnData
    from scipy.sparse import coo_matrix

    last = list(frame.columns[-3:])
    text = [name for name in last if frame[name].dtype.kind not in "ifub"]
    peak = next((name for name in text if read_peaks.is_peak_names(list(frame[name]))), None)
    cell = next((name for name in text if name != peak), None)
    value = next((name for name in last if name not in text), None)
    if peak is None or cell is None or value is None:
        msg = f"{path} has the columns {list(map(str, last))}; a table of peaks has a peak, a cell and a number a row."
        raise InputError(msg)
    cells = read_table.by_name(about, list(frame[cell].astype(str)), path)
    kept = frame[frame[cell].astype(str).isin(cells.index)]
    peaks = pd.Index(sorted(set(kept[peak].astype(str))))
    place = (cells.index.get_indexer(kept[cell].astype(str)), peaks.get_indexer(kept[peak].astype(str)))
    matrix = coo_matrix((kept[value].to_numpy(np.float32), place), shape=(len(cells), len(peaks))).tocsr()
    logger.info("%s: %d cells x %d peaks", path.name, *matrix.shape)
    return AnnData(matrix, obs=cells, var=pd.DataFrame(index=peaks))


def _timed(adata: AnnData, asked: dict[str, Any], path: Path) -> AnnData:
    """Write the hours to ``obs['time']``.

    Raises
    ------
    MissingKeyError
        If there is no column of times.
    """
    columns = [str(name) for name in adata.obs.columns]
    column = asked["time"] if asked["time"] is not None else read_cells.alias(columns, read_cells.TIME)
    if column is None or column not in columns:
        what = "of times" if column is None else repr(column)
        msg = f"the cells of {path} have no column {what}; they have {columns[:15]}; name it with time= (--time)."
        raise MissingKeyError(msg)
    labels = asked["times"] if isinstance(asked["times"], Mapping) else None
    values = adata.obs[column]
    hours = parse_times(values, unit=asked["unit"], labels=labels, name=column)
    if column != "time" or not np.array_equal(hours, values.to_numpy() if values.dtype.kind in "if" else []):
        logger.info("%s: %s hours", column, ", ".join(f"{one:g}" for one in np.unique(hours)[:12]))
    adata.obs["time"] = hours
    return adata


def _of_layer(adata: AnnData, layer: str) -> AnnData:
    """Return the AnnData with a layer in the place of X.

    Raises
    ------
    MissingKeyError
        If it is not there.
    """
    if layer not in adata.layers:
        msg = f"there is no layer {layer!r}; it has {sorted(map(str, adata.layers))}; layer=None takes X."
        raise MissingKeyError(msg)
    adata.X = adata.layers[layer]
    return adata


def _renamed(adata: AnnData) -> list[str]:
    """Return a note on gene names that were put right."""
    table = adata.uns.get("renamed_genes")
    if table is None or len(table) == 0:
        adata.uns.pop("renamed_genes", None)
        return []
    few = ", ".join(f"{row.before} to {row.after}" for row in table.head(3).itertuples())
    return [f"names of genes that R had bent are put right: {len(table)} ({few})"]


def _kind(adata: AnnData, bulk: bool | None) -> str:
    """Return ``cells`` or ``samples``."""
    if bulk is not None:
        return "samples" if bulk else "cells"
    columns = [str(name) for name in adata.obs.columns]
    group = read_cells.alias(columns, read_cells.CONDITION)
    keys = ["time", *([group] if group is not None else [])]
    number = adata.obs.groupby(keys, observed=True).size().median()
    return "cells" if number > MOST_REPLICATES else "samples"


def _check_conditions(data: AnnData, time: str, used: list[str | None], *, pool: bool) -> None:
    """Refuse to pool conditions unasked.

    Raises
    ------
    InputError
        If several conditions share a time.
    """
    if pool or time not in data.obs:
        return
    name = read_cells.alias([str(one) for one in data.obs.columns], read_cells.CONDITION)
    if name is None or name in used or name in CELL_TYPE_COLUMNS:
        return
    labels = data.obs[name].astype(str)
    at_once = labels.groupby(data.obs[time].to_numpy()).nunique().max()
    if at_once > 1 and labels.nunique() < len(labels) / 2:
        msg = (
            f"obs[{name!r}] holds {labels.nunique()} conditions, whose courses would be pooled; give "
            f"condition={name!r} (--condition {name}), or pool=True (--pool) to pool them all the same."
        )
        raise InputError(msg)


def _of_samples(
    data: AnnData, layer: str | None, time: str, used: list[str | None], batch: str | None, likelihood: str,
    notes: tuple[str, ...],
) -> TimeCourse:  # fmt: skip
    """Return the time course of independent samples.

    Raises
    ------
    MissingKeyError
        If a column is not there.
    """
    for name in (time, batch, *used):
        if name is not None and name not in data.obs:
            msg = f"obs has no column {name!r}; it has {sorted(map(str, data.obs.columns))[:15]}."
            raise MissingKeyError(msg)
    values = data.X if layer is None else data.layers[layer]
    dense = np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)
    parts = [data.obs[name].astype(str) for name in used if name is not None]
    tracks = [" | ".join(both) for both in zip(*parts, strict=True)] if parts else None
    column = batch or read_cells.alias([str(one) for one in data.obs.columns], read_cells.REPLICATE)
    replicates = None
    if column is not None and data.obs[column].astype(str).ne("").all():
        replicates = data.obs[column].astype(str).tolist()
        keys = pd.DataFrame({"t": data.obs[time].to_numpy(), "k": tracks or "", "r": replicates})
        if keys.duplicated().any():
            replicates = None
    table = pd.DataFrame(dense.T, index=data.var_names.astype(str))
    return TimeCourse.from_samples(table, data.obs[time].to_numpy(np.float64), tracks=tracks, replicates=replicates,
                                   likelihood=likelihood, notes=notes)  # fmt: skip
