"""From a motif enrichment table to regulons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.core import Regulon, Regulons
from reguloom.io.motif_table import COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

REPRESSING = "repressing"
_STRATEGY = re.compile(r"weight>.+|top\d+(perTarget|sd)?")


def regulons_from_motifs(table: pd.DataFrame) -> Regulons:
    """Merge the enriched motifs of each transcription factor into regulons.

    All rows of one (TF, direction), over modules, motifs and databases, make one regulon: the union of their
    target genes, each with its largest weight. The direction is repressing if the row's context says so.
    There is no smallest size; :meth:`Regulons.filter` has one.

    Parameters
    ----------
    table
        Motif enrichment table as :func:`reguloom.io.read_motif_table` returns it.

    Returns
    -------
    Regulons
        Sorted by TF, activating before repressing; targets in order of first appearance, motifs by descending
        NES. ``score`` is the largest NES × annotation quality (see :func:`annotation_score`). ``support`` says for
        each gene ``n_motifs`` (distinct motifs), ``best_nes``, ``n_databases`` and ``n_modules`` (distinct
        databases and co-expression modules) with the gene in their leading edge. ``motif_table`` is `table`.

    Raises
    ------
    InputError
        If a column is missing.

    Notes
    -----
    Van de Sande et al., Nature Protocols 2020; the rule is pySCENIC's ``df2regulons``.
    """
    _check_columns(table)
    table = table.reset_index(drop=True)
    repressing = np.array([REPRESSING in context for context in table["Context"]], dtype=bool)
    scores = annotation_score(table)
    edges = _edges(table, repressing)
    rows = pd.DataFrame({"TF": table["TF"].to_numpy(), "repressing": repressing}).groupby(["TF", "repressing"]).indices
    regulons = [
        _regulon(str(tf), -1 if down else 1, table=table.iloc[rows[tf, down]], score=scores[rows[tf, down]])
        for tf, down in sorted(rows)
    ]
    support = _support(edges)
    return Regulons(regulons, support=support, motif_table=table)


def annotation_score(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return NES × f(q) × identity for each row of a motif table, shape ``(n_rows,)``.

    f(q) = min(−log10 q, 10) / 10, and 1 for a motif that is annotated itself (q = 0) or without a q-value;
    a missing identity counts as 1.
    """
    q = table["MotifSimilarityQvalue"].to_numpy(dtype=np.float64)
    identity = table["OrthologousIdentity"].to_numpy(dtype=np.float64)
    graded = np.isfinite(q) & (q > 0)
    quality = np.ones(len(q))
    quality[graded] = np.minimum(-np.log10(q[graded]), 10.0) / 10.0
    return table["NES"].to_numpy(dtype=np.float64) * quality * np.where(np.isnan(identity), 1.0, identity)


def _check_columns(table: pd.DataFrame) -> None:
    """Refuse a table without the columns that count.

    Raises
    ------
    InputError
        If one is missing.
    """
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        msg = f"the motif table lacks the columns {missing}; it has {list(table.columns)[:12]}."
        raise InputError(msg)


def _regulon(tf: str, sign: int, *, table: pd.DataFrame, score: NDArray[np.float64]) -> Regulon:
    """Return the regulon that the rows of one TF and direction make."""
    weights: dict[str, float] = {}
    for pairs in table["TargetGenes"]:
        for gene, weight in pairs:
            if weight > weights.get(gene, -np.inf):
                weights[gene] = weight
    nes = table["NES"].to_numpy(dtype=np.float64)
    motifs = table["MotifID"].to_numpy()[np.argsort(-nes, kind="stable")]
    return Regulon(
        tf=tf,
        sign=sign,
        targets=tuple(weights),
        weights=tuple(weights.values()),
        motifs=tuple(dict.fromkeys(str(motif) for motif in motifs)),
        nes=float(nes.max()),
        score=float(score.max()),
    )


def _edges(table: pd.DataFrame, repressing: NDArray[np.bool_]) -> pd.DataFrame:
    """Return one row per (row of the table, target gene), with what supports it."""
    counts = np.array([len(pairs) for pairs in table["TargetGenes"]], dtype=np.int64)
    names = [f"{tf}({'-' if down else '+'})" for tf, down in zip(table["TF"], repressing, strict=True)]
    contexts = [_split_context(context) for context in table["Context"]]
    row = np.repeat(np.arange(len(table)), counts)
    return pd.DataFrame(
        {
            "regulon": np.array(names, dtype=object)[row],
            "gene": [gene for pairs in table["TargetGenes"] for gene, _ in pairs],
            "motif": table["MotifID"].to_numpy(dtype=object)[row],
            "nes": table["NES"].to_numpy(dtype=np.float64)[row],
            "database": np.array([database for database, _ in contexts], dtype=object)[row],
            "module": np.array([module for _, module in contexts], dtype=object)[row],
        }
    )


def _split_context(context: tuple[str, ...]) -> tuple[str, str]:
    """Return the database and the module strategy that a context names."""
    rest = [name for name in context if name not in ("activating", REPRESSING)]
    modules = [name for name in rest if _STRATEGY.fullmatch(name)]
    return ";".join(name for name in rest if name not in modules), ";".join(modules)


def _support(edges: pd.DataFrame) -> pd.DataFrame:
    """Return for each (regulon, gene) how many motifs, databases and modules have it, and the best NES."""
    grouped = edges.groupby(["regulon", "gene"], sort=False)
    support = grouped.agg(
        n_motifs=("motif", "nunique"),
        best_nes=("nes", "max"),
        n_databases=("database", "nunique"),
        n_modules=("module", "nunique"),
    )
    return support.reset_index()
