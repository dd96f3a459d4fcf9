"""The motif enrichment table: pySCENIC's CSV with its three header lines, read and written byte for byte."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._errors import InputError
from reguloom._files import atomic_write, gzip_errors, open_text
from reguloom.io._csv import read_table
from reguloom.io._literals import parse_names, parse_pairs
from reguloom.io._sniff import delimiter_of, existing_file

if TYPE_CHECKING:
    import pandas as pd

INDEX = ("TF", "MotifID")
NUMBERS = ("AUC", "NES", "MotifSimilarityQvalue", "OrthologousIdentity")
VALUES = (*NUMBERS, "Annotation", "Context", "TargetGenes", "RankAtMax")
COLUMNS = (*INDEX, *VALUES)
"""Columns of the motif table, in the order in which pySCENIC writes them."""


def read_motif_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a motif enrichment table as pySCENIC's ``ctx`` and :func:`write_motif_table` write it.

    Both column orders that pySCENIC releases have used are read, also a single header line, and the cells that
    hold Python text (``frozenset({...})``, ``np.float64(x)``) are parsed, never evaluated.

    Parameters
    ----------
    path
        csv or tsv, plain or ``.gz``.

    Returns
    -------
    pandas.DataFrame
        Columns ``TF``, ``MotifID``, ``AUC``, ``NES``, ``MotifSimilarityQvalue``, ``OrthologousIdentity``,
        ``Annotation``, ``Context`` (sorted tuple of names), ``TargetGenes`` (list of (gene, weight) pairs),
        ``RankAtMax``, then any further ones; one row per (module, motif) in the file's order.

    Raises
    ------
    InputError
        If the file is missing or not such a table.
    """
    path = existing_file(path, what="motif table")
    names, delimiter, n_header = _header(path)
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        msg = f"{path} has the column {repeated[0]!r} more than once; it may be edited by hand, so make it again."
        raise InputError(msg)
    text = [name for name in names if name not in (*NUMBERS, "RankAtMax")]
    frame = read_table(path, names, delimiter, text=text, numbers=NUMBERS, n_header=n_header, what="motif table")
    frame["RankAtMax"] = _whole(frame["RankAtMax"], path)
    frame["Context"] = _parsed(frame["Context"], parse_names, path)
    frame["TargetGenes"] = _parsed(frame["TargetGenes"], parse_pairs, path)
    return frame[[*COLUMNS, *(name for name in names if name not in COLUMNS)]]


def _whole(column: pd.Series, path: Path) -> pd.Series:
    """Return RankAtMax as int64, or say that it is not whole."""
    try:
        return column.astype("int64")
    except (TypeError, ValueError) as error:
        msg = f"{path} has values in RankAtMax that are no whole numbers ({error}); it may be edited by hand."
        raise InputError(msg) from error


def _parsed(column: pd.Series, parse: Callable[[str], Any], path: Path) -> list[Any]:
    """Return the parsed cells of a column, or say which row cannot be read."""
    values = []
    for number, text in enumerate(column, start=1):
        try:
            values.append(parse(text))
        except InputError as error:
            msg = f"row {number} of {path}, column {column.name}: {error}"
            raise InputError(msg) from error
    return values


def is_motif_table(path: Path) -> bool:
    """Tell whether the first lines of `path` are those of a motif table."""
    try:
        _header(path)
    except InputError:
        return False
    return True


def _header(path: Path) -> tuple[list[str], str, int]:
    """Return the column names, the separator and the number of header lines."""
    with gzip_errors(path), open_text(path) as handle:
        lines = [handle.readline(100_000).rstrip("\r\n") for _ in range(3)]
    delimiter = delimiter_of(path, lines[0])
    rows = [next(csv.reader([line], delimiter=delimiter), []) for line in lines]
    if "TF" in rows[2] and "NES" in rows[1]:
        names = [*rows[2][: len(INDEX)], *rows[1][len(INDEX) :]]
        n_header = 3
    else:
        names, n_header = rows[0], 1
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        msg = (
            f"{path} is not a motif table: it lacks the columns {missing} and has {[name[:30] for name in names[:6]]}; "
            "give the csv or tsv that `ctx` writes."
        )
        raise InputError(msg)
    return names, delimiter, n_header


def write_motif_table(frame: pd.DataFrame, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write a motif enrichment table in pySCENIC's layout.

    The same table gives the same bytes: numbers are written in their shortest exact form and the names in
    ``Context`` in order (Python's own sets have none).

    Parameters
    ----------
    frame
        As :func:`read_motif_table` returns it.
    path
        csv or tsv by its suffix, plain or ``.gz``.
    force
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If a column is missing, or the file cannot be written.
    """
    missing = [name for name in COLUMNS if name not in frame]
    if missing:
        msg = f"the motif table lacks the columns {missing}; it has {list(frame.columns)}."
        raise InputError(msg)
    values = [*VALUES, *(name for name in frame.columns if name not in COLUMNS)]
    path = Path(path)
    delimiter = "," if path.name.removesuffix(".gz").endswith(".csv") else "\t"
    with atomic_write(path, force=force) as temporary, open_text(temporary, "w") as handle:
        writer = csv.writer(handle, delimiter=delimiter, lineterminator="\n")
        writer.writerow(["", "", *["Enrichment"] * len(values)])
        writer.writerow(["", "", *values])
        writer.writerow([*INDEX, *[""] * len(values)])
        columns = [_texts(name, frame[name].tolist()) for name in (*INDEX, *values)]
        writer.writerows(zip(*columns, strict=True))


def _texts(name: str, column: Sequence[Any]) -> Iterable[str]:
    """Return the cells of one column as text."""
    if name == "Context":
        return (format_context(value) for value in column)
    if name == "TargetGenes":
        return (format_pairs(value) for value in column)
    return ("" if value is None or value != value else str(value) for value in column)


def format_context(names: Iterable[str]) -> str:
    """Return ``frozenset({'a', 'b'})`` with the names in order."""
    inner = ", ".join(repr(str(name)) for name in sorted(names))
    return f"frozenset({{{inner}}})" if inner else "frozenset()"


def format_pairs(pairs: Iterable[tuple[str, float]]) -> str:
    """Return ``[('gene', 1.5), ...]``, each weight in its shortest exact form."""
    return "[" + ", ".join(f"({str(gene)!r}, {float(weight)!r})" for gene, weight in pairs) + "]"
