"""Work on blocks of cells: bounded memory, and the same bytes on any number of threads.

A matrix product in BLAS may round differently with another number of threads. So BLAS is held to one thread, the cells
are cut into blocks whose size does not depend on the machine, and whole blocks are handed to our own threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from reguloom._threads import map_ordered

Result = TypeVar("Result")

BLOCK_VALUES = 1 << 20
"""Kernel values (cells × control points) in one block: 8 MiB of float64."""


def block_rows(width: int) -> int:
    """Return how many cells make a block when each has `width` values."""
    return max(16, BLOCK_VALUES // max(width, 1))


def over_blocks(
    function: Callable[[slice], Result], n_rows: int, *, width: int, n_jobs: int | None = None
) -> Iterator[Result]:
    """Yield ``function(rows)`` for consecutive blocks of cells, in order, computed on `n_jobs` threads.

    Parameters
    ----------
    function
        Takes a slice of cells.
    n_rows
        Number of cells.
    width
        Values that the function makes for one cell; decides the size of a block.
    n_jobs
        Number of threads.
    """
    step = block_rows(width)
    blocks = [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]
    from reguloom.manifold._blas import one_blas_thread

    with one_blas_thread():
        yield from map_ordered(function, blocks, n_jobs)


def stacked(
    function: Callable[[slice], np.ndarray], n_rows: int, *, width: int, n_jobs: int | None = None
) -> np.ndarray:
    """Return the blocks of :func:`over_blocks` as one array."""
    return np.concatenate(list(over_blocks(function, n_rows, width=width, n_jobs=n_jobs)))
