"""What tells early modules from late ones: motifs among the genes that move, and factors that come in time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from reguloom import cistarget, temporal
from reguloom._errors import EmptyResultError, InputError, warn
from reguloom._logging import logger
from reguloom._random import SeedLike, accepts_seed, root_seed

LEAST_NES = 1.5
"""Enrichment of permuted sets below which nobody asks."""
NARROWEST, WIDEST = 0.05, 0.25
"""Share of the background over which the recovery area is taken, at least and at most."""
FEW_GENES = 100


@dataclass(frozen=True, eq=False)
class TemporalMotifs:
    """Motifs and factors of temporal modules.

    Parameters
    ----------
    motifs
        ``module``, ``motif``, ``nes``, ``auc``, ``p_permuted``, ``factors``, ``targets``, ``database``; strongest first
        within the module.
    factors
        ``module``, ``factor``, ``nes`` (of its best motif), ``motif``, ``p_permuted``; with times also
        ``module_onset``, ``tf_onset``, ``lead``, ``verdict``.
    contrast
        First module against last: ``motif``, ``auroc``, ``p``, ``q``, ``factors``, ``database``.
    contrasted
        Names of the two modules.
    notes
        What a reader has to know.
    """

    motifs: pd.DataFrame
    factors: pd.DataFrame
    contrast: pd.DataFrame
    contrasted: tuple[str, str] | None = None
    notes: tuple[str, ...] = field(default=())


@accepts_seed
def temporal_motifs(
    modules: pd.Series | Mapping[str, str],
    rankings: Any,
    annotations: Any,
    *,
    timing: pd.DataFrame | None = None,
    background: Iterable[str] | None = None,
    contrast: tuple[str, str] | None = None,
    nes_threshold: float = 3.0,
    n_permutations: int = 100,
    min_genes: int = 10,
    track: str | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> TemporalMotifs:
    """Find the motifs of each temporal module among the genes that move, and ask whether their factors come in time.

    Against the whole genome, any set of genes that move has strong motifs: those of moving genes. So genes are ranked
    anew among those that move (:func:`reguloom.temporal.rankings_within`), the enrichment is cisTarget's, and modules
    with their labels dealt out anew say how strong the best motif of a module without meaning is.

    Parameters
    ----------
    modules
        Gene → module; ``static`` and ``unassigned`` are no modules.
    rankings
        One or several motif ranking databases: opened, paths, or tables.
    annotations
        Motif annotations, as a path or a table.
    timing
        From :func:`reguloom.temporal.timing`, to hold factors' onsets against the modules'.
    background
        Genes among which motifs are ranked; all that are not static if left out.
    contrast
        Two modules to hold against each other; the first and the last if left out.
    nes_threshold
        Smallest enrichment.
    n_permutations
        How often labels are dealt out anew; 0 leaves ``p_permuted`` out.
    min_genes
        Smaller modules are left out.
    track
        Which track's times; the first if left out.
    rng
        Seed.
    n_jobs
        Threads; the result does not depend on it.

    Returns
    -------
    TemporalMotifs
        Tables of motifs, factors and the contrast.

    Raises
    ------
    EmptyResultError
        If no module is large enough.
    InputError
        If a module to be contrasted is not there.
    """
    labels = pd.Series(modules).astype(str)
    sets = temporal.gene_sets(labels, min_genes=min_genes)
    if not sets:
        msg = f"no module has {min_genes} genes; give smaller ones with min_genes=, or fit fewer modules."
        raise EmptyResultError(msg)
    moving = list(labels.index[labels != "static"]) if background is None else list(background)
    notes: list[str] = []
    if len(moving) < FEW_GENES:
        notes.append(f"{len(moving)} genes move: too small to conclude which motif tells modules apart")
    table = _annotations(annotations)
    whole = [rankings] if _is_one(rankings) else list(rankings)
    within = [temporal.rankings_within(one, moving) for one in whole]
    sets = _known(sets, within, notes)
    found = _enrich(sets, within, table, nes_threshold, n_jobs)
    if n_permutations:
        dealt = temporal.permuted_sets(sets, n_permutations, rng=root_seed(rng))
        null = _enrich(dealt, within, table, LEAST_NES, n_jobs)
        found["p_permuted"] = _permuted(found, null, n_permutations)
    pair, names = _pair(sets, contrast), [str(one.attrs["name"]) for one in within]
    factors = _factors(found)
    if timing is not None and len(factors):
        by_module = {name: list(rows["factor"]) for name, rows in factors.groupby("module", sort=False)}
        verdicts = temporal.precedence(timing, labels, by_module, track=track)
        factors = factors.merge(verdicts, on=["module", "factor"], how="left")
    logger.info("%d motifs of %d factors in %d modules", len(found), factors["factor"].nunique(), len(sets))
    return TemporalMotifs(found, factors, _contrast(sets, pair, whole, names, table), pair, tuple(notes))


def _annotations(annotations: Any) -> pd.DataFrame:
    """Return motif annotations as a table, whichever way they are given."""
    from reguloom.cistarget._annotation import read_annotations

    return read_annotations(annotations)


def _known(sets: dict[str, list[str]], within: list[pd.DataFrame], notes: list[str]) -> dict[str, list[str]]:
    """Return the gene sets without the genes that no database has; pseudogenes and the like are in none.

    Raises
    ------
    EmptyResultError
        If no set keeps three genes.
    """
    known = set().union(*(map(str, one.columns) for one in within))
    kept = {name: [gene for gene in members if gene in known] for name, members in sets.items()}
    n, total = sum(map(len, kept.values())), sum(map(len, sets.values()))
    if n < total:
        notes.append(f"{total - n} of {total} genes of the modules are in no ranking database")
    kept = {name: members for name, members in kept.items() if len(members) >= 3}
    if not kept:
        msg = f"{n} of {total} genes of the modules are in the ranking databases; use one species and naming."
        raise EmptyResultError(msg)
    return kept


def _is_one(rankings: Any) -> bool:
    """Tell whether this is a single database."""
    return isinstance(rankings, (str, pd.DataFrame)) or hasattr(rankings, "load") or hasattr(rankings, "__fspath__")


def _enrich(
    sets: Mapping[str, Sequence[str]], within: list[pd.DataFrame], annotations: pd.DataFrame, nes: float,
    n_jobs: int | None,
) -> pd.DataFrame:  # fmt: skip
    """Return the enriched motifs of gene sets in all databases."""
    parts = []
    for one in within:
        size = float(np.median([len(members) for members in sets.values()]))
        share = float(np.clip(size / one.shape[1], max(NARROWEST, 3 / one.shape[1]), WIDEST))
        parts.append(cistarget.enrich(
            {name: list(members) for name, members in sets.items()}, one, annotations, rank_threshold=one.shape[1] - 1,
            auc_threshold=share, nes_threshold=nes, max_unmapped=0.5, filter_for_annotation=False, n_jobs=n_jobs,
        ).assign(database=str(one.attrs["name"])))  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    made = pd.DataFrame({
        "module": table["TF"].astype(str), "motif": table["MotifID"].astype(str), "nes": table["NES"].astype(float),
        "auc": table["AUC"].astype(float),
        "factors": table.get("MotifTFs", pd.Series("", table.index)).fillna("").astype(str),
        "targets": [";".join(str(gene) for gene, _ in genes) for genes in table["TargetGenes"]],
        "database": table["database"],
    })  # fmt: skip
    order = {name: place for place, name in enumerate(sets)}
    made["_place"] = made["module"].map(order)
    made = made.sort_values(["_place", "nes", "motif"], ascending=[True, False, True], kind="stable")
    return made.drop(columns="_place").reset_index(drop=True)


def _permuted(found: pd.DataFrame, null: pd.DataFrame, n: int) -> list[float]:
    """Return how often the best motif of a set of the same size, labels dealt out anew, is as strong."""
    if null.empty:
        return [1.0 / (n + 1)] * len(found)
    best = null.groupby("module")["nes"].max()
    by_module: dict[str, list[float]] = {}
    for name, nes in best.items():
        by_module.setdefault(str(name).rsplit("#", 1)[0], []).append(float(nes))
    return [
        (1 + sum(other >= nes for other in by_module.get(module, []))) / (n + 1)
        for module, nes in zip(found["module"], found["nes"], strict=True)
    ]


def _factors(found: pd.DataFrame) -> pd.DataFrame:
    """Return each module's factors with their best motif."""
    rows = found.assign(factor=found["factors"].str.split(";")).explode("factor")
    rows = rows[rows["factor"].fillna("") != ""]
    kept = [name for name in ("module", "factor", "nes", "motif", "p_permuted", "database") if name in rows]
    return rows.drop_duplicates(["module", "factor"])[kept].reset_index(drop=True)


def _pair(sets: Mapping[str, Sequence[str]], asked: tuple[str, str] | None) -> tuple[str, str] | None:
    """Return the two modules to contrast; None if there is only one.

    Raises
    ------
    InputError
        If one that was asked for is not there.
    """
    names = list(sets)
    if asked is not None:
        absent = [name for name in asked if name not in sets]
        if absent or asked[0] == asked[1]:
            msg = f"the contrast is {' against '.join(asked)}; it takes two of the modules {', '.join(names)}."
            raise InputError(msg)
        return asked
    return (names[0], names[-1]) if len(names) > 1 else None


def _contrast(
    sets: Mapping[str, Sequence[str]], pair: tuple[str, str] | None, whole: list[Any], names: list[str],
    annotations: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Return the contrast of two modules in all databases."""
    if pair is None:
        return pd.DataFrame(columns=["motif", "auroc", "p", "q", "factors", "database"])
    if min(len(sets[name]) for name in pair) < FEW_GENES // 4:
        sizes = " and ".join(str(len(sets[name])) for name in pair)
        warn(f"{pair[0]} and {pair[1]} have {sizes} genes; a contrast of so few says little.")
    parts = [
        temporal.motif_contrast(one, sets[pair[0]], sets[pair[1]], annotations=annotations).assign(database=name)
        for one, name in zip(whole, names, strict=True)
    ]
    return pd.concat(parts, ignore_index=True).sort_values(["p", "motif"], kind="stable", ignore_index=True)
