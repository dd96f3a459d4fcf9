"""Temporal modules: their curves, their timing, and the baselines that they were held against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from reguloom import _keys
from reguloom.report._source import Source
from reguloom.report.sections.ranking import as_cell

MOST_POINTS, MOST_GENES = 6000, 3000
_CURVE = ("module", "track", "time", "mean", "low", "high")


def panel(source: Source) -> dict[str, Any] | None:
    """Return modules with sizes, timing, curves and genes; None without any.

    Parameters
    ----------
    source
        The pieces.
    """
    adata = source.temporal
    key = _keys.temporal("module")
    if adata is None or key not in adata.var:
        return None
    from reguloom.pl._style import group_colors

    labels = adata.var[key].astype("category")
    names = [str(name) for name in labels.cat.categories if str(name) not in ("static", "unassigned")]
    if not names:
        return None
    found = adata.uns.get(_keys.TEMPORAL)
    held = found if isinstance(found, Mapping) else {}
    codes = labels.astype(str).to_numpy()
    made: dict[str, Any] = {
        "modules": names,
        "colors": group_colors(len(names)),
        "counts": {str(name): int((codes == str(name)).sum()) for name in labels.cat.categories},
        "method": str(held.get("method", "")),
        "curves": _records(held.get("curves"), _CURVE, MOST_POINTS),
        "genes": _genes(adata.var, codes, names),
    }
    for name in ("summary", "benchmark"):
        table = held.get(name)
        if isinstance(table, pd.DataFrame) and len(table):
            made[name] = {"columns": [str(column) for column in table.columns], "rows": _rows(table)}
        else:
            made[name] = None
    return made


def _genes(var: pd.DataFrame, codes: Any, names: list[str]) -> list[list[Any]]:
    """Return gene, module, half-time and onset of the genes in modules, the surest first where that is known."""
    inside = np.isin(codes, names)
    times = [_keys.temporal(name) for name in ("halftime", "onset")]
    table = pd.DataFrame({"gene": var.index.astype(str), "module": codes})
    for name in times:
        table[name] = var[name].to_numpy(dtype=np.float64) if name in var else np.nan
    sure = var["probability"].to_numpy(dtype=np.float64) if "probability" in var else np.zeros(len(var))
    order = np.argsort(-np.nan_to_num(sure[inside]), kind="stable")
    return _rows(table[inside].iloc[order].head(MOST_GENES))


def _records(table: Any, columns: tuple[str, ...], most: int) -> list[list[Any]] | None:
    """Return some columns of a table as rows; None if it is not there, or too long to be curves."""
    if isinstance(table, Mapping) or not isinstance(table, pd.DataFrame):
        return None
    if not len(table) or len(table) > most or any(name not in table for name in columns):
        return None
    return _rows(table[list(columns)])


def _rows(table: pd.DataFrame) -> list[list[Any]]:
    """Return the rows of a table in the page's types."""
    return [[as_cell(value) for value in row] for row in table.itertuples(index=False)]
