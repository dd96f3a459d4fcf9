"""From a network to regulons: modules, enriched motifs, and the targets that a motif of the factor supports."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from reguloom._errors import EmptyResultError
from reguloom._logging import logger
from reguloom.cistarget._membership import MAX_UNMAPPED
from reguloom.cistarget._rankings import RankingsLike, open_rankings
from reguloom.cistarget.enrichment import Compat, enrich
from reguloom.cistarget.modules import modules
from reguloom.core import Network, Provenance, Regulons

if TYPE_CHECKING:
    from reguloom.cistarget.modules import Data

CITATIONS = ("10.1038/nmeth.4463", "10.1038/s41596-020-0336-2", "10.1093/nar/gkv395")


def prune(
    network: Network | pd.DataFrame | str | os.PathLike[str],
    data: Data | None = None,
    *,
    rankings: RankingsLike | Iterable[RankingsLike],
    annotations: pd.DataFrame | str | os.PathLike[str],
    layer: str | None = None,
    mask_var: str | None = None,
    thresholds: Sequence[float] = (0.75, 0.90),
    top_n_targets: Sequence[int] = (50,),
    top_n_regulators: Sequence[int] = (5, 10, 50),
    top_sd: Sequence[float] = (),
    min_genes: int = 20,
    absolute_thresholds: bool = False,
    rho_dichotomize: bool = True,
    keep_only_activating: bool = True,
    rho_threshold: float = 0.03,
    rho_mask_dropouts: bool = False,
    rank_threshold: int = 5000,
    auc_threshold: float = 0.05,
    nes_threshold: float = 3.0,
    max_unmapped: float = MAX_UNMAPPED,
    weighted_recovery: bool = False,
    compat: Compat | None = None,
    n_jobs: int | None = None,
) -> Regulons:
    """Keep the targets of each factor that one of its motifs supports.

    The network becomes co-expression modules (:func:`~reguloom.cistarget.modules`), these are tested for motifs of
    their factor (:func:`~reguloom.cistarget.enrich`), and the leading edges are joined into regulons
    (:func:`~reguloom.cistarget.regulons_from_motifs`).

    Parameters
    ----------
    network
        A network, a table in a known dialect, or a path.
    data
        Expression, cells × genes; needed if the network has no signs.
    rankings
        One or several ranking databases, or their paths.
    annotations
        Motif annotations, or their path.
    layer, mask_var
        Which layer and which genes of an AnnData are used.
    thresholds, top_n_targets, top_n_regulators, top_sd, min_genes, absolute_thresholds
        How modules are made; see :func:`~reguloom.cistarget.modules`.
    rho_dichotomize, keep_only_activating, rho_threshold, rho_mask_dropouts
        How modules are split by sign; see there.
    rank_threshold, auc_threshold, nes_threshold, max_unmapped, weighted_recovery, compat
        How motifs are tested; see :func:`~reguloom.cistarget.enrich`.
    n_jobs
        Threads; the result does not depend on it.

    Returns
    -------
    The regulons, with the motif table as ``motif_table`` and, in ``members``, how many motifs, databases and
    modules support each target. Empty (with a warning in the log) if no motif passes.

    Raises
    ------
    InputError
        If network, expression, rankings and annotations do not fit together.
    EmptyResultError
        If no module has enough genes.
    """
    from reguloom.io.coerce import as_network
    from reguloom.io.motif_regulons import regulons_from_motifs

    how: dict[str, Any] = {
        "thresholds": thresholds,
        "top_n_targets": top_n_targets,
        "top_n_regulators": top_n_regulators,
        "top_sd": top_sd,
        "min_genes": min_genes,
        "absolute_thresholds": absolute_thresholds,
        "rho_dichotomize": rho_dichotomize,
        "keep_only_activating": keep_only_activating,
        "rho_threshold": rho_threshold,
        "rho_mask_dropouts": rho_mask_dropouts,
    }
    test: dict[str, Any] = {
        "rank_threshold": rank_threshold,
        "auc_threshold": auc_threshold,
        "nes_threshold": nes_threshold,
        "max_unmapped": max_unmapped,
        "weighted_recovery": weighted_recovery,
        "compat": compat,
    }
    databases = open_rankings(rankings)
    found = modules(as_network(network), data, layer=layer, mask_var=mask_var, **how)
    if not found:
        msg = f"no module has at least {min_genes} genes; lower min_genes or the thresholds, or give a larger network."
        raise EmptyResultError(msg)
    table = enrich(found, databases, annotations, **test, n_jobs=n_jobs)
    if table.empty:
        logger.warning("no motif passes NES %g in any of %d modules: there are no regulons", nes_threshold, len(found))
    regulons = regulons_from_motifs(table)
    regulons.provenance = Provenance(
        method="cistarget",
        params={**how, **test},
        inputs={"rankings": ";".join(database.name for database in databases)},
        citations=CITATIONS,
    )
    return regulons
