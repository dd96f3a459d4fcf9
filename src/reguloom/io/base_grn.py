"""CellOracle's base networks: one row per peak and gene, one 0/1 column per transcription factor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.core import Network

KEYS = ("peak_id", "gene_short_name")
_TFS_PER_READ = 128


def is_base_grn(names: list[str]) -> bool:
    """Tell whether these are the columns of a base network."""
    return all(key in names for key in KEYS)


def from_parquet(path: Path) -> Network:
    """Return the network in a base-network parquet file, reading some columns at a time."""
    from pyarrow import parquet

    from reguloom.io._arrow import arrow_errors

    with arrow_errors(path):
        file = parquet.ParquetFile(path)
        names = file.schema_arrow.names
        genes = file.read(columns=["gene_short_name"]).column(0).to_pylist()
    tfs = _tfs(names)
    hits: list[np.ndarray] = []
    for start in range(0, len(tfs), _TFS_PER_READ):
        with arrow_errors(path):
            table = parquet.read_table(path, columns=tfs[start : start + _TFS_PER_READ])
        by_name = dict(zip(table.column_names, table.columns, strict=True))
        hits += [_hits(tf, by_name[tf].to_numpy()) for tf in tfs[start : start + _TFS_PER_READ]]
    return _network(tfs, hits, np.asarray(genes, dtype=object))


def from_frame(frame: pd.DataFrame) -> Network:
    """Return the network in a base-network table that is in memory."""
    tfs = _tfs([str(name) for name in frame.columns])
    hits = [_hits(tf, frame[tf].to_numpy()) for tf in tfs]
    return _network(tfs, hits, frame["gene_short_name"].to_numpy(dtype=object))


def _tfs(names: list[str]) -> list[str]:
    """Return the names of the transcription factors."""
    tfs = [name for name in names if name not in KEYS and not name.startswith(("__index_level_", "Unnamed: "))]
    if not tfs:
        msg = f"the base network has the columns {names[:5]} and none for a transcription factor."
        raise InputError(msg)
    return tfs


def _hits(tf: str, column: np.ndarray) -> np.ndarray:
    """Return the rows in which a transcription factor has its motif."""
    if column.dtype.kind not in "biuf":
        msg = f"column {tf!r} of the base network holds text; it needs 0 or 1 for each peak."
        raise InputError(msg)
    return np.flatnonzero(np.nan_to_num(column.astype(np.float64)) != 0).astype(np.int32)


def _network(tfs: list[str], hits: list[np.ndarray], genes: np.ndarray) -> Network:
    """Return one edge for each TF and gene, with the number of the gene's peaks that have the motif."""
    if max((int(rows[-1]) for rows in hits if len(rows)), default=-1) >= len(genes):
        msg = f"the columns of the base network differ in length ({len(genes)} genes): copy the damaged file again."
        raise InputError(msg)
    codes, names = pd.factorize(genes)
    sources, targets, counts = [], [], []
    for i, rows in enumerate(hits):
        found = codes[rows]
        per_gene = np.bincount(found[found >= 0], minlength=len(names))
        target = np.flatnonzero(per_gene)
        sources.append(np.full(len(target), i, dtype=np.int32))
        targets.append(target.astype(np.int32))
        counts.append(per_gene[target].astype(np.int32))
    target = np.concatenate(targets)
    return Network(
        regulators=pd.Index(tfs, name="source", dtype=object),
        targets=pd.Index(names, name="target", dtype=object),
        source=np.concatenate(sources),
        target=target.astype(np.int32, copy=False),
        weight=np.ones(len(target)),
        sign=np.zeros(len(target), dtype=np.int8),
        extra=pd.DataFrame({"n_peaks": np.concatenate(counts)}),
    )
