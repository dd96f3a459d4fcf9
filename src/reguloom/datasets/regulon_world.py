"""A simulated world: cells, and the network, the motifs and the activities that they were made from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._files import atomic_write
from reguloom._random import SeedLike, accepts_seed, generator, root_seed
from reguloom.core import Network, Provenance, Regulon, Regulons
from reguloom.datasets import _counts, _motifs, _wiring

if TYPE_CHECKING:
    from anndata import AnnData

CELL_TYPES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu")
N_DECOYS_PER_TYPE = 4
"""Motifs that point at co-expressed genes, for each cell type."""


@dataclass(frozen=True, eq=False)
class World:
    """Cells whose regulators are known.

    Parameters
    ----------
    adata
        Raw counts ``(n_cells, n_genes)`` as CSR; ``obs['cell_type']``, ``var['is_tf']``, ``obsm['X_umap']`` (two
        coordinates that show the true state).
    network
        The true edges: ``weight`` is the strength, ``sign`` the direction.
    regulons
        The same edges as one regulon for each TF and sign.
    rankings
        Ranking database, motifs × genes, 0 is best; it holds genes that are not expressed too.
    annotations
        Which motif stands for which TF, in cisTarget's 13 columns.
    tfs
        Names of the transcription factors.
    activity
        True log-activity of each TF in each cell, ``(n_cells, n_tfs)``.
    """

    adata: AnnData
    network: Network
    regulons: Regulons
    rankings: pd.DataFrame
    annotations: pd.DataFrame
    tfs: list[str]
    activity: pd.DataFrame

    def __repr__(self) -> str:
        """Say how large it is."""
        cells, genes = self.adata.shape
        return (
            f"World({cells} cells, {genes} genes, {len(self.tfs)} TFs, {len(self.network)} edges, "
            f"{len(self.rankings)} motifs)"
        )

    def write(self, folder: str | os.PathLike[str], *, force: bool = True) -> dict[str, Path]:
        """Write the world as the files that the command line takes.

        Parameters
        ----------
        folder
            Made if it is missing.
        force
            Whether existing files may be replaced.

        Returns
        -------
        What each file is → its path: ``expression`` (``world.h5ad``), ``tfs`` (``tfs.txt``), ``rankings``
        (``world.genes_vs_motifs.rankings.feather``), ``annotations`` (``motifs.tbl``), ``network``
        (``true_network.tsv``).
        """
        from reguloom.io import write_rankings

        folder = Path(folder)
        paths = {
            "expression": folder / "world.h5ad",
            "tfs": folder / "tfs.txt",
            "rankings": folder / "world.genes_vs_motifs.rankings.feather",
            "annotations": folder / "motifs.tbl",
            "network": folder / "true_network.tsv",
        }
        with atomic_write(paths["expression"], force=force) as temporary:
            self.adata.write_h5ad(temporary)
        with atomic_write(paths["tfs"], force=force) as temporary:
            temporary.write_text("".join(f"{tf}\n" for tf in self.tfs), encoding="utf-8")
        motifs, genes = [str(name) for name in self.rankings.index], [str(name) for name in self.rankings.columns]
        write_rankings(self.rankings.to_numpy(), motifs, genes, paths["rankings"], force=force)
        with atomic_write(paths["annotations"], force=force) as temporary:
            self.annotations.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
        with atomic_write(paths["network"], force=force) as temporary:
            self.network.to_frame().to_csv(temporary, sep="\t", index=False, lineterminator="\n")
        return paths


@accepts_seed
def regulon_world(
    n_cells: int = 2500,
    n_cell_types: int = 5,
    n_tfs: int = 40,
    *,
    n_genes: int = 1000,
    n_database_genes: int = 20000,
    n_random_motifs: int = 300,
    rng: SeedLike = 0,
) -> World:
    """Simulate cells from a network of transcription factors, and a motif database that knows it imperfectly.

    Some TFs are masters of a cell type, some vary from cell to cell, the rest stand below them in cascades. A target
    follows one to four TFs, activating or repressing, through Hill responses; its counts are bursty (gamma-Poisson),
    cells differ in library size, and weak expression drops out. One gene in ten marks a cell type, and a hidden state
    moves one in four: co-expression that is no regulation.
    Motifs point at most of the true targets of their TF and at many genes that are none; a TF has one to five
    similar motifs or none at all, annotations are direct, by similarity, by orthology or too uncertain to use, and
    decoy motifs point at co-expressed genes. Few of the database's genes are expressed, so enrichment is best looked
    at down to rank 1,500 (pySCENIC's own default in Python) and not to 5,000.

    Parameters
    ----------
    n_cells, n_cell_types, n_tfs
        Sizes of the data.
    n_genes
        Genes in the matrix, the TFs among them.
    n_database_genes
        Genes in the ranking database: those of the matrix first, then genes that no cell expresses.
    n_random_motifs
        Motifs that have nothing to do with the network.
    rng
        Seed; the same seed gives the same bytes.

    Returns
    -------
    World
        Cells, truth, rankings and annotations.

    Raises
    ------
    InputError
        If a size is too small for the others.

    Examples
    --------
    >>> import reguloom as rl
    >>> world = rl.datasets.regulon_world(n_cells=200, n_tfs=10, n_genes=100, n_database_genes=500)
    >>> world.adata.shape
    (200, 100)
    """
    _check_sizes(n_cells, n_cell_types, n_tfs, n_genes, n_database_genes)
    root = root_seed(rng)
    n_others = n_genes - n_tfs
    wiring = _wiring.draw(n_cell_types, n_tfs, n_others, generator(root, "wiring"))
    levels = _counts.draw_levels(n_tfs, n_others, generator(root, "levels"))
    types = _counts.draw_types(n_cells, n_cell_types, generator(root, "types"))
    log_activity = _counts.activity(wiring, types, generator(root, "activity"))
    matrix = _counts.counts(wiring, levels, types, log_activity, root=root)
    tfs = _names("Tf", n_tfs, n_tfs)
    genes = _names("Gene", n_database_genes - n_tfs, n_database_genes)
    provenance = Provenance(
        "regulon_world",
        {"n_cells": n_cells, "n_cell_types": n_cell_types, "n_tfs": n_tfs, "n_genes": n_genes},
        seed=root,
    )
    network = _true_network(wiring, tfs, genes[:n_others], provenance)
    adata = _adata(matrix, types, tfs + genes[:n_others], n_tfs)
    adata.obsm["X_umap"] = _counts.embedding(log_activity, types, generator(root, "embedding"))
    strengths = np.concatenate([wiring.tf_on_tf, wiring.tf_on_gene], axis=1)
    motifs = _motifs.draw(
        strengths != 0,
        _decoys(wiring, generator(root, "decoys")),
        tfs=tfs,
        n_genes=n_database_genes,
        n_random=n_random_motifs,
        root=root,
    )
    return World(
        adata=adata,
        network=network,
        regulons=_true_regulons(network, provenance),
        rankings=_motifs.rankings(motifs, tfs + genes).sort_index(axis="columns"),
        annotations=_motifs.annotation_table(motifs),
        tfs=tfs,
        activity=pd.DataFrame(log_activity, index=adata.obs_names, columns=tfs),
    )


def _check_sizes(n_cells: int, n_cell_types: int, n_tfs: int, n_genes: int, n_database_genes: int) -> None:
    """Raise InputError for sizes that no world can have."""
    if n_cell_types < 1 or n_cells < 2 * n_cell_types:
        msg = f"{n_cells} cells of {n_cell_types} types were asked for; give at least one type, and two cells a type."
        raise InputError(msg)
    if n_tfs < n_cell_types or n_genes <= n_tfs or n_database_genes < n_genes:
        msg = (
            f"{n_tfs} TFs, {n_genes} genes and {n_database_genes} genes in the database were asked for; "
            f"give n_cell_types ({n_cell_types}) <= n_tfs < n_genes <= n_database_genes."
        )
        raise InputError(msg)


def _names(stem: str, number: int, largest: int) -> list[str]:
    """Return numbered names of equal length."""
    width = max(2, len(str(largest)))
    return [f"{stem}{i + 1:0{width}d}" for i in range(number)]


def _adata(matrix: Any, types: NDArray[np.int64], genes: list[str], n_tfs: int) -> AnnData:
    """Return the counts as AnnData, genes in alphabetical order."""
    from anndata import AnnData

    n_types = int(types.max()) + 1
    kinds = [CELL_TYPES[i] if i < len(CELL_TYPES) else f"type{i + 1}" for i in range(n_types)]
    order = np.argsort(np.array(genes), kind="stable")
    cells = pd.Index([f"cell{i + 1:0{len(str(len(types)))}d}" for i in range(len(types))])
    obs = pd.DataFrame({"cell_type": pd.Categorical.from_codes(types, kinds)}, index=cells)
    var = pd.DataFrame({"is_tf": np.arange(len(genes)) < n_tfs}, index=pd.Index(genes)).iloc[order]
    columns = matrix[:, order]
    columns.sort_indices()
    return AnnData(columns, obs=obs, var=var)


def _true_network(wiring: _wiring.Wiring, tfs: list[str], genes: list[str], provenance: Provenance) -> Network:
    """Return the wiring as a network, strongest edges first."""
    strengths = np.concatenate([wiring.tf_on_tf, wiring.tf_on_gene], axis=1)
    source, target = np.nonzero(strengths)
    values = strengths[source, target]
    order = np.argsort(-np.abs(values), kind="stable")
    return Network.from_edges(
        np.array(tfs)[source[order]],
        np.array(tfs + genes)[target[order]],
        np.abs(values[order]),
        sign=np.sign(values[order]).astype(np.int8),
        provenance=provenance,
    )


def _true_regulons(network: Network, provenance: Provenance) -> Regulons:
    """Return one regulon for each TF and sign, targets from strong to weak."""
    frame = network.to_frame().astype({"source": str, "target": str})
    regulons = [
        Regulon(tf, int(sign), tuple(rows["target"]), tuple(rows["weight"]))
        for (tf, sign), rows in frame.sort_values("weight", ascending=False, kind="stable").groupby(["source", "sign"])
    ]
    return Regulons(sorted(regulons, key=lambda one: (one.tf, -one.sign)), provenance=provenance)


def _decoys(wiring: _wiring.Wiring, rng: np.random.Generator) -> list[tuple[int, NDArray[np.bool_]]]:
    """Return (TF, genes) pairs: a master of a type, and genes of the same type that it does not regulate."""
    n_types, n_tfs = wiring.program.shape
    decoys = []
    for kind in range(n_types):
        for _ in range(N_DECOYS_PER_TYPE):
            masters = np.flatnonzero(wiring.program[kind])
            tf = int(rng.choice(masters))
            others = masters[masters != tf]
            follows = (wiring.tf_on_gene[others] > 0).any(axis=0) | (wiring.marker == kind)
            genes = follows & (wiring.tf_on_gene[tf] == 0) & (rng.random(len(follows)) < 0.5)
            decoys.append((tf, np.concatenate([np.zeros(n_tfs, dtype=bool), genes])))
    return decoys
