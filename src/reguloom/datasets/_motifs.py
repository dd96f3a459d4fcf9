"""A ranking database for a simulated world: motifs that point at the true targets, imperfectly, among decoys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._random import generator
from reguloom.core.motif_columns import ANNOTATION_COLUMNS

RECALL = 0.8
"""Share of the true targets that carry the TF's motif."""
P_ACCIDENTAL = 0.012
"""Share of all genes that carry a motif without being regulated through it."""
SITE = 3.4
"""Mean score of a gene with the motif, in standard deviations of the genes without it."""
REDUNDANT_NOISE = 0.5
"""Noise between two motifs of the same TF."""
P_WITHOUT_MOTIF = 0.12
"""Share of TFs that no motif is known for."""
P_PARALOGUE = 0.15
"""Share of TFs whose motifs are annotated to another TF too."""


@dataclass(frozen=True, eq=False)
class Motif:
    """One motif: its name, which TFs it is annotated to and how, and the scores that rank the genes.

    Parameters
    ----------
    name
        Identifier.
    annotations
        TF → (similarity q-value, orthologous identity).
    scores
        One per gene, higher is better, shape ``(n_genes,)``.
    """

    name: str
    annotations: dict[str, tuple[float, float]]
    scores: NDArray[np.float64]


def draw(
    targets: NDArray[np.bool_],
    decoys: Sequence[tuple[int, NDArray[np.bool_]]],
    *,
    tfs: Sequence[str],
    n_genes: int,
    n_random: int,
    root: int,
    exact: bool = False,
) -> list[Motif]:
    """Draw all motifs of the database, in random order.

    Parameters
    ----------
    targets
        True targets of each TF, shape ``(n_tfs, n_expressed)``; the expressed genes are the first of all genes.
    decoys
        (TF, genes): motifs that point at genes co-expressed with the TF and not regulated by it.
    tfs
        Names of the TFs.
    n_genes
        Genes in the database.
    n_random
        Motifs that have nothing to do with the network.
    root
        Root seed.
    exact
        Whether `targets` says which expressed genes carry a TF's motif, false hits included; then every TF has one.
    """
    rng = generator(root, "motifs")
    known = rng.random(len(tfs)) >= (0.0 if exact else P_WITHOUT_MOTIF)
    motifs = []
    for tf in np.flatnonzero(known).tolist():
        motifs += _of_tf(tf, targets[tf], tfs=tfs, n_genes=n_genes, root=root, exact=exact)
    for number, (tf, genes) in enumerate(decoys):
        own = generator(root, "decoy", number)
        scores = own.normal(size=n_genes) + _sites(genes, n_genes, own)
        annotations = {tfs[tf]: (_q_value(own), 1.0)} if known[tf] and number % 2 == 0 else {}
        motifs.append(Motif(f"decoy__M{number + 1:04d}", annotations, scores))
    for number in range(n_random):
        own = generator(root, "random", number)
        scores = own.normal(size=n_genes) + _sites(np.zeros(0, dtype=bool), n_genes, own)
        annotations = (
            {tfs[int(own.integers(len(tfs)))]: (0.0, 1.0)}
            if own.random() < 0.1
            else {f"Tfx{number + 1:03d}": (0.0, 1.0)}
        )
        motifs.append(Motif(f"other__M{number + 1:04d}", annotations, scores))
    return [motifs[i] for i in rng.permutation(len(motifs))]


def _of_tf(
    tf: int, targets: NDArray[np.bool_], *, tfs: Sequence[str], n_genes: int, root: int, exact: bool
) -> list[Motif]:
    """Return the motifs of one TF: one to five, alike, and annotated with different confidence."""
    rng = generator(root, "motif", tfs[tf])
    common = rng.normal(size=n_genes) + _sites(targets, n_genes, rng, exact=exact)
    paralogue = tfs[int(rng.integers(len(tfs)))] if rng.random() < P_PARALOGUE else None
    motifs = []
    for copy in range(int(rng.integers(1, 6))):
        # the first is the TF's own; later ones come from similar motifs, from orthologues, or are too far to trust
        quality = [(0.0, 1.0), (10.0 ** -rng.uniform(4, 8), 1.0), (0.0, rng.uniform(0.4, 0.95)), (_q_value(rng), 1.0)]
        annotations = {tfs[tf]: quality[0 if copy == 0 else int(rng.integers(4))]}
        if paralogue is not None and paralogue != tfs[tf]:
            annotations[paralogue] = (10.0 ** -rng.uniform(3.2, 6), 1.0)
        scores = common + rng.normal(0.0, REDUNDANT_NOISE, n_genes)
        motifs.append(Motif(f"world__{tfs[tf]}_{copy + 1}", annotations, scores))
    return motifs


def _q_value(rng: np.random.Generator) -> float:
    """Return a similarity q-value on either side of the usual limit of 0.001."""
    return float(10.0 ** -rng.uniform(1.5, 5))


def _sites(
    targets: NDArray[np.bool_], n_genes: int, rng: np.random.Generator, *, exact: bool = False
) -> NDArray[np.float64]:
    """Return what binding sites add to the score of each gene: true ones, missing ones and accidental ones."""
    has_site = rng.random(n_genes) < P_ACCIDENTAL
    if exact:
        has_site[: len(targets)] = targets
    else:
        has_site[: len(targets)] |= targets & (rng.random(len(targets)) < RECALL)
    return np.where(has_site, rng.normal(SITE, 0.7, n_genes), 0.0)


def rankings(motifs: Sequence[Motif], genes: Sequence[str]) -> pd.DataFrame:
    """Return the 0-based rank of each gene for each motif, shape ``(n_motifs, n_genes)``."""
    dtype = np.int16 if len(genes) <= np.iinfo(np.int16).max + 1 else np.int32
    ranks = np.empty((len(motifs), len(genes)), dtype=dtype)
    for row, motif in enumerate(motifs):
        ranks[row, np.argsort(-motif.scores, kind="stable")] = np.arange(len(genes), dtype=dtype)
    frame = pd.DataFrame(ranks, index=pd.Index([m.name for m in motifs], name="motifs"), columns=pd.Index(genes))
    frame.attrs["name"] = "world.genes_vs_motifs.rankings"
    return frame


def annotation_table(motifs: Sequence[Motif]) -> pd.DataFrame:
    """Return the motif annotation table in cisTarget's 13 columns, ``None`` as text where nothing applies."""
    rows = []
    for motif in motifs:
        for tf, (q_value, identity) in motif.annotations.items():
            similar, ortholog, text = "None", ("None", "None"), "gene is directly annotated"
            if q_value > 0:
                similar = f"{motif.name}_like"
                text = f"gene is annotated for similar motif {similar} ('{similar}'; q-value = {q_value:.3g})"
            elif identity < 1:
                ortholog = (f"{tf}_ortholog", "Another species")
                text = f"gene is orthologous to {ortholog[0]} (identity = {identity:.0%}) which is directly annotated"
            rows.append(
                (
                    motif.name,
                    motif.name,
                    motif.name,
                    "reguloom",
                    "1",
                    tf,
                    q_value,
                    similar,
                    similar,
                    identity,
                    *ortholog,
                    text,
                )
            )
    return pd.DataFrame(rows, columns=list(ANNOTATION_COLUMNS))
