"""Batches by index: a matrix stays sparse (or on disk), and only the rows of one batch are ever dense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reguloom._errors import InputError


def shuffled(
    index: NDArray[np.int64],
    size: int,
    rng: np.random.Generator,
    *,
    drop_last: bool = False,
    block: int | None = None,
) -> Iterator[NDArray[np.int64]]:
    """Yield `index` in random order, `size` at a time.

    Parameters
    ----------
    index
        Row numbers, ``(n,)``.
    size
        Rows per batch.
    rng
        Decides the order: pass the generator that :class:`~reguloom._torch.trainer.Task` hands to ``batches``.
    drop_last
        Whether an incomplete last batch is left out (if there is a complete one). Batch normalisation needs at least
        two rows, so a last batch of one row is always left out.
    block
        For data on disk: rows are kept in runs of this length, runs are shuffled, and rows within eight runs at a
        time, so that reading stays sequential. None shuffles everything.

    Raises
    ------
    InputError
        If there is no row, or `size` is below 1.
    """
    if not len(index) or size < 1:
        msg = f"there are {len(index)} rows for batches of {size}; give at least one row, and batches of at least one."
        raise InputError(msg)
    order = rng.permutation(index) if block is None else _by_blocks(np.asarray(index), block, rng)
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        short = len(batch) < size and (drop_last or len(batch) == 1)
        if start == 0 or not short:
            yield batch


def _by_blocks(index: NDArray[np.int64], block: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Shuffle runs of neighbours, then rows within windows of eight runs."""
    runs = np.array_split(np.sort(index), max(1, len(index) // block))
    order = rng.permutation(len(runs))
    windows = [np.concatenate([runs[one] for one in order[at : at + 8]]) for at in range(0, len(order), 8)]
    return np.concatenate([rng.permutation(window) for window in windows])


def rows(matrix: Any, index: NDArray[np.int64], device: torch.device | str = "cpu") -> torch.Tensor:
    """Return some rows of a matrix as a dense float32 tensor, ``(len(index), n_columns)``.

    Parameters
    ----------
    matrix
        A CSR matrix, an array, or a backed sparse data set of AnnData, which is read in the order of the file.
    index
        Row numbers, in any order, with repeats.
    device
        Where the tensor goes.
    """
    if isinstance(matrix, np.ndarray) or hasattr(matrix, "indptr"):
        taken = matrix[index]
    else:
        sorted_rows, back = np.unique(index, return_inverse=True)
        taken = matrix[sorted_rows][back]
    dense = taken.toarray() if hasattr(taken, "toarray") else np.asarray(taken)
    return torch.from_numpy(np.ascontiguousarray(dense, dtype=np.float32)).to(device)
