"""AUC, recovery curves and leading edges of modules in ranked motifs (Imrichova et al. 2015, doi:10.1093/nar/gkv395).

The recovery curve of a module in a motif counts the module's genes among the motif's first genes. Its area up to
5 % of the ranking, compared with that of all other motifs, says whether the motif is enriched; the rank where it
is furthest above the mean of all motifs plus two standard deviations bounds the leading edge, the direct targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, MissingKeyError
from reguloom._threads import map_ordered
from reguloom.cistarget._membership import Membership
from reguloom.cistarget._rankings import Depth, RankingsLike, invert_rankings, motif_slices, open_rankings
from reguloom.cistarget.module import ModulesLike, as_modules

EXACT = 3.0e9
"""Below this number of motifs × genes, the variance of counts is taken in 64-bit integers without rounding."""


def area_under_curve(
    order: NDArray[np.integer],
    membership: Membership,
    which: NDArray[np.int64],
    *,
    cutoff: int,
    weighted: bool,
    n_jobs: int | None = None,
) -> NDArray[np.float64]:
    """Return the AUC of each module in each motif: a product of sparse matrices, clipped ranks × memberships.

    AUC = Σ w · max(0, C − rank) / ((C + 1) · Σ w), with C the `cutoff`. Without weights the sums are integers, so
    the result does not depend on their order.

    Parameters
    ----------
    order
        Truncated inverse ranking, ``(n_motifs, depth)``.
    membership
        The modules.
    which
        Positions of the modules that are wanted.
    cutoff
        C, the rank below which a gene counts.
    weighted
        Whether genes count by their weights.
    n_jobs
        Threads; each takes some motifs.

    Returns
    -------
    Shape ``(len(which), n_motifs)``.
    """
    from reguloom.cistarget import _kernels

    offsets, members, weights = membership.by_gene(which)
    sums = np.zeros((order.shape[0], len(which)), dtype=np.float64 if weighted else np.int64)

    def add(rows: slice) -> None:
        if weighted:
            _kernels.weighted_area_sums(order[rows], cutoff, offsets, members, weights, sums[rows])
        else:
            _kernels.area_sums(order[rows], cutoff, offsets, members, sums[rows])

    for _ in map_ordered(add, motif_slices(order.shape[0], n_jobs), n_jobs):
        pass
    largest = (cutoff + 1) * membership.totals(weighted=weighted)[which]
    return np.asarray(np.ascontiguousarray(sums.T) / largest[:, None], dtype=np.float64)


def normalized_enrichment(auc: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (AUC − mean) / standard deviation over all motifs, row by row; NaN where all motifs are alike."""
    centred = auc - auc.mean(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return centred / auc.std(axis=1, keepdims=True)


def moments(
    order: NDArray[np.integer], membership: Membership, which: NDArray[np.int64], *, weighted: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation over all motifs of the modules' recovery curves.

    No curve is stored: a curve that climbs from c to c + w at a rank adds w to the sum of curves and w(2c + w) to
    the sum of squares from that rank on.

    Returns
    -------
    Two arrays of shape ``(len(which), depth)``.
    """
    from reguloom.cistarget import _kernels

    n_motifs, depth = order.shape
    offsets, members, weights = membership.by_gene(which)
    first = np.zeros((len(which), depth), dtype=np.float64 if weighted else np.int64)
    second = np.zeros_like(first)
    if weighted:
        _kernels.weighted_recovery_moments(order, offsets, members, weights, len(which), first, second)
    else:
        _kernels.recovery_moments(order, offsets, members, len(which), first, second)
    np.cumsum(first, axis=1, out=first)
    np.cumsum(second, axis=1, out=second)
    if n_motifs * len(membership.genes) > EXACT:
        first, second = first.astype(np.float64), second.astype(np.float64)
    variance = np.maximum(n_motifs * second - first * first, 0)
    return first / n_motifs, np.sqrt(variance) / n_motifs


def leading_edges(
    order: NDArray[np.integer],
    membership: Membership,
    modules: NDArray[np.int64],
    motifs: NDArray[np.int64],
    *,
    weighted: bool,
) -> list[tuple[int, NDArray[np.int64]]]:
    """Return for pairs of module and motif the rank of the leading edge and the genes in it, by rising rank.

    Parameters
    ----------
    order
        Truncated inverse ranking.
    membership
        The modules.
    modules, motifs
        The pairs; modules in rising order.
    weighted
        Whether curves climb by the genes' weights.
    """
    from reguloom.cistarget import _kernels

    which, row = np.unique(modules, return_inverse=True)
    mean, sd = moments(order, membership, which, weighted=weighted)
    envelope = mean + 2.0 * sd
    height = np.full(len(membership.genes), -1.0)
    found, last = [], -1
    for position, motif in zip(row, motifs, strict=True):
        if position != last:
            height[:] = -1.0
            entries = membership.entries(int(which[position]))
            height[membership.columns[entries]] = membership.weights[entries] if weighted else 1.0
            last = position
        found.append(_kernels.leading_edge(order[motif], height, envelope[position]))
    return found


@dataclass(frozen=True, eq=False)
class Recovery:
    """Recovery curves of one module, as they are plotted.

    Parameters
    ----------
    name
        The module.
    database
        The ranking database.
    motifs
        The motifs whose curves are here.
    curves
        Module genes (or their weight) found up to each rank, shape ``(n_motifs, depth)``.
    mean, sd
        Over all motifs of the database, shape ``(depth,)``.
    auc, nes
        Of these motifs, shape ``(n_motifs,)``.
    rank_at_max
        Rank of the leading edge of these motifs, shape ``(n_motifs,)``.
    targets
        Genes in the leading edge of each motif, by rising rank.
    """

    name: str
    database: str
    motifs: list[str]
    curves: NDArray[np.float64]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    auc: NDArray[np.float64]
    nes: NDArray[np.float64]
    rank_at_max: NDArray[np.int64]
    targets: list[list[str]]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per rank: ``mean``, ``sd``, and a column per motif."""
        return pd.DataFrame({"mean": self.mean, "sd": self.sd, **dict(zip(self.motifs, self.curves, strict=True))})


def recovery(
    genes: ModulesLike,
    rankings: RankingsLike,
    *,
    motifs: Sequence[str] | None = None,
    n_motifs: int = 5,
    rank_threshold: int = 5000,
    auc_threshold: float = 0.05,
    weighted_recovery: bool = False,
    n_jobs: int | None = None,
) -> Recovery:
    """Return the recovery curves of one gene set, for a plot.

    Parameters
    ----------
    genes
        One module, or one gene set by name.
    rankings
        One ranking database.
    motifs
        Which motifs; the most enriched ones if left out.
    n_motifs
        How many of these.
    rank_threshold, auc_threshold, weighted_recovery
        As :func:`~reguloom.cistarget.enrich` takes them.
    n_jobs
        Threads.

    Raises
    ------
    InputError
        If there is not exactly one gene set and one database, or the set's genes are not in the database.
    MissingKeyError
        If a motif is not in the database.
    """
    modules, opened = as_modules(genes), open_rankings(rankings)
    if len(modules) != 1 or len(opened) != 1:
        msg = f"recovery shows one gene set in one database, not {len(modules)} sets in {len(opened)} databases."
        raise InputError(msg)
    database = opened[0]
    depth = Depth.of(database, rank_threshold=rank_threshold, auc_threshold=auc_threshold)
    membership = Membership.of(modules, database.genes, max_unmapped=np.inf)
    if len(membership) == 0:
        msg = f"none of the {len(modules[0])} genes of {modules[0].name} is in {database.name}; check species and ids."
        raise InputError(msg)
    order = invert_rankings(database, membership.genes, depth=depth.curve, n_jobs=n_jobs)
    one = np.zeros(1, dtype=np.int64)
    auc = area_under_curve(order, membership, one, cutoff=depth.area, weighted=weighted_recovery, n_jobs=n_jobs)
    nes = normalized_enrichment(auc)[0]
    chosen = _positions(motifs, database.motifs) if motifs is not None else np.argsort(-nes, kind="stable")[:n_motifs]
    mean, sd = moments(order, membership, one, weighted=weighted_recovery)
    edges = leading_edges(order, membership, np.zeros(len(chosen), np.int64), chosen, weighted=weighted_recovery)
    height = np.zeros(len(membership.genes) + 1)  # the last entry stands for "no gene of the module" (-1)
    height[membership.columns] = membership.weights if weighted_recovery else 1.0
    return Recovery(
        name=modules[0].name,
        database=database.name,
        motifs=[database.motifs[motif] for motif in chosen],
        curves=np.cumsum(height[order[chosen]], axis=1),
        mean=mean[0],
        sd=sd[0],
        auc=auc[0][chosen],
        nes=nes[chosen],
        rank_at_max=np.array([rank for rank, _ in edges], dtype=np.int64),
        targets=[[membership.genes[gene] for gene in found] for _, found in edges],
    )


def _positions(motifs: Sequence[str], known: Sequence[str]) -> NDArray[np.int64]:
    """Return where motifs stand in a database."""
    found = pd.Index(known, dtype=object).get_indexer(pd.Index(list(motifs), dtype=object))
    if (found < 0).any():
        missing = [motif for motif, place in zip(motifs, found, strict=True) if place < 0]
        msg = f"motifs {missing[:3]} are not in the database; it has {len(known)}, such as {list(known[:3])}."
        raise MissingKeyError(msg)
    return found.astype(np.int64)
