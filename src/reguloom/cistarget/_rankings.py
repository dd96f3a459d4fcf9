"""The part of a ranking database that enrichment needs, whatever the database's size."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, warn
from reguloom._threads import map_ordered, resolve_n_jobs

READ_CELLS = 2**24
"""Ranks read at a time (32 MB of int16)."""


class Rankings(Protocol):
    """What is asked of a ranking database: its names, and the ranks of some genes."""

    @property
    def name(self) -> str:
        """Name, for the context of an enriched motif."""

    @property
    def genes(self) -> list[str]:
        """Genes in the database's order."""

    @property
    def motifs(self) -> list[str]:
        """Motifs in the database's order."""

    def load(self, genes: Sequence[str]) -> NDArray[Any]:
        """Return 0-based ranks, shape ``(n_motifs, len(genes))``."""


RankingsLike: TypeAlias = Rankings | pd.DataFrame | str | os.PathLike[str]
"""A ranking database, a table of motifs × genes, or a path."""


@dataclass(frozen=True)
class FrameRankings:
    """A table of ranks in memory, motifs × genes; its name is ``frame.attrs['name']`` or ``rankings``."""

    frame: pd.DataFrame

    @property
    def name(self) -> str:
        """Name, for the context of an enriched motif."""
        return str(self.frame.attrs.get("name", "rankings"))

    @property
    def genes(self) -> list[str]:
        """Names of the columns."""
        return [str(gene) for gene in self.frame.columns]

    @property
    def motifs(self) -> list[str]:
        """Names of the rows."""
        return [str(motif) for motif in self.frame.index]

    def load(self, genes: Sequence[str]) -> NDArray[Any]:
        """Return the ranks of `genes`, shape ``(n_motifs, len(genes))``."""
        return self.frame[list(genes)].to_numpy()


def open_rankings(rankings: RankingsLike | Iterable[RankingsLike]) -> list[Rankings]:
    """Return one or several databases as a list, opened.

    Raises
    ------
    InputError
        If there is none, one holds scores in place of ranks, or two have the same name.
    """
    if isinstance(rankings, (str, os.PathLike, pd.DataFrame)) or hasattr(rankings, "load"):
        rankings = [rankings]  # type: ignore[list-item]
    opened = [_open(one) for one in rankings]  # type: ignore[union-attr]
    if not opened:
        msg = "no ranking database is given; at least one genes_vs_motifs.rankings file is needed."
        raise InputError(msg)
    names = pd.Series([one.name for one in opened])
    if names.duplicated().any():
        msg = f"two ranking databases are called {names[names.duplicated()].iloc[0]!r}; give each once, or rename one."
        raise InputError(msg)
    return opened


def _open(one: RankingsLike) -> Rankings:
    """Return one database, after checking that it holds ranks."""
    if isinstance(one, (str, os.PathLike)):
        from reguloom.io.rankings import read_rankings

        one = read_rankings(one)
    if isinstance(one, pd.DataFrame):
        one = FrameRankings(one)
        kind = "rankings" if all(dtype.kind in "iu" for dtype in one.frame.dtypes.unique()) else "scores"
    else:
        kind = getattr(one, "kind", "rankings")
    if kind != "rankings":
        msg = f"{one.name} holds scores, not ranks; make a ranking database of it with `reguloom resources build-db`."
        raise InputError(msg)
    return one


@dataclass(frozen=True)
class Depth:
    """How deep the ranking of one database is looked at.

    Parameters
    ----------
    n_genes
        Genes in the database.
    curve
        Length of the recovery curves: ranks 0 to ``curve - 1``.
    area
        Rank below which a gene adds to the AUC.
    """

    n_genes: int
    curve: int
    area: int

    @classmethod
    def of(cls, rankings: Rankings, *, rank_threshold: int, auc_threshold: float) -> Depth:
        """Return the depths for one database; a rank threshold beyond its genes is cut, with a warning.

        Raises
        ------
        InputError
            If a threshold is out of range, or the area would be empty or wider than the curves.
        """
        n_genes = len(rankings.genes)
        if rank_threshold < 1 or not 0 < auc_threshold <= 1:
            msg = (
                f"rank_threshold is {rank_threshold} and auc_threshold {auc_threshold}; "
                "accepted are a positive number of ranks and a share between 0 and 1."
            )
            raise InputError(msg)
        curve = int(rank_threshold)
        if curve >= n_genes:
            curve = n_genes - 1
            warn(f"{rankings.name} has {n_genes} genes, so rank_threshold is cut from {rank_threshold} to {curve}.")
        # Python's round, half to even, as in the reference
        area = int(round(auc_threshold * n_genes)) - 1
        if area < 1 or area + 1 > curve:
            msg = (
                f"auc_threshold {auc_threshold} of the {n_genes} genes in {rankings.name} is rank {area + 1}; it must "
                f"be between 2 and the rank threshold {curve}, so change auc_threshold or rank_threshold."
            )
            raise InputError(msg)
        return cls(n_genes, curve, area)


def invert_rankings(
    rankings: Rankings, genes: Sequence[str], *, depth: int, n_jobs: int | None = None
) -> NDArray[np.integer]:
    """Return which gene each motif puts at each rank: the truncated inverse ranking.

    Parameters
    ----------
    rankings
        The database; only the columns of `genes` are read, some at a time.
    genes
        The genes that some module holds.
    depth
        Ranks 0 to ``depth - 1`` are kept.
    n_jobs
        Threads.

    Returns
    -------
    Positions in `genes`, shape ``(n_motifs, depth)``; -1 where the gene of that rank is none of them.

    Raises
    ------
    InputError
        If two genes share a rank in one motif.
    """
    from reguloom.cistarget import _kernels

    n_motifs = len(rankings.motifs)
    order = np.full((n_motifs, depth), -1, dtype=np.int16 if len(genes) <= np.iinfo(np.int16).max else np.int32)
    slices = motif_slices(n_motifs, n_jobs)
    step = max(64, READ_CELLS // max(n_motifs, 1))
    for first in range(0, len(genes), step):
        ranks = np.ascontiguousarray(rankings.load(genes[first : first + step]))

        def fill(rows: slice, ranks: NDArray[Any] = ranks, first: int = first) -> int:
            clash = int(_kernels.invert(ranks[rows], first, order[rows]))
            return -1 if clash < 0 else clash + rows.start

        for clash in map_ordered(fill, slices, n_jobs):
            if clash >= 0:
                msg = (
                    f"in {rankings.name}, motif {rankings.motifs[clash]} gives two genes the same rank; each motif "
                    "must rank every gene once, so build the database again."
                )
                raise InputError(msg)
    return order


def motif_slices(n_motifs: int, n_jobs: int | None) -> list[slice]:
    """Return consecutive slices of the motifs, a few for each thread."""
    step = max(1, -(-n_motifs // (4 * resolve_n_jobs(n_jobs))))
    return [slice(start, min(start + step, n_motifs)) for start in range(0, n_motifs, step)]
