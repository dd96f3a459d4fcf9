"""Compact blocks of cells, by halving along the widest axis: the same on every machine and for every seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError


def blocks(coordinates: ArrayLike, size: int) -> list[NDArray[np.int64]]:
    """Cut points into compact blocks of at most `size`, as a k-d tree does.

    Neighbouring cells are alike, so whatever is resampled or permuted (bootstrap, null, cross-validation) has to keep
    them together; and cells of a block share neighbours, so that their work is one matrix product.

    Parameters
    ----------
    coordinates
        Shape ``(n_points, n_dims)``.
    size
        Largest number of points of a block.

    Returns
    -------
    Positions of the points of each block, increasing within a block.

    Raises
    ------
    InputError
        If `size` is below 1.
    """
    points = np.asarray(coordinates, dtype=np.float64)
    if size < 1:
        msg = f"the size of a block is {size}; accepted is 1 or more."
        raise InputError(msg)
    found: list[NDArray[np.int64]] = []
    stack = [np.arange(len(points))]
    while stack:
        members = stack.pop()
        if members.size <= size:
            found.append(np.sort(members))
            continue
        part = points[members]
        axis = int(np.argmax(part.max(axis=0) - part.min(axis=0)))
        order = members[np.lexsort((members, part[:, axis]))]
        half = order.size // 2
        stack += [order[half:], order[:half]]
    return found


def block_labels(coordinates: ArrayLike, n_blocks: int) -> NDArray[np.int64]:
    """Return the number of the block of each point, about `n_blocks` in all."""
    points = np.asarray(coordinates, dtype=np.float64)
    labels = np.empty(len(points), dtype=np.int64)
    for number, members in enumerate(blocks(points, max(1, -(-len(points) // max(1, n_blocks))))):
        labels[members] = number
    return labels
