"""Loops over neighbours: the balanced graph, correlation of a shift with the way to each neighbour, its projection."""

from __future__ import annotations

from typing import Any

import numpy as np

from reguloom._numba import njit


@njit
def balance(indices: Any, order: Any, k: int, max_in: int) -> Any:
    """Return the ranks of up to `k` neighbours of each cell, none of them accepted more than `max_in` times.

    Cells choose in the given order, nearest first; slots that stay empty hold -1.
    """
    n, sight = indices.shape
    chosen = np.empty((n, k), dtype=np.int64)
    taken = np.zeros(n, dtype=np.int64)
    for position in range(n):
        i = order[position]
        found = 0
        for s in range(sight):
            if found == k:
                break
            j = indices[i, s]
            if j == i or taken[j] >= max_in:
                continue
            taken[j] += 1
            chosen[i, found] = s
            found += 1
        for rest in range(found, k):
            chosen[i, rest] = -1
    return chosen


@njit
def project(correlation: Any, rows: Any, indices: Any, embedding: Any, sigma: float, out: Any) -> None:
    """Write the shift on the embedding of the cells `rows`: softmax-weighted unit steps minus their plain mean."""
    n_dims = embedding.shape[1]
    k = indices.shape[1]
    unit = np.empty(n_dims)
    weighted = np.empty(n_dims)
    plain = np.empty(n_dims)
    for r in range(rows.size):
        i = rows[r]
        total = 0.0
        weighted[:] = 0.0
        plain[:] = 0.0
        for s in range(k):
            j = indices[i, s]
            length = 0.0
            for d in range(n_dims):
                unit[d] = embedding[j, d] - embedding[i, d]
                length += unit[d] * unit[d]
            weight = np.exp(correlation[r, s] / sigma)
            total += weight
            if length > 0.0:
                length = np.sqrt(length)
                for d in range(n_dims):
                    weighted[d] += weight * unit[d] / length
                    plain[d] += unit[d] / length
        for d in range(n_dims):
            out[i, d] = weighted[d] / total - plain[d] / k


@njit
def linear_shift(
    scores: Any,
    groups: Any,
    weights: Any,
    indices: Any,
    distances: Any,
    units: Any,
    plain: Any,
    sigma: float,
    out: Any,
) -> None:
    """Write the shift of cells whose change is a mix of a few vectors of their group.

    ``scores[g, c, j]`` is cell j's expression along group g's centred unit vector c, and `weights` are the shares of
    the vectors in the unit change of cell i, so the correlation with the way from i to j is the weighted sum of
    ``scores[g, c, j] - scores[g, c, i]`` over ``distances[i, j]``. A cell whose weights are all 0 does not change.
    `plain` is each cell's mean of `units`.
    """
    n, k = indices.shape
    n_parts, n_dims = weights.shape[1], units.shape[2]
    chance = np.empty(k)
    for i in range(n):
        changes = False
        for c in range(n_parts):
            changes = changes or weights[i, c] != 0.0
        for d in range(n_dims):
            out[i, d] = 0.0
        if not changes:
            continue
        along = scores[groups[i]]
        chance[:] = 0.0
        for c in range(n_parts):
            weight, own = weights[i, c], along[c, i]
            for s in range(k):
                chance[s] += weight * (along[c, indices[i, s]] - own)
        total = 0.0
        for s in range(k):
            way = distances[i, s]
            chance[s] = np.exp((chance[s] / way if way > 0.0 else 1.0) / sigma)
            total += chance[s]
        for d in range(n_dims):
            weighted = 0.0
            for s in range(k):
                weighted += chance[s] * units[i, s, d]
            out[i, d] = weighted / total - plain[i, d]
