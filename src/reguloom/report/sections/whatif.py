"""What the page needs to simulate for itself: coefficients of every group, sampled cells, and their neighbours.

The page repeats :func:`reguloom.oracle.simulate.propagate` for the sampled cells. Coefficients and the expression of
genes that can be perturbed are kept in single precision; other genes, which enter through the floor at 0 alone, in two
bytes over their range.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom.manifold import Neighborhood
from reguloom.oracle import Oracle
from reguloom.oracle.model import MOST_TRUSTED_ROUNDS
from reguloom.report._payload import Payload
from reguloom.report.sections.knockout import Places, Stage, part_of, stratified

MOST_CELLS, FEWEST_CELLS = 500, 200
MOST_VALUES = 1_000_000
N_NEIGHBORS = 30
SIGMA = 0.05


def panel(oracle: Oracle | None, ready: Stage | None, payload: Payload) -> dict[str, Any] | None:
    """Return coefficients and cells; None without an oracle with an embedding.

    Parameters
    ----------
    oracle
        The whole oracle, whose ranges are those of all cells.
    ready
        From :func:`reguloom.report.sections.knockout.stage`.
    payload
        Where the numbers go.
    """
    if oracle is None or ready is None:
        return None
    genes = involved(oracle)
    size = int(np.clip(MOST_VALUES // max(genes.size, 1), FEWEST_CELLS, MOST_CELLS))
    everyone = np.arange(len(ready.rows))
    chosen = (
        everyone if everyone.size <= size else stratified(ready.oracle.groups.codes, size, "report what-if", everyone)
    )
    # Cells of a group side by side, so that the page goes through them in one sweep.
    chosen = chosen[np.argsort(ready.oracle.groups.codes[chosen], kind="stable")]
    part = part_of(ready.oracle, chosen)
    embedding = ready.embedding[chosen]
    places = Places.of(ready.embedding)
    low, high = oracle.limits
    return {
        "genes": [str(name) for name in oracle.genes[genes]],
        "n_genes": len(oracle.genes),
        "regulators": _positions(oracle, genes),
        "groups": [str(name) for name in oracle.groups.categories],
        "pin": "value" if oracle.compat else "gene",
        "rounds": MOST_TRUSTED_ROUNDS,
        "sigma": SIGMA,
        "low": payload.add(low[genes], "f4"),
        "high": payload.add(high[genes], "f4"),
        "edges": [_edges(one, genes, payload) for one in oracle.coefficients],
        "n": len(chosen),
        "total": len(oracle.cells),
        "cells": payload.add(ready.rows[chosen], "u4", delta=True),
        "codes": payload.add(part.groups.codes, "u1"),
        **places.fields(payload, embedding),
        **_expression(part, genes, payload),
        **_neighbours(part, embedding, payload),
        "basis": ready.basis,
    }


def involved(oracle: Oracle) -> NDArray[np.int64]:
    """Return the genes with an edge in some group, as positions."""
    ends = [np.unique(np.concatenate(one.nonzero())) for one in oracle.coefficients]
    return np.unique(np.concatenate(ends)).astype(np.int64)


def _positions(oracle: Oracle, genes: NDArray[np.int64]) -> list[int]:
    """Return where the genes that can be perturbed stand among `genes`."""
    return [int(np.searchsorted(genes, oracle.genes.get_loc(name))) for name in oracle.regulators]


def _edges(coefficients: Any, genes: NDArray[np.int64], payload: Payload) -> dict[str, Any]:
    """Return one group's edges among the involved genes, sorted by target."""
    inner = coefficients[genes][:, genes].tocoo()
    row, column = inner.coords
    order = np.lexsort((row, column))
    return {
        "source": payload.add(row[order], "u2"),
        "target": payload.add(column[order], "u2", delta=True),
        "weight": payload.add(inner.data[order], "f4"),
    }


def _expression(part: Oracle, genes: NDArray[np.int64], payload: Payload) -> dict[str, Any]:
    """Return the sampled cells' expression: gene after gene, exact for those that can be perturbed."""
    values = np.asarray(part.expression[:, genes], dtype=np.float64)
    low, high = values.min(axis=0), values.max(axis=0)
    exact = np.array(_positions(part, genes), dtype=np.int64)
    span = np.where(high > low, high - low, 1.0)
    codes = np.rint((values - low) / span * 65535)
    return {
        "expression": payload.add(codes.T, "u2"),
        "base": payload.add(low, "f4"),
        "span": payload.add(span, "f4"),
        "exact": payload.add(values[:, exact].T, "f4"),
        "row_mean": payload.add(part.expression.mean(axis=1, dtype=np.float64), "f4"),
    }


def _neighbours(part: Oracle, embedding: NDArray[np.float64], payload: Payload) -> dict[str, Any]:
    """Return the neighbours of the sampled cells among themselves, and their distances in expression."""
    near = Neighborhood.of(part.expression, embedding, n_neighbors=min(N_NEIGHBORS, len(embedding) - 1))
    return {
        "n_neighbors": int(near.indices.shape[1]),
        "neighbors": payload.add(near.indices, "u2"),
        "distances": payload.add(near.distances, "f4"),
    }
