"""The measured flow of cells: a fitted vector field on the embedding, what drives it, and what can be believed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import ReguloomError
from reguloom.manifold import Grid, GridWeights
from reguloom.report._payload import Payload, quantise
from reguloom.report._source import Source
from reguloom.report.sections.cells import BASES
from reguloom.report.sections.knockout import Places, arrows, stratified
from reguloom.report.sections.ranking import as_cell

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.vectorfield import VectorField

MOST_CELLS, MOST_ROWS, MOST_GENES = 4000, 2000, 2000
N_GRID, SMOOTH, N_NEIGHBORS = 34, 0.8, 100
FEWEST = 0.04
"""Least mass of a point of the grid, as a share of the densest point's."""
TAIL = 0.98
_FACTS = {
    "n_cells": "cells", "n_control": "control points", "inlier_share": "share of velocities that fit",
    "cosine_held_out": "cosine on held-out cells", "r2_held_out": "R² on held-out cells",
}  # fmt: skip
"""Numbers of a fit that are shown, and what they are."""


def panel(source: Source, payload: Payload) -> dict[str, Any] | None:
    """Return cells, arrows on a grid, speed and divergence, drivers and checks; None without a field.

    Parameters
    ----------
    source
        The pieces.
    payload
        Where the numbers go.
    """
    field, adata = source.field, source.field_cells
    if field is None or adata is None:
        return None
    basis = next((name for name in (*BASES, field.space.basis) if f"X_{name}" in adata.obsm), None)
    if basis is None or len(field.cells) < 10:
        return None
    try:
        return _panel(source, payload, _some(field), adata, basis)
    except ReguloomError as error:
        source.notes.append(f"the vector field is left out: {error}")
        return None


def _panel(source: Source, payload: Payload, field: VectorField, adata: AnnData, basis: str) -> dict[str, Any]:
    """Return the panel of a field of some cells."""
    from reguloom import vectorfield
    from reguloom.pl._style import group_colors

    places = vectorfield.place(field, adata, field.states, basis=basis, n_neighbors=1)
    speeds = vectorfield.on_embedding(field, adata, basis=basis)
    known = np.isfinite(places).all(axis=1) & np.isfinite(speeds).all(axis=1)
    places, speeds = np.ascontiguousarray(places[known]), speeds[known]
    grid = Grid.of(places, N_GRID)
    weights = GridWeights.of(grid, places, smooth=SMOOTH, n_neighbors=min(N_NEIGHBORS, len(places)))
    kept = weights.relative_mass >= FEWEST
    scale = Places.of(places)
    groups = field.groups
    names = [] if groups is None else list(map(str, groups.categories))
    # Codes of few groups are of eight bits, in which there is no 255.
    codes = np.full(len(places), 255) if groups is None else groups.codes.astype(np.int64)[known]
    codes[codes < 0] = 255
    x = field.states[known]
    return {
        "basis": basis,
        "space": field.space.basis,
        "n": len(places),
        "total": len(source.field.cells) if source.field is not None else len(places),
        **scale.fields(payload, places),
        "groups": names,
        "colors": group_colors(len(names)),
        "codes": payload.add(codes, "u1"),
        "grid": _lattice(grid, scale) | {"kept": payload.add(kept, "u1")},
        **arrows(weights.average(speeds) * kept[:, None], payload),
        "channels": [
            _channel("speed", np.linalg.norm(field(x), axis=1), payload),
            _channel("divergence", field.divergence(x), payload),
        ],
        "drivers": _drivers(source, field),
        "facts": [{"label": label, "value": as_cell(field.report[name])} for name, label in _FACTS.items()
                  if np.isfinite(field.report.get(name, np.nan))],
        "failed": [str(text) for text in field.failed_checks.values()],
        "diagnosis": _diagnosis(source),
    }  # fmt: skip


def _some(field: VectorField) -> VectorField:
    """Return the field with at most some thousand of its cells, every group by its share."""
    if len(field.cells) <= MOST_CELLS:
        return field
    codes = np.zeros(len(field.cells), dtype=np.int64) if field.groups is None else field.groups.codes
    rows = stratified(codes, MOST_CELLS, "report field", np.arange(len(field.cells)))
    return replace(
        field,
        states=field.states[rows],
        velocities=field.velocities[rows],
        inlier=field.inlier[rows],
        cells=field.cells[rows],
        groups=None if field.groups is None else field.groups[rows],
    )


def _lattice(grid: Grid, scale: Places) -> dict[str, Any]:
    """Return where the grid begins and its steps, in units of the longer side."""
    return {
        "nx": len(grid.x), "ny": len(grid.y),
        "x": float((grid.x[0] - scale.low[0]) / scale.span), "y": float((grid.y[0] - scale.low[1]) / scale.span),
        "dx": float((grid.x[1] - grid.x[0]) / scale.span), "dy": float((grid.y[1] - grid.y[0]) / scale.span),
    }  # fmt: skip


def _channel(name: str, values: NDArray[np.float64], payload: Payload) -> dict[str, Any]:
    """Return a colouring; divergence lies around 0, and the extreme cells do not grey out the others."""
    if name == "divergence":
        top = float(np.quantile(np.abs(values), TAIL)) or 1.0
        low, high = -top, top
    else:
        low, high = 0.0, float(np.quantile(values, TAIL)) or 1.0
    codes, low, high = quantise(values, "u1", low=low, high=high)
    return {"name": name, "low": low, "high": high, "values": payload.add(codes, "u1")}


def _drivers(source: Source, field: VectorField) -> dict[str, Any] | None:
    """Return what perturbing each gene would do to the flow of each group: as the run found it, or to first order."""
    from reguloom import vectorfield

    path = next(source.files("regulators.csv"), None)
    table = source.read_csv(path) if path is not None else None
    if table is None and field.space.has_genes:
        there = set(map(str, field.space.genes))
        own = sorted({one.tf for one in source.regulons} & there) if source.regulons is not None else []
        if own or len(there) <= MOST_GENES:
            table = vectorfield.screen(field, own or None)
    wanted = ("group", "gene", "effect", "alignment", "along", "linear_validity")
    if table is None or any(name not in table for name in wanted[:4]) or table.empty:
        return None
    columns = [name for name in wanted if name in table]
    groups = list(dict.fromkeys(table["group"].astype(str)))
    most = max(1, MOST_ROWS // len(groups))
    ordered = table.sort_values("effect", ascending=False, kind="stable")
    shown = ordered.groupby(ordered["group"].astype(str), sort=False).head(most)
    rows = [[as_cell(value) for value in row] for row in shown[columns].itertuples(index=False)]
    return {"groups": groups, "columns": columns, "rows": rows, "left_out": len(table) - len(shown)}


def _diagnosis(source: Source) -> list[dict[str, Any]]:
    """Return the checks that ``reguloom vectorfield diagnose`` wrote beside the field."""
    found: list[dict[str, Any]] = []
    for path in source.files("diagnosis.csv"):
        table = source.read_csv(path)
        if table is not None and {"check", "passed", "verdict"} <= set(table):
            found += [_check(row) for row in table.to_dict("records")]
    return found


def _check(row: dict[str, Any]) -> dict[str, Any]:
    """Return one check in the page's types."""
    made: dict[str, Any] = {name: as_cell(row[name]) for name in ("value", "null") if isinstance(row.get(name), float)}
    passed = str(row["passed"]).strip().lower() in ("true", "1")
    return made | {"check": str(row["check"]), "passed": passed, "verdict": str(row["verdict"])}
