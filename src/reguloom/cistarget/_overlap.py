"""Do modules, rankings and annotations speak of the same genes and motifs? One short report, before the work."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from reguloom._errors import InputError
from reguloom._logging import logger
from reguloom.cistarget._rankings import Rankings
from reguloom.cistarget.module import Module
from reguloom.core import GeneOverlap, check_genes

GENE_FLOOR = 0.20
"""Smallest share of the modules' genes that each database must have."""
TF_FLOOR = 0.05
"""Smallest share of the modules' factors that must be annotated."""
MOTIF_FLOOR = 0.05
"""Smallest share of these factors' motifs that each database must have."""


def check_overlap(
    modules: Sequence[Module], databases: Sequence[Rankings], annotations: pd.DataFrame | None
) -> pd.DataFrame:
    """Log how far genes, factors and motifs agree, and refuse input that cannot work.

    Parameters
    ----------
    modules
        The modules that will be tested.
    databases
        The ranking databases.
    annotations
        The motif annotations, or None if they do not count.

    Returns
    -------
    One row per comparison: ``what``, ``where``, ``n_found``, ``n_total``, ``percent``.

    Raises
    ------
    InputError
        If an overlap is below its floor; the message names the likely cause.
    """
    rows = []
    genes = {str(gene) for module in modules for gene in module.genes}
    for database in databases:
        found = check_genes(
            *(genes, database.genes), what="genes of the modules", where=database.name, floor=GENE_FLOOR
        )
        rows.append(_row("genes", database.name, found))
    tfs = {module.tf for module in modules if module.tf is not None}
    if annotations is not None and tfs:
        names = annotations["TF"].unique()
        found = check_genes(tfs, names, what="transcription factors", where="the motif annotations", floor=TF_FLOOR)
        rows.append(_row("transcription factors", "motif annotations", found))
        rows += _check_motifs(set(annotations.loc[annotations["TF"].isin(tfs), "MotifID"]), databases)
    return pd.DataFrame(rows, columns=["what", "where", "n_found", "n_total", "percent"])


def _check_motifs(motifs: set[str], databases: Sequence[Rankings]) -> list[tuple[str, str, int, int, float]]:
    """Compare the factors' motifs with those of each database."""
    rows = []
    for database in databases:
        n_found = len(motifs.intersection(database.motifs))
        if n_found < MOTIF_FLOOR * len(motifs) or n_found == 0:
            example, other = min(motifs), database.motifs[0]
            msg = (
                f"{n_found} of {len(motifs)} annotated motifs (such as {example}) are in {database.name} (it has "
                f"{other} and others); take annotations and rankings of the same collection and version (v9 or v10)."
            )
            raise InputError(msg)
        logger.info("%d of %d motifs of these factors are in %s.", n_found, len(motifs), database.name)
        rows.append(_row("motifs", database.name, GeneOverlap(len(motifs), len(database.motifs), n_found, "", ())))
    return rows


def _row(what: str, where: str, found: GeneOverlap) -> tuple[str, str, int, int, float]:
    """Return one line of the report."""
    return what, where, found.n_shared, found.n_query, round(100 * found.fraction, 1)
