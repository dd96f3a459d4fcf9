"""What motif enrichment needs of temporal modules: gene sets, a database of moving genes alone, and a contrast."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from reguloom._errors import InputError, warn
from reguloom._logging import logger
from reguloom._random import SeedLike, accepts_seed, generator
from reguloom.core.fdr import benjamini_hochberg
from reguloom.io import RankingDatabase, read_rankings

NO_MODULE = ("static", "unassigned")
"""Labels that are no modules."""
FEWEST = 10
"""Genes that a module needs for its motifs to be looked at."""
FEW = 100
"""Genes in a background below which nothing should be concluded."""


def gene_sets(modules: pd.Series | Mapping[str, str], *, min_genes: int = FEWEST) -> dict[str, list[str]]:
    """Return the genes of each module, in the order of the modules' names, for :func:`reguloom.cistarget.enrich`.

    Parameters
    ----------
    modules
        Gene → module; ``static`` and ``unassigned`` are no modules.
    min_genes
        Smaller modules are left out.
    """
    labels = pd.Series(modules).astype(str)
    labels = labels[~labels.isin(NO_MODULE)]
    found = {str(name): [str(gene) for gene in rows.index] for name, rows in labels.groupby(labels, sort=True)}
    small = [name for name, genes in found.items() if len(genes) < min_genes]
    if small:
        logger.info("modules of fewer than %d genes are left out: %s", min_genes, ", ".join(small))
    return {name: found[name] for name in sorted(found, key=_number) if name not in small}


def _number(name: str) -> tuple[int, str]:
    """Return a key that puts C2 before C10."""
    digits = "".join(ch for ch in name if ch.isdigit())
    return (int(digits) if digits else 0, name)


def rankings_within(
    rankings: RankingDatabase | pd.DataFrame | str | os.PathLike[str], genes: Sequence[str] | pd.Index
) -> pd.DataFrame:
    """Return a ranking database of some genes alone, ranked anew: the background is theirs.

    Against the whole genome, motifs of expressed or of moving genes look enriched in every module. Among the genes that
    move, only what tells modules apart does.

    Parameters
    ----------
    rankings
        The database, motifs × genes, 0 is best.
    genes
        The background: the dynamic genes, or the genes of two modules.

    Returns
    -------
    pandas.DataFrame
        Ranks 0 to ``n - 1`` within each motif; ``attrs['name']``.

    Raises
    ------
    InputError
        If fewer than two of the genes are in the database.
    """
    wanted = list(dict.fromkeys(map(str, genes)))
    if isinstance(rankings, pd.DataFrame):
        name, motifs = str(rankings.attrs.get("name", "rankings")), [str(one) for one in rankings.index]
        known = [gene for gene in wanted if gene in rankings.columns]
        values = rankings[known].to_numpy()
    else:
        database = rankings if isinstance(rankings, RankingDatabase) else read_rankings(rankings)
        name, motifs = database.name, list(database.motifs)
        known = [gene for gene, at in zip(wanted, database.positions(wanted), strict=True) if at >= 0]
        values = database.load(known) if known else np.empty((len(motifs), 0))
    if len(known) < 2:
        msg = (
            f"{len(known)} of the {len(wanted)} genes (such as {wanted[:3]}) are in {name}; use one species and naming."
        )
        raise InputError(msg)
    if len(known) < FEW:
        warn(f"the background has {len(known)} genes: too small to conclude which motif tells modules apart.")
    order = np.argsort(values, axis=1, kind="stable")
    ranks = np.empty(values.shape, dtype=np.int16 if len(known) < 32_768 else np.int32)
    np.put_along_axis(ranks, order, np.arange(len(known), dtype=ranks.dtype)[None, :], axis=1)
    made = pd.DataFrame(ranks, index=pd.Index(motifs, name="motifs"), columns=pd.Index(known))
    made.attrs["name"] = name
    return made


def motif_contrast(
    rankings: RankingDatabase | pd.DataFrame | str | os.PathLike[str],
    first: Sequence[str],
    second: Sequence[str],
    *,
    annotations: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Tell which motifs rank the genes of one module before those of another (early against late).

    Mann–Whitney's U for each motif, on the genes of both alone: whatever they have in common, being expressed or moving
    at all, cancels out.

    Parameters
    ----------
    rankings
        The ranking database.
    first, second
        Genes.
    annotations
        Motif annotations (``#motif_id`` or ``MotifID``, ``gene_name`` or ``TF``), to name factors.

    Returns
    -------
    One row per motif, strongest first: ``motif``, ``auroc`` (chance that a gene of the first has the better rank; below
    0.5 the motif goes with the second), ``p``, ``q`` (Benjamini–Hochberg), ``factors``.

    Raises
    ------
    InputError
        If the two share genes, or one has too few in the database.
    """
    both = set(first) & set(second)
    if both:
        msg = f"{len(both)} genes such as {sorted(both)[:3]} are in both sets; a contrast needs sets apart."
        raise InputError(msg)
    table = rankings_within(rankings, [*first, *second])
    mine = table.columns.isin(pd.Index(list(first)))
    n, m = int(mine.sum()), int((~mine).sum())
    if min(n, m) < 3:
        msg = f"{n} and {m} genes of the two sets are in the database; at least 3 of each are needed."
        raise InputError(msg)
    ranks = table.to_numpy().astype(np.float64)
    auroc = 1.0 - (ranks[:, mine].sum(axis=1) - n * (n - 1) / 2) / (n * m)
    z = (auroc - 0.5) * n * m / np.sqrt(n * m * (n + m + 1) / 12)
    p = 2 * stats.norm.sf(np.abs(z))
    found = pd.DataFrame({"motif": table.index.astype(str), "auroc": auroc, "p": p, "q": benjamini_hochberg(p)})
    found["factors"] = _factors(found["motif"], annotations)
    return found.sort_values(["p", "motif"], kind="stable", ignore_index=True)


def _factors(motifs: pd.Series, annotations: pd.DataFrame | None) -> NDArray[np.object_]:
    """Return the factors of each motif, joined by ``;``."""
    if annotations is None:
        return np.full(len(motifs), "", dtype=object)
    names = {str(one).lstrip("#").lower(): one for one in annotations.columns}
    motif = names.get("motif_id", names.get("motifid"))
    factor = names.get("gene_name", names.get("tf"))
    if motif is None or factor is None:
        msg = f"annotations have the columns {list(map(str, annotations.columns))[:6]}; needed are motif_id, gene_name."
        raise InputError(msg)
    joined = annotations.groupby(motif)[factor].agg(lambda rows: ";".join(sorted({str(row) for row in rows})))
    return joined.reindex(motifs).fillna("").to_numpy(dtype=object)


@accepts_seed
def permuted_sets(
    sets: Mapping[str, Sequence[str]], n_permutations: int = 100, *, rng: SeedLike = 0
) -> dict[str, list[str]]:
    """Return gene sets of the same sizes with the labels dealt out anew, called ``name#number``.

    How strong the best motif of such sets is says what a module's best motif has to beat.

    Parameters
    ----------
    sets
        The modules.
    n_permutations
        How often.
    rng
        Seed.
    """
    source = generator(rng, "permuted sets")
    genes = np.array([gene for members in sets.values() for gene in members], dtype=object)
    made: dict[str, list[str]] = {}
    for number in range(n_permutations):
        dealt, start = source.permutation(genes), 0
        for name, members in sets.items():
            made[f"{name}#{number}"] = sorted(dealt[start : start + len(members)].tolist())
            start += len(members)
    return made
