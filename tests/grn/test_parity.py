"""GRNBoost2 against arboreto on scikit-learn 1.2.2, where its stopping rule works.

Boosting is random, so two runs are compared as two seeds of the original are: the yardstick is its own seed-to-seed
distance.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reguloom import grn

from .conftest import as_adjacencies, compare

TOLERANCE = 0.02


def check(ours, theirs, *, top=1000):
    """Hold the mean over all pairs of ours and theirs against the mean over the pairs of theirs."""
    crossed = pd.DataFrame([compare(one, two, top=top) for one in ours for two in theirs]).mean()
    pairs = [(one, two) for i, one in enumerate(theirs) for two in theirs[:i]]
    own = pd.DataFrame([compare(one, two, top=top) for one, two in pairs]).mean()
    assert crossed["spearman"] > own["spearman"] - TOLERANCE
    assert crossed["jaccard"] > own["jaccard"] - TOLERANCE
    assert crossed["trees"] > min(0.95, own["trees"] - TOLERANCE)
    trees = [np.mean([table["importance"].sum() for table in tables]) for tables in (ours, theirs)]
    assert trees[0] == pytest.approx(trees[1], rel=0.05)


def test_real_cells(shared):
    folder = shared / "golden" / "pyscenic" / "pbmc100"
    cells = pd.read_csv(folder / "expr.csv.gz", index_col=0)
    theirs = [
        pd.read_csv(folder / f"adj_grnboost2_seed{seed}_sklearn1.2.2.tsv.gz", sep="\t").drop_duplicates()
        for seed in (777, 778)
    ]
    tfs = set(theirs[0]["TF"]) | set(theirs[1]["TF"])
    networks = [grn.infer(cells, tfs, rng=seed, return_meta=True) for seed in range(4)]
    check([as_adjacencies(network) for network, _ in networks], theirs)
    counts = pd.read_csv(folder / "adj_meta.tsv", sep="\t").set_index("target")["n_estimators"]
    mean = sum(meta.set_index("target")["n_estimators"] for _, meta in networks) / 4
    assert mean.corr(counts) > 0.9


def test_the_broken_stopping_is_told_apart(shared):
    folder = shared / "golden" / "pyscenic" / "pbmc100"
    broken = pd.read_csv(folder / "adj_seed777_sklearn1.9.1_BROKEN_earlystop.tsv.gz", sep="\t")
    cells = pd.read_csv(folder / "expr.csv.gz", index_col=0)
    ours = as_adjacencies(grn.infer(cells, set(broken["TF"])))
    trees = [table.groupby("target")["importance"].sum().mean() for table in (ours, broken)]
    assert trees[0] > 4 * trees[1]


def test_simulated_cells(shared):
    folder = shared / "golden" / "arboreto" / "sim_a"
    cells = pd.read_parquet(folder / "expr_log1p.parquet")
    tfs = [name for name in cells.columns if name.startswith("TF")]
    theirs = [pd.read_csv(folder / f"adj_grnboost2_seed{seed}.csv.gz") for seed in (777, 778, 779)]
    check([as_adjacencies(grn.infer(cells, tfs, rng=seed)) for seed in range(3)], theirs)


@pytest.mark.slow
def test_paul15_against_scikit_learns_trees(shared):
    import anndata as ad

    adata = ad.read_h5ad(shared / "data" / "paul15" / "paul15.h5ad")
    tfs = (shared / "data" / "paul15" / "mm_tfs_with_motif.txt").read_text().split()
    tfs = sorted(set(tfs) & set(adata.var_names))[::2]
    detected = np.asarray((adata.X != 0).sum(axis=0)).ravel()
    strongest = adata.var_names[np.argsort(-detected)[:300]]
    targets = sorted(np.random.default_rng(0).choice(strongest, 30, replace=False))
    adata = adata[np.random.default_rng(1).permutation(adata.n_obs)[:800]].copy()
    options = {"targets": targets}
    ours = [as_adjacencies(grn.infer(adata, tfs, rng=seed, **options)) for seed in range(4)]
    theirs = [as_adjacencies(grn.infer(adata, tfs, method="reference", rng=seed, **options)) for seed in range(4)]
    check(ours, theirs, top=300)
