"""The true network of a simulated world: who regulates whom, and which regulators are on in which cell type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

P_REPRESSOR = 0.15
"""Share of transcription factors that repress most of their targets."""
P_AGAINST = 0.05
"""Chance that one target of a TF is regulated against the TF's own direction."""
SHARE_UBIQUITOUS = 0.15
"""Share of TFs whose activity varies from cell to cell but not between types."""
SHARE_MARKERS = 0.10
"""Share of genes that mark a cell type without being regulated by any TF: co-expressed, and no targets."""
SHARE_HOUSEKEEPING = 0.10
"""Share of genes that nothing regulates."""


@dataclass(frozen=True, eq=False)
class Wiring:
    """Regulation in numbers.

    Parameters
    ----------
    tf_on_tf
        Signed strength of regulator (row) on regulated TF (column), shape ``(n_tfs, n_tfs)``; strictly upper
        triangular, so that activity can be computed in one pass.
    tf_on_gene
        Signed strength of TF on gene, shape ``(n_tfs, n_other_genes)``.
    program
        Whether a TF's own programme is on in a type, shape ``(n_cell_types, n_tfs)``.
    source_tf
        Whether a TF is a master of cell types, shape ``(n_tfs,)``.
    marker
        Cell type that an unregulated gene marks, or -1, shape ``(n_other_genes,)``.
    """

    tf_on_tf: NDArray[np.float64]
    tf_on_gene: NDArray[np.float64]
    program: NDArray[np.bool_]
    source_tf: NDArray[np.bool_]
    marker: NDArray[np.int64]


def draw(n_cell_types: int, n_tfs: int, n_others: int, rng: np.random.Generator) -> Wiring:
    """Draw a network: masters of cell types, cascades below them, and targets with one to four regulators.

    Parameters
    ----------
    n_cell_types, n_tfs, n_others
        Sizes; `n_others` counts the genes that are no TFs.
    rng
        Source of randomness.
    """
    n_masters = max(n_cell_types, round(0.45 * n_tfs)) if n_tfs > n_cell_types else n_tfs
    n_ubiquitous = round(SHARE_UBIQUITOUS * n_tfs) if n_tfs > n_masters else 0
    direction = np.where(rng.random(n_tfs) < P_REPRESSOR, -1.0, 1.0)
    direction[:n_cell_types] = 1.0  # the first master of each type activates
    marker = _markers(n_cell_types, n_others, rng)
    return Wiring(
        tf_on_tf=_cascades(n_masters, n_ubiquitous, direction, rng),
        tf_on_gene=_targets(marker, direction, rng),
        program=_programs(n_cell_types, n_tfs, n_masters, rng),
        source_tf=np.arange(n_tfs) < n_masters,
        marker=np.maximum(marker, -1),
    )


def _programs(n_cell_types: int, n_tfs: int, n_masters: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return in which types each master is on: the first round in one type alone, the others in one or two."""
    on = np.zeros((n_cell_types, n_tfs), dtype=bool)
    for tf in range(n_masters):
        on[tf % n_cell_types, tf] = True
        if tf >= n_cell_types and n_cell_types > 2 and rng.random() < 0.5:
            on[rng.integers(n_cell_types), tf] = True
    return on


def _cascades(
    n_masters: int, n_ubiquitous: int, direction: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return TF → TF strengths: each TF below the masters takes one to three regulators from those before it."""
    n_tfs = len(direction)
    strengths = np.zeros((n_tfs, n_tfs))
    for tf in range(n_masters + n_ubiquitous, n_tfs):
        regulators = rng.choice(tf, size=min(tf, int(rng.integers(1, 4))), replace=False)
        strengths[regulators, tf] = direction[regulators] * rng.lognormal(0.7, 0.2, len(regulators))
    return strengths


def _markers(n_cell_types: int, n_others: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return for each gene the type it marks, -1 for housekeeping genes, -2 for genes with regulators."""
    kind = rng.random(n_others)
    marker = np.full(n_others, -2)
    marker[kind < SHARE_HOUSEKEEPING] = -1
    is_marker = kind > 1 - SHARE_MARKERS
    marker[is_marker] = rng.integers(n_cell_types, size=int(is_marker.sum()))
    return marker


def _targets(
    marker: NDArray[np.int64], direction: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return TF → gene strengths; TFs differ in their number of targets, genes in their number of regulators."""
    n_tfs = len(direction)
    appetite = rng.lognormal(0.0, 0.4, n_tfs)
    strengths = np.zeros((n_tfs, len(marker)))
    for gene in np.flatnonzero(marker == -2):
        n_regulators = min(1 + int(rng.binomial(3, 0.25)), n_tfs)
        tfs = rng.choice(n_tfs, size=n_regulators, replace=False, p=appetite / appetite.sum())
        sign = direction[tfs] * np.where(rng.random(n_regulators) < P_AGAINST, -1.0, 1.0)
        strengths[tfs, gene] = sign * rng.lognormal(np.log(7.0), 0.4, n_regulators)
    return strengths
