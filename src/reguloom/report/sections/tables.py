"""Tables of evaluations: every method next to its baselines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from reguloom.report._source import TABLES, Source
from reguloom.report.sections.ranking import as_cell

MOST_ROWS, MOST_COLUMNS, MOST_TABLES = 4000, 40, 12
RANKED = frozenset(("model", "metric", "stratum", "value", "low", "high", "kind", "ceiling"))
"""Columns by which a table is known as one of ``evaluate.response``, which is drawn metric by metric."""
_BASELINE = re.compile(
    r"baseline|any order|no[ _-]?change|control|mean|additive|nearest|random|chance|shuffled|null|correlation",
    re.IGNORECASE,
)
_LONGEST = 2000
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
                made.append({"title": _WHAT[name], "file": where.as_posix(), **_content(table), **_said(path, table)})
    return made or None


def _said(path: Path, table: pd.DataFrame) -> dict[str, Any]:
    """Return whether a table is ranked by metrics, which of them are better small, and the sentence beside it."""
    from reguloom.pl.response_leaderboard import LESS_IS_BETTER, NAMES

    if not set(table) >= RANKED:
        return {"ranked": None}
    beside = path.with_name("headline.txt")
    said = beside.read_text("utf-8", errors="replace")[:_LONGEST].strip() if beside.is_file() else ""
    metrics = list(dict.fromkeys(table["metric"].astype(str)))
    names = {name: NAMES.get(name, name.replace("_", " ")).replace("\n", " ") for name in metrics}
    return {"ranked": {"names": names, "less": [name for name in metrics if name in LESS_IS_BETTER], "headline": said}}


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
