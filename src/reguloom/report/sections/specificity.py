"""Regulon specificity scores: which regulons tell which group."""

from __future__ import annotations

from typing import Any

import numpy as np

from reguloom import _keys
from reguloom.report._source import Source

MOST_SCORES = 60_000


def panel(source: Source) -> list[dict[str, Any]] | None:
    """Return one entry for each grouping that was scored; None without scores.

    Parameters
    ----------
    source
        The pieces.
    """
    summary = source.summary
    made = []
    for key in sorted(map(str, summary)):
        table = summary[key]
        if key.startswith("rss_") and hasattr(table, "columns") and table.size and table.size <= MOST_SCORES:
            made.append(
                {
                    "groupby": key.removeprefix("rss_"),
                    "groups": [str(name) for name in table.index],
                    "regulons": [str(name) for name in table.columns],
                    "scores": np.round(table.to_numpy(dtype=np.float64), 4),
                }
            )
    return made or None


def groupings(source: Source) -> list[str]:
    """Return the columns of ``obs`` that specificity was scored for."""
    scored = [str(key).removeprefix("rss_") for key in source.summary if str(key).startswith("rss_")]
    return [str(key) for key in source.cells.obs.columns if _keys.safe(str(key)) in scored]
