"""Networks in the tables that people have: pySCENIC, decoupler, CellOracle, BEELINE and GENELINK; csv, tsv, parquet."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom._files import atomic_write, open_text
from reguloom._logging import logger
from reguloom.core import Network
from reguloom.core._dialects import DIALECTS as TABLES
from reguloom.io import base_grn
from reguloom.io._csv import read_header, read_table
from reguloom.io._sniff import existing_file, suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DIALECTS = ("auto", "native", "pyscenic", "decoupler", "celloracle", "base_grn", "beeline")
_REQUIRED = {
    "native": ("source", "target", "weight"),
    "pyscenic": ("TF", "target", "importance"),
    "decoupler": ("source", "target"),
    "celloracle": ("source", "target", "coef_mean"),
    "base_grn": ("peak_id", "gene_short_name"),
    "beeline": ("Gene1", "Gene2"),
}
_TEXT = ("source", "target", "TF", "Target", "Gene1", "Gene2", "peak_id", "gene_short_name")
_ROWS_PER_WRITE = 200_000


def read_network(path_or_frame: str | os.PathLike[str] | pd.DataFrame, *, dialect: str = "auto") -> Network:
    """Read a network; the columns say whose table it is.

    ==============  =========================================================  ========================
    dialect         columns                                                    written by
    ==============  =========================================================  ========================
    ``native``      source, target, weight, sign, ...                          :func:`write_network`
    ``pyscenic``    TF, target, importance [, regulation, rho]                 pySCENIC, arboreto
    ``decoupler``   source, target [, weight]                                  decoupler, OmniPath
    ``celloracle``  source, target, coef_mean, coef_abs, p, -logp [, cluster]  CellOracle links
    ``base_grn``    peak_id, gene_short_name, then a 0/1 column for each TF    CellOracle base networks
    ``beeline``     Gene1, Gene2 [, Type | EdgeWeight]                         BEELINE, GENELINK
    ==============  =========================================================  ========================

    Parameters
    ----------
    path_or_frame
        csv or tsv (plain or ``.gz``), parquet, or a table in memory.
    dialect
        One of the above to insist on it.

    Returns
    -------
    Network
        Edges in the file's order; columns that are no part of the noun stay as its ``extra`` columns.

    Raises
    ------
    InputError
        If the file is missing or empty, or its columns fit no dialect.
    """
    if dialect not in DIALECTS:
        msg = f"dialect {dialect!r} is not known; accepted are {', '.join(DIALECTS)}."
        raise InputError(msg)
    if isinstance(path_or_frame, pd.DataFrame):
        return _from_frame(path_or_frame, dialect, "the table")
    path = existing_file(path_or_frame, what="network")
    if suffix_of(path) in (".parquet", ".pq"):
        return _from_parquet(path, dialect)
    return _from_frame(_read_text(path), dialect, str(path))


def _from_frame(frame: pd.DataFrame, dialect: str, where: str) -> Network:
    """Return the network in `frame`."""
    _check_columns(list(frame.columns), dialect, where)
    if frame.empty:
        msg = f"{where} holds a header and no edge; the step that made it found nothing."
        raise InputError(msg)
    if dialect == "base_grn" or (dialect == "auto" and base_grn.is_base_grn(list(frame.columns))):
        return base_grn.from_frame(frame)
    for name in frame.columns.intersection(_TEXT):
        if (frame[name] == "").any():
            msg = f"{where} has edges without a name in the column {name!r}; drop these rows or fill the names in."
            raise InputError(msg)
    return Network.from_frame(frame)


def _check_columns(names: list[str], dialect: str, where: str) -> None:
    """Refuse a table that lacks a column of the dialect that was asked for, or that fits none.

    Raises
    ------
    InputError
        If a column is missing.
    """
    needed = [name for name in _REQUIRED.get(dialect, ()) if name not in names]
    repeated = sorted({str(name) for name in names if name and names.count(name) > 1})
    if repeated:
        msg = f"{where} has the column {repeated[0]!r} more than once; rename or drop the others."
        raise InputError(msg)
    if needed:
        msg = f"{where} is not in the {dialect} dialect: it lacks {needed} and has the columns {names[:8]}."
        raise InputError(msg)
    if not base_grn.is_base_grn(names) and not any(a in names and b in names for a, b, _, _ in TABLES):
        known = "; ".join(f"{who}: {a}, {b}, {'|'.join(weights)}" for a, b, weights, who in TABLES)
        msg = (
            f"{where} has the columns {names[:8]}, which are no network's; accepted are {known}; "
            f"CellOracle base networks: {', '.join(base_grn.KEYS)} and a 0/1 column for each TF."
        )
        raise InputError(msg)


def _from_parquet(path: Path, dialect: str) -> Network:
    """Return the network in a parquet file, a base network without ever holding its dense table."""
    from pyarrow import parquet

    from reguloom.io._arrow import arrow_errors

    with arrow_errors(path):
        names = list(parquet.read_schema(path).names)
    _check_columns(names, dialect, str(path))
    if dialect == "base_grn" or (dialect == "auto" and base_grn.is_base_grn(names)):
        return base_grn.from_parquet(path)
    with arrow_errors(path):
        # What pandas adds about itself is not needed, and may be damaged.
        frame = parquet.read_table(path).to_pandas(ignore_metadata=True)
    frame = frame.drop(columns=[name for name in frame.columns if str(name).startswith("__index_level_")])
    return _from_frame(frame, dialect, str(path))


def _read_text(path: Path) -> pd.DataFrame:
    """Return a csv or tsv."""
    names, delimiter = read_header(path)
    return read_table(path, names, delimiter, text=_TEXT, what="network")


def write_network(
    network: Network, path: str | os.PathLike[str], *, dialect: str = "auto", force: bool = False
) -> None:
    """Write a network.

    Parquet holds it whole in the ``native`` dialect. csv and tsv are ``pyscenic`` by default
    (``TF, target, importance``, then ``regulation, rho`` if there are, then further columns), so that
    pySCENIC's ``ctx`` takes the file. Numbers are written in their shortest exact form: the same network
    gives the same bytes.

    Parameters
    ----------
    network
        What to write.
    path
        ``.csv``, ``.tsv`` (plain or ``.gz``) or ``.parquet``.
    dialect
        ``"pyscenic"``, ``"native"``, ``"decoupler"`` (source, target, weight with its sign) or ``"beeline"``
        (Gene1, Gene2, EdgeWeight).
    force
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If the dialect or suffix is not known, or the file cannot be written.
    """
    path = Path(path)
    suffix = suffix_of(path)
    if suffix in (".parquet", ".pq"):
        _write_parquet(_as_dialect(network, "native" if dialect == "auto" else dialect), path, force=force)
        return
    if suffix not in (".csv", ".tsv", ".txt"):
        msg = f"{path} has the suffix {suffix!r}; a network is written to .csv, .tsv (also .gz) or .parquet."
        raise InputError(msg)
    frame = _as_dialect(network, "pyscenic" if dialect == "auto" else dialect)
    with atomic_write(path, force=force) as temporary, open_text(temporary, "w") as handle:
        write_frame(frame, handle, delimiter="," if suffix == ".csv" else "\t")


def _as_dialect(network: Network, dialect: str) -> pd.DataFrame:
    """Return the network's table with the columns of `dialect`."""
    frame = network.to_frame()
    match dialect:
        case "native":
            return frame
        case "pyscenic":
            return _as_pyscenic(frame)
        case "decoupler":
            signed = frame["weight"] * np.where(frame["sign"] < 0, -1.0, 1.0) * np.sign(frame["weight"]).abs()
            weight = np.where(frame["weight"] < 0, frame["weight"], signed)
            return pd.DataFrame({"source": frame["source"], "target": frame["target"], "weight": weight})
        case "beeline":
            edges = frame[["source", "target", "weight"]]
            return edges.set_axis(["Gene1", "Gene2", "EdgeWeight"], axis=1)
    msg = f"dialect {dialect!r} cannot be written; accepted are pyscenic, native, decoupler, beeline."
    raise InputError(msg)


def _as_pyscenic(frame: pd.DataFrame) -> pd.DataFrame:
    """Return ``TF, target, importance[, regulation, rho]`` and then what else there is."""
    table = pd.DataFrame({"TF": frame["source"], "target": frame["target"]})
    table["importance"] = frame["importance"] if "importance" in frame else frame["weight"]
    if "importance" in frame and not np.array_equal(frame["importance"].to_numpy(), frame["weight"].to_numpy()):
        logger.info("the importance is written, and not the weight, which differs; dialect='native' keeps both")
    if "regulation" in frame:
        table["regulation"] = frame["regulation"]
    elif (frame["sign"] != 0).any() or "rho" in frame:
        table["regulation"] = frame["sign"].astype(np.int64)
    first = [name for name in ("rho",) if name in frame]
    done = {"source", "target", "weight", "sign", "importance", "regulation", *first}
    return table.join(frame[[*first, *(name for name in frame.columns if name not in done)]])


def _write_parquet(frame: pd.DataFrame, path: Path, *, force: bool) -> None:
    """Write a table as parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    # Given a path, pyarrow would keep the file open after a failure.
    with atomic_write(path, force=force) as temporary, temporary.open("wb") as sink:
        parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink, compression="zstd")


def write_frame(frame: pd.DataFrame, handle: Any, *, delimiter: str, index: bool = False) -> None:
    """Write a table as text: floats in their shortest exact form, missing ones empty, lines ended by a newline.

    Parameters
    ----------
    frame
        What to write.
    handle
        An open text file.
    delimiter
        The column separator.
    index
        Whether the row names come first, under an empty header.
    """
    writer = csv.writer(handle, delimiter=delimiter, lineterminator="\n")
    names: list[str] = [str(name) for name in frame.columns]
    writer.writerow(["", *names] if index else names)
    for start in range(0, len(frame), _ROWS_PER_WRITE):
        part = frame.iloc[start : start + _ROWS_PER_WRITE]
        columns = [_texts(part.iloc[:, i]) for i in range(part.shape[1])]
        if index:
            columns.insert(0, [str(name) for name in part.index])
        writer.writerows(zip(*columns, strict=True))


def _texts(column: pd.Series) -> Sequence[str] | Iterable[str]:
    """Return one column as text."""
    values = column.astype(object).tolist() if isinstance(column.dtype, pd.CategoricalDtype) else column.tolist()
    if column.dtype == np.float32:
        return ["" if value != value else str(value) for value in column.to_numpy()]
    return ["" if value is None or value is pd.NA or value != value else str(value) for value in values]
