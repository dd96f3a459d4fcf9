from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

import reguloom as rl
from reguloom.core.motif_columns import ANNOTATION_COLUMNS
from reguloom.datasets import _counts
from reguloom.datasets.regulon_world import World, regulon_world

SMALL = {"n_genes": 160, "n_database_genes": 800, "n_random_motifs": 60}


@pytest.fixture(scope="module")
def world() -> World:
    return regulon_world(400, 3, 12, **SMALL, rng=3)


def dense(world: World) -> pd.DataFrame:
    return world.adata.to_df()


def test_shapes_and_slots(world):
    adata = world.adata
    assert adata.shape == (400, 160)
    assert adata.X.format == "csr" and (adata.X.data == np.rint(adata.X.data)).all() and adata.X.data.min() > 0
    assert list(adata.obs["cell_type"].cat.categories) == ["alpha", "beta", "gamma"]
    assert adata.obsm["X_umap"].shape == (400, 2) and np.isfinite(adata.obsm["X_umap"]).all()
    assert adata.var["is_tf"].sum() == 12 == len(world.tfs)
    assert list(adata.var_names) == sorted(adata.var_names)
    assert set(world.tfs) == set(adata.var_names[adata.var["is_tf"]])


def test_same_seed_same_world_other_seed_another():
    one, two, other = (regulon_world(80, 2, 6, **SMALL, rng=seed) for seed in (1, 1, 2))
    assert (one.adata.X != two.adata.X).nnz == 0
    assert one.adata.obsm["X_umap"].tobytes() == two.adata.obsm["X_umap"].tobytes()
    pd.testing.assert_frame_equal(one.rankings, two.rankings)
    pd.testing.assert_frame_equal(one.annotations, two.annotations)
    pd.testing.assert_frame_equal(one.network.to_frame(), two.network.to_frame())
    assert (one.adata.X != other.adata.X).nnz > 0
    assert not one.network.to_frame().equals(other.network.to_frame())


def test_seed_aliases():
    one, two = regulon_world(40, 2, 4, **SMALL, rng=5), regulon_world(40, 2, 4, **SMALL, seed=5)
    assert (one.adata.X != two.adata.X).nnz == 0


def test_default_world_looks_like_single_cell_data():
    world = regulon_world()
    zeros = 1 - world.adata.X.nnz / np.prod(world.adata.shape)
    assert 0.7 < zeros < 0.9
    counts = dense(world)
    mean, variance = counts.mean(), counts.var()
    assert (variance[mean > 0.5] / mean[mean > 0.5]).median() > 1.3, "counts should be bursty"
    depth = counts.sum(axis=1)
    assert 0.2 < np.log(depth).std() < 0.8
    assert counts.sum().min() > 0


def test_truth_and_regulons_agree(world):
    edges = world.network.to_frame()
    assert not (edges["source"].astype(str) == edges["target"].astype(str)).any()
    assert set(edges["sign"].unique()) == {-1, 1}
    assert not edges.duplicated(["source", "target"]).any()
    again = world.regulons.to_network().to_frame()
    columns = ["source", "target", "weight", "sign"]
    text = {"source": str, "target": str}
    pd.testing.assert_frame_equal(
        edges[columns].astype(text).sort_values(columns, ignore_index=True),
        again[columns].astype(text).sort_values(columns, ignore_index=True),
    )


def test_targets_follow_their_regulators(world):
    counts = np.log1p(dense(world))
    correlation = {
        (edge.source, edge.target): pearsonr(world.activity[edge.source], counts[edge.target]).statistic
        for edge in world.network.to_frame().itertuples()
    }
    sign = world.network.sign
    rho = np.array(list(correlation.values()))
    assert np.median(rho[sign > 0]) > 0.2
    assert np.median(rho[sign < 0]) < -0.1


def test_messages_of_a_tf_tell_its_activity(world):
    counts = np.log1p(dense(world))
    rho = [pearsonr(world.activity[tf], counts[tf]).statistic for tf in world.tfs]
    assert 0.3 < np.median(rho) < 0.95


def test_every_type_has_a_regulator_of_its_own(world):
    mean = world.activity.groupby(world.adata.obs["cell_type"], observed=True).mean()
    gap = mean.apply(lambda column: column.nlargest(2).iloc[0] - column.nlargest(2).iloc[1])
    assert set(mean.idxmax()[gap > 1.5]) == set(mean.index)


def test_rankings_are_permutations_in_the_database_layout(world):
    ranks = world.rankings
    assert ranks.shape[1] == 800 and ranks.dtypes.unique().tolist() == [np.dtype(np.int16)]
    assert (np.sort(ranks.to_numpy(), axis=1) == np.arange(800)).all()
    assert list(ranks.columns) == sorted(ranks.columns)
    assert set(world.adata.var_names) < set(ranks.columns)
    assert ranks.index.is_unique


def test_own_motifs_find_most_targets_and_decoys_do_not(world):
    top = 0.05 * world.rankings.shape[1]
    edges = world.network.to_frame().astype({"source": str, "target": str})
    own, decoy = [], []
    for row in world.annotations.itertuples(index=False):
        targets = edges.loc[edges["source"] == row.gene_name, "target"]
        if len(targets):
            share = (world.rankings.loc[row[0], targets] < top).mean()
            (own if row[0].startswith(f"world__{row.gene_name}_") else decoy).append(share)
    assert 0.5 < np.mean(own) < 0.95, "imperfect recall, but most targets"
    assert np.mean(decoy) < 0.15


def test_annotations_have_the_thirteen_columns_and_every_quality(world):
    table = regulon_world().annotations
    assert tuple(table.columns) == ANNOTATION_COLUMNS and len(table.columns) == 13
    assert not table.isna().any().any()
    q_value, identity = table["motif_similarity_qvalue"], table["orthologous_identity"]
    assert (q_value == 0).any() and ((q_value > 0) & (q_value < 1e-3)).any() and (q_value > 1e-3).any()
    assert (identity < 1).any()
    without = set(regulon_world().tfs) - set(table["gene_name"])
    assert 0 < len(without) < 10, "some TFs have no motif"


def test_write_is_readable_and_the_same_bytes_twice(world, tmp_path):
    import anndata

    from reguloom import io

    paths = world.write(tmp_path / "one")
    again = world.write(tmp_path / "two")
    for key, path in paths.items():
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(again[key].read_bytes()).digest(), key
    assert (anndata.read_h5ad(paths["expression"]).X != world.adata.X).nnz == 0
    assert io.read_genes(paths["tfs"]) == world.tfs
    database = io.read_rankings(paths["rankings"])
    assert database.kind == "rankings" and database.motifs == list(world.rankings.index)
    assert (database.load(list(world.rankings.columns)) == world.rankings.to_numpy()).all()
    annotations = io.read_motif_annotations(paths["annotations"])
    assert 0 < len(annotations) < len(world.annotations), "untrustworthy annotations are filtered"
    network = io.read_network(paths["network"])
    table = rl.evaluate.network(network, world.network, metrics=["precision", "recall", "sign_accuracy"])
    assert table["value"].tolist() == [1.0, 1.0, 1.0]


def test_write_refuses_to_replace(world, tmp_path):
    world.write(tmp_path)
    with pytest.raises(rl.InputError, match="exists already"):
        world.write(tmp_path, force=False)


def test_hill_is_half_at_zero():
    assert _counts.hill(np.zeros(1))[0] == 0.5
    assert _counts.hill(np.array([np.log(3.0)]))[0] == pytest.approx(9 / 10)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_cells": 4, "n_cell_types": 3}, "two cells a type"),
        ({"n_tfs": 1000}, "n_tfs < n_genes"),
        ({"n_cell_types": 5, "n_tfs": 4}, "n_cell_types"),
        ({"n_database_genes": 10}, "n_database_genes"),
    ],
)
def test_impossible_sizes(sizes, message):
    with pytest.raises(rl.InputError, match=message):
        regulon_world(**sizes)


def test_smallest_world_and_many_types():
    assert regulon_world(2, 1, 1, n_genes=2, n_database_genes=2, n_random_motifs=0).adata.shape == (2, 2)
    many = regulon_world(60, 14, 14, **SMALL)
    assert many.adata.obs["cell_type"].cat.categories[-1] == "type14"
