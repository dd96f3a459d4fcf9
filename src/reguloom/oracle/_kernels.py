"""Ridge regressions by the thousand from one Gram matrix, each on its own few regulators."""

from __future__ import annotations

from typing import Any

import numpy as np

from reguloom._numba import GOLDEN, mix, njit


@njit
def _cholesky(a: Any, n: int) -> bool:
    """Factor the leading `n` × `n` of `a` in place (lower triangle); False if it is not positive definite."""
    for j in range(n):
        diagonal = a[j, j]
        for m in range(j):
            diagonal -= a[j, m] * a[j, m]
        if diagonal <= 0.0:
            return False
        diagonal = np.sqrt(diagonal)
        a[j, j] = diagonal
        for i in range(j + 1, n):
            value = a[i, j]
            for m in range(j):
                value -= a[i, m] * a[j, m]
            a[i, j] = value / diagonal
    return True


@njit
def _substitute(a: Any, b: Any, n: int) -> None:
    """Solve with the factor that :func:`_cholesky` left in `a`; `b` becomes the solution."""
    for i in range(n):
        value = b[i]
        for m in range(i):
            value -= a[i, m] * b[m]
        b[i] = value / a[i, i]
    for i in range(n - 1, -1, -1):
        value = b[i]
        for m in range(i + 1, n):
            value -= a[m, i] * b[m]
        b[i] = value / a[i, i]


@njit
def solve_targets(gram: Any, cross: Any, indptr: Any, regulators: Any, use: Any, alpha: float, out: Any) -> None:
    """Write the ridge coefficients of every target on those of its regulators that `use` marks.

    Parameters
    ----------
    gram
        Weighted, centred products of the regulators, ``(n_regulators, n_regulators)``.
    cross
        The same of regulators and targets, ``(n_regulators, n_targets)``.
    indptr, regulators
        Regulators of target t: ``regulators[indptr[t]:indptr[t + 1]]``.
    use
        Which edges take part, ``(n_edges,)``.
    alpha
        Penalty.
    out
        ``(n_edges,)``; NaN where an edge takes no part.
    """
    widest = 0
    for t in range(indptr.size - 1):
        widest = max(widest, indptr[t + 1] - indptr[t])
    a = np.empty((widest, widest))
    b = np.empty(widest)
    chosen = np.empty(widest, dtype=np.int64)
    for t in range(indptr.size - 1):
        n = 0
        for e in range(indptr[t], indptr[t + 1]):
            out[e] = np.nan
            if use[e]:
                chosen[n] = e
                n += 1
        for i in range(n):
            row = regulators[chosen[i]]
            for j in range(i + 1):
                a[i, j] = gram[row, regulators[chosen[j]]]
            a[i, i] += alpha
            b[i] = cross[row, t]
        solved = _cholesky(a, n)
        if solved:
            _substitute(a, b, n)
        for i in range(n):
            out[chosen[i]] = b[i] if solved else 0.0


@njit
def ridge_variance(gram: Any, indptr: Any, regulators: Any, alpha: float, out: Any) -> None:
    """Write the diagonal of the inverse of each target's penalised Gram matrix, one number per edge."""
    widest = 0
    for t in range(indptr.size - 1):
        widest = max(widest, indptr[t + 1] - indptr[t])
    a = np.empty((widest, widest))
    b = np.empty(widest)
    for t in range(indptr.size - 1):
        start = indptr[t]
        n = indptr[t + 1] - start
        for i in range(n):
            for j in range(i + 1):
                a[i, j] = gram[regulators[start + i], regulators[start + j]]
            a[i, i] += alpha
        solved = _cholesky(a, n)
        for i in range(n):
            b[:n] = 0.0
            b[i] = 1.0
            if solved:
                _substitute(a, b, n)
            out[start + i] = b[i] if solved else np.inf


@njit
def held_out_error(
    gram: Any, cross: Any, square: Any, indptr: Any, regulators: Any, coefficients: Any, out: Any
) -> None:
    """Write each target's sum of squared errors from the products of held-out cells: y'y - 2 b'X'y + b'X'X b."""
    for t in range(indptr.size - 1):
        value = square[t]
        for i in range(indptr[t], indptr[t + 1]):
            value -= 2.0 * coefficients[i] * cross[regulators[i], t]
            for j in range(indptr[t], indptr[t + 1]):
                value += coefficients[i] * coefficients[j] * gram[regulators[i], regulators[j]]
        out[t] = value


@njit
def draw_regulators(
    indptr: Any, regulators: Any, regulator_hash: Any, target_hash: Any, seed: Any, share: float, use: Any
) -> None:
    """Mark a share of each target's regulators: those whose name, mixed with target and seed, hashes lowest.

    The draw depends on names alone, so neither the order of the genes nor that of the targets matters.
    """
    for t in range(indptr.size - 1):
        start, stop = indptr[t], indptr[t + 1]
        n = stop - start
        size = max(1, int(share * n))
        keys = np.empty(n, dtype=np.uint64)
        for i in range(n):
            keys[i] = mix(mix(regulator_hash[regulators[start + i]] ^ seed) ^ target_hash[t])
        order = np.argsort(keys)
        for i in range(n):
            use[start + i] = False
        for i in range(min(size, n)):
            use[start + order[i]] = True


@njit
def rewire(sources: Any, targets: Any, present: Any, forbidden: Any, n_swaps: int, seed: int) -> int:
    """Swap the targets of random pairs of edges in place, keeping every degree; return how many swaps were made.

    Parameters
    ----------
    sources, targets
        Codes of the edges.
    present
        Boolean ``(n_sources, n_targets)``: which edges there are; kept up to date.
    forbidden
        For each source, the target code that is the source itself, or -1.
    n_swaps
        How many swaps are tried.
    seed
        Seed of the pairs.
    """
    state = np.uint64(seed)
    n = np.uint64(sources.size)
    made = 0
    for _ in range(n_swaps):
        state += GOLDEN
        bits = mix(state)
        e = np.int64((bits >> np.uint64(32)) % n)
        f = np.int64((bits & np.uint64(0xFFFFFFFF)) % n)
        a, b, c, d = sources[e], targets[e], sources[f], targets[f]
        if a == c or b == d or present[a, d] or present[c, b] or forbidden[a] == d or forbidden[c] == b:
            continue
        present[a, b], present[c, d] = False, False
        present[a, d], present[c, b] = True, True
        targets[e], targets[f] = d, b
        made += 1
    return made


@njit
def farthest_out(values: Any, shift: Any, low: Any, high: Any) -> Any:
    """Return, per gene, how far ``values + shift`` leaves the range (1 = its width), and in how many cells."""
    n, n_genes = values.shape
    farthest, count = np.zeros(n_genes), np.zeros(n_genes)
    for i in range(n):
        for g in range(n_genes):
            if shift[i, g] != 0.0:
                now = values[i, g] + shift[i, g]
                width = high[g] - low[g] if high[g] > low[g] else 1.0
                beyond = max(low[g] - now, now - high[g]) / width
                if beyond > 1e-9:
                    count[g] += 1.0
                    farthest[g] = max(farthest[g], beyond)
    return farthest, count
