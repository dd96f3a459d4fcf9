"""Expression matrices in csv and tsv: parsed line by line into a sparse matrix, either way round."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom._files import atomic_write, gzip_errors, open_text
from reguloom._logging import logger
from reguloom.io._orientation import CELL_CORNERS, GENE_CORNERS, genes_in_rows
from reguloom.io._sniff import delimiter_of, existing_file, suffix_of

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy.sparse import csr_matrix

_ZEROS = frozenset(("0", "0.0", "0.", "0.00"))
_MISSING = frozenset(("", "NA", "NaN", "nan", "N/A", "null", "None", "#N/A"))
_NAN = float("nan")
_INDEX_LABELS = CELL_CORNERS | GENE_CORNERS | {"", "index", "unnamed: 0", "id", "name", "rownames", "row.names"}


@dataclass(frozen=True)
class _Layout:
    """What the first two lines say: the separator, the column names, whether row names come first, their header."""

    delimiter: str
    columns: list[str]
    has_names: bool
    corner: str


def read_text(path: str | os.PathLike[str], *, transpose: Literal["auto"] | bool = "auto") -> AnnData:
    """Read a csv or tsv matrix without ever holding it dense.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv`` or ``.txt``, plain or ``.gz``; a header line, and row names in the first column.
    transpose
        ``False``: rows are cells (pySCENIC's default). ``True``: rows are genes. ``"auto"``: decided by the
        names, and said through the logger; where they tell nothing, rows are cells.

    Returns
    -------
    anndata.AnnData
        ``X`` is CSR float32, shape ``(n_cells, n_genes)``. An empty cell or NA is NaN.

    Raises
    ------
    InputError
        If the file is missing, empty, ragged, or a value is not a number.
    """
    from anndata import AnnData

    path = existing_file(path, what="expression matrix")
    layout = _layout(path)
    names, matrix = _read_rows(path, layout)
    rows_are_genes = _decide(path, layout, names, transpose)
    if rows_are_genes:
        matrix = matrix.T.tocsr()
    cells, genes = (layout.columns, names) if rows_are_genes else (names, layout.columns)
    _check_swapped(genes)
    return AnnData(
        X=matrix,
        obs=pd.DataFrame(index=pd.Index(cells)),
        var=pd.DataFrame(index=pd.Index(genes)),
    )


def _decide(path: Path, layout: _Layout, names: list[str], transpose: Literal["auto"] | bool) -> bool:
    """Return whether genes are the rows, and say so."""
    if transpose != "auto":
        return bool(transpose)
    rows_are_genes, why = genes_in_rows(names, layout.columns, corner=layout.corner, name=path.name)
    found = "genes x cells" if rows_are_genes else "cells x genes"
    other = "transpose=False (--no-transpose)" if rows_are_genes else "transpose=True (-t)"
    logger.info("%s is taken as %s: %s; %s reads it the other way", path.name, found, why, other)
    return rows_are_genes


def _check_swapped(genes: list[str]) -> None:
    """Log when the gene names are bare numbers, which no gene list will match."""
    if genes and all(gene.isdigit() for gene in genes[:50]):
        logger.info("the genes are called %s ...: the file seems to lack their names", ", ".join(genes[:3]))


def _layout(path: Path) -> _Layout:
    """Read the header and one row.

    Raises
    ------
    InputError
        If there are no rows, or the first row does not fit the header.
    """
    with gzip_errors(path), open_text(path) as handle:
        first, second = handle.readline().rstrip("\r\n"), handle.readline().rstrip("\r\n")
    delimiter = delimiter_of(path, first)
    header, row = (next(csv.reader([line], delimiter=delimiter), []) for line in (first, second))
    if not header or not row:
        msg = f"{path} has a header and no rows; a matrix needs at least one cell and one gene."
        raise InputError(msg)
    has_names = _is_label(header[0], row[0]) or len(row) == len(header) + 1
    corner = header[0] if has_names and len(row) == len(header) else ""
    columns = header[1:] if has_names and len(row) == len(header) else header
    if len(row) != len(columns) + has_names or not columns:
        msg = f"line 2 of {path} has {len(row)} fields and the header {len(header)}; is {delimiter!r} the separator?"
        raise InputError(msg)
    if not has_names:
        logger.info(
            "%s has no row names (its first column, %r, holds numbers); rows are numbered", path.name, header[0]
        )
    return _Layout(delimiter, columns, has_names, corner)


def _is_label(header: str, value: str) -> bool:
    """Tell whether the first column holds names: its header says so, or its first value is no number."""
    if header.strip().lower() in _INDEX_LABELS:
        return True
    try:
        float(value)
    except ValueError:
        return True
    return False


def _read_rows(path: Path, layout: _Layout) -> tuple[list[str], csr_matrix]:
    """Return the row names and the values, as CSR float32; one line is held at a time."""
    from scipy.sparse import csr_matrix

    names: list[str] = []
    columns: list[np.ndarray] = [np.empty(0, dtype=np.int32)]
    values: list[np.ndarray] = [np.empty(0, dtype=np.float32)]
    ends = [0]
    for number, fields in _lines(path, layout):
        names.append(fields.pop(0) if layout.has_names else str(number - 2))
        # Most fields are zeros: comparing text is cheaper than parsing all of it.
        where = [i for i, text in enumerate(fields) if text not in _ZEROS]
        # Through float64, so that text rounds as the same number from a binary file does.
        found = np.array(_numbers(fields, where, path, layout, number), dtype=np.float64).astype(np.float32)
        kept = found != 0
        columns.append(np.array(where, dtype=np.int32)[kept])
        values.append(found[kept])
        ends.append(ends[-1] + len(values[-1]))
    parts = (np.concatenate(values), np.concatenate(columns), np.array(ends, dtype=np.int64))
    return names, csr_matrix(parts, shape=(len(names), len(layout.columns)))


def _lines(path: Path, layout: _Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the fields of each line below the header.

    Raises
    ------
    InputError
        If a line has another number of fields than the others.
    """
    width = len(layout.columns) + layout.has_names
    with gzip_errors(path), open_text(path) as handle:
        handle.readline()
        for number, line in enumerate(handle, start=2):
            text = line.rstrip("\r\n")
            if '"' in text:
                fields = next(csv.reader([text], delimiter=layout.delimiter))
            else:
                fields = text.split(layout.delimiter)
            if len(fields) != width:
                if not text.strip():
                    continue
                msg = f"line {number} of {path} has {len(fields)} fields and line 2 has {width}; it may be cut short."
                raise InputError(msg)
            yield number, fields


def _numbers(fields: list[str], where: list[int], path: Path, layout: _Layout, number: int) -> list[float]:
    """Return the fields at some places as numbers, NaN for missing ones.

    Raises
    ------
    InputError
        If one is no number.
    """
    try:
        return [float(fields[i]) for i in where]
    except ValueError:
        pass
    found = []
    for i in where:
        text = fields[i].strip()
        try:
            found.append(_NAN if text in _MISSING else float(text))
        except ValueError as error:
            msg = f"{path} is not a table of numbers: line {number}, column {layout.columns[i]!r} holds {text[:40]!r}."
            raise InputError(msg) from error
    return found


def write_text(adata: AnnData, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write cells × genes as csv or tsv, each value in its shortest exact form.

    Parameters
    ----------
    adata
        Matrix, in memory or backed; it is written row by row.
    path
        ``.csv`` or ``.tsv``, plain or ``.gz``.
    force
        Whether an existing file may be replaced.
    """
    from scipy.sparse import csr_matrix

    from reguloom.core import Expression

    path = Path(path)
    delimiter = "," if suffix_of(path) == ".csv" else "\t"
    expression = Expression(adata.X, pd.Index(adata.obs_names), pd.Index(adata.var_names))
    with atomic_write(path, force=force) as temporary, open_text(temporary, "w") as handle:
        writer = csv.writer(handle, delimiter=delimiter, lineterminator="\n")
        writer.writerow(["", *expression.genes])
        for start, stop, block in expression.blocks(256):
            rows = csr_matrix(block)
            for name, i in zip(expression.cells[start:stop], range(rows.shape[0]), strict=True):
                writer.writerow([name, *_row_texts(rows, i)])


def _row_texts(rows: csr_matrix, i: int) -> list[str]:
    """Return one row as text, zeros as ``0``."""
    cells = ["0"] * rows.shape[1]
    inside = slice(rows.indptr[i], rows.indptr[i + 1])
    for column, value in zip(rows.indices[inside], rows.data[inside], strict=True):
        text = str(value)
        cells[column] = "" if text == "nan" else text.removesuffix(".0")
    return cells
