"""Peaks, the motifs in them, and their accessibility: what a base network and a ranking database are made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom.core import Network, Provenance
from reguloom.mechanistic.hill import ABSENT_EDGE

SHARE_INTERGENIC = 0.1
"""Share of peaks that belong to no gene."""
CLOSED, FRAGMENTS = 0.08, 2.5
"""Accessibility of a peak that nothing opens, and mean fragments of an open one."""
CLOSING = 0.8
"""How far bound repressors close a peak."""
DEPTH_SD = 0.35


@dataclass(frozen=True, eq=False)
class Chromatin:
    """Peaks and their motifs.

    Parameters
    ----------
    peaks
        One row per peak: ``gene`` (empty between genes), ``kind``; the index holds coordinates.
    sites
        True binding sites: ``peak``, ``tf``, ``gene``, ``sign``, ``edge`` (which regulation).
    motifs
        The motif table, as a scan would give it: ``peak``, ``gene``, ``tf``, ``score``, ``is_true``.
    base
        Regulator → target wherever a peak of the target carries the regulator's motif.
    stated
        Precision and recall of ``motifs`` against ``sites`` and of ``base`` against the true edges.
    """

    peaks: pd.DataFrame
    sites: pd.DataFrame
    motifs: pd.DataFrame
    base: Network
    stated: dict[str, float]


def draw(
    edges: pd.DataFrame,
    genes: list[str],
    tfs: list[str],
    *,
    n_peaks: int,
    precision: float,
    recall: float,
    rng: np.random.Generator,
) -> Chromatin:
    """Draw peaks, true sites and a motif table of the wanted precision and recall.

    Parameters
    ----------
    edges
        True regulations: ``source``, ``target``, ``sign``, ``edge``.
    genes, tfs
        Names.
    n_peaks
        Every gene has one; the others are enhancers, and some lie between genes.
    precision, recall
        Of the motif table, over pairs of TF and peak; kept up to rounding.
    rng
        Source of randomness.
    """
    peaks = _peaks(genes, n_peaks, rng)
    of_gene = {gene: rows for gene, rows in peaks.groupby("gene", sort=False).indices.items() if gene}
    rows = [int(rng.choice(of_gene[gene])) for gene in edges["target"]]
    sites = pd.DataFrame(
        {
            "peak": peaks.index.to_numpy()[rows],
            "tf": edges["source"].to_numpy(),
            "gene": edges["target"].to_numpy(),
            "sign": edges["sign"].to_numpy(),
            "edge": edges["edge"].to_numpy(),
        }
    )
    places = {tf: i for i, tf in enumerate(tfs)}
    true = np.zeros((len(tfs), len(peaks)), dtype=bool)
    true[[places[tf] for tf in sites["tf"]], rows] = True
    hits = _hits(true, precision, recall, rng)
    tf, peak = np.nonzero(hits)
    is_true = true[tf, peak]
    motifs = pd.DataFrame(
        {
            "peak": peaks.index.to_numpy()[peak],
            "gene": peaks["gene"].to_numpy()[peak],
            "tf": np.array(tfs)[tf],
            "score": np.where(is_true, rng.normal(12.0, 1.5, len(tf)), rng.normal(10.5, 1.5, len(tf))),
            "is_true": is_true,
        }
    )
    base = _base(motifs)
    stated = {
        "motif_precision": float(is_true.mean()) if len(tf) else 0.0,
        "motif_recall": float(is_true.sum() / max(true.sum(), 1)),
        **_agreement(base, edges),
    }
    return Chromatin(peaks, sites, motifs, base, stated)


def _peaks(genes: list[str], n_peaks: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return coordinates and owners of peaks: a promoter for each gene, enhancers, and peaks between genes."""
    n_peaks = max(n_peaks, len(genes))
    n_between = min(round(SHARE_INTERGENIC * n_peaks), n_peaks - len(genes))
    n_enhancers = n_peaks - len(genes) - n_between
    owner = np.concatenate([np.arange(len(genes)), rng.integers(0, len(genes), n_enhancers), np.full(n_between, -1)])
    kind = np.repeat(["promoter", "enhancer", "intergenic"], [len(genes), n_enhancers, n_between])
    start = np.where(owner >= 0, 100_000 * (owner + 1), 100_000 * len(genes) + 200_000)
    start = start + np.where(kind == "promoter", 0, rng.integers(2_000, 90_000, n_peaks))
    order = np.lexsort((np.arange(n_peaks), start))
    names = [f"chr1-{begin}-{begin + 500}" for begin in start[order]]
    labels = np.where(owner >= 0, np.array(genes, dtype=object)[owner], "")[order]
    frame = pd.DataFrame({"gene": labels.astype(str), "kind": kind[order]}, index=pd.Index(names, name="peak"))
    return frame[~frame.index.duplicated()]


def _hits(true: NDArray[np.bool_], precision: float, recall: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which TF has a motif in which peak: a share of the true sites, and false ones to match."""
    hits = np.zeros_like(true)
    sites, others = np.flatnonzero(true.ravel()), np.flatnonzero(~true.ravel())
    n_found = round(recall * len(sites))
    n_false = min(round(n_found * (1 - precision) / precision), len(others))
    hits.ravel()[rng.permutation(sites)[:n_found]] = True
    hits.ravel()[rng.permutation(others)[:n_false]] = True
    return hits


def _base(motifs: pd.DataFrame) -> Network:
    """Return TF → gene for every motif in a peak of the gene; the weight is the best score."""
    inside = motifs[(motifs["gene"] != "") & (motifs["gene"] != motifs["tf"])]
    best = inside.groupby(["tf", "gene"], sort=True)["score"].max().reset_index()
    return Network.from_edges(best["tf"], best["gene"], best["score"].to_numpy(), provenance=Provenance("base_network"))


def _agreement(base: Network, edges: pd.DataFrame) -> dict[str, float]:
    """Return precision and recall of the base network over pairs of regulator and target."""
    found = base.to_frame()
    pairs = set(zip(found["source"].astype(str), found["target"].astype(str), strict=True))
    true = {(s, t) for s, t in zip(edges["source"], edges["target"], strict=True) if s != t}
    both = len(pairs & true)
    return {"base_precision": both / max(len(pairs), 1), "base_recall": both / max(len(true), 1)}


def fragments(
    chromatin: Chromatin,
    theta: NDArray[np.float64],
    always: NDArray[np.float64],
    depth: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[csr_array, NDArray[np.float32]]:
    """Return fragment counts and true accessibility, ``(n_cells, n_peaks)``.

    A peak is open where one of its activators is bound, less so where a repressor is; chromatin follows the
    regulators without delay, and does not act back on transcription.

    Parameters
    ----------
    chromatin
        Peaks and sites.
    theta
        Occupancy of each regulation in each cell, ``(n_cells, n_edges)``.
    always
        Accessibility of peaks without sites, ``(n_peaks,)``.
    depth
        Relative depth of each cell.
    rng
        Source of randomness.
    """
    row = {name: i for i, name in enumerate(chromatin.peaks.index)}
    closed = np.ones((len(theta), len(row)), dtype=np.float64)
    shut = np.ones_like(closed)
    bound = np.zeros(len(row), dtype=bool)
    activated = np.zeros(len(row), dtype=bool)
    for site in chromatin.sites.itertuples(index=False):
        peak = row[site.peak]
        bound[peak] = True
        if site.sign >= 0:
            activated[peak] = True
            closed[:, peak] *= 1.0 - theta[:, site.edge]
        else:
            shut[:, peak] *= 1.0 - CLOSING * theta[:, site.edge]
    opened = np.where(activated, 1.0 - closed, 1.0)
    accessible = np.where(bound, CLOSED + (1.0 - CLOSED) * opened * shut, always)
    counts = rng.poisson(accessible * FRAGMENTS * depth[:, None]).astype(np.float32)
    return csr_array(counts), accessible.astype(np.float32)


def functional(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the regulations that change anything.

    Parameters
    ----------
    frame
        With a column ``sign``.
    """
    return frame[frame["sign"] != ABSENT_EDGE]
