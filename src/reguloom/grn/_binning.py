"""Bins for regulators: exact where a regulator has at most 255 distinct values, quantiles above."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom.grn._kernels import MAX_BINS, Binned

#: Most bins of a regulator; up to this many distinct values every split of the values is there.
MAX_DISTINCT = 255
#: Values closer than this count as equal, as in scikit-learn's trees.
FEATURE_THRESHOLD = np.float32(1e-7)


def distinct_values(values: NDArray[np.float32], n_zeros: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the distinct values of a regulator in ascending order, and how many cells have each.

    Parameters
    ----------
    values
        The stored entries, shape ``(n_stored,)``; zeros among them are allowed.
    n_zeros
        Number of cells that are not stored.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if n_zeros:
        at = int(np.searchsorted(distinct, 0.0))
        if at < distinct.size and distinct[at] == 0:
            counts[at] += n_zeros
        else:
            distinct, counts = np.insert(distinct, at, 0.0), np.insert(counts, at, n_zeros)
    return distinct.astype(np.float32), counts.astype(np.int64)


def bin_edges(
    distinct: NDArray[np.float32], counts: NDArray[np.int64], *, max_bins: int = MAX_DISTINCT
) -> NDArray[np.int64]:
    """Return which bin each distinct value falls into, shape ``(n_distinct,)``, numbered from 0 without gaps.

    Up to `max_bins` values each has its own bin (values within 1e-7 of their neighbour share one). Above, bins hold
    about equal numbers of cells; a value more frequent than that (zero) keeps a bin to itself.
    """
    new = np.ones(distinct.size, dtype=bool)
    new[1:] = np.diff(distinct) > FEATURE_THRESHOLD
    bins = np.cumsum(new) - 1
    n_bins = int(bins[-1]) + 1
    if n_bins <= max_bins:
        return bins
    merged = np.bincount(bins, weights=counts, minlength=n_bins)
    return _quantile_bins(merged.astype(np.float64), max_bins)[bins]


def _quantile_bins(counts: NDArray[np.float64], max_bins: int) -> NDArray[np.int64]:
    """Return bins of about equal count: heavy values alone, the others filled up in order."""
    heavy = np.zeros(counts.size, dtype=bool)
    while True:  # each heavy value taken out lowers the share of the others, which may make more of them heavy
        n_heavy = int(heavy.sum())
        # a heavy value also cuts a run of light ones in two, so it is charged two bins
        share = counts[~heavy].sum() / max(max_bins - 2 * n_heavy, 1)
        more = ~heavy & (counts > 2 * share)
        if not more.any() or 2 * (n_heavy + int(more.sum())) >= max_bins:
            break
        heavy |= more
    bins = np.empty(counts.size, dtype=np.int64)
    current, filled = -1, np.inf
    for value, count in enumerate(counts):
        if heavy[value] or filled + 0.5 * count >= share:
            current, filled = current + 1, 0.0
        bins[value] = current
        filled = np.inf if heavy[value] else filled + count
    return np.minimum(bins, max_bins - 1)


def bin_regulators(columns: Any) -> Binned:
    """Bin every regulator.

    Parameters
    ----------
    columns
        A CSC matrix of float32, shape ``(n_cells, n_regulators)``, without NaN.

    Returns
    -------
    The bins: one byte per cell and regulator, and two or four per entry outside the most frequent bin.
    """
    n_cells, n_regulators = columns.shape
    cell_type = np.uint16 if n_cells <= 2**16 else np.uint32
    bins = np.zeros((n_regulators, n_cells), np.uint8)
    n_bins, default = np.zeros(n_regulators, np.int64), np.zeros(n_regulators, np.int64)
    ends = np.zeros((n_regulators, MAX_BINS), np.int32)
    lower, upper = np.zeros((n_regulators, MAX_BINS), np.float32), np.zeros((n_regulators, MAX_BINS), np.float32)
    lists: list[NDArray[Any]] = []
    for k in range(n_regulators):
        stored = slice(columns.indptr[k], columns.indptr[k + 1])
        cells, values = columns.indices[stored], columns.data[stored]
        distinct, counts = distinct_values(values, n_cells - cells.size)
        code = bin_edges(distinct, counts)
        n_bins[k] = code[-1] + 1
        first = np.flatnonzero(np.diff(code, prepend=-1))
        lower[k, : n_bins[k]] = distinct[first]
        upper[k, : n_bins[k]] = distinct[np.append(first[1:], distinct.size) - 1]
        if cells.size < n_cells:
            bins[k] = code[np.searchsorted(distinct, np.float32(0))]
        bins[k, cells] = code[np.searchsorted(distinct, values)]
        weight = np.bincount(code, weights=counts, minlength=n_bins[k])
        default[k] = int(weight.argmax())
        weight[default[k]] = 0
        ends[k, : n_bins[k]] = np.cumsum(weight)
        listed = np.flatnonzero(bins[k] != default[k])
        lists.append(listed[np.argsort(bins[k, listed], kind="stable")].astype(cell_type))
    start = np.concatenate([[0], np.cumsum([listed.size for listed in lists])]).astype(np.int64)
    order = np.concatenate(lists) if lists else np.zeros(0, cell_type)
    codes = np.concatenate([bins[k, lists[k]] for k in range(n_regulators)]) if lists else np.zeros(0, np.uint8)
    return Binned(bins, n_bins, default, start, order, codes, ends, lower, upper)
