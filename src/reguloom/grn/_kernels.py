"""Regression trees on binned regulators: the shared pieces, and stochastic gradient boosting.

Three ideas carry the speed, and none of them changes a split:

1. *Presorted lists.* A regulator is binned once. Its most frequent bin (nearly always zero) is left out, the other
   cells are listed in the order of their bins. One running sum over that list holds the left side of every split,
   and the left-out bin is the node's total minus the list: the work follows the non-zero entries.
2. *Packed fixed point.* A cell's residual and its count share one 64-bit integer, so that one addition moves both.
   Integer sums are exact: every order of summation, and every way to build a histogram, gives the same bits.
3. *Masks instead of partitions.* Cells outside a node (or out of bag) weigh 0, so the lists never change; a small
   node switches to a histogram of its own cells instead, whichever is shorter.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reguloom._numba import GOLDEN, borrowed, mix, njit

#: Two steps of a histogram cost about as much as this many of a running sum (measured); the shorter way is taken.
HISTOGRAM_COST = 3
#: With more listed cells in a bin than this, bins are summed one by one.
FULL_BIN = 8
#: With at most this many bins, four histograms are filled in turn.
FEW_BINS = 64
MAX_BINS = 256
#: Nodes are numbered 1, 2-3, 4-7, ... in one byte.
MAX_DEPTH = 6

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bytes: TypeAlias = NDArray[np.uint8]
Cells: TypeAlias = NDArray[Any]
State: TypeAlias = NDArray[np.uint64]

_S32 = np.uint64(32)


class Binned(NamedTuple):
    """Regulators as bins, and as lists of the cells outside each regulator's most frequent bin."""

    bins: NDArray[np.uint8]
    """Bin of each cell, shape ``(n_regulators, n_cells)``."""
    n_bins: NDArray[np.int64]
    """Number of bins, shape ``(n_regulators,)``."""
    default: NDArray[np.int64]
    """The bin that is not listed, shape ``(n_regulators,)``."""
    start: NDArray[np.int64]
    """Where each list begins in `order`, shape ``(n_regulators + 1,)``."""
    order: NDArray[Any]
    """Cells by bin, then by number; uint16 where the cells fit, else uint32."""
    codes: NDArray[np.uint8]
    """Bin of each entry of `order`."""
    ends: NDArray[np.int32]
    """Listed cells in bins up to and including this one, shape ``(n_regulators, 256)``."""
    lower: NDArray[np.float32]
    """Smallest value in each bin, shape ``(n_regulators, 256)``."""
    upper: NDArray[np.float32]
    """Largest value in each bin, shape ``(n_regulators, 256)``."""


class Workspace(NamedTuple):
    """Buffers of one target's fit."""

    packed: NDArray[np.int64]
    """Residual and count of each cell in the bag, 0 outside; shape ``(n_cells,)``."""
    masked: NDArray[np.int64]
    """The same inside the current node, 0 outside."""
    cells: NDArray[Any]
    """Cells of the current node, when they are listed."""
    tables: NDArray[np.int64]
    """Second to fourth histogram, shape ``(192,)``."""
    left: NDArray[np.int64]
    """Left side of each split, shape ``(256,)``."""
    gains: NDArray[np.float64]
    """Gain of each split, shape ``(256,)``."""
    node: NDArray[np.uint8]
    """Node of each cell."""


def workspace(binned: Binned) -> Workspace:
    """Return fresh buffers for fits on `binned`."""
    n_cells = binned.bins.shape[1]
    return Workspace(
        packed=np.zeros(n_cells, np.int64),
        masked=np.zeros(n_cells, np.int64),
        cells=np.zeros(n_cells, binned.order.dtype),
        tables=np.zeros(3 * FEW_BINS, np.int64),
        left=np.zeros(MAX_BINS, np.int64),
        gains=np.zeros(MAX_BINS, np.float64),
        node=np.zeros(n_cells, np.uint8),
    )


def count_bits(total: int) -> int:
    """Return how many low bits of a packed sum hold the count, for at most `total` counts."""
    return int(total).bit_length()


@njit
def random_below(
    state: State,
    n: int,
) -> np.int64:
    """Return a random integer in ``[0, n)``: splitmix64 (Steele et al. 2014), the high half scaled by `n`."""
    state[0] += GOLDEN
    return np.int64(((mix(state[0]) >> _S32) * np.uint64(n)) >> _S32)


@njit
def draw_front(
    items: Cells,
    n_drawn: int,
    state: State,
) -> None:
    """Bring a random subset to the front of `items` (Fisher-Yates; any earlier order will do)."""
    for i in range(n_drawn):
        j = i + random_below(state, items.shape[0] - i)
        items[i], items[j] = items[j], items[i]


@njit
def pack(
    residual: Floats,
    packed: Ints,
    scale: float,
    shift: int,
) -> np.int64:
    """Write residual times `scale`, rounded, above `shift` bits that hold a count of 1; return the sum of sizes."""
    size = np.int64(0)
    for i in range(residual.shape[0]):
        fixed = np.int64(np.rint(residual[i] * scale))
        packed[i] = (fixed << shift) + 1
        size += abs(fixed)
    return size


@njit
def total_of(packed: Ints) -> np.int64:
    """Return the sum of all packed cells."""
    total = np.int64(0)
    for i in range(packed.shape[0]):
        total += packed[i]
    return total


@njit
def prefix_left(
    weights: Ints,
    order: Cells,
    codes: Bytes,
    ends: NDArray[np.int32],
    n_bins: int,
    default: int,
    total: int,
    left: Ints,
) -> None:
    """Fill `left` (the packed sum of bins up to b) from a regulator's list of cells."""
    n_listed = order.shape[0]
    running = np.int64(0)
    if n_listed > FULL_BIN * n_bins:  # sums of full bins stay in registers
        first = 0
        for b in range(n_bins):
            cells = order[first : ends[b]]
            first = ends[b]
            for j in range(cells.shape[0]):
                running += weights[cells[j]]
            left[b] = running
    else:
        for j in range(n_listed):
            running += weights[order[j]]
            left[codes[j]] = running
        left[default] = left[default - 1] if default > 0 else np.int64(0)
    rest = total - running
    for b in range(default, n_bins):
        left[b] += rest


@njit
def histogram_left(
    weights: Ints,
    cells: Cells,
    bins: Bytes,
    n_bins: int,
    tables: Ints,
    left: Ints,
) -> None:
    """Fill `left` from the cells of one node.

    Few bins are hit again before the last addition is stored, so neighbouring cells go to four tables in turn.
    """
    n_cells = cells.shape[0]
    width = n_bins if n_bins <= FEW_BINS else 0
    whole = n_cells - n_cells % 4 if width else 0
    tables[: 3 * width] = 0
    left[:n_bins] = 0
    second, third, fourth = tables[:width], tables[width : 2 * width], tables[2 * width : 3 * width]
    for j in range(0, whole, 4):
        a, b, c, d = cells[j], cells[j + 1], cells[j + 2], cells[j + 3]
        left[bins[a]] += weights[a]
        second[bins[b]] += weights[b]
        third[bins[c]] += weights[c]
        fourth[bins[d]] += weights[d]
    for j in range(whole, n_cells):
        left[bins[cells[j]]] += weights[cells[j]]
    for b in range(width):
        left[b] += second[b] + third[b] + fourth[b]
    running = np.int64(0)
    for b in range(n_bins):
        running += left[b]
        left[b] = running


@njit(error_model="numpy")
def any_better(
    left: Ints,
    n_splits: int,
    total: int,
    shift: int,
    best: float,
) -> np.bool_:
    """Say whether some split gains more than `best`, without a division; most regulators stop here."""
    mask = (np.int64(1) << shift) - np.int64(1)
    node_sum, node_count = np.float64(total >> shift), np.float64(total & mask)
    n_better = np.int64(0)
    for b in range(n_splits):
        count = np.float64(left[b] & mask)
        difference = np.float64(left[b] >> shift) * node_count - count * node_sum
        n_better += np.int64(difference * difference > best * (count * (node_count - count)))
    return n_better > 0


@njit(error_model="numpy")
def split_gains(
    left: Ints,
    n_splits: int,
    total: int,
    shift: int,
    gains: Floats,
) -> float:
    """Write Friedman's gain of each split, ``w_l w_r (mean_l - mean_r)^2``, -1 where a side is empty; return the top.

    Divided by the node's count it is the decrease of the sum of squares, so both rank splits alike.
    """
    mask = (np.int64(1) << shift) - np.int64(1)
    node_sum, node_count = np.float64(total >> shift), np.float64(total & mask)
    top = -1.0
    for b in range(n_splits):
        count = np.float64(left[b] & mask)
        difference = np.float64(left[b] >> shift) * node_count - count * node_sum
        weight = count * (node_count - count)
        gains[b] = difference * difference / weight if weight > 0.5 else -1.0
        if gains[b] > top:
            top = gains[b]
    return top


@njit
def split_bin(
    binned: Binned,
    feature: int,
    left: Ints,
    gains: Floats,
    top: float,
) -> int:
    """Return the last bin that goes left: the best split, its threshold halfway to the next value in the node."""
    best = 0
    while gains[best] != top:
        best += 1
    following, last = best + 1, binned.n_bins[feature] - 1
    while following < last and left[following] == left[best]:
        following += 1
    middle = 0.5 * np.float64(binned.upper[feature, best]) + 0.5 * np.float64(binned.lower[feature, following])
    while best + 1 < following and np.float64(binned.upper[feature, best + 1]) <= middle:
        best += 1
    return best


@njit
def mask_node(
    work: Workspace,
    number: int,
) -> None:
    """Copy the packed cells of one node to `masked` and 0 elsewhere."""
    packed, masked, node = work.packed, work.masked, work.node
    for i in range(packed.shape[0]):
        masked[i] = packed[i] if node[i] == number else np.int64(0)


@njit
def list_cells(
    weights: Ints,
    cells: Cells,
) -> np.int64:
    """List the cells that weigh something, without a branch; return how many."""
    n_listed = np.int64(0)
    for i in range(weights.shape[0]):
        cells[n_listed] = i
        n_listed += weights[i] != 0
    return n_listed


@njit
def scan(
    binned: Binned,
    feature: int,
    work: Workspace,
    weights: Ints,
    n_cells: int,
    total: int,
    shift: int,
    best: float,
) -> float:
    """Return the best gain of one regulator in the current node, -1 if it is constant there or not above `best`."""
    first, stop = binned.start[feature], binned.start[feature + 1]
    n_bins, left = binned.n_bins[feature], work.left
    if 2 * (stop - first) > HISTOGRAM_COST * n_cells:
        histogram_left(weights, work.cells[:n_cells], binned.bins[feature], n_bins, work.tables, left)
    else:
        listed, ends = binned.order[first:stop], binned.ends[feature]
        codes, default = binned.codes[first:stop], binned.default[feature]
        prefix_left(weights, listed, codes, ends, n_bins, default, total, left)
    if best >= 0.0 and not any_better(left, n_bins - 1, total, shift, best):
        return -1.0
    return split_gains(left, n_bins - 1, total, shift, work.gains)


@njit
def best_split(
    binned: Binned,
    features: Ints,
    max_features: int,
    work: Workspace,
    weights: Ints,
    total: int,
    shift: int,
    state: State,
) -> tuple[np.int64, np.int64, float, np.int64]:
    """Return feature, last left bin, gain and left side of the best split; feature -1 if there is none.

    Regulators are drawn without replacement until `max_features` were seen and at least one varies in the node,
    as scikit-learn's splitter does.
    """
    n_features = features.shape[0]
    n_node = total & ((np.int64(1) << shift) - np.int64(1))
    n_cells = np.int64(work.masked.shape[0])
    if HISTOGRAM_COST * n_node < 2 * n_cells:
        n_cells = list_cells(weights, work.cells)
    best_feature, best_bin, best_gain, best_left = np.int64(-1), np.int64(0), -1.0, np.int64(0)
    drawn = 0
    while drawn < n_features and (drawn < max_features or best_feature < 0):
        j = drawn + random_below(state, n_features - drawn)
        feature = features[j]
        features[j], features[drawn] = features[drawn], feature
        drawn += 1
        gain = scan(binned, feature, work, weights, n_cells, total, shift, best_gain)
        if gain > best_gain:
            best_feature, best_gain = feature, gain
            best_bin = split_bin(binned, feature, work.left, work.gains, gain)
            best_left = work.left[best_bin]
    return best_feature, best_bin, best_gain, best_left


@njit
def route(
    bins: Bytes,
    last_left: int,
    number: int,
    node: Bytes,
) -> None:
    """Send the cells of node `number` to its children ``2 * number`` and ``2 * number + 1``."""
    here, threshold = np.uint8(number), np.uint8(last_left)
    left, right = np.uint8(2 * number), np.uint8(2 * number + 1)
    for i in range(node.shape[0]):
        child = left if bins[i] <= threshold else right
        node[i] = child if node[i] == here else node[i]


@njit
def grow(
    binned: Binned,
    features: Ints,
    max_features: int,
    max_depth: int,
    work: Workspace,
    totals: Ints,
    shift: int,
    scale: float,
    importance: Floats,
    state: State,
) -> None:
    """Grow one tree level by level; leave each cell's leaf in ``work.node`` and each node's sum in `totals`."""
    mask = (np.int64(1) << shift) - np.int64(1)
    totals[:] = 0
    totals[1] = total_of(work.packed)
    work.node[:] = 1
    for number in range(1, 1 << max_depth):
        total = totals[number]
        n_node = total & mask
        if n_node < 2:
            continue
        if number > 1:
            mask_node(work, number)
        weights = work.masked if number > 1 else work.packed
        feature, last_left, gain, left = best_split(binned, features, max_features, work, weights, total, shift, state)
        if feature < 0:
            continue
        importance[feature] += gain / (n_node * scale * scale)
        totals[2 * number], totals[2 * number + 1] = left, total - left
        route(binned.bins[feature], last_left, number, work.node)


@njit
def add_tree(
    residual: Floats,
    node: Bytes,
    totals: Ints,
    shift: int,
    scale: float,
    learning_rate: float,
    steps: Floats,
) -> None:
    """Take each leaf's mean residual, times the learning rate, off the residuals of its cells."""
    mask = (np.int64(1) << shift) - np.int64(1)
    for number in range(totals.shape[0]):
        count = max(totals[number] & mask, np.int64(1))
        steps[number] = learning_rate * (np.float64(totals[number] >> shift) / scale / np.float64(count))
    for i in range(residual.shape[0]):
        residual[i] -= steps[node[i]]


@njit
def mean_square(
    residual: Floats,
    cells: Cells,
) -> float:
    """Return the mean squared residual over `cells`."""
    total = 0.0
    for j in range(cells.shape[0]):
        value = residual[cells[j]]
        total += value * value
    return total / cells.shape[0]


@njit
def borrow_binned(binned: Binned) -> Binned:
    """Return the same arrays, borrowed."""
    return Binned(
        borrowed(binned.bins),
        borrowed(binned.n_bins),
        borrowed(binned.default),
        borrowed(binned.start),
        borrowed(binned.order),
        borrowed(binned.codes),
        borrowed(binned.ends),
        borrowed(binned.lower),
        borrowed(binned.upper),
    )


@njit
def borrow_workspace(work: Workspace) -> Workspace:
    """Return the same buffers, borrowed."""
    return Workspace(
        borrowed(work.packed),
        borrowed(work.masked),
        borrowed(work.cells),
        borrowed(work.tables),
        borrowed(work.left),
        borrowed(work.gains),
        borrowed(work.node),
    )


@njit
def boost(
    binned: Binned,
    work: Workspace,
    residual: Floats,
    features: Ints,
    max_features: int,
    n_trees: int,
    learning_rate: float,
    n_bag: int,
    depth: int,
    window: int,
    seed: np.uint64,
    importance: Floats,
) -> int:
    """Boost trees on `residual` until the out-of-bag loss stops falling; return the number of trees.

    Friedman (2002). After round i the improvement is the loss before minus after the tree **on the same**
    out-of-bag cells; fitting stops when its mean over the last `window` rounds is negative (`window` 0: never).
    The decrease of the sum of squares of each split is added to `importance`.
    """
    borrowed_binned, buffers = borrow_binned(binned), borrow_workspace(work)
    n_cells = residual.shape[0]
    n_out = n_cells - n_bag
    state = np.array([seed], dtype=np.uint64)
    permutation = np.arange(n_cells)
    improvements = np.zeros(n_trees)
    totals = np.zeros(2 << depth, np.int64)
    steps = np.zeros(2 << depth)
    shift = np.int64(0)
    while (n_cells >> shift) > 0:
        shift += 1
    limit = np.int64(1) << (np.int64(61) - shift)
    scale = 2.0 ** np.floor(np.log2(np.float64(limit) / np.abs(residual).sum()))
    for tree in range(n_trees):
        draw_front(permutation, n_out, state)
        out = permutation[:n_out]
        while pack(residual, buffers.packed, scale, shift) > limit:
            scale *= 0.5
        for j in range(n_out):
            buffers.packed[out[j]] = 0
        before = mean_square(residual, out) if n_out else 0.0
        grow(
            borrowed_binned,
            borrowed(features),
            max_features,
            depth,
            buffers,
            borrowed(totals),
            shift,
            scale,
            borrowed(importance),
            borrowed(state),
        )
        add_tree(residual, buffers.node, totals, shift, scale, learning_rate, steps)
        improvements[tree] = before - mean_square(residual, out) if n_out else 0.0
        if n_out and window and tree + 1 >= window and improvements[tree + 1 - window : tree + 1].mean() < 0.0:
            return tree + 1
    return n_trees
