"""Tables of evaluations: every method next to its baselines."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from reguloom.report._source import TABLES, Source
from reguloom.report.sections.ranking import as_cell

MOST_ROWS, MOST_COLUMNS, MOST_TABLES = 1000, 40, 12
_BASELINE = re.compile(
    r"baseline|any order|no[ _-]?change|control|mean|additive|nearest|random|chance|shuffled|null|correlation",
    re.IGNORECASE,
)
_NAMES = ("model", "method", "predictor", "name")
_WHAT = {
    "leaderboard.csv": "Leaderboard of predictors",
    "recovery.csv": "Recovery of the known network",
}


def panel(source: Source) -> list[dict[str, Any]] | None:
    """Return the tables of evaluations that lie in the run folder; None without any.

    Parameters
    ----------
    source
        The pieces.
    """
    made: list[dict[str, Any]] = []
    for name in TABLES:
        for path in source.files(name):
            table = source.read_csv(path)
            if table is not None and len(table) and len(made) < MOST_TABLES:
                where = next(path.relative_to(folder) for folder in source.folders if path.is_relative_to(folder))
                made.append({"title": _WHAT[name], "file": where.as_posix(), **_content(table)})
    return made or None


def _content(table: pd.DataFrame) -> dict[str, Any]:
    """Return columns, rows, and which rows are baselines."""
    shown = table.iloc[:MOST_ROWS, :MOST_COLUMNS]
    columns = [str(name) for name in shown.columns]
    if "kind" in shown:  # the leaderboard says it itself
        marked = (shown["kind"].astype(str) != "model").tolist()
    else:
        named = next((name for name in _NAMES if name in shown), shown.columns[0])
        marked = [bool(_BASELINE.search(str(value))) for value in shown[named]]
    return {
        "columns": columns,
        "rows": [[as_cell(value) for value in row] for row in shown.itertuples(index=False)],
        "baseline": marked,
        "left_out": len(table) - len(shown),
    }
