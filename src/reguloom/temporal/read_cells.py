"""Tables of cells: metadata columns, told by their names, and genes (the layout of VRNN_Gene_Clustering)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom._logging import logger
from reguloom.temporal.read_names import repair_names
from reguloom.temporal.read_table import check_numbers

if TYPE_CHECKING:
    from anndata import AnnData

TIME = ("Time_numeric", "Time_numerics", "Time", "Hours", "Timepoint", "Time_point", "obstime", "Time_h", "Time_hours")
CELL = ("PseudoCellID", "PseudoCell_ID", "Cell_ID", "CellID", "Cell", "Barcode", "Sample")
CELL_TYPE = ("CellType", "Cell_Type", "Celltype")
CONDITION = ("Condition", "Treatment", "Stimulus", "Stimulant", "Group")
REPLICATE = ("Replicate", "Batch", "Donor", "Rep")
#: Other numbers about cells that are no genes.
COUNTS_OF_CELLS = re.compile(
    r"^(nCount|nFeature|percent|pct|total|n_genes|n_counts|n_fragment|TSS|FRiP|S\.Score|G2M\.Score|pseudotime)", re.I
)
_PLAIN = re.compile(r"[\W_]+")


def alias(names: list[str], accepted: tuple[str, ...]) -> str | None:
    """Return the first of `names` that is one of the accepted, whatever its case and underscores; None if none is."""
    plain = {_PLAIN.sub("", name).lower(): name for name in reversed(names)}
    found = [plain[key] for key in (_PLAIN.sub("", one).lower() for one in accepted) if key in plain]
    return found[0] if found else None


def is_cells_table(names: list[str], time: str | None) -> bool:
    """Tell whether a table with these columns has cells as rows: it has a column of times."""
    return time in names if time is not None else alias(names, TIME) is not None


def cells_from_table(frame: pd.DataFrame, path: Path, *, metadata: tuple[str, ...] = ()) -> AnnData:
    """Return cells × genes of a table whose columns are metadata and genes.

    Metadata are columns with a known name, columns of text, known summaries of cells, and those in `metadata`; the rest
    are genes, whose names are put right where R has bent them.

    Parameters
    ----------
    frame
        The table as read.
    path
        Where it came from, for messages.
    metadata
        Further columns that are no genes.

    Raises
    ------
    InputError
        If no gene is left, or a value is missing.
    MissingKeyError
        If a column of `metadata` is not there.
    """
    from anndata import AnnData
    from scipy.sparse import csr_matrix

    absent = [name for name in metadata if name not in frame.columns]
    if absent:
        msg = f"{path} has no column {absent[0]!r}; it has {[str(name) for name in frame.columns[:8]]} ..."
        raise MissingKeyError(msg)
    about = [name for name in frame.columns if _is_metadata(frame, name, metadata)]
    genes = [name for name in frame.columns if name not in set(about)]
    _check_genes(frame, genes, about, path)
    index = alias(about, CELL)
    cells = frame[index].astype(str) if index else pd.Series([f"cell{i + 1}" for i in range(len(frame))])
    if cells.duplicated().any():
        logger.warning("%d names in %r repeat; the cells are numbered", int(cells.duplicated().sum()), index)
        cells = pd.Series([f"{name}-{i + 1}" for i, name in enumerate(cells)])
    names, changed = repair_names(genes)
    values = frame[genes].to_numpy(np.float32)
    sparse = bool((values == 0).mean() > 0.5)
    obs = frame[[name for name in about if not str(name).startswith("Unnamed:")]].set_axis(
        pd.Index(cells.to_numpy(), name=None)
    )
    for name in obs.columns:
        obs[name] = pd.Categorical(obs[name].astype(str)) if obs[name].dtype.kind not in "if" else obs[name]
    made = AnnData(csr_matrix(values) if sparse else values, obs=obs, var=pd.DataFrame(index=pd.Index(names)))
    made.uns["renamed_genes"] = pd.DataFrame({"before": list(changed), "after": list(changed.values())}, dtype=object)
    logger.info("%s: %d cells x %d genes; %s are metadata", path.name, *made.shape, ", ".join(map(str, about)))
    return made


def _is_metadata(frame: pd.DataFrame, name: str, given: tuple[str, ...]) -> bool:
    """Tell whether a column is about the cells."""
    if name in given or name == "" or str(name).startswith("Unnamed:") or COUNTS_OF_CELLS.match(str(name)):
        return True
    if alias([str(name)], TIME + CELL + CELL_TYPE + CONDITION + REPLICATE) is not None:
        return True
    # Text is metadata where most of it is text; a few words among numbers are a spoilt gene.
    if frame[name].dtype.kind in "ifub":
        return False
    numbers = pd.to_numeric(frame[name], errors="coerce")
    return bool(numbers.notna().mean() < 0.5)


def _check_genes(frame: pd.DataFrame, genes: list[str], about: list[str], path: Path) -> None:
    """Raise InputError if the gene columns cannot be used."""
    if not genes:
        msg = f"{path} has the columns {about[:8]} and none left for genes; genes follow the metadata as numbers."
        raise InputError(msg)
    check_numbers(frame, genes, path)
    counts = frame[genes].isna().sum()
    if counts.any():
        bad = counts[counts > 0]
        msg = f"{path}: column {bad.index[0]!r} lacks {int(bad.iloc[0])} values; fill them in or drop the gene."
        raise InputError(msg)
