"""What would fill the panels that have nothing to show."""

from __future__ import annotations

from typing import Any

_SCREEN = (
    "reguloom oracle screen cells.h5ad --base-network base.parquet --groupby cell_type --pseudotime pseudotime -o run"
)
NOTES: dict[str, tuple[str, str, str]] = {
    "cells": (
        "Cells", "There is no embedding to draw the cells on.",
        "add one to obsm, such as X_umap (scanpy.tl.umap), and run the report again",
    ),
    "regulons": (
        "Regulons", "No regulons were found in the data.",
        "reguloom scenic cells.h5ad --tfs tfs.txt --rankings db.feather --annotations motifs.tbl -o run",
    ),
    "specificity": (
        "Specificity", "Regulons were not scored for groups of cells.",
        "reguloom scenic ... --groupby cell_type, or reguloom rss",
    ),
    "network": (
        "Network", "There is no network.", "reguloom grn cells.h5ad tfs.txt -o adjacencies.tsv",
    ),
    "knockout": (
        "Knock-outs", "No factor was knocked out.",
        _SCREEN,
    ),
    "ranking": (
        "Ranking", "There is no screen to rank factors by.",
        _SCREEN,
    ),
    "whatif": (
        "What if", "There is no fitted oracle to simulate with.",
        _SCREEN,
    ),
    "flow": (
        "Flow", "There is no vector field.",
        "reguloom vectorfield fit cells.h5ad -o run/field.h5ad, or a [vectorfield] section in run.toml",
    ),
    "temporal": (
        "Time", "There are no temporal modules.", "reguloom temporal fit counts.h5ad --time hours -o run",
    ),
    "tables": (
        "Evaluation", "Nothing was held against baselines.",
        "reguloom evaluate response screen.h5ad --models linear -o run/evaluation",
    ),
}  # fmt: skip
"""Panel → its name, what is missing, and what to do."""


def notes(content: dict[str, Any]) -> list[dict[str, str]]:
    """Return a note for each panel of `content` that is empty."""
    return [
        {"panel": panel, "name": name, "text": text, "command": command}
        for panel, (name, text, command) in NOTES.items()
        if content.get(panel) is None
    ]
