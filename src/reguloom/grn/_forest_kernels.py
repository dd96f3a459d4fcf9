"""Fully grown trees on binned regulators: random forests and extremely randomised trees.

A node is a run of cells in one array. Its histogram touches few bins when the node is small, so the touched bins are
marked in bytes, eight of which are looked at together, and nothing is cleared that was not filled.
Sums are packed fixed point, as in :mod:`reguloom.grn._kernels`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reguloom._numba import borrowed, njit
from reguloom.grn._kernels import (
    MAX_BINS,
    Binned,
    Bytes,
    Cells,
    Floats,
    Ints,
    State,
    any_better,
    borrow_binned,
    random_below,
)

#: Nodes of at most this many cells are sorted instead of counted.
SMALL_NODE = 16


class ForestWorkspace(NamedTuple):
    """Buffers of one target's forest."""

    weights: Ints
    """How often each cell is in the bag."""
    packed: Ints
    """Value and count of each cell, times its weight."""
    cells: Cells
    """Cells, those of a node side by side."""
    spare: Cells
    """Room for splitting a run of cells."""
    table: Ints
    """A histogram, all 0 between uses, shape ``(256,)``."""
    touched: Bytes
    """1 for each bin of the histogram that was filled, all 0 between uses, shape ``(256,)``."""
    words: State
    """The same bytes, eight at a time, shape ``(32,)``."""
    left: Ints
    """Left side of each split, filled bins only."""
    filled: Ints
    """The bins of `left`."""
    stack: Ints
    """Nodes to be split: first cell, end, packed sum; shape ``(2 * n_cells, 3)``."""
    tree: Floats
    """Importances of the current tree."""


def forest_workspace(binned: Binned) -> ForestWorkspace:
    """Return fresh buffers for forests on `binned`."""
    n_regulators, n_cells = binned.bins.shape
    touched = np.zeros(MAX_BINS, np.uint8)
    return ForestWorkspace(
        weights=np.zeros(n_cells, np.int64),
        packed=np.zeros(n_cells, np.int64),
        cells=np.zeros(n_cells, binned.order.dtype),
        spare=np.zeros(n_cells, binned.order.dtype),
        table=np.zeros(MAX_BINS, np.int64),
        touched=touched,
        words=touched.view(np.uint64),
        left=np.zeros(MAX_BINS, np.int64),
        filled=np.zeros(MAX_BINS, np.int64),
        stack=np.zeros((2 * n_cells, 3), np.int64),
        tree=np.zeros(n_regulators),
    )


@njit
def borrow_forest(work: ForestWorkspace) -> ForestWorkspace:
    """Return the same buffers, borrowed."""
    return ForestWorkspace(
        borrowed(work.weights),
        borrowed(work.packed),
        borrowed(work.cells),
        borrowed(work.spare),
        borrowed(work.table),
        borrowed(work.touched),
        borrowed(work.words),
        borrowed(work.left),
        borrowed(work.filled),
        borrowed(work.stack),
        borrowed(work.tree),
    )


@njit
def fill_small(work: ForestWorkspace, cells: Cells, bins: Bytes) -> np.int64:
    """Do the same for a handful of cells: sort them by bin, then sum."""
    left, filled, packed = work.left, work.filled, work.packed
    n_filled = np.int64(0)
    for j in range(cells.shape[0]):
        b, value = np.int64(bins[cells[j]]), packed[cells[j]]
        k = int(n_filled)
        while k > 0 and filled[k - 1] > b:
            k -= 1
        if k > 0 and filled[k - 1] == b:
            left[k - 1] += value
            continue
        for later in range(n_filled, k, -1):
            filled[later], left[later] = filled[later - 1], left[later - 1]
        filled[k], left[k] = b, value
        n_filled += 1
    for k in range(1, n_filled):
        left[k] += left[k - 1]
    return n_filled


@njit
def fill(work: ForestWorkspace, cells: Cells, bins: Bytes, n_bins: int) -> np.int64:
    """Write the left sums of a node's filled bins to ``work.left`` and return how many there are."""
    table, touched, packed = work.table, work.touched, work.packed
    for j in range(cells.shape[0]):
        here = bins[cells[j]]
        table[here] += packed[cells[j]]
        touched[here] = 1
    n_filled, running = np.int64(0), np.int64(0)
    for word in range((n_bins + 7) // 8):
        if work.words[word] == 0:
            continue
        for b in range(8 * word, 8 * word + 8):
            if touched[b]:
                running += table[b]
                work.left[n_filled] = running
                work.filled[n_filled] = b
                n_filled += 1
                table[b] = 0
        work.words[word] = 0
    return n_filled


@njit(error_model="numpy")
def gain_of(left: int, total: int, shift: int) -> float:
    """Return ``w_l w_r (mean_l - mean_r)^2`` of one split with both sides filled."""
    mask = (np.int64(1) << shift) - np.int64(1)
    count, node_count = np.float64(left & mask), np.float64(total & mask)
    difference = np.float64(left >> shift) * node_count - count * np.float64(total >> shift)
    return difference * difference / (count * (node_count - count))


@njit
def best_cut(
    work: ForestWorkspace, cells: Cells, bins: Bytes, n_bins: int, total: int, shift: int, best: float
) -> tuple[float, np.int64, np.int64]:
    """Return gain, last left bin and left sum of the best split; gain -1 if constant, -2 if not above `best`."""
    small = cells.shape[0] <= SMALL_NODE
    n_filled = fill_small(work, cells, bins) if small else fill(work, cells, bins, n_bins)
    if n_filled < 2:
        return -1.0, np.int64(0), np.int64(0)
    if best >= 0.0 and not any_better(work.left, n_filled - 1, total, shift, best):
        return -2.0, np.int64(0), np.int64(0)
    top, at = -1.0, 0
    for k in range(n_filled - 1):
        gain = gain_of(work.left[k], total, shift)
        if gain > top:
            top, at = gain, k
    return top, work.filled[at], work.left[at]


@njit
def random_cut(
    work: ForestWorkspace, cells: Cells, binned: Binned, feature: int, total: int, shift: int, state: State
) -> tuple[float, np.int64, np.int64]:
    """Return gain, last left bin and left sum of a split at a random value; gain -1 if the regulator is constant."""
    bins = binned.bins[feature]
    lowest, highest = np.int64(MAX_BINS), np.int64(-1)
    for j in range(cells.shape[0]):
        b = np.int64(bins[cells[j]])
        lowest, highest = min(lowest, b), max(highest, b)
    if lowest >= highest:
        return -1.0, np.int64(0), np.int64(0)
    lower, upper = binned.lower[feature], binned.upper[feature]
    share = np.float64(random_below(state, 1 << 31)) / np.float64(1 << 31)
    threshold = np.float64(lower[lowest]) + share * (np.float64(upper[highest]) - np.float64(lower[lowest]))
    cut, beyond = lowest, highest
    while beyond - cut > 1:
        middle = (cut + beyond) // 2
        if 0.5 * (np.float64(lower[middle]) + np.float64(upper[middle])) <= threshold:
            cut = middle
        else:
            beyond = middle
    left = np.int64(0)
    for j in range(cells.shape[0]):
        left += work.packed[cells[j]] * np.int64(bins[cells[j]] <= cut)
    return gain_of(left, total, shift), cut, left


@njit
def choose(
    binned: Binned, work: ForestWorkspace, cells: Cells, features: Ints, n_drawn: int, at_random: bool, total: int,
    shift: int, state: State,
) -> tuple[np.int64, np.int64, float, np.int64]:  # fmt: skip
    """Return regulator, last left bin, gain and left sum of the best split; regulator -1 if there is none."""
    best_feature, best_bin, best_gain, best_left = np.int64(-1), np.int64(0), -1.0, np.int64(0)
    drawn = 0
    while drawn < features.shape[0] and (drawn < n_drawn or best_feature < 0):
        j = drawn + random_below(state, features.shape[0] - drawn)
        feature = features[j]
        features[j], features[drawn] = features[drawn], feature
        drawn += 1
        if at_random:
            gain, last, left = random_cut(work, cells, binned, feature, total, shift, state)
        else:
            gain, last, left = best_cut(
                work, cells, binned.bins[feature], binned.n_bins[feature], total, shift, best_gain
            )
        if gain > best_gain:
            best_feature, best_bin, best_gain, best_left = feature, last, gain, left
    return best_feature, best_bin, best_gain, best_left


@njit
def partition(cells: Cells, spare: Cells, bins: Bytes, last_left: int) -> np.int64:
    """Bring the cells that go left to the front, without a branch; return how many."""
    n_left, n_right = np.int64(0), np.int64(0)
    for j in range(cells.shape[0]):
        cell = cells[j]
        goes_left = bins[cell] <= last_left
        cells[n_left] = cell
        spare[n_right] = cell
        n_left += goes_left
        n_right += not goes_left
    cells[n_left:] = spare[:n_right]
    return n_left


@njit
def is_pure(values: Floats, cells: Cells) -> bool:
    """Tell whether all cells of a node have the same value."""
    for j in range(1, cells.shape[0]):
        if values[cells[j]] != values[cells[0]]:
            return False
    return True


@njit
def bag(values: Floats, work: ForestWorkspace, bootstrap: bool, scale: float, shift: int, state: State) -> np.int64:
    """Draw the cells of a tree and pack their values; return how many different cells there are."""
    n_cells = values.shape[0]
    work.weights[:] = 0 if bootstrap else 1
    if bootstrap:
        for _ in range(n_cells):
            work.weights[random_below(state, n_cells)] += 1
    n_bag = np.int64(0)
    for i in range(n_cells):
        weight = work.weights[i]
        work.packed[i] = ((np.int64(np.rint(values[i] * scale)) << shift) + 1) * weight
        work.cells[n_bag] = i
        n_bag += weight > 0
    return n_bag


@njit
def grow_full(
    binned: Binned, values: Floats, work: ForestWorkspace, features: Ints, n_drawn: int, at_random: bool, n_bag: int,
    shift: int, state: State,
) -> float:  # fmt: skip
    """Grow one tree until its leaves are pure; add each split's decrease to ``work.tree`` and return their sum."""
    mask = (np.int64(1) << shift) - np.int64(1)
    total = np.int64(0)
    for j in range(n_bag):
        total += work.packed[work.cells[j]]
    work.stack[0, 0], work.stack[0, 1], work.stack[0, 2] = 0, n_bag, total
    n_open, explained = 1, 0.0
    while n_open:
        n_open -= 1
        first, stop, total = work.stack[n_open, 0], work.stack[n_open, 1], work.stack[n_open, 2]
        cells = work.cells[first:stop]
        if stop - first < 2 or is_pure(values, cells):
            continue
        feature, last, gain, left = choose(binned, work, cells, features, n_drawn, at_random, total, shift, state)
        if feature < 0:
            continue
        decrease = gain / np.float64(total & mask)
        work.tree[feature] += decrease
        explained += decrease
        middle = first + partition(cells, work.spare, binned.bins[feature], last)
        work.stack[n_open, 0], work.stack[n_open, 1], work.stack[n_open, 2] = first, middle, left
        n_open += 1
        work.stack[n_open, 0], work.stack[n_open, 1], work.stack[n_open, 2] = middle, stop, total - left
        n_open += 1
    return explained


@njit
def forest(
    binned: Binned, work: ForestWorkspace, values: Floats, features: Ints, n_drawn: int, n_trees: int,
    bootstrap: bool, at_random: bool, seed: np.uint64, importance: Floats,
) -> np.int64:  # fmt: skip
    """Grow a forest on centred `values`, add each tree's normalised importances; return the trees that split.

    Breiman (2001) with `bootstrap`; Geurts et al. (2006) with `at_random`.
    """
    state = np.array([seed], dtype=np.uint64)
    regulators, buffers = borrow_binned(binned), borrow_forest(work)
    cell_values, drawable, rng = borrowed(values), borrowed(features), borrowed(state)
    n_cells = values.shape[0]
    shift = np.int64(0)
    while (n_cells >> shift) > 0:
        shift += 1
    limit = np.float64(np.int64(1) << (np.int64(61) - shift))
    scale = 2.0 ** np.floor(np.log2(limit / (n_cells * np.abs(values).max())))
    n_split = np.int64(0)
    for _ in range(n_trees):
        n_bag = bag(cell_values, buffers, bootstrap, scale, shift, rng)
        buffers.tree[:] = 0.0
        explained = grow_full(regulators, cell_values, buffers, drawable, n_drawn, at_random, n_bag, shift, rng)
        if explained > 0.0:
            n_split += 1
            for k in range(importance.shape[0]):
                importance[k] += buffers.tree[k] / explained
    return n_split
