"""From a finished run, or an AnnData, to one page that opens from disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._files import atomic_write, check_output
from reguloom._progress import stage as told
from reguloom._version import __version__
from reguloom.report import _empty
from reguloom.report._payload import Payload
from reguloom.report._render import render
from reguloom.report._source import Source, open_source
from reguloom.report.sections import (
    cells,
    checks,
    flow,
    knockout,
    network,
    overview,
    ranking,
    record,
    regulons,
    specificity,
    tables,
    temporal,
    whatif,
)

if TYPE_CHECKING:
    from anndata import AnnData

SMALL_CELLS, LARGE_CELLS = 100_000, 1_000_000
SMALL_BYTES, LARGE_BYTES = 14_000_000, 38_000_000
_TEXT_BYTES = 600_000
"""Room for the page's own code and the text of its tables."""


def build(
    source: str | os.PathLike[str] | AnnData | Sequence[str | os.PathLike[str] | AnnData],
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    basis: str | None = None,
    groupby: str | None = None,
    force: bool = False,
) -> Path:
    """Write a report: one HTML file with its data inside, which opens offline.

    Panels are made from what is there: the embedding, regulons, specificity, network, knock-outs and their ranking,
    the live what-if, the vector field, evaluations, temporal modules, checks, provenance. For a panel without data the
    report names the command that would fill it. The same input gives the same bytes.

    Parameters
    ----------
    source
        Folder of a run, an h5ad file or zarr store, an AnnData, or several of these.
    path
        Where the report goes, ``.html``.
    title
        Above the report; made from the name of the source if left out.
    basis
        Embedding that the cells are drawn on; the first of UMAP, t-SNE, force-directed, PHATE, diffusion map and PCA
        that is there if left out.
    groupby
        Column of ``obs`` that cells are coloured by at first; that of the specificity scores if left out.
    force
        Whether an existing file may be replaced.

    Returns
    -------
    Path
        Where the report is. Up to 100,000 cells it takes at most 15 MB, at a million at most 40 MB: regulons and genes
        are shown as far as they fit, each group's most specific regulons first, and what is left out is said.

    Raises
    ------
    InputError
        If the source cannot be read, holds nothing to show, or the file exists and `force` is off.
    MissingKeyError
        If the embedding or the column that was asked for is not there.

    Examples
    --------
    >>> rl.report.build("run/", "report.html")  # doctest: +SKIP
    """
    check_output(path, force=force)
    found = open_source(source)
    content, payload = _content(found, basis=basis, groupby=groupby)
    content["title"] = title or _title(source)
    page = render(content, payload.blobs)
    with atomic_write(path, force=force) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")
    return Path(path)


def limit_bytes(n_cells: int) -> int:
    """Return how large the file of a report of so many cells may get."""
    share = (n_cells - SMALL_CELLS) / (LARGE_CELLS - SMALL_CELLS)
    return int(SMALL_BYTES + min(max(share, 0.0), 1.0) * (LARGE_BYTES - SMALL_BYTES))


def _content(source: Source, *, basis: str | None, groupby: str | None) -> tuple[dict[str, Any], Payload]:
    """Return everything that the page shows, and the binary parts."""
    payload = Payload()
    scored = specificity.groupings(source)
    made: dict[str, Any] = {"version": __version__, "cells": None}
    shown = cells.choose(source, basis)
    if shown is not None:
        made["cells"] = cells.panel(source, payload, shown, cells.first_labeling(source, groupby, scored))
    made["regulons"] = regulons.panel(source, payload)
    made["specificity"] = specificity.panel(source)
    with told("laying out the network"):
        made["network"] = network.panel(source, payload)
    made["knockout"] = made["whatif"] = None
    if source.oracle_file is not None:
        with told("knocking out factors for the report"):
            ready = knockout.stage(source)
            made["knockout"] = knockout.panel(source, payload, ready)
            made["whatif"] = whatif.panel(source.oracle, ready, payload)
    made["flow"] = None
    if source.field_file is not None:
        with told("laying out the flow"):
            made["flow"] = flow.panel(source, payload)
    made["ranking"], made["tables"], made["temporal"] = (
        ranking.panel(source),
        tables.panel(source),
        temporal.panel(source),
    )
    if shown is not None:
        limit = limit_bytes(len(shown.rows)) - _TEXT_BYTES
        cells.add_channels(source, payload, shown, made["cells"], wanted=_wanted(made), limit=limit)
    made["overview"] = overview.panel(source, made)
    made["record"] = record.panel(source)
    made["checks"] = checks.panel(source, _omissions(made))
    made["empty"] = _empty.notes(made)
    return made, payload


def _wanted(made: dict[str, Any]) -> list[str]:
    """Return the genes worth a colour: factors of regulons, knocked-out genes, then the network's."""
    names: list[str] = []
    if made["regulons"] is not None:
        names += [row["tf"] for row in made["regulons"]["rows"]]
    if made["knockout"] is not None:
        names += [one for flow in made["knockout"]["flows"] for one in flow["gene"].split("+")]
    if made["network"] is not None:
        names += made["network"]["names"]
    return names


def _omissions(made: dict[str, Any]) -> list[str]:
    """Return what the report leaves out, in words."""
    found = []
    if made["cells"] is not None:
        for kind, number in made["cells"]["left_out"].items():
            some = made["cells"]["shipped"][kind]
            if number > 0 and some + number > 0:
                found.append(f"cells can be coloured by {some:,} of {some + number:,} {kind}s, to keep the file small.")
    graph = made["network"]
    if graph is not None and graph["n_edges"] < graph["total_edges"]:
        found.append(
            f"the graph shows {graph['n_edges']:,} of {graph['total_edges']:,} edges and {len(graph['names']):,} of "
            f"{graph['total_nodes']:,} genes, every factor's strongest first."
        )
    for key, what in (("knockout", "flows of knock-outs are"), ("whatif", "the what-if is")):
        one = made[key]
        if one is not None and one["n"] < one["total"]:
            share = f"{one['n']:,} of {one['total']:,} cells"
            found.append(f"{what} computed with {share}, drawn at random within groups.")
    if made["ranking"] is not None and made["ranking"]["left_out"]:
        found.append(f"{made['ranking']['left_out']:,} rows of the ranking, of the smallest scores, are left out.")
    return found


def _title(source: Any) -> str:
    """Return a title made from the name of what was given."""
    first = source[0] if isinstance(source, (list, tuple)) and source else source
    if not isinstance(first, (str, os.PathLike)):
        return "reguloom report"
    path = Path(first).resolve()
    name = path.parent.name if path.name == "result.h5ad" else path.stem if path.is_file() else path.name
    return f"{name} · reguloom report"
