"""``reguloom rss``: activity and groups of cells in, specificity scores out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from reguloom.cli import _common as common
from reguloom.cli._activity import TABLES, check_suffix, read_scores

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData


@common.command("rss")
@click.argument("auc", type=common.INPUT)
@click.option("--groups", type=common.INPUT, default=None,
              help="Table cell, group (csv, tsv, parquet); --groupby names the column of several.")  # fmt: skip
@click.option("--groupby", default=None, metavar="KEY", help="Column of obs (h5ad, loom) or of the table.")
@common.output_option
@click.option("--log-base", default="e", show_default=True,
              help="Logarithm: e as pySCENIC (0.167 to 1), 2 as R (0 to 1).")  # fmt: skip
@click.option("--key", default="aucell", show_default=True, help="Slot of obsm with the scores (h5ad, loom).")
@common.force_option
def command(auc: Path, groups: Path | None, groupby: str | None, output: Path, log_base: str, key: str,
            force: bool) -> None:  # fmt: skip
    """Score how specific each regulon is to each group of cells.

    AUC is a table of cells x regulons (csv, tsv, parquet) or a file with scores inside (h5ad, zarr, loom). The output
    is a table of groups x regulons, groups in order of appearance.
    """
    if groups is None and groupby is None:
        msg = "give the groups of the cells: --groups TABLE.csv, or --groupby KEY for a column of obs."
        raise click.UsageError(msg)
    check_suffix(output, TABLES)
    common.check_outputs(output, force=force)
    from reguloom import activity, io

    scores, adata = read_scores(auc, key)
    labels = _from_table(groups, groupby) if groups is not None else _from_obs(adata, auc, str(groupby))
    table = activity.rss(scores, labels, log_base=log_base)
    io.write_table(table, output, index_label=str(labels.name or "group"), force=force)


def _from_table(path: Path, column: str | None) -> pd.Series:
    """Return the labels in a table whose first column names the cells."""
    from reguloom import io
    from reguloom._errors import InputError, MissingKeyError

    table = io.read_table(path)
    if column is None and table.shape[1] == 1:
        return _as_text(table.iloc[:, 0])
    if column is None:
        msg = f"{path} has the columns {list(table.columns)}; say with --groupby which one holds the groups."
        raise InputError(msg)
    if column not in table:
        msg = f"{path} has no column {column!r}; it has {list(table.columns)}."
        raise MissingKeyError(msg)
    return _as_text(table[column])


def _from_obs(adata: AnnData | None, path: Path, groupby: str) -> pd.Series:
    """Return a column of obs."""
    from reguloom._errors import InputError, MissingKeyError

    if adata is None:
        msg = f"{path} is a table without annotation of cells; give the groups with --groups TABLE.csv."
        raise InputError(msg)
    if groupby not in adata.obs:
        msg = f"obs of {path} has no column {groupby!r}; it has {sorted(adata.obs.columns)[:20]}."
        raise MissingKeyError(msg)
    return _as_text(adata.obs[groupby])


def _as_text(labels: pd.Series) -> pd.Series:
    """Return labels as text, gaps kept, so that the order of appearance decides in every format."""
    return labels.astype(object).where(labels.notna()).map(str, na_action="ignore")
