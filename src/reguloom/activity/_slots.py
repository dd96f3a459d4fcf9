"""Activity scores and groups of cells out of whatever holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom._logging import logger

if TYPE_CHECKING:
    from anndata import AnnData


def scores(adata: AnnData, key: str) -> pd.DataFrame:
    """Return the activity stored in ``adata.obsm[key]``.

    Raises
    ------
    MissingKeyError
        If there is none.
    InputError
        If the slot holds no table.
    """
    if key not in adata.obsm:
        msg = f"adata.obsm has no {key!r} (it has {sorted(adata.obsm)}); run activity.aucell first, or name the slot."
        raise MissingKeyError(msg)
    frame = adata.obsm[key]
    if not isinstance(frame, pd.DataFrame):
        msg = f"adata.obsm[{key!r}] is a {type(frame).__name__}; it must be a DataFrame of cells x regulons."
        raise InputError(msg)
    return frame


def entry(adata: AnnData, key: str) -> dict[str, Any]:
    """Return ``adata.uns[key]``, made if it is missing, to add a summary to."""
    return adata.uns.setdefault(key, {})


def checked(auc: pd.DataFrame) -> pd.DataFrame:
    """Return `auc` as float64 after checking that it holds finite numbers.

    Raises
    ------
    InputError
        If it is empty, a name repeats, or some value is missing, text or infinite.
    """
    if 0 in auc.shape:
        msg = f"the activity table is empty ({auc.shape[0]} cells x {auc.shape[1]} regulons); check what made it."
        raise InputError(msg)
    if not auc.columns.is_unique:
        msg = f"regulon {auc.columns[auc.columns.duplicated()][0]!r} has more than one column; names must be unique."
        raise InputError(msg)
    text = [str(name) for name, kind in auc.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    if text:
        msg = f"columns {text[:3]} of the activity table hold text; a table of cells x regulons holds numbers alone."
        raise InputError(msg)
    values = auc.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        row, column = (int(first[0]) for first in np.nonzero(~np.isfinite(values)))
        msg = f"regulon {auc.columns[column]!r} in cell {auc.index[row]!r} is {values[row, column]}; score it again."
        raise InputError(msg)
    return pd.DataFrame(values, index=auc.index, columns=auc.columns)


def column(adata: AnnData, groupby: str) -> pd.Series:
    """Return ``adata.obs[groupby]``.

    Raises
    ------
    MissingKeyError
        If there is no such column.
    """
    if groupby not in adata.obs:
        msg = f"adata.obs has no column {groupby!r}; it has {sorted(adata.obs.columns)[:20]}."
        raise MissingKeyError(msg)
    return adata.obs[groupby]


def align_groups(auc: pd.DataFrame, groups: pd.Series | Sequence[Any]) -> tuple[np.ndarray, list[str]]:
    """Return the group number of each cell (-1 where it has none), and the names of the groups.

    Groups come in the order of a categorical's categories, otherwise in order of appearance; categories without a
    cell are left out. A Series whose index names every cell is matched by name, anything else by position.

    Raises
    ------
    InputError
        If the lengths differ, the Series names none or only some of the cells, or no cell has a group.
    """
    if isinstance(groups, pd.Series):
        labels = _by_name(auc, groups)
    elif len(groups) == len(auc):
        labels = pd.Series(groups)
    else:
        msg = f"there are {len(groups)} group labels for {len(auc)} cells; give one for each cell."
        raise InputError(msg)
    factor = pd.Categorical(labels) if isinstance(labels.dtype, pd.CategoricalDtype) else _by_appearance(labels)
    factor = factor.remove_unused_categories()
    n_missing = int((factor.codes < 0).sum())
    if n_missing == len(auc):
        msg = "no cell has a group label; check the column and that its cell names are those of the scores."
        raise InputError(msg)
    if n_missing:
        logger.info("%d of %d cells have no group and are left out", n_missing, len(auc))
    return factor.codes.astype(np.int64), [str(name) for name in factor.categories]


def _by_appearance(labels: pd.Series) -> pd.Categorical:
    """Return labels as a categorical whose categories come in order of appearance."""
    return pd.Categorical(labels, categories=list(dict.fromkeys(labels.dropna())))


def _by_name(auc: pd.DataFrame, groups: pd.Series) -> pd.Series:
    """Return the labels in the order of the cells of `auc`."""
    names, cells = groups.index.astype(str), auc.index.astype(str)
    positions = names.get_indexer(cells) if names.is_unique else np.full(len(cells), -1)
    if (positions >= 0).all():
        return groups.iloc[positions]
    if len(groups) == len(auc) and isinstance(groups.index, pd.RangeIndex):
        return groups
    n_found = int((positions >= 0).sum())
    example = next((name for name, at in zip(cells, positions, strict=True) if at < 0), "")
    msg = (
        f"the groups name {n_found} of the {len(cells)} cells (cell {example!r} is not among them, which look like "
        f"{list(names[:2])}); give one label for each cell, under the names that the scores use, each name once."
    )
    raise InputError(msg)
