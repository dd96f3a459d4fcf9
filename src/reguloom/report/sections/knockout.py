"""Knock-outs on the embedding: the flow on a grid, computed here for every factor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._random import child_seed
from reguloom.core import Perturbation
from reguloom.manifold import Grid, GridWeights, Neighborhood, nearest
from reguloom.oracle import Oracle
from reguloom.report._payload import Payload, quantise
from reguloom.report._source import DEVELOPMENT, Source
from reguloom.report.sections.cells import BASES

MOST_CELLS, MOST_FACTORS, MOST_EACH = 1500, 80, 10
N_GRID, SMOOTH, N_NEIGHBORS = 28, 0.8, 100
FEWEST = 0.04
"""Least mass of a point of the grid, as a share of the densest point's."""


@dataclass(frozen=True, eq=False)
class Stage:
    """The oracle's cells that flows are computed with.

    Parameters
    ----------
    oracle
        The oracle, of these cells alone.
    rows
        Which cells.
    embedding
        ``(n_cells, 2)``.
    basis
        Name of the embedding.
    development
        What a screen stored of its field of development: grid, flow, kept points, source.
    """

    oracle: Oracle
    rows: NDArray[np.int64]
    embedding: NDArray[np.float64]
    basis: str
    development: dict[str, Any]


def stage(source: Source) -> Stage | None:
    """Return the cells that flows are computed with; None without an oracle or a place for its cells.

    Parameters
    ----------
    source
        The pieces.
    """
    oracle, cells = source.oracle, source.oracle_cells
    if oracle is None or cells is None or not len(oracle.regulators):
        return None
    held = cells.uns.get(DEVELOPMENT, {})
    keys = [key for key in ("oracle_embedding", *(f"X_{name}" for name in BASES), *BASES) if key in cells.obsm]
    if not keys:
        return None
    places = np.ascontiguousarray(np.asarray(cells.obsm[keys[0]], dtype=np.float64)[:, :2])
    rows = np.flatnonzero(np.isfinite(places).all(axis=1))
    if rows.size > MOST_CELLS:
        rows = stratified(oracle.groups.codes[rows], MOST_CELLS, "report flow", rows)
    name = str(held.get("basis", keys[0].removeprefix("X_")))
    return Stage(part_of(oracle, rows), rows, places[rows], name, dict(held))


def part_of(oracle: Oracle, rows: NDArray[np.int64]) -> Oracle:
    """Return the oracle of some of its cells, with the coefficients of all.

    Parameters
    ----------
    oracle
        The whole.
    rows
        Which cells.
    """
    return replace(oracle, expression=oracle.expression[rows], cells=oracle.cells[rows], groups=oracle.groups[rows])


def stratified(codes: NDArray[Any], size: int, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `size` of `rows` at random, every group by its share and with a few cells at least.

    Parameters
    ----------
    codes
        Group of each of `rows`.
    size
        How many.
    name
        What they are drawn for, which decides the draw.
    rows
        What is drawn from.
    """
    rng = np.random.default_rng(child_seed(0, name))
    keys, few = rng.random(len(rows)), 12
    place = pd.Series(keys).groupby(codes).rank(method="first").to_numpy()
    # The first few of every group come before everything else, then chance decides.
    order = np.lexsort((keys, place > few))
    return np.sort(rows[order[:size]])


def panel(source: Source, payload: Payload, ready: Stage | None) -> dict[str, Any] | None:
    """Return cells, grid and the flow of every factor; None without a stage.

    Parameters
    ----------
    source
        The pieces.
    payload
        Where the numbers go.
    ready
        From :func:`stage`.
    """
    if ready is None:
        return None
    from reguloom.pl._style import group_colors

    held = ready.development
    grid = Grid.of(ready.embedding, N_GRID)
    weights = GridWeights.of(grid, ready.embedding, smooth=SMOOTH, n_neighbors=min(N_NEIGHBORS, len(ready.rows)))
    kept = np.flatnonzero(weights.relative_mass >= FEWEST)
    near = Neighborhood.of(ready.oracle.expression, ready.embedding, n_neighbors=N_NEIGHBORS)
    places = Places.of(ready.embedding)
    made: dict[str, Any] = {
        "basis": ready.basis,
        "n": len(ready.rows),
        "total": len(source.oracle.cells) if source.oracle is not None else 0,
        **places.fields(payload, ready.embedding),
        "groups": list(map(str, ready.oracle.groups.categories)),
        "colors": group_colors(len(ready.oracle.groups.categories)),
        "codes": payload.add(ready.oracle.groups.codes, "u1"),
        "grid": {name: payload.add(places.codes(grid.points[kept], axis), "u2") for axis, name in enumerate("xy")},
        "step": float(grid.step / places.span),
        "flows": [],
    }
    if "flow" in held:
        field = _development(held, grid.points[kept])
        made["development"] = {"source": str(held.get("source", "")), **arrows(field, payload)}
    for name in _factors(source, ready):
        prediction = ready.oracle.predict(Perturbation.knockout(*name.split("+")))
        flow = weights.average(near.shift(prediction.delta))[kept]
        made["flows"].append({"gene": name, "checks": dict(prediction.checks), **arrows(flow, payload)})
    return made


@dataclass(frozen=True)
class Places:
    """One scale for both axes of an embedding.

    Parameters
    ----------
    low
        Where the axes begin.
    span
        The longer side.
    extent
        Length of both sides as a share of `span`.
    """

    low: tuple[float, float]
    span: float
    extent: tuple[float, float]

    @classmethod
    def of(cls, places: NDArray[np.float64]) -> Places:
        """Return the scale that fits `places`, ``(n, 2)``."""
        low, high = places.min(axis=0), places.max(axis=0)
        span = float((high - low).max()) or 1.0
        extent = (high - low) / span
        return cls((float(low[0]), float(low[1])), span, (float(extent[0]), float(extent[1])))

    def codes(self, places: NDArray[np.float64], axis: int) -> NDArray[np.uint16]:
        """Return one coordinate as whole numbers; what lies outside moves to the edge."""
        made: NDArray[np.uint16] = quantise(places[:, axis], "u2", low=self.low[axis], high=self.low[axis] + self.span)[
            0
        ]
        return made

    def fields(self, payload: Payload, places: NDArray[np.float64]) -> dict[str, Any]:
        """Return the coordinates of cells, and how far they reach."""
        made: dict[str, Any] = {name: payload.add(self.codes(places, axis), "u2") for axis, name in enumerate("xy")}
        return {**made, "extent": list(self.extent)}


def arrows(flow: NDArray[np.float64], payload: Payload) -> dict[str, Any]:
    """Return a field of arrows in a byte for each coordinate, and the length that stands for the largest one."""
    top = float(np.abs(flow).max()) or 1.0
    codes = np.rint(flow / top * 127)
    return {"top": top, "u": payload.add(codes[:, 0], "i1"), "v": payload.add(codes[:, 1], "i1")}


def _development(held: dict[str, Any], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stored field of development at `points`: that of the nearest of its own points where it is known."""
    own = Grid(np.asarray(held["grid_x"], dtype=np.float64), np.asarray(held["grid_y"], dtype=np.float64)).points
    known = np.flatnonzero(np.asarray(held["kept"], dtype=bool))
    if not known.size:
        return np.zeros((len(points), 2))
    closest = known[nearest(own[known], 1, queries=points)[0][:, 0]]
    return np.asarray(held["flow"], dtype=np.float64)[closest]


def _factors(source: Source, ready: Stage) -> list[str]:
    """Return the factors to knock out, by their score over all cells; each lineage's first are among them."""
    usable = set(map(str, ready.oracle.regulators))
    table = source.screen
    if table is None or "gene" not in table or "lineage" not in table:
        return sorted(usable)[:MOST_FACTORS]
    asked = [name for name in dict.fromkeys(map(str, table["gene"])) if usable >= set(name.split("+"))]
    # The table comes by lineage and falling score.
    first = table.groupby("lineage", sort=False, observed=True).head(MOST_EACH)["gene"].astype(str)
    wanted = set(first) | (_own_factors(source) & set(asked))
    chosen = wanted | set([name for name in asked if name not in wanted][: max(0, MOST_FACTORS - len(wanted))])
    return [name for name in asked if name in chosen][: 2 * MOST_FACTORS]


def _own_factors(source: Source) -> set[str]:
    """Return the factors of the regulons, which link to their knock-outs."""
    return {one.tf for one in source.regulons} if source.regulons is not None else set()
