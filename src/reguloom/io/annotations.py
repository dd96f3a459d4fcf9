"""cisTarget's motif annotation tables (``.tbl``): which motif stands for which transcription factor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reguloom._errors import InputError
from reguloom._files import gzip_errors, open_text
from reguloom.io._sniff import existing_file

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "gene_name": "TF",
    "#motif_id": "MotifID",
    "motif_similarity_qvalue": "MotifSimilarityQvalue",
    "orthologous_identity": "OrthologousIdentity",
    "description": "Annotation",
}
"""The columns of the file that count, and what they are called in the motif table."""


def read_motif_annotations(
    path: str | os.PathLike[str] | pd.DataFrame,
    *,
    max_similarity_fdr: float = 0.001,
    min_orthologous_identity: float = 0.0,
) -> pd.DataFrame:
    """Read a motif annotation table, keeping the annotations worth trusting.

    A row stays if its similarity q-value is at most `max_similarity_fdr` and its orthologous identity at least
    `min_orthologous_identity`; a missing number fails. Of several rows for one (TF, motif) pair, the one with
    the lowest q-value, then the highest identity, then the earliest in the file stays.

    Parameters
    ----------
    path
        Tab-separated file of the cisTarget collections (13 columns), plain or ``.gz``; or a table with the same
        column names. Only five columns are read.
    max_similarity_fdr
        Highest q-value of the similarity between the motif and the one that is annotated (0 if it is itself).
    min_orthologous_identity
        Lowest identity (0 to 1) between the TF and the orthologue that is annotated (1 if it is itself).

    Returns
    -------
    pandas.DataFrame
        Columns ``TF``, ``MotifID``, ``MotifSimilarityQvalue``, ``OrthologousIdentity``, ``Annotation``;
        one row for each pair, in the file's order. ``attrs['n_repeated']`` counts the rows that gave way to a better.

    Raises
    ------
    InputError
        If the file is missing, is not such a table, or no row passes the filters.
    """
    frame, name = _columns_of(path)
    keep = (frame["MotifSimilarityQvalue"] <= max_similarity_fdr) & (
        frame["OrthologousIdentity"] >= min_orthologous_identity
    )
    keep &= ~frame["TF"].isin(["", "None"])
    if not keep.any():
        msg = (
            f"none of the {len(frame)} annotations in {name} has a similarity q-value <= {max_similarity_fdr} and an "
            f"orthologous identity >= {min_orthologous_identity}; relax max_similarity_fdr or min_orthologous_identity."
        )
        raise InputError(msg)
    best = frame[keep].sort_values(
        ["MotifSimilarityQvalue", "OrthologousIdentity"], ascending=[True, False], kind="stable"
    )
    once = best.drop_duplicates(["TF", "MotifID"]).sort_index().reset_index(drop=True)
    once.attrs["n_repeated"] = len(best) - len(once)
    return once


def _columns_of(path: str | os.PathLike[str] | pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the five columns that count, and what to call their source in a message."""
    import pandas as pd

    if not isinstance(path, pd.DataFrame):
        file = existing_file(path, what="motif annotation table")
        return _read_columns(file), str(file)
    missing = [name for name in COLUMNS if name not in path]
    if missing:
        msg = f"the table of motif annotations lacks the columns {missing}; it has {list(path)[:6]}."
        raise InputError(msg)
    frame = path[list(COLUMNS)].rename(columns=COLUMNS).reset_index(drop=True)
    for name in ("MotifSimilarityQvalue", "OrthologousIdentity"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return frame, "the table"


def _read_columns(path: Path) -> pd.DataFrame:
    """Return the five columns that count, renamed, with the numbers as float64."""
    import pyarrow as pa
    from pyarrow import csv

    _check_header(path)
    numbers = ("motif_similarity_qvalue", "orthologous_identity")
    convert = csv.ConvertOptions(
        include_columns=list(COLUMNS),
        column_types={name: pa.float64() if name in numbers else pa.string() for name in COLUMNS},
        null_values=["", "None", "NA", "NaN", "nan", "null"],
        strings_can_be_null=False,
    )
    parse = csv.ParseOptions(delimiter="\t", quote_char=False)
    try:
        table = csv.read_csv(path, parse_options=parse, convert_options=convert)
    except (pa.ArrowInvalid, OSError) as error:
        msg = f"{path} is not a readable motif annotation table: {str(error).splitlines()[0][:200]}; fetch it again."
        raise InputError(msg) from error
    return table.to_pandas().rename(columns=COLUMNS)[list(COLUMNS.values())]


def _check_header(path: Path) -> None:
    """Refuse a file whose header lacks one of the columns.

    Raises
    ------
    InputError
        If a column is missing.
    """
    with gzip_errors(path), open_text(path) as handle:
        header = handle.readline().rstrip("\r\n").split("\t")
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        msg = (
            f"{path} is not a cisTarget motif annotation table: it lacks the columns {missing} and has "
            f"{[name[:30] for name in header[:6]]}; give the tab-separated .tbl that belongs to the rankings."
        )
        raise InputError(msg)
