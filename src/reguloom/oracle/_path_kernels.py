"""Shortest paths through a small directed network."""

from __future__ import annotations

from typing import Any

import numpy as np

from reguloom._numba import njit


@njit
def betweenness(indptr: Any, targets: Any, lengths: Any) -> Any:
    """Return for each node the share of shortest paths through it, summed over ordered pairs (Brandes 2001).

    Parameters
    ----------
    indptr, targets
        Edges from node i: ``targets[indptr[i]:indptr[i + 1]]``.
    lengths
        Of the edges, positive.
    """
    n = indptr.size - 1
    found = np.zeros(n)
    for start in range(n):
        distance = np.full(n, np.inf)
        paths = np.zeros(n)
        settled = np.zeros(n, dtype=np.bool_)
        order = np.empty(n, dtype=np.int64)
        reached = 0
        distance[start], paths[start] = 0.0, 1.0
        while True:
            node = -1
            for i in range(n):
                if not settled[i] and distance[i] < np.inf and (node < 0 or distance[i] < distance[node]):
                    node = i
            if node < 0:
                break
            settled[node] = True
            order[reached] = node
            reached += 1
            for e in range(indptr[node], indptr[node + 1]):
                other = targets[e]
                way = distance[node] + lengths[e]
                if way < distance[other] * (1.0 - 1e-12):
                    distance[other], paths[other] = way, paths[node]
                elif not settled[other] and abs(way - distance[other]) <= 1e-12 * way:
                    paths[other] += paths[node]
        share = np.zeros(n)
        for r in range(reached - 1, -1, -1):
            node = order[r]
            for e in range(indptr[node], indptr[node + 1]):
                other = targets[e]
                if abs(distance[node] + lengths[e] - distance[other]) <= 1e-12 * max(distance[other], 1e-300):
                    share[node] += paths[node] / paths[other] * (1.0 + share[other])
            if node != start:
                found[node] += share[node]
    return found
