"""From whatever the user has to a :class:`Problem`: cells and genes chosen, values checked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, MissingKeyError
from reguloom._logging import logger
from reguloom._random import generator
from reguloom.core import Expression, check_genes
from reguloom.grn._problem import Problem

#: Fewer cells than this cannot carry a bag and an out-of-bag sample.
MIN_CELLS = 10


def choose_cells(
    data: Any, expression: Expression, *, subsample: int | None, stratify: str | Sequence[Any] | None, seed: int
) -> Expression:
    """Draw `subsample` cells, each group of `stratify` in proportion; all cells if it is None.

    Raises
    ------
    InputError
        If `subsample` is below 10, or `stratify` comes without it.
    """
    if subsample is None:
        if stratify is not None:
            msg = "stratify was given without subsample; say how many cells to draw (subsample=)."
            raise InputError(msg)
        return expression
    if subsample < MIN_CELLS:
        msg = f"subsample is {subsample}; at least {MIN_CELLS} cells are needed."
        raise InputError(msg)
    if subsample >= expression.n_cells:
        logger.info("subsample=%d keeps all %d cells", subsample, expression.n_cells)
        return expression
    groups = _groups(data, stratify, expression.n_cells)
    chosen = draw_cells(groups, subsample, seed)
    logger.info("%d of %d cells were drawn in %d groups", chosen.size, expression.n_cells, groups.max() + 1)
    return expression.select_cells(chosen)


def draw_cells(groups: NDArray[np.int64], n_cells: int, seed: int) -> NDArray[np.int64]:
    """Return the sorted positions of `n_cells` cells, groups in proportion to their size (largest remainders)."""
    sizes = np.bincount(groups)
    quota = n_cells * sizes / sizes.sum()
    share = np.floor(quota).astype(np.int64)
    largest = np.argsort(share - quota, kind="stable")
    share[largest[: n_cells - share.sum()]] += 1
    rng = generator(seed, "grn", "subsample")
    parts = [rng.choice(np.flatnonzero(groups == g), size=share[g], replace=False) for g in range(sizes.size)]
    return np.sort(np.concatenate(parts))


def _groups(data: Any, stratify: str | Sequence[Any] | None, n_cells: int) -> NDArray[np.int64]:
    """Return the group of each cell as a code."""
    if stratify is None:
        return np.zeros(n_cells, np.int64)
    if isinstance(stratify, str):
        obs = getattr(data, "obs", None)
        if obs is None or stratify not in obs:
            columns = [] if obs is None else sorted(obs)
            msg = f"stratify names {stratify!r}, which is no column of adata.obs; it has {columns}."
            raise MissingKeyError(msg)
        stratify = obs[stratify]
    codes = pd.factorize(np.asarray(pd.Series(stratify).astype(str)), sort=True)[0]
    if codes.size != n_cells:
        msg = f"stratify has {codes.size} values for {n_cells} cells; give one value per cell."
        raise InputError(msg)
    return codes.astype(np.int64)


def detected_genes(columns: Any, *, min_cells: int, min_fraction: float) -> NDArray[np.bool_]:
    """Return which genes are detected (are not 0) in enough cells.

    Parameters
    ----------
    columns
        CSC, shape ``(n_cells, n_genes)``.
    min_cells
        Least number of cells.
    min_fraction
        Least share of cells, between 0 and 1.

    Raises
    ------
    InputError
        If no gene passes, or `min_fraction` is no share.
    """
    if not 0 <= min_fraction <= 1:
        msg = f"min_fraction is {min_fraction}; it must lie between 0 and 1."
        raise InputError(msg)
    needed = max(min_cells, min_fraction * columns.shape[0])
    keep: NDArray[np.bool_] = np.diff(columns.indptr) >= needed
    if not keep.any():
        msg = f"no gene is detected in {needed:.0f} cells; lower min_cells ({min_cells}) or min_fraction."
        raise InputError(msg)
    if not keep.all():
        logger.info("%d of %d genes are detected in %.0f cells or more", keep.sum(), keep.size, needed)
    return keep


def regulator_names(tfs: Iterable[str] | str | os.PathLike[str] | None, genes: pd.Index) -> list[str]:
    """Return the regulators that are in the matrix, sorted.

    Parameters
    ----------
    tfs
        Names, a file with one name a line, or None or ``"all"`` for every gene.
    genes
        Genes of the matrix.

    Raises
    ------
    InputError
        If the list is empty or none of it is in the matrix.
    """
    if tfs is None or (isinstance(tfs, str) and tfs == "all"):
        logger.info("no regulators were named: each of the %d genes may regulate every other", len(genes))
        return sorted(genes)
    if isinstance(tfs, (str, os.PathLike)):
        from reguloom.io import read_genes

        tfs = read_genes(tfs)
    names = [str(name) for name in tfs]
    if not names:
        msg = "the list of transcription factors is empty; give at least one name, or None for every gene."
        raise InputError(msg)
    check_genes(names, genes, what="transcription factors", where="the matrix")
    return sorted(set(names) & set(genes))


def target_names(targets: Iterable[str] | None, genes: pd.Index) -> list[str]:
    """Return the targets, sorted: all genes, or the given ones.

    Raises
    ------
    MissingKeyError
        If a given target is not in the matrix.
    """
    if targets is None:
        return sorted(genes)
    wanted = sorted({str(name) for name in targets})
    missing = [name for name in wanted if name not in genes]
    if missing or not wanted:
        msg = f"{len(missing)} of {len(wanted)} targets are not in the matrix, such as {missing[:3]}; drop them."
        raise MissingKeyError(msg)
    return wanted


def build_problem(expression: Expression, tfs: Any, *, targets: Iterable[str] | None, min_cells: int,
                  min_fraction: float, seed: int) -> Problem:  # fmt: skip
    """Return the regression problems.

    Values pass through float32, as in scikit-learn's trees, so that every file format gives the same numbers.

    Raises
    ------
    InputError
        If there are too few cells, or no regulator is left.
    """
    if expression.n_cells < MIN_CELLS:
        msg = f"the matrix has {expression.n_cells} cells; at least {MIN_CELLS} are needed to infer a network."
        raise InputError(msg)
    columns = expression.to_csc().astype(np.float32)
    keep = detected_genes(columns, min_cells=min_cells, min_fraction=min_fraction)
    kept = expression.genes[keep]
    regulators, chosen = regulator_names(tfs, kept), target_names(targets, kept)
    position = expression.genes.get_indexer
    return Problem(
        regulators=columns[:, position(pd.Index(regulators))],
        regulator_names=pd.Index(regulators),
        targets=columns[:, position(pd.Index(chosen))],
        target_names=pd.Index(chosen),
        own=pd.Index(regulators).get_indexer(pd.Index(chosen)).astype(np.int64),
        seed=seed,
    )
