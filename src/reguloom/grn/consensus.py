"""Several runs, one answer: which edges, targets and regulons come back, and how often."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reguloom._errors import EmptyResultError, InputError
from reguloom._logging import logger
from reguloom._random import SeedLike, accepts_seed, child_seed, root_seed
from reguloom.core import Network, Provenance, Regulon, Regulons
from reguloom.grn.infer import infer


@accepts_seed
def infer_runs(
    data: Any,
    tfs: Iterable[str] | str | os.PathLike[str] | None = None,
    *,
    n_runs: int = 10,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
    **options: Any,
) -> list[Network]:
    """Infer the network several times, each time with another seed and, with ``subsample=``, other cells.

    Parameters
    ----------
    data, tfs
        As for :func:`reguloom.grn.infer`.
    n_runs
        Number of runs.
    rng
        Seed; the seed of run i depends on it and i alone.
    n_jobs
        Threads.
    options
        Further options of :func:`reguloom.grn.infer`, such as ``subsample`` and ``stratify``.

    Returns
    -------
    One network per run, for :func:`consensus`.

    Raises
    ------
    InputError
        If `n_runs` is below 2.
    """
    if n_runs < 2:
        msg = f"n_runs is {n_runs}; a consensus needs at least 2."
        raise InputError(msg)
    root = root_seed(rng)
    seeds = [child_seed(root, "grn", "run", i) >> 1 for i in range(n_runs)]
    names = tfs if tfs is None or isinstance(tfs, (str, os.PathLike)) else list(tfs)
    networks = []
    for i, seed in enumerate(seeds):
        logger.info("run %d of %d", i + 1, n_runs)
        networks.append(infer(data, names, rng=seed, n_jobs=n_jobs, **options))
    return networks


def consensus(
    networks: Sequence[Network], *, top: int | None = None, min_recurrence: float = 0.0, weight: str = "recurrence"
) -> Network:
    """Merge several networks of the same genes into the edges that come back.

    Tree ensembles give nearly every pair some importance, so `top` says how many of the strongest edges of each run
    count as found.

    Parameters
    ----------
    networks
        One network per run.
    top
        Strongest edges of each run that count; None counts all.
    min_recurrence
        Keep edges found in at least this share of the runs.
    weight
        ``"recurrence"`` or ``"importance"``: what the weight of an edge becomes.

    Returns
    -------
    Network
        Columns ``recurrence`` (share of the runs that found the edge), ``importance`` (mean over all runs, 0 where it
        was not found) and ``spread`` (its standard deviation over the runs). The sign is that of most runs. Strongest
        edge first; ties by importance, regulator, target.

    Raises
    ------
    InputError
        If fewer than 2 networks are given, `min_recurrence` is no share or `weight` is not known.
    EmptyResultError
        If no edge comes back often enough.
    """
    _check_runs(networks, min_recurrence)
    if weight not in ("recurrence", "importance"):
        msg = f"weight is {weight!r}; accepted are 'recurrence' and 'importance'."
        raise InputError(msg)
    counted = [network if top is None else network.top(top) for network in networks]
    frames = [network.to_frame()[["source", "target", "weight", "sign"]] for network in counted]
    edges = pd.concat([frame.astype({"source": str, "target": str}) for frame in frames], ignore_index=True)
    edges["square"] = edges["weight"] ** 2
    edges["found"] = 1
    sums = edges.groupby(["source", "target"], sort=True)[["found", "weight", "square", "sign"]].sum().reset_index()
    n_runs = len(networks)
    recurrence, mean = sums["found"] / n_runs, sums["weight"] / n_runs
    spread = np.sqrt(np.maximum(sums["square"] / n_runs - mean**2, 0.0))
    extra = pd.DataFrame({"recurrence": recurrence, "importance": mean, "spread": spread})
    keep = np.flatnonzero(recurrence >= min_recurrence - 1e-12)
    if not keep.size:
        msg = f"no edge is found in {min_recurrence:.0%} of the {n_runs} runs; lower min_recurrence or raise top."
        raise EmptyResultError(msg)
    merged = Network.from_edges(
        *(sums["source"], sums["target"], extra[weight]),
        sign=np.sign(sums["sign"]),
        extra=extra,
        provenance=_provenance(networks, {"top": top, "min_recurrence": min_recurrence, "weight": weight}),
    ).take(keep)
    order = (merged.target, merged.source, -merged.extra["importance"].to_numpy(), -merged.weight)
    logger.info("%d edges come back in %.0f %% of %d runs or more", keep.size, 100 * min_recurrence, n_runs)
    return merged.take(np.lexsort(order))


def consensus_regulons(
    runs: Sequence[Regulons], *, min_recurrence: float = 0.8, min_genes: int = 5, weight: str = "recurrence"
) -> Regulons:
    """Merge the regulons of several runs into those, and those of their targets, that come back.

    Parameters
    ----------
    runs
        The regulons of each run.
    min_recurrence
        Keep regulons found in at least this share of the runs, and of each the targets found in at least this share.
    min_genes
        Keep regulons that are left with at least this many targets.
    weight
        ``"recurrence"`` (share of the runs) or ``"mean"`` (mean weight over the runs that found the target).

    Returns
    -------
    Regulons
        In alphabetical order, targets by recurrence and then name. ``support`` has one row per regulon and target:
        ``recurrence`` (of the target), ``regulon_recurrence`` and ``mean_weight``. NES is the mean over the runs.

    Raises
    ------
    InputError
        If fewer than 2 runs are given, `min_recurrence` is no share or `weight` is not known.
    EmptyResultError
        If nothing comes back often enough.

    References
    ----------
    The counting of Flerin's multi-run SCENIC workflow (vsn-pipelines); Aibar et al., Nature Methods 14:1083 (2017).
    """
    _check_runs(runs, min_recurrence)
    if weight not in ("recurrence", "mean"):
        msg = f"weight is {weight!r}; accepted are 'recurrence' and 'mean'."
        raise InputError(msg)
    by_name: dict[str, list[Regulon]] = {}
    for run in runs:
        for regulon in run:
            by_name.setdefault(regulon.name, []).append(regulon)
    least = min_recurrence * len(runs) - 1e-9
    kept, support = [], []
    for name in sorted(by_name):
        found = by_name[name]
        table = _target_table(found, len(runs))
        table = table[table["recurrence"] * len(runs) >= least]
        if len(found) < least or len(table) < max(min_genes, 1):
            continue
        kept.append(_merged(found, table, "recurrence" if weight == "recurrence" else "mean_weight"))
        support.append(table.assign(regulon=name, regulon_recurrence=len(found) / len(runs)))
    if not kept:
        msg = (
            f"no regulon with {min_genes} targets comes back in {min_recurrence:.0%} of the {len(runs)} runs "
            f"(of {len(by_name)}); lower min_recurrence or min_genes."
        )
        raise EmptyResultError(msg)
    logger.info("%d of %d regulons come back", len(kept), len(by_name))
    columns = ["regulon", "gene", "recurrence", "regulon_recurrence", "mean_weight"]
    return Regulons(kept, support=pd.concat(support, ignore_index=True)[columns])


def _target_table(found: Sequence[Regulon], n_runs: int) -> pd.DataFrame:
    """Return the targets of one regulon over its runs, most recurrent first."""
    genes = pd.Series([gene for regulon in found for gene in regulon.targets], dtype=object)
    weights = pd.Series([weight for regulon in found for weight in regulon.weights], dtype=float)
    grouped = weights.groupby(genes)
    table = pd.DataFrame({"recurrence": grouped.size() / n_runs, "mean_weight": grouped.mean()})
    table = table.rename_axis("gene").reset_index()
    return table.sort_values(["recurrence", "gene"], ascending=[False, True], ignore_index=True)


def _merged(found: Sequence[Regulon], table: pd.DataFrame, weight: str) -> Regulon:
    """Return one regulon from its runs."""
    first = found[0]
    motifs = sorted({motif for regulon in found for motif in regulon.motifs})
    scores = np.array([[regulon.nes, regulon.score] for regulon in found])
    known = ~np.isnan(scores)
    sums = np.where(known, scores, 0.0).sum(axis=0)
    nes, score = (float(s / n) if n else float("nan") for s, n in zip(sums, known.sum(axis=0), strict=True))
    return Regulon(
        *(first.tf, first.sign, tuple(table["gene"]), tuple(table[weight]), tuple(motifs), nes, score, first.label)
    )


def _check_runs(runs: Sequence[Any], min_recurrence: float) -> None:
    """Refuse a single run and a share outside 0 to 1."""
    if len(runs) < 2:
        msg = f"{len(runs)} runs were given; a consensus needs at least 2."
        raise InputError(msg)
    if not 0 <= min_recurrence <= 1:
        msg = f"min_recurrence is {min_recurrence}; it is a share of the runs, between 0 and 1."
        raise InputError(msg)


def _provenance(networks: Sequence[Network], params: dict[str, Any]) -> Provenance:
    """Return how the consensus was made, and from which seeds."""
    records = [network.provenance for network in networks if network.provenance is not None]
    methods = sorted({record.method for record in records})
    citations = tuple(dict.fromkeys(line for record in records for line in record.citations))
    seeds = [record.seed for record in records]
    return Provenance(
        "consensus", {**params, "n_runs": len(networks), "methods": methods, "seeds": seeds}, citations=citations
    )
