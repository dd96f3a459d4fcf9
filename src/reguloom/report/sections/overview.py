"""The first lines of the report: how much there is, and what stands out."""

from __future__ import annotations

from typing import Any

from reguloom.report._source import Source

MOST_GROUPS, EACH = 8, 3


def panel(source: Source, content: dict[str, Any]) -> dict[str, Any]:
    """Return counts and findings.

    Parameters
    ----------
    source
        The pieces.
    content
        The panels made so far.
    """
    course = source.cells is source.temporal and content["cells"] is None
    facts = [_fact("time points" if course else "cells", source.cells.n_obs), _fact("genes", source.cells.n_vars)]
    if source.regulons is not None:
        facts.append(_fact("regulons", len(source.regulons)))
    if content["network"] is not None:
        facts.append(_fact("edges", content["network"]["total_edges"]))
    if content["knockout"] is not None:
        facts.append(_fact("knock-outs", len(content["knockout"]["flows"])))
    if content["temporal"] is not None:
        facts.append(_fact("temporal modules", len(content["temporal"]["modules"])))
    return {"facts": facts, "findings": [*_specific(content), *_against(content)]}


def _fact(label: str, value: int) -> dict[str, Any]:
    """Return a number and what it counts."""
    return {"label": label, "value": value}


def _specific(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the most specific regulons of every group."""
    found = []
    for table in (content["specificity"] or [])[:1]:
        for group, line in list(zip(table["groups"], table["scores"], strict=True))[:MOST_GROUPS]:
            names = [table["regulons"][i] for i in (-line).argsort(kind="stable")[:EACH]]
            found.append({"kind": "regulon", "text": f"Most specific for {group}", "names": names})
    return found


def _against(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the factors whose loss goes most against development, and along it, over all cells."""
    ranking = content["ranking"]
    if ranking is None:
        return []
    gene, lineage, net = (ranking["columns"].index(name) for name in ("gene", "lineage", "net"))
    rows = [row for row in ranking["rows"] if row[lineage] == ranking["lineages"][0] and row[net] is not None]
    against = [row[gene] for row in sorted(rows, key=lambda row: row[net]) if row[net] < 0][:EACH]
    along = [row[gene] for row in sorted(rows, key=lambda row: -row[net]) if row[net] > 0][:EACH]
    found = []
    if against:
        found.append({"kind": "factor", "text": "Loss goes most against development", "names": against})
    if along:
        found.append({"kind": "factor", "text": "Loss goes most along development", "names": along})
    return found
