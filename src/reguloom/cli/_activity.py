"""What the commands on activity share: reading a table of scores, and the suffixes of outputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from reguloom.cli import _common as common

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

TABLES = (".csv", ".tsv", ".txt", ".parquet")
MATRICES = (".h5ad", ".zarr", ".loom")


def suffix_of(path: Path) -> str:
    """Return the suffix without ``.gz``, in lower case; that of stdout is ``.csv``."""
    return ".csv" if common.is_stdout(path) else Path(path.name.removesuffix(".gz")).suffix.lower()


def check_suffix(path: Path, accepted: tuple[str, ...]) -> str:
    """Return the output's suffix, or refuse it before any work is done."""
    suffix = suffix_of(path)
    if suffix not in accepted:
        msg = f"the output {path} ends in {suffix or 'no suffix'!r}; accepted are {', '.join(accepted)}."
        raise click.UsageError(msg)
    return suffix


def read_scores(path: Path, key: str) -> tuple[pd.DataFrame, AnnData | None]:
    """Return a table of cells × regulons, and the AnnData that holds it if it came in one.

    Raises
    ------
    MissingKeyError
        If the file holds no scores under `key`.
    """
    from reguloom import io
    from reguloom._errors import MissingKeyError

    if suffix_of(path) in TABLES:
        return io.read_table(path), None
    adata = io.read(path)
    if key not in adata.obsm:
        msg = f"{path} has no obsm[{key!r}] (it has {sorted(adata.obsm)}); run reguloom aucell, or name it with --key."
        raise MissingKeyError(msg)
    return adata.obsm[key], adata
