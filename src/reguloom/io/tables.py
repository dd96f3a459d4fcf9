"""Tables of results (activity, on/off calls, specificity): csv, tsv or parquet by the file's suffix."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd

from reguloom._errors import InputError, ResourceError
from reguloom._files import atomic_write, existing, open_text
from reguloom.io import _csv

_TEXT = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
_INDEX = "row names"


def write_table(
    frame: pd.DataFrame, path: str | os.PathLike[str], *, index_label: str = "", force: bool = False
) -> None:
    """Write a table with its row names; numbers in the shortest form that reads back to the same number.

    Parameters
    ----------
    frame
        The table.
    path
        ``.csv``, ``.tsv``, either with ``.gz``, or ``.parquet``; ``-`` writes csv to stdout.
    index_label
        Header of the row names.
    force
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If the suffix is none of these, or the file exists and `force` is off.
    """
    if os.fspath(path) == "-":
        frame.to_csv(sys.stdout, index_label=index_label, lineterminator="\n")
        return
    kind = _kind(Path(path))
    with atomic_write(path, force=force) as temporary:
        if kind == ".parquet":
            frame.rename_axis(index_label or frame.index.name).to_parquet(temporary, compression="zstd")
        else:
            with open_text(temporary, "w") as file:
                frame.to_csv(file, sep=_TEXT[kind], index_label=index_label, lineterminator="\n")


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table whose first column (parquet: whose index) holds the row names.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv``, either with ``.gz``, or ``.parquet``.

    Returns
    -------
    The table; row names are text.

    Raises
    ------
    InputError
        If the file is missing, empty, has another suffix or is no table.
    ResourceError
        If a parquet file is cut short or corrupt.
    """
    path = existing(path, what="table")
    if _kind(path) != ".parquet":
        names, delimiter = _csv.read_header(path)
        # The row names are a column without a name in some files; readers leave out columns called "".
        names = [names[0] or _INDEX, *names[1:]] if names else [_INDEX]
        frame = _csv.read_table(path, names, delimiter, text=(names[0],)).set_index(names[0])
        return _text_index(frame.rename_axis(None if names[0] == _INDEX else names[0]))
    import pyarrow as pa

    try:
        return _text_index(pd.read_parquet(path))
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        msg = f"{path} cannot be read ({error}); it may be cut short, so write or download it again."
        raise ResourceError(msg) from error


def _text_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its row names as text."""
    name = frame.index.name
    frame.index = pd.Index(frame.index.astype(str), name=name)
    return frame


def _kind(path: Path) -> str:
    """Return the suffix that decides the format."""
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix not in (*_TEXT, ".parquet"):
        msg = f"{path.name} has the suffix {suffix or 'none'!r}; tables are written as .csv, .tsv (.gz) or .parquet."
        raise InputError(msg)
    return suffix
