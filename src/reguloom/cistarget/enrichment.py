"""Motif enrichment: which motifs rank the genes of a module at the top (SCENIC's cisTarget step)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._logging import logger
from reguloom._progress import Progress
from reguloom._units import map_units, parse_shard
from reguloom.cistarget._annotation import AnnotationIndex, read_annotations
from reguloom.cistarget._membership import MAX_UNMAPPED, Membership
from reguloom.cistarget._overlap import check_overlap
from reguloom.cistarget._rankings import Depth, Rankings, RankingsLike, invert_rankings, open_rankings
from reguloom.cistarget.merge_shards import DATABASE, MODULE, RUN, SHARD
from reguloom.cistarget.module import Module, ModulesLike, as_modules
from reguloom.cistarget.recovery import area_under_curve, leading_edges, normalized_enrichment
from reguloom.core.provenance import fingerprint

COLUMNS = (
    "TF",
    "MotifID",
    "AUC",
    "NES",
    "MotifSimilarityQvalue",
    "OrthologousIdentity",
    "Annotation",
    "Context",
    "TargetGenes",
    "RankAtMax",
)
COMPAT = "pyscenic-0.12"
MODULES_PER_EDGE_BLOCK, MODULES_PER_AUC_BLOCK = 32, 256
CELLS_PER_AUC_BLOCK = 2**22

Compat = Literal["pyscenic-0.12"]


@dataclass(frozen=True)
class Options:
    """What decides which motifs and genes are kept; see :func:`enrich`."""

    rank_threshold: int = 5000
    auc_threshold: float = 0.05
    nes_threshold: float = 3.0
    max_unmapped: float = MAX_UNMAPPED
    weighted_recovery: bool = False
    filter_for_annotation: bool = True
    compat: Compat | None = None
    n_jobs: int | None = None


@dataclass(frozen=True, eq=False)
class _Hits:
    """Enriched (module, motif) pairs of one database, in order; one array entry per pair."""

    module: NDArray[np.int64]
    motif: NDArray[np.int64]
    edge_motif: NDArray[np.int64]
    annotation: NDArray[np.int64]
    auc: NDArray[np.float64]
    nes: NDArray[np.float64]


def enrich(
    modules: ModulesLike,
    rankings: RankingsLike | Iterable[RankingsLike],
    annotations: pd.DataFrame | str | os.PathLike[str] | None = None,
    *,
    rank_threshold: int = 5000,
    auc_threshold: float = 0.05,
    nes_threshold: float = 3.0,
    max_unmapped: float = MAX_UNMAPPED,
    weighted_recovery: bool = False,
    filter_for_annotation: bool = True,
    compat: Compat | None = None,
    shard: str | tuple[int, int] | None = None,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Find the motifs that are enriched in each module, and the module's genes that each motif supports.

    Parameters
    ----------
    modules
        Modules of :func:`~reguloom.cistarget.modules`; or plain gene sets (regulons, or name → genes), for which
        motifs count whatever factor they belong to.
    rankings
        One or several ranking databases: opened, as paths, or as tables of motifs × genes (``attrs['name']``).
    annotations
        Which motif belongs to which factor; may be left out for plain gene sets.
    rank_threshold
        Length of the recovery curves. 5000 is the published command line's; the published Python call had 1500.
        A smaller database cuts it, with a warning.
    auc_threshold
        Share of the ranking over which the area under the recovery curve is taken.
    nes_threshold
        Smallest normalized enrichment score.
    max_unmapped
        A module is skipped for a database that lacks this share of its genes or more.
    weighted_recovery
        Whether genes count by their weights.
    filter_for_annotation
        Whether only motifs annotated to the module's factor are kept.
    compat
        ``"pyscenic-0.12"`` gives the target genes of pySCENIC 0.12.0 and 0.12.1, which are taken from the wrong
        motifs (of the enriched motifs in the database's order, the first ones); for comparison with published
        results alone.
    shard
        ``"i/n"``: test the i-th of n parts of the modules; :func:`~reguloom.cistarget.merge_shards` puts the tables
        together, for which they have two columns more.
    n_jobs
        Threads; the result does not depend on it.

    Returns
    -------
    One row per database, module and enriched motif, in this order: ``TF`` (or the gene set's name), ``MotifID``,
    ``AUC``, ``NES``, ``MotifSimilarityQvalue``, ``OrthologousIdentity``, ``Annotation``, ``Context`` (sorted tuple of
    the module's context and the database), ``TargetGenes`` (list of (gene, weight), by rank), ``RankAtMax``.
    For plain gene sets with annotations, ``MotifTFs`` names the factors of the motif, joined by ``;``.
    ``attrs['overlap']`` holds the report of how far genes, factors and motifs agree.

    Raises
    ------
    InputError
        If modules, rankings and annotations do not fit together, or an option is out of range.
    """
    options = Options(
        rank_threshold=rank_threshold,
        auc_threshold=auc_threshold,
        nes_threshold=nes_threshold,
        max_unmapped=max_unmapped,
        weighted_recovery=weighted_recovery,
        filter_for_annotation=filter_for_annotation,
        compat=_check_compat(compat),
        n_jobs=n_jobs,
    )
    tested, databases = as_modules(modules), open_rankings(rankings)
    table = _annotations(tested, annotations, required=filter_for_annotation)
    overlap = check_overlap(tested, databases, table)
    number, count = parse_shard(shard)
    mine = tested[number - 1 :: count]
    tables = [_enrich_in(database, mine, table, options) for database in databases]
    tables = [one.assign(**{DATABASE: place}) for place, one in enumerate(tables)]
    filled = [one for one in tables if len(one)] or tables[:1]
    found = pd.concat(filled, ignore_index=True)
    found.attrs["overlap"] = overlap.to_dict("list")
    if shard is None:
        return found.drop(columns=[DATABASE, MODULE])
    found[MODULE] = number - 1 + count * found[MODULE]
    sets = [[one.name, *map(str, one.genes)] for one in tested]
    deciding = [value for name, value in vars(options).items() if name != "n_jobs"]
    found.attrs[SHARD] = f"{number}/{count}"
    found.attrs[RUN] = fingerprint(sets, [one.name for one in databases], deciding)
    return found


def _check_compat(compat: Compat | None) -> Compat | None:
    """Refuse an unknown way of being compatible."""
    if compat not in (None, COMPAT):
        msg = f"compat is {compat!r}; accepted are None (correct target genes) and {COMPAT!r}."
        raise InputError(msg)
    return compat


def _annotations(
    modules: Sequence[Module], annotations: pd.DataFrame | str | os.PathLike[str] | None, *, required: bool
) -> pd.DataFrame | None:
    """Return the annotation table, or None where there is none and none is needed."""
    if annotations is not None:
        return read_annotations(annotations)
    if required and any(module.tf is not None for module in modules):
        msg = "modules of transcription factors need motif annotations; give them, or set filter_for_annotation=False."
        raise InputError(msg)
    return None


def _enrich_in(
    database: Rankings, modules: Sequence[Module], annotations: pd.DataFrame | None, options: Options
) -> pd.DataFrame:
    """Return the rows of one database."""
    nothing = _empty().assign(**{MODULE: np.empty(0, dtype=np.int64)})
    if not modules:
        return nothing
    depth = Depth.of(database, rank_threshold=options.rank_threshold, auc_threshold=options.auc_threshold)
    membership = Membership.of(modules, database.genes, max_unmapped=options.max_unmapped)
    n_skipped = len(modules) - len(membership)
    if n_skipped:
        logger.info(
            "%d of %d modules are skipped in %s: %.0f %% or more of their genes are not in it.",
            *(n_skipped, len(modules), database.name, 100 * options.max_unmapped),
        )
    if len(membership) == 0:
        return nothing
    order = invert_rankings(database, membership.genes, depth=depth.curve, n_jobs=options.n_jobs)
    tfs = {module.tf for module in membership.modules if module.tf is not None}
    index = None if annotations is None else AnnotationIndex.of(annotations, database.motifs, tfs)
    hits = _hits(order, membership, index, depth, database.motifs, options)
    edges = _edges(order, membership, hits, options)
    place = {id(module): position for position, module in enumerate(modules)}
    owners = np.array([place[id(membership.modules[module])] for module in hits.module], dtype=np.int64)
    return _table(database, membership, annotations, hits, edges).assign(**{MODULE: owners})


def _hits(
    order: NDArray[np.integer],
    membership: Membership,
    index: AnnotationIndex | None,
    depth: Depth,
    motifs: Sequence[str],
    options: Options,
) -> _Hits:
    """Return the enriched pairs, the modules in blocks so that the AUC of all of them never stands in memory."""
    step = max(1, min(MODULES_PER_AUC_BLOCK, CELLS_PER_AUC_BLOCK // order.shape[0]))
    blocks = [np.arange(start, min(start + step, len(membership))) for start in range(0, len(membership), step)]
    work = _AucWork(order, membership, index, depth.area, _tie_rank(motifs, index), options)
    found: list[_Hits] = []
    with Progress(len(membership), "motif enrichment") as progress:
        # One block after the other here, each on all threads.
        for which, part in zip(blocks, map_units(work, blocks, 1), strict=True):
            found.extend(part)
            progress.advance(len(which))
    return _join(found)


class _OneThread:
    """A unit of work that is done on one thread where it is sent to: there are other units beside it."""

    options: Options

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent."""
        return {**self.__dict__, "options": replace(self.options, n_jobs=1)}


@dataclass(eq=False)
class _AucWork(_OneThread):
    """Finds the enriched motifs of a block of modules."""

    order: NDArray[np.integer]
    membership: Membership
    index: AnnotationIndex | None
    cutoff: int
    tie_rank: NDArray[np.int64]
    options: Options

    def __call__(self, which: NDArray[np.int64]) -> list[_Hits]:
        """Return the pairs of the modules at `which`."""
        options, found = self.options, []
        auc = area_under_curve(
            *(self.order, self.membership, which),
            cutoff=self.cutoff,
            weighted=options.weighted_recovery,
            n_jobs=options.n_jobs,
        )
        nes = normalized_enrichment(auc)
        for row, module in enumerate(which):
            enriched = np.flatnonzero(nes[row] >= options.nes_threshold)
            tested = self.membership.modules[module]
            chosen, source, annotation = _select(tested, enriched, self.index, self.tie_rank, options)
            if len(chosen):
                owner = np.full(len(chosen), module)
                found.append(_Hits(owner, chosen, source, annotation, auc[row, chosen], nes[row, chosen]))
        return found


@dataclass(eq=False)
class _EdgeWork(_OneThread):
    """Finds the leading edges of a block of pairs."""

    order: NDArray[np.integer]
    membership: Membership
    options: Options

    def __call__(self, pairs: tuple[NDArray[np.int64], NDArray[np.int64]]) -> list[tuple[int, NDArray[np.int64]]]:
        """Return the edge of each pair of module and motif."""
        return leading_edges(*(self.order, self.membership, *pairs), weighted=self.options.weighted_recovery)


def _select(
    module: Module,
    enriched: NDArray[np.int64],
    index: AnnotationIndex | None,
    tie_rank: NDArray[np.int64],
    options: Options,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the motifs to report, the motifs whose leading edges they get, and their rows of annotations."""
    rows = np.full(len(enriched), -1) if index is None else index.rows(module.tf, enriched)
    keep = rows >= 0 if options.filter_for_annotation and module.tf is not None else np.ones(len(rows), dtype=bool)
    chosen, rows = enriched[keep], rows[keep]
    if options.compat is None or index is None:
        return chosen, chosen, rows
    # pySCENIC 0.12: rows sorted by annotation (unannotated last), curves still in the database's order.
    table = index.table
    q = np.where(rows >= 0, table["MotifSimilarityQvalue"].to_numpy(np.float64)[rows], np.nan)
    identity = np.where(rows >= 0, table["OrthologousIdentity"].to_numpy(np.float64)[rows], np.nan)
    order = np.lexsort((tie_rank[chosen], identity, -q))
    return chosen[order], enriched[: len(chosen)], rows[order]


def _tie_rank(motifs: Sequence[str], index: AnnotationIndex | None) -> NDArray[np.int64]:
    """Return the order in which pySCENIC 0.12 puts motifs of equal annotation, seen from its outputs.

    It is the motifs' names where the annotation table repeats any pair (v10), else the database's order (v9).
    """
    if index is None or not index.table.attrs.get("n_repeated", 0):
        return np.arange(len(motifs))
    return np.argsort(np.argsort(np.asarray(motifs, dtype=object), kind="stable"))


def _join(found: Sequence[_Hits]) -> _Hits:
    """Return all pairs as one."""
    if not found:
        whole, real = np.empty(0, dtype=np.int64), np.empty(0)
        return _Hits(whole, whole, whole, whole, real, real)
    names = ("module", "motif", "edge_motif", "annotation", "auc", "nes")
    return _Hits(*(np.concatenate([getattr(one, name) for one in found]) for name in names))


def _edges(
    order: NDArray[np.integer], membership: Membership, hits: _Hits, options: Options
) -> list[tuple[int, NDArray[np.int64]]]:
    """Return the leading edge of each pair; threads take some modules each, so sums have one order whatever happens."""
    if len(hits.module) == 0:
        return []
    changes = np.flatnonzero(np.r_[True, hits.module[1:] != hits.module[:-1]])
    bounds = [*changes[::MODULES_PER_EDGE_BLOCK].tolist(), len(hits.module)]
    pairs = [
        (hits.module[start:stop], hits.edge_motif[start:stop])
        for start, stop in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    found: list[tuple[int, NDArray[np.int64]]] = []
    with Progress(len(pairs), "leading edges") as progress:
        for part in map_units(_EdgeWork(order, membership, options), pairs, options.n_jobs):
            found.extend(part)
            progress.advance()
    return found


def _table(
    database: Rankings,
    membership: Membership,
    annotations: pd.DataFrame | None,
    hits: _Hits,
    edges: Sequence[tuple[int, NDArray[np.int64]]],
) -> pd.DataFrame:
    """Return the motif table of one database."""
    if len(edges) == 0:
        return _empty()
    owners = [membership.modules[module] for module in hits.module]
    motifs = database.motifs
    table = pd.DataFrame(
        {
            "TF": [one.tf if one.tf is not None else one.name for one in owners],
            "MotifID": [motifs[motif] for motif in hits.motif],
            "AUC": hits.auc,
            "NES": hits.nes,
        }
    )
    for name in COLUMNS[4:7]:
        table[name] = _annotation_column(annotations, name, hits.annotation)
    table["Context"] = [tuple(sorted({*one.context, database.name})) for one in owners]
    table["TargetGenes"] = _targets(membership, hits, edges)
    table["RankAtMax"] = np.array([rank for rank, _ in edges], dtype=np.int64)
    if annotations is not None and any(one.tf is None for one in membership.modules):
        factors = annotations.groupby("MotifID")["TF"].agg(lambda names: ";".join(sorted(names)))
        table["MotifTFs"] = factors.reindex(table["MotifID"]).fillna("").to_numpy(dtype=object)
    return table


def _annotation_column(
    annotations: pd.DataFrame | None, name: str, rows: NDArray[np.int64]
) -> NDArray[np.float64] | NDArray[np.object_]:
    """Return one column of the annotations for each pair; NaN or empty text where there is none."""
    text = name == "Annotation"
    if annotations is None:
        return np.full(len(rows), "", dtype=object) if text else np.full(len(rows), np.nan)
    values = annotations[name].to_numpy(dtype=object if text else np.float64)
    return np.where(rows >= 0, values[rows], "" if text else np.nan)


def _targets(
    membership: Membership, hits: _Hits, edges: Sequence[tuple[int, NDArray[np.int64]]]
) -> list[list[tuple[str, float]]]:
    """Return the leading edges as lists of (gene, weight)."""
    weight_of = np.zeros(len(membership.genes))
    names, targets, last = membership.genes, [], -1
    for module, (_, genes) in zip(hits.module, edges, strict=True):
        if module != last:
            entries, last = membership.entries(int(module)), int(module)
            weight_of[membership.columns[entries]] = membership.weights[entries]
        targets.append([(names[gene], weight) for gene, weight in zip(genes, weight_of[genes].tolist(), strict=True)])
    return targets


def _empty() -> pd.DataFrame:
    """Return a motif table without rows."""
    real = {"AUC", "NES", "MotifSimilarityQvalue", "OrthologousIdentity"}
    kinds = {name: "float64" if name in real else "int64" if name == "RankAtMax" else "object" for name in COLUMNS}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
