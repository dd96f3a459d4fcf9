"""A small world as files, and one finished run on it, which every test of runs is held against."""

from __future__ import annotations

from pathlib import Path

import anndata
import pytest

import reguloom as rl

RUN = """
title = "a small world"
output = "{output}"
[input]
expression = "{folder}/cells.h5ad"
groupby = "cell_type"
basis = "pca"
[grn]
tfs = "{folder}/tfs.txt"
[ctx]
rankings = "{folder}/world.genes_vs_motifs.rankings.feather"
annotations = "{folder}/motifs.tbl"
rank_threshold = 300
nes_threshold = 2.5
min_genes = 10
[aucell]
[binarize]
[rss]
[oracle]
pseudotime = "pseudotime"
nulls = ["rewired"]
n_null = 10
n_bootstrap = 5
n_bags = 3
[vectorfield]
n_control = 30
[report]
"""


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the files of a small world: cells with a pseudotime and spliced counts, factors, motifs."""
    folder = tmp_path_factory.mktemp("small-world")
    sizes = {"n_genes": 150, "n_tfs": 12, "n_peaks": 300, "n_database_genes": 1500, "n_fates": 3}
    world = rl.datasets.world("L", 300, rng=1, motif_precision=0.7, **sizes)
    world.write(folder)
    cells = world.adata.copy()
    # The newer AnnData lists X among the layers, under None.
    layers = {name: cells.layers[name] for name in ("spliced", "unspliced")}
    anndata.AnnData(cells.X, cells.obs, cells.var, obsm={"X_pca": cells.obsm["X_pca"]}, layers=layers,
                    varm=dict(cells.varm)).write_h5ad(folder / "cells.h5ad")  # fmt: skip
    return folder


def write_run(folder: Path, world: Path, name: str = "run") -> Path:
    """Write the configuration of a run on the small world."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "run.toml"
    path.write_text(RUN.format(folder=world, output=folder / name))
    return path


@pytest.fixture(scope="session")
def finished(small_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an uninterrupted run on one thread."""
    config = rl.pipeline.read_config(write_run(tmp_path_factory.mktemp("finished"), small_world))
    rl.pipeline.run(config, n_jobs=1)
    return config.output
