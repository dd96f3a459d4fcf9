"""Kernels of AUCell: the top of each cell's ranking in time linear in its non-zero values.

A gene scores ``depth - rank`` where its 0-based rank is below `depth` (about 5 % of the genes), nothing below that.
Ties follow one fixed order of the genes ("places"). Each cell goes through three steps, none of which touches the
zeros or compares two values:

1. *by place*: the non-zero genes are marked in a bitmap over the places; reading its bits from low to high gives
   them in the order that breaks ties;
2. *by value*: a stable radix sort over those bits of the values that differ at all in this cell (counts up to 1,000
   need one pass, normalized float32 three);
3. *score*: the first `depth` genes add their score to the regulons that they belong to. Only a cell that detects
   fewer than `depth` genes goes on to its zeros, which are the unset bits of the same bitmap, and then to negative
   values.
"""

from __future__ import annotations

import numpy as np

from reguloom._numba import GOLDEN, mix, njit

TIES_FIXED = 0
TIES_PER_CELL = 1

_MAX_DIGIT_BITS = 11
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT_OF_PRODUCT = np.zeros(64, np.int64)
for _bit in range(64):
    _BIT_OF_PRODUCT[((int(_DE_BRUIJN) << _bit) & (2**64 - 1)) >> 58] = _bit


@njit
def _lowest_bit(word: np.uint64) -> int:
    """Return the number of the lowest set bit of a non-zero 64-bit word (de Bruijn's sequence)."""
    lowest = word & (~word + np.uint64(1))
    return _BIT_OF_PRODUCT[(lowest * _DE_BRUIJN) >> np.uint64(58)]


@njit
def _bit_length(word: np.uint64) -> int:
    """Return the number of bits needed to write `word`."""
    length = 0
    while word > np.uint64(0):
        word >>= np.uint64(1)
        length += 1
    return length


@njit
def sort_top(
    keys: np.ndarray,
    places: np.ndarray,
    n: int,
    n_top: int,
    differing: np.uint64,
    spare: np.ndarray,
    spare_places: np.ndarray,
) -> int:
    """Radix-sort the first `n` keys, ascending and stable, as far as the first `n_top` places need it.

    Parameters
    ----------
    keys, places
        ``uint64`` keys and what travels with them, shape ``(>= n,)``.
    n_top
        How many places are wanted in order; the last pass leaves the others (and the keys) out.
    differing
        The bits in which any two keys differ.
    spare, spare_places
        Scratch of the same shapes.

    Returns
    -------
    0 if the result is in `places`, 1 if it is in `spare_places`.
    """
    if differing == 0:
        return 0
    low = _lowest_bit(differing)
    n_bits = _bit_length(differing >> np.uint64(low))
    n_passes = (n_bits + _MAX_DIGIT_BITS - 1) // _MAX_DIGIT_BITS
    digit_bits = (n_bits + n_passes - 1) // n_passes
    mask = np.uint64((1 << digit_bits) - 1)
    starts = np.empty((1 << digit_bits) + 1, np.uint32)
    for number in range(n_passes):
        shift = np.uint64(low + number * digit_bits)
        starts[:] = 0
        for i in range(n):
            starts[((keys[i] >> shift) & mask) + np.uint64(1)] += np.uint32(1)
        for digit in range(1, starts.size):
            starts[digit] += starts[digit - 1]
        if number == n_passes - 1:
            for i in range(n):
                digit = (keys[i] >> shift) & mask
                at = starts[digit]
                if at < n_top:
                    spare_places[at] = places[i]
                    starts[digit] = at + np.uint32(1)
            break
        for i in range(n):
            digit = (keys[i] >> shift) & mask
            at = starts[digit]
            spare[at], spare_places[at] = keys[i], places[i]
            starts[digit] = at + np.uint32(1)
        keys, spare = spare, keys
        places, spare_places = spare_places, places
    return n_passes % 2


@njit
def _collect(
    bitmap: np.ndarray, value_at: np.ndarray, positive: bool, keys: np.ndarray, places: np.ndarray
) -> tuple[int, np.uint64]:
    """List the marked places whose value has the wanted sign, by place; keys ascend as the ranking descends.

    Returns how many there are, and the bits in which any two keys differ.
    """
    bits = value_at.view(np.uint64)
    sign_bit = np.uint64(1) << np.uint64(63)
    n, differing = 0, np.uint64(0)
    for w in range(bitmap.size):
        word = bitmap[w]
        while word != 0:
            place = 64 * w + _lowest_bit(word)
            word &= word - np.uint64(1)
            # The bits of positive floats ascend with the value; those of negative ones with the magnitude.
            if (bits[place] & sign_bit == 0) == positive:
                key = ~bits[place] if positive else bits[place]
                keys[n] = key
                differing |= key ^ keys[0]
                places[n] = place
                n += 1
    return n, differing


@njit
def _mark(
    genes: np.ndarray, expression: np.ndarray, place_of: np.ndarray, bitmap: np.ndarray, value_at: np.ndarray
) -> int:
    """Mark the places of the non-zero genes and put their values there; returns how many, or -1 at a NaN."""
    bitmap[:] = 0
    n = 0
    for k in range(genes.size):
        value = expression[k]
        if value != value:
            return -1
        if value != 0:
            n += 1
            place = place_of[genes[k]]
            bitmap[place >> 6] |= np.uint64(1) << np.uint64(place & 63)
            value_at[place] = value
    return n


@njit
def top_places(
    depth: int, bitmap: np.ndarray, value_at: np.ndarray, keys: np.ndarray, places: np.ndarray, top: np.ndarray
) -> None:
    """Fill in the first `depth` places of the ranking of one cell that :func:`_mark` has laid out.

    Parameters
    ----------
    depth
        At most the number of genes.
    bitmap, value_at
        Which places are not zero, and their values.
    keys, places
        Scratch, shape ``(2, n_genes)`` each.
    top
        Shape ``(depth,)``; filled in.
    """
    n, differing = _collect(bitmap, value_at, True, keys[0], places[0])
    side = sort_top(keys[0], places[0], n, depth, differing, keys[1], places[1])
    rank = min(n, depth)
    top[:rank] = places[side, :rank]
    if rank == depth:
        return
    for place in range(value_at.size):
        if (bitmap[place >> 6] >> np.uint64(place & 63)) & np.uint64(1) == 0:
            top[rank] = place
            rank += 1
            if rank == depth:
                return
    n, differing = _collect(bitmap, value_at, False, keys[0], places[0])
    side = sort_top(keys[0], places[0], n, depth - rank, differing, keys[1], places[1])
    top[rank:] = places[side, : depth - rank]


@njit
def _add_counts(
    top: np.ndarray, gene_at: np.ndarray, indptr: np.ndarray, regulons: np.ndarray, sums: np.ndarray
) -> None:
    """Add ``depth - rank`` of each gene at the top to every regulon that it belongs to."""
    for rank in range(top.size):
        gene = gene_at[top[rank]]
        score = top.size - rank
        for k in range(indptr[gene], indptr[gene + 1]):
            sums[regulons[k]] += score


@njit
def _add_weighted(
    top: np.ndarray,
    gene_at: np.ndarray,
    indptr: np.ndarray,
    regulons: np.ndarray,
    weights: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Add weight * (depth - rank) of each gene at the top to every regulon that it belongs to."""
    for rank in range(top.size):
        gene = gene_at[top[rank]]
        score = float(top.size - rank)
        for k in range(indptr[gene], indptr[gene + 1]):
            sums[regulons[k]] += weights[k] * score


@njit
def shuffle_places(seed: int, place_of: np.ndarray, gene_at: np.ndarray) -> None:
    """Fill in a random order of the genes from `seed` (Fisher and Yates, on SplitMix64)."""
    state = np.uint64(seed)
    for i in range(gene_at.size):
        gene_at[i] = i
    for i in range(gene_at.size - 1, 0, -1):
        state += GOLDEN
        # The upper 32 bits scaled to [0, i]; the bias is below n_genes / 2**32.
        j = np.int64(((mix(state) >> np.uint64(32)) * np.uint64(i + 1)) >> np.uint64(32))
        gene_at[i], gene_at[j] = gene_at[j], gene_at[i]
    for i in range(gene_at.size):
        place_of[gene_at[i]] = i


@njit
def score_cells(
    expression: np.ndarray,
    genes: np.ndarray,
    cell_indptr: np.ndarray,
    depth: int,
    ties: int,
    seeds: np.ndarray,
    order: np.ndarray,
    indptr: np.ndarray,
    regulons: np.ndarray,
    weights: np.ndarray,
    denominators: np.ndarray,
    scores: np.ndarray,
    n_detected: np.ndarray,
) -> None:
    """Score a block of cells; a cell without any non-zero value scores 0.

    Parameters
    ----------
    expression, genes, cell_indptr
        The block in CSR form, shape ``(n_cells, n_genes)``; explicit zeros are fine.
    depth
        Number of ranks that score.
    ties
        ``TIES_FIXED``: `order` breaks ties in every cell; ``TIES_PER_CELL``: a shuffle from the cell's seed.
    seeds
        One per cell, ``uint64`` (read only for ``TIES_PER_CELL``).
    order
        The genes in the order that breaks ties, shape ``(n_genes,)``.
    indptr, regulons, weights
        For each gene, the regulons it belongs to: a CSR matrix, genes × regulons, its numbers ``uint32``, which spares
        numba's check for negative positions in the innermost loop. No weights at all stand for 1.
    denominators
        What the sum of each regulon is divided by, shape ``(n_regulons,)``.
    scores
        Shape ``(n_cells, n_regulons)``; filled in.
    n_detected
        Shape ``(n_cells,)``; filled in with the number of non-zero genes, or -1 where a cell holds a NaN.
    """
    n_genes, n_regulons = order.size, denominators.size
    gene_at, place_of = order.copy(), np.empty(n_genes, np.int64)
    for place in range(n_genes):
        place_of[gene_at[place]] = place
    bitmap, value_at = np.zeros((n_genes + 63) // 64, np.uint64), np.zeros(n_genes, np.float64)
    keys, places = np.empty((2, n_genes), np.uint64), np.empty((2, n_genes), np.uint32)
    top = np.empty(depth, np.uint32)
    counts, sums = np.zeros(n_regulons, np.int64), np.zeros(n_regulons, np.float64)
    for cell in range(cell_indptr.size - 1):
        start, stop = cell_indptr[cell], cell_indptr[cell + 1]
        if ties == TIES_PER_CELL:
            shuffle_places(seeds[cell], place_of, gene_at)
        n_detected[cell] = _mark(genes[start:stop], expression[start:stop], place_of, bitmap, value_at)
        if n_detected[cell] <= 0:
            scores[cell] = 0
            continue
        top_places(depth, bitmap, value_at, keys, places, top)
        if weights.size:
            sums[:] = 0
            _add_weighted(top, gene_at, indptr, regulons, weights, sums)
            scores[cell] = sums / denominators
        else:
            counts[:] = 0
            _add_counts(top, gene_at, indptr, regulons, counts)
            scores[cell] = counts / denominators
