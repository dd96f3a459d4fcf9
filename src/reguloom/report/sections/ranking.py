"""The screen: every factor knocked out and held against development, with its nulls and baselines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reguloom.report._source import Source

MOST_ROWS = 4000
DIGITS = 5
_LEFT_OUT = ("perturbation",)
_FIRST = ("gene", "lineage", "net")


def panel(source: Source) -> dict[str, Any] | None:
    """Return the table of the screen by lineage; None without one.

    Parameters
    ----------
    source
        The pieces.
    """
    table = source.screen
    if table is None or any(name not in table for name in _FIRST) or table.empty:
        return None
    table = table.reset_index(drop=True)
    lineages = list(dict.fromkeys(table["lineage"].astype(str)))
    most = max(1, MOST_ROWS // len(lineages))
    kept = table.groupby("lineage", sort=False, observed=True).head(most)
    columns = [str(name) for name in kept.columns if name not in _LEFT_OUT]
    return {
        "lineages": lineages,
        "columns": columns,
        "rows": [[as_cell(value) for value in row] for row in kept[columns].itertuples(index=False)],
        "baselines": [name for name in columns if name.startswith("baseline_")],
        "left_out": len(table) - len(kept),
    }


def as_cell(value: Any) -> Any:
    """Return a value for the page; numbers keep some digits alone."""
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
    if isinstance(value, (int, np.integer)):
        return int(value)
    return "" if pd.isna(value) else str(value)
