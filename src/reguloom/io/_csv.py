"""csv and tsv tables: text columns as text whatever they look like, numbers exactly as written."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._errors import InputError
from reguloom._files import gzip_errors, open_text
from reguloom.io._sniff import delimiter_of

if TYPE_CHECKING:
    import pandas as pd

MISSING = ["", "NA", "NaN", "nan", "None", "null"]
"""How a missing number is written."""
_BLOCK_BYTES = 16 * 2**20


def read_header(path: Path) -> tuple[list[str], str]:
    """Return the column names and the separator; a first column without a header (R's row names) is called ``""``."""
    with gzip_errors(path), open_text(path) as handle:
        lines = [handle.readline().strip("\r\n") for _ in range(2)]
    delimiter = delimiter_of(path, lines[0])
    names, row = (next(csv.reader([line], delimiter=delimiter), []) for line in lines)
    return ["", *names] if len(row) == len(names) + 1 else names, delimiter


def read_table(
    path: Path,
    names: list[str],
    delimiter: str,
    *,
    text: Collection[str] = (),
    numbers: Collection[str] = (),
    n_header: int = 1,
    what: str = "table",
) -> pd.DataFrame:
    """Return the body of a table.

    Parameters
    ----------
    path
        The file, plain or ``.gz``.
    names
        Names of its columns; those called ``""`` are left out.
    delimiter
        The separator.
    text
        Columns that hold text; a gene called NA stays a gene.
    numbers
        Columns that hold floats. The types of all other columns are found out.
    n_header
        Lines above the body.
    what
        What the file should be, for messages.

    Raises
    ------
    InputError
        If the file is ragged, cut short, or a number is none.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    # Arrow wants unique names.
    labels = [str(i) for i in range(len(names))]
    types: dict[str, Any] = {
        label: pa.string() if name in text else pa.float64()
        for label, name in zip(labels, names, strict=True)
        if name in text or name in numbers
    }
    kept = [label for label, name in zip(labels, names, strict=True) if name]
    if not kept:
        msg = f"{path} is not a readable {what}: its first line names no column; it may be cut short."
        raise InputError(msg)
    try:
        with gzip_errors(path):
            table = arrow_csv.read_csv(
                path,
                read_options=arrow_csv.ReadOptions(column_names=labels, skip_rows=n_header, block_size=_BLOCK_BYTES),
                parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=types, null_values=MISSING, strings_can_be_null=False, include_columns=kept
                ),
            )
    except pa.ArrowInvalid as error:
        why = str(error).splitlines()[0].split("; ")[-1][:150]
        msg = f"{path} is not a readable {what} ({why}); it may be cut short, or edited by hand."
        raise InputError(msg) from error
    frame: pd.DataFrame = table.to_pandas()
    frame.columns = [names[int(label)] for label in kept]
    return frame
