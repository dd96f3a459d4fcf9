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


@njit
def _best_partner(inside: Any, ends: Any, alive: Any, i: int) -> Any:
    """Return the module whose union with `i` gains most modularity, and the gain; -1 if none is joined to it."""
    partner, most = -1, -np.inf
    for j in range(inside.shape[0]):
        if j != i and alive[j] and inside[i, j] > 0.0:
            gain = 2.0 * (inside[i, j] - ends[i] * ends[j])
            if gain > most:
                partner, most = j, gain
    return partner, most


@njit
def join_modules(inside: Any, ends: Any, label: Any) -> None:
    """Join the two modules whose union gains most modularity until none gains; `label` becomes each node's module.

    Each module remembers its best partner, and only those whose partner has changed look for another.

    Parameters
    ----------
    inside
        Share of all ends of links that join each pair of nodes, ``(n, n)``; overwritten.
    ends
        Sums of its rows; overwritten.
    label
        ``0 ... n - 1``; overwritten.
    """
    n = ends.size
    alive = np.ones(n, dtype=np.bool_)
    partner, most = np.empty(n, dtype=np.int64), np.empty(n)
    for i in range(n):
        partner[i], most[i] = _best_partner(inside, ends, alive, i)
    for _ in range(n - 1):
        first = int(np.argmax(most))
        if not most[first] > 1e-12:
            break
        one, other = min(first, partner[first]), max(first, partner[first])
        for j in range(n):
            if label[j] == other:
                label[j] = one
            inside[one, j] += inside[other, j]
        for j in range(n):
            inside[j, one] += inside[j, other]
        ends[one] += ends[other]
        alive[other], most[other] = False, -np.inf
        for i in range(n):
            if not alive[i]:
                continue
            if i == one or partner[i] == one or partner[i] == other:
                partner[i], most[i] = _best_partner(inside, ends, alive, i)
            elif inside[i, one] > 0.0:
                gain = 2.0 * (inside[i, one] - ends[i] * ends[one])
                if gain > most[i] or (gain == most[i] and one < partner[i]):
                    partner[i], most[i] = one, gain
