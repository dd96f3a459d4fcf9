"""BoolODE's files, in and out: initial conditions, interaction strengths, and a folder of simulated cells."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom import _keys
from reguloom._errors import InputError
from reguloom._files import atomic_write, existing, gzip_errors, open_text
from reguloom._reading import content_errors, read_frame
from reguloom.core import Network

if TYPE_CHECKING:
    from anndata import AnnData

EXPRESSION, PSEUDOTIME, NETWORK = "ExpressionData.csv", "PseudoTime.csv", "refNetwork.csv"
SIGNS = {1: "+", -1: "-", 0: "?"}


def read_initial(path: str | os.PathLike[str]) -> dict[str, float]:
    """Return initial conditions from BoolODE's table: ``Genes`` and ``Values``, lists as Python writes them.

    Parameters
    ----------
    path
        The file, tab-separated; its first row counts.

    Returns
    -------
    Gene → mRNA at the beginning; the genes it does not name are all but absent.

    Raises
    ------
    InputError
        If the file is missing or is no such table.
    """
    table = _table(path, ("Genes", "Values"))
    try:
        genes, values = (ast.literal_eval(str(table[name].iloc[0])) for name in ("Genes", "Values"))
        return {str(gene): float(value) for gene, value in zip(genes, values, strict=True)}
    except (ValueError, SyntaxError, TypeError, IndexError) as error:
        msg = f"{path}, line 2: Genes and Values are not two lists of equal length, such as ['g1','g2'] and [1,1]."
        raise InputError(msg) from error


def read_strengths(path: str | os.PathLike[str]) -> Network:
    """Return interaction strengths from BoolODE's table: ``Gene1`` target, ``Gene2`` regulator, ``Strength``.

    Parameters
    ----------
    path
        The file, tab-separated.

    Returns
    -------
    The strengths as weights, the regulator as source.

    Raises
    ------
    InputError
        If the file is missing, is no such table, or holds a strength that is not above 0.
    """
    table = _table(path, ("Gene1", "Gene2", "Strength"))
    strength = pd.to_numeric(table["Strength"], errors="coerce").to_numpy(dtype=np.float64)
    if not (strength > 0).all():
        line = int(np.flatnonzero(~(strength > 0))[0]) + 2
        msg = f"{path}, line {line}: the strength is {table['Strength'].iloc[line - 2]!r}; give a number above 0."
        raise InputError(msg)
    return Network.from_edges(table["Gene2"].astype(str), table["Gene1"].astype(str), strength)


def write_boolode(adata: AnnData, folder: str | os.PathLike[str], *, force: bool = False) -> dict[str, Path]:
    """Write simulated cells as BoolODE and BEELINE have them.

    Parameters
    ----------
    adata
        Cells from :func:`simulate`.
    folder
        Made if it is missing.
    force
        Whether existing files may be replaced.

    Returns
    -------
    What each file is → its path: ``expression`` (genes × cells), ``pseudotime`` (one column for each fate, empty for
    cells of the others; ``PseudoTime`` alone if there is one fate), ``network`` (``Gene1`` regulator, ``Gene2``
    target, ``Type``).

    Raises
    ------
    InputError
        If a file exists already.
    """
    folder = Path(folder)
    paths = {"expression": folder / EXPRESSION, "pseudotime": folder / PSEUDOTIME, "network": folder / NETWORK}
    tables = {"expression": adata.to_df().T, "pseudotime": _pseudotime(adata), "network": _edges(adata)}
    for name, path in paths.items():
        with atomic_write(path, force=force) as temporary:
            tables[name].to_csv(temporary, index=name != "network", na_rep="", lineterminator="\n")
    return paths


def read_boolode(folder: str | os.PathLike[str]) -> AnnData:
    """Read a folder of BoolODE or BEELINE: cells, their pseudotime and the true network.

    Parameters
    ----------
    folder
        Holds ``ExpressionData.csv``, and may hold ``PseudoTime.csv`` and ``refNetwork.csv`` (or
        ``GroundTruthNetwork.csv``); each may be gzipped.

    Returns
    -------
    AnnData
        ``X``; ``obsm['pseudotime']``, one column for each lineage; ``obs['pseudotime']``, its mean over lineages;
        ``obs['trajectory']`` where the cells are named ``E<trajectory>_<time>``; ``uns['grn']``.

    Raises
    ------
    InputError
        If there is no expression table.
    """
    with content_errors(folder, what="folder of BoolODE"):
        return _boolode(Path(folder))


def _boolode(folder: Path) -> AnnData:
    """Return what the files of a folder hold."""
    from anndata import AnnData

    frame = read_frame(_find(folder, EXPRESSION) or folder / EXPRESSION, what="expression table", index_col=0).T
    adata = AnnData(
        frame.to_numpy(dtype=np.float32),
        obs=pd.DataFrame(index=frame.index.astype(str)),
        var=pd.DataFrame(index=frame.columns.astype(str)),
    )
    numbers = adata.obs_names.str.extract(r"^E(\d+)_", expand=False)
    if not numbers.isna().any():
        adata.obs["trajectory"] = numbers.astype(int).to_numpy()
    times = _find(folder, PSEUDOTIME)
    if times is not None:
        table = read_frame(times, what="table of pseudotimes", index_col=0).rename(index=str).reindex(adata.obs_names)
        adata.obsm["pseudotime"] = table
        adata.obs["pseudotime"] = table.mean(axis=1)
    edges = _find(folder, NETWORK, "GroundTruthNetwork.csv")
    if edges is not None:
        Network.from_frame(read_frame(edges, what="network")).to_adata(adata)
    return adata


def _table(path: str | os.PathLike[str], columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a tab-separated table that must have the given columns."""
    try:
        with gzip_errors(path := existing(path)), open_text(path) as file:
            table = pd.read_csv(file, sep="\t", dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        msg = f"{path} is no table ({error}); expected are the columns {', '.join(columns)}, separated by tabs."
        raise InputError(msg) from error
    if not set(columns) <= set(table.columns):
        msg = f"{path}, line 1: the columns are {', '.join(table.columns)}; expected {', '.join(columns)}, by tabs."
        raise InputError(msg)
    return table


def _find(folder: Path, *names: str) -> Path | None:
    """Return the first file of the folder that has one of the names, gzipped or not."""
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                return path
    return None


def _pseudotime(adata: AnnData) -> pd.DataFrame:
    """Return pseudotime with one column for each fate."""
    time = adata.obs["pseudotime"]
    fates = adata.obs["fate"].cat.remove_unused_categories()
    if len(fates.cat.categories) < 2:
        return time.rename("PseudoTime").to_frame()
    columns = {f"PseudoTime{i + 1}": time.where(fates == fate) for i, fate in enumerate(fates.cat.categories)}
    return pd.DataFrame(columns)


def _edges(adata: AnnData) -> pd.DataFrame:
    """Return the true network as Gene1, Gene2, Type."""
    frame = Network.from_adata(adata, key=_keys.GRN).to_frame()
    return pd.DataFrame(
        {"Gene1": frame["source"].astype(str), "Gene2": frame["target"].astype(str), "Type": frame["sign"].map(SIGNS)}
    )
