"""Ranking databases for species and collections that nobody has made one for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, generator, root_seed


@accepts_seed
def rank_scores(scores: pd.DataFrame, *, rng: SeedLike = 0) -> pd.DataFrame:
    """Turn motif scores into ranks, 0 for the highest score.

    Ties are broken at random, by a generator that depends on the seed and the motif's name alone: neither the other
    motifs nor their order matter. (The genes' order does not matter either: they are taken by name.)

    Parameters
    ----------
    scores
        Motifs × genes, shape ``(n_motifs, n_genes)``; higher is better.
    rng
        Seed.

    Returns
    -------
    Ranks of the same shape and names; int16 up to 32,768 genes, int32 above.

    Raises
    ------
    InputError
        If there are no scores, a name is repeated or a score is not a number.
    """
    _check(scores)
    return _rank_rows(scores.astype(np.float32), root_seed(rng))


def _rank_rows(scores: pd.DataFrame, root: int) -> pd.DataFrame:
    """Return the ranks of each row."""
    values = scores.to_numpy()
    by_name = np.argsort(np.array([str(gene) for gene in scores.columns], dtype=object), kind="stable")
    ranks = np.empty(values.shape, dtype=np.int16 if values.shape[1] <= 2**15 else np.int32)
    for row, motif in enumerate(scores.index):
        ranks[row, by_name] = _rank(values[row, by_name], generator(root, "rank", str(motif)))
    return pd.DataFrame(ranks, scores.index, scores.columns)


def _rank(scores: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ranks by falling score, ties in random order."""
    shuffled = rng.permutation(len(scores))
    order = shuffled[np.argsort(-scores[shuffled], kind="stable")]
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[order] = np.arange(len(scores))
    return ranks


def _check(scores: pd.DataFrame) -> None:
    """Refuse empty, repeated or missing entries."""
    if scores.empty:
        msg = f"the score table is empty ({scores.shape[0]} motifs x {scores.shape[1]} genes); give motifs in rows."
        raise InputError(msg)
    for what, names in (("motif", scores.index), ("gene", scores.columns)):
        if names.has_duplicates:
            msg = f"{what} {names[names.duplicated()][0]!r} is there twice; merge the duplicates (the highest score)."
            raise InputError(msg)
    values = scores.to_numpy()
    if values.dtype.kind not in "fiub" or not np.isfinite(values).all():
        msg = "the score table holds text, NaN or infinite values; every motif needs a number for every gene."
        raise InputError(msg)


@accepts_seed
def combine_rankings(rankings: Sequence[pd.DataFrame], *, rng: SeedLike = 0) -> pd.DataFrame:
    """Combine the rankings of several species, or of several sets of regions, into one.

    A gene's ranks, divided by the number of genes, are compared with as many independent uniform numbers: the
    probability that these would be as small all together decides its place (order statistics: Stuart et al. 2003,
    doi:10.1126/science.1087447; used for motifs by Aerts et al. 2006).

    Parameters
    ----------
    rankings
        Ranks of :func:`rank_scores`, motifs × genes, with the same motifs and genes (named as in one species).
    rng
        Seed for the order of genes that tie.

    Returns
    -------
    Ranks, as the first table is arranged.

    Raises
    ------
    InputError
        If there are no tables, or they differ in motifs or genes.
    """
    from reguloom.cistarget._kernels import combine_ranks

    if not rankings:
        msg = "there are no rankings to combine; give one table of motifs x genes per species."
        raise InputError(msg)
    motifs, genes = rankings[0].index, rankings[0].columns
    different = [one for one in rankings if set(one.index) != set(motifs) or set(one.columns) != set(genes)]
    if different:
        msg = (
            f"{len(different)} of {len(rankings)} rankings have other motifs or genes than the first; "
            "rename by orthology and restrict all to what they share."
        )
        raise InputError(msg)
    tables = [one.loc[motifs, genes].to_numpy() for one in rankings]
    chance = np.empty((len(motifs), len(genes)))
    for row in range(len(motifs)):
        combine_ranks(np.stack([(table[row] + 1) / len(genes) for table in tables]), chance[row])
    return _rank_rows(pd.DataFrame(-chance, motifs, genes), root_seed(rng))


@accepts_seed
def build_database(
    scores: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    write_scores: bool = False,
    compression: str = "zstd",
    rng: SeedLike = 0,
    force: bool = True,
) -> Path:
    """Write a cisTarget ranking database (v2 format, which pySCENIC reads too) from motif scores.

    Parameters
    ----------
    scores
        Motifs × genes, higher is better: of :func:`reguloom.motifs.score_genes`, or of any scanner.
    path
        Where to; ``.genes_vs_motifs.rankings.feather`` is appended if the name does not end so.
    write_scores
        Whether the scores are written beside it (``.genes_vs_motifs.scores.feather``).
    compression
        ``"zstd"``, ``"lz4"`` or ``"uncompressed"``.
    rng
        Seed for the order of genes with equal scores.
    force
        Whether existing files may be replaced.

    Returns
    -------
    The path of the ranking database.

    Raises
    ------
    InputError
        If the scores cannot be ranked, or the file cannot be written.
    """
    from reguloom.io.rankings import write_rankings

    ending = ".genes_vs_motifs.rankings.feather"
    path = Path(path)
    if not path.name.endswith(ending):
        path = path.with_name(path.name.removesuffix(".feather") + ending)
    ranks = rank_scores(scores, rng=rng)
    motifs, genes = [str(name) for name in scores.index], [str(name) for name in scores.columns]
    write_rankings(ranks.to_numpy(), motifs, genes, path, compression=compression, force=force)  # type: ignore[arg-type]
    if write_scores:
        beside = path.with_name(path.name.replace(".rankings.", ".scores."))
        values = scores.to_numpy(dtype=np.float32)
        write_rankings(values, motifs, genes, beside, compression=compression, force=force)  # type: ignore[arg-type]
    return path
