"""Compiled inner loops of motif enrichment: arrays in, arrays out.

Everything runs on the *truncated inverse ranking*: ``order[m, r]`` is the column of the gene that motif `m` puts
at rank `r`, or -1 when no module holds that gene. It is a few per cent of the ranking database, and both the AUC
(ranks below 5 %) and the recovery curves (ranks below the rank threshold) are walks along its rows.

Modules are a sparse matrix by gene: gene `g` is in modules ``members[offsets[g]:offsets[g + 1]]``.
"""

from __future__ import annotations

import numpy as np

from reguloom._numba import njit


@njit
def invert(ranks: np.ndarray, first_column: int, order: np.ndarray) -> int:
    """Write the columns of `ranks` ``(n_motifs, n_columns)`` into `order` ``(n_motifs, rank_threshold)``.

    Returns the first motif in which two genes share a rank, or -1 if there is none.
    """
    n_motifs, n_columns = ranks.shape
    depth = order.shape[1]
    for motif in range(n_motifs):
        for column in range(n_columns):
            rank = ranks[motif, column]
            if 0 <= rank < depth:
                if order[motif, rank] >= 0:
                    return motif
                order[motif, rank] = first_column + column
    return -1


@njit
def area_sums(order: np.ndarray, cutoff: int, offsets: np.ndarray, members: np.ndarray, sums: np.ndarray) -> None:
    """Add ``max(0, cutoff - rank)`` over each module's genes to `sums` ``(n_motifs, n_modules)``, as integers."""
    for motif in range(order.shape[0]):
        row = sums[motif]
        for rank in range(cutoff):
            gene = order[motif, rank]
            if gene >= 0:
                for position in range(offsets[gene], offsets[gene + 1]):
                    row[members[position]] += cutoff - rank


@njit
def weighted_area_sums(
    order: np.ndarray, cutoff: int, offsets: np.ndarray, members: np.ndarray, weights: np.ndarray, sums: np.ndarray
) -> None:
    """Add ``weight * max(0, cutoff - rank)`` over each module's genes to `sums` ``(n_motifs, n_modules)``."""
    for motif in range(order.shape[0]):
        row = sums[motif]
        for rank in range(cutoff):
            gene = order[motif, rank]
            if gene >= 0:
                for position in range(offsets[gene], offsets[gene + 1]):
                    row[members[position]] += weights[position] * (cutoff - rank)


@njit
def recovery_moments(
    order: np.ndarray, offsets: np.ndarray, members: np.ndarray, n_modules: int, first: np.ndarray, second: np.ndarray
) -> None:
    """Add each rank's step in the sum and the sum of squares of the recovery curves over all motifs.

    A curve that climbs from `c` to ``c + 1`` raises the sum of squares by ``2 c + 1``, so no curve is stored.
    `first` and `second` are ``(n_modules, rank_threshold)`` integers; their running sums along ranks are the moments.
    """
    found = np.zeros(n_modules, np.int64)
    for motif in range(order.shape[0]):
        found[:] = 0
        for rank in range(order.shape[1]):
            gene = order[motif, rank]
            if gene >= 0:
                for position in range(offsets[gene], offsets[gene + 1]):
                    module = members[position]
                    first[module, rank] += 1
                    second[module, rank] += 2 * found[module] + 1
                    found[module] += 1


@njit
def weighted_recovery_moments(
    order: np.ndarray,
    offsets: np.ndarray,
    members: np.ndarray,
    weights: np.ndarray,
    n_modules: int,
    first: np.ndarray,
    second: np.ndarray,
) -> None:
    """Do as :func:`recovery_moments` for curves that climb by the gene's weight."""
    found = np.zeros(n_modules, np.float64)
    for motif in range(order.shape[0]):
        found[:] = 0.0
        for rank in range(order.shape[1]):
            gene = order[motif, rank]
            if gene >= 0:
                for position in range(offsets[gene], offsets[gene + 1]):
                    module, weight = members[position], weights[position]
                    first[module, rank] += weight
                    second[module, rank] += weight * (2.0 * found[module] + weight)
                    found[module] += weight


@njit
def leading_edge(row: np.ndarray, weight_of: np.ndarray, envelope: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the rank at which one recovery curve is furthest above `envelope`, and the genes up to it.

    Parameters are ``order[m]``, the weight of each gene in the module (negative: not in it) and the envelope
    ``mean + 2 sd`` of all motifs, by rank. Ties take the first rank.
    """
    best_rank, best, height, n_found, n_best = 0, -np.inf, 0.0, 0, 0
    genes = np.empty(row.size, np.int64)
    for rank in range(row.size):
        gene = row[rank]
        if gene >= 0 and weight_of[gene] >= 0.0:
            height += weight_of[gene]
            genes[n_found] = gene
            n_found += 1
        if height - envelope[rank] > best:
            best, best_rank, n_best = height - envelope[rank], rank, n_found
    return best_rank, genes[:n_best].copy()


@njit
def combine_ranks(ratios: np.ndarray, combined: np.ndarray) -> None:
    """Write the order statistic of each column of `ratios` ``(n_species, n_genes)`` to `combined` ``(n_genes,)``.

    The probability that as many independent uniform numbers are all as small: Stuart et al. 2003 (supplement), by
    Aerts' recursion. Small is good.
    """
    n_species, n_genes = ratios.shape
    powers = np.empty(n_species + 1)
    for gene in range(n_genes):
        ordered = np.sort(ratios[:, gene])
        powers[0] = 1.0
        for k in range(1, n_species + 1):
            total, factor = 0.0, 1.0
            for j in range(k):
                # V_k = sum_i (-1)^(i-1) V_{k-i} / i! * r_{n-k+1}^i
                factor *= ordered[n_species - k] / (j + 1)
                total += powers[k - j - 1] * factor if j % 2 == 0 else -powers[k - j - 1] * factor
            powers[k] = total
        combined[gene] = powers[n_species]
