"""What the plots take out of the user's objects, and what they say when it is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError

if TYPE_CHECKING:
    from anndata import AnnData


def is_adata(data: Any) -> bool:
    """Tell whether `data` is an AnnData, without importing it."""
    return hasattr(data, "obsm") and hasattr(data, "obs")


def activity(data: AnnData | pd.DataFrame, key: str) -> pd.DataFrame:
    """Return activity as a table of cells × regulons.

    Parameters
    ----------
    data
        AnnData with a table in ``obsm[key]``, or the table.
    key
        Slot of ``obsm``.

    Raises
    ------
    MissingKeyError
        If the slot is not there.
    InputError
        If it holds no table, or the table is empty.
    """
    frame = data
    if is_adata(data):
        if key not in data.obsm:
            msg = f"adata.obsm has no {key!r}; {_options(key, data.obsm.keys(), 'it has')}; run activity.aucell first."
            raise MissingKeyError(msg)
        frame = data.obsm[key]
    if not isinstance(frame, pd.DataFrame):
        msg = f"activity is a {type(frame).__name__}; accepted are AnnData with a DataFrame in obsm[{key!r}], or one."
        raise InputError(msg)
    if 0 in frame.shape:
        msg = f"the activity table is empty ({frame.shape[0]} cells x {frame.shape[1]} regulons); nothing can be drawn."
        raise InputError(msg)
    return frame


def choose(frame: pd.DataFrame, wanted: str | Iterable[str] | None, *, what: str = "regulon") -> list[str]:
    """Return the columns that are asked for; a bare TF name stands for its activating regulon.

    Parameters
    ----------
    frame
        Its columns are the names that there are.
    wanted
        One name, several, or None for all.
    what
        What the names are, for the message.

    Raises
    ------
    MissingKeyError
        If a name is not there; the message gives the closest ones.
    InputError
        If no name is asked for.
    """
    names = [str(name) for name in frame.columns]
    if wanted is None:
        return names
    asked = [wanted] if isinstance(wanted, str) else list(dict.fromkeys(str(name) for name in wanted))
    if not asked:
        msg = f"the list of {what}s to draw is empty; name some of the {len(names)}, or leave it out."
        raise InputError(msg)
    present = set(names)
    found = [name if name in present or f"{name}(+)" not in present else f"{name}(+)" for name in asked]
    for name in found:
        if name not in present:
            msg = f"there is no {what} {name!r}; {_options(name, names, f'there are {len(names)}, the closest')}."
            raise MissingKeyError(msg)
    return list(dict.fromkeys(found))


def most_variable(frame: pd.DataFrame, n: int) -> list[str]:
    """Return the `n` columns of largest standard deviation, largest first."""
    spread = frame.std().fillna(0.0).to_numpy()
    return [str(frame.columns[i]) for i in np.argsort(-spread, kind="stable")[:n]]


def most_telling(frame: pd.DataFrame, factor: pd.Categorical, n: int) -> list[str]:
    """Return `n` columns that stand out in some group, the groups taking turns.

    Parameters
    ----------
    frame
        Activity, cells × regulons.
    factor
        Group of each cell.
    n
        How many.
    """
    if len(factor.categories) < 2:
        return most_variable(frame, n)
    deviation = frame.std().replace(0.0, np.nan)
    standard = (frame - frame.mean()) / deviation
    means = standard.groupby(factor.codes).mean().drop(index=-1, errors="ignore").fillna(-np.inf)
    turns = np.argsort(-means.to_numpy(), axis=1, kind="stable").T.ravel()
    return [str(frame.columns[i]) for i in dict.fromkeys(turns.tolist())][:n]


def groups(data: AnnData | pd.DataFrame, groupby: str | Sequence[Any] | pd.Series, cells: pd.Index) -> pd.Categorical:
    """Return the group of each cell, groups that have no cell left out.

    Parameters
    ----------
    data
        AnnData, if `groupby` is a column of its ``obs``.
    groupby
        That column's name, or one label per cell (a Series is aligned by its index).
    cells
        Names of the cells.

    Raises
    ------
    MissingKeyError
        If there is no such column.
    InputError
        If the labels do not fit the cells.
    """
    labels: Any = groupby
    if isinstance(groupby, str):
        if not is_adata(data):
            msg = f"groupby is {groupby!r}, but a table has no obs; give one label per cell, or an AnnData."
            raise InputError(msg)
        if groupby not in data.obs:
            msg = f"adata.obs has no {groupby!r}; {_options(groupby, data.obs.columns, 'it has')}."
            raise MissingKeyError(msg)
        labels = data.obs[groupby]
    elif isinstance(groupby, pd.Series) and set(cells) <= set(groupby.index):
        labels = groupby.loc[cells]
    if len(labels) != len(cells):
        msg = f"groupby has {len(labels)} labels and there are {len(cells)} cells; give one label per cell."
        raise InputError(msg)
    factor = pd.Categorical(labels).remove_unused_categories()
    factor = factor.rename_categories([str(name) for name in factor.categories])
    if not len(factor.categories):
        msg = "no cell has a group; check the labels for missing values."
        raise InputError(msg)
    return factor


def colors_of(data: AnnData | pd.DataFrame, groupby: Any, n_groups: int) -> list[str]:
    """Return the groups' colours: those that scanpy stored in ``uns``, if they fit, or the house palette."""
    from reguloom.pl._style import group_colors

    if is_adata(data) and isinstance(groupby, str):
        stored = list(data.uns.get(f"{groupby}_colors", []))
        categories = getattr(data.obs[groupby], "cat", None)
        if len(stored) == n_groups and categories is not None and len(categories.categories) == n_groups:
            return [str(color) for color in stored]
    return group_colors(n_groups)


def one_panel(ax: Any, n: int) -> None:
    """Refuse ``ax`` where there is more than one panel to draw.

    Raises
    ------
    InputError
        If there is.
    """
    if ax is not None and n != 1:
        msg = f"ax takes one panel and there are {n} to draw; name one regulon (or group), or leave ax out."
        raise InputError(msg)


def _options(name: str, available: Iterable[Any], lead: str) -> str:
    """Return the names that come closest, or the first ones."""
    names = [str(one) for one in available]
    lowered = {one.lower(): one for one in reversed(names)}
    close = [lowered[one] for one in difflib.get_close_matches(name.lower(), lowered, n=5, cutoff=0.5)]
    shown = close or names[:8]
    return f"{lead} {', '.join(shown)}" if shown else "there are none"


def missing(name: str, available: Iterable[Any], *, what: str, where: str) -> MissingKeyError:
    """Return the error that says that `name` is not there and what is."""
    return MissingKeyError(f"{where} has no {what} {name!r}; {_options(name, available, 'it has')}.")
