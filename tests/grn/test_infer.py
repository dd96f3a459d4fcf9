"""The one call: order, determinism, selection of cells and genes, and what happens to odd input."""

from __future__ import annotations

import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from reguloom import grn
from reguloom._errors import InputError, MissingKeyError
from reguloom.grn._input import draw_cells

from .conftest import as_adjacencies, compare

FAST = {"n_estimators": 40}


def same(one, two):
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame(), check_exact=True)


def test_edges_come_strongest_first_with_ties_by_name(world):
    cells, tfs = world
    network, meta = grn.infer(cells, tfs, method="grnboost2", return_meta=True)
    table = as_adjacencies(network)
    again = table.sort_values(["importance", "TF", "target"], ascending=[False, True, True], ignore_index=True)
    pd.testing.assert_frame_equal(table, again)
    assert (table["importance"] > 0).all()
    assert not (table["TF"] == table["target"]).any()
    trees = table.groupby("target")["importance"].sum()
    assert trees.to_numpy() == pytest.approx(meta.set_index("target")["n_estimators"].loc[trees.index], rel=1e-12)


def test_genie3_importances_sum_to_one(world):
    cells, tfs = world
    for method in ("genie3", "extratrees"):
        table = as_adjacencies(grn.infer(cells, tfs, method=method, n_estimators=20))
        assert table.groupby("target")["importance"].sum().to_numpy() == pytest.approx(1.0)


@pytest.mark.parametrize("method", ["grnboost2", "genie3", "extratrees", "pearson", "spearman", "partial_correlation"])
def test_threads_shards_and_gene_order_change_nothing(world, method):
    cells, tfs = world
    params = FAST if method in ("grnboost2", "genie3", "extratrees") else {}
    one = grn.infer(cells, tfs, method=method, n_jobs=1, rng=5, **params)
    same(one, grn.infer(cells, tfs, method=method, n_jobs=2, rng=5, **params))
    shuffled = cells[cells.columns[np.random.default_rng(0).permutation(cells.shape[1])]]
    same(one, grn.infer(shuffled, tfs[::-1], method=method, rng=5, **params))
    shards = [grn.infer(cells, tfs, method=method, rng=5, shard=(i, 3), **params) for i in (1, 2, 3)]
    merged = grn.merge_shards(shards[::-1])
    same(one, merged)
    assert {k: v for k, v in merged.provenance.to_dict().items() if k != "params"} == {
        k: v for k, v in one.provenance.to_dict().items() if k != "params"
    }
    assert merged.provenance.params["targets"] == one.provenance.params["targets"]


def test_formats_and_precisions_agree(world, tmp_path):
    cells, tfs = world
    values = np.log1p(cells.to_numpy(np.float64)) / 3
    names = {"obs": pd.DataFrame(index=cells.index), "var": pd.DataFrame(index=cells.columns)}
    dense = grn.infer(pd.DataFrame(values, cells.index, cells.columns), tfs, **FAST)
    same(dense, grn.infer(ad.AnnData(sparse.csr_matrix(values), **names), tfs, **FAST))
    same(dense, grn.infer(ad.AnnData(sparse.csc_array(values.astype(np.float32)), **names), tfs, **FAST))
    ad.AnnData(sparse.csr_matrix(values), **names).write_h5ad(tmp_path / "x.h5ad")
    same(dense, grn.infer(ad.read_h5ad(tmp_path / "x.h5ad", backed="r"), tfs, **FAST))
    layered = ad.AnnData(np.zeros_like(values), layers={"log": values}, **names)
    same(dense, grn.infer(layered, tfs, layer="log", **FAST))


def test_seeds_matter_and_have_aliases(world):
    cells, tfs = world
    one = grn.infer(cells, tfs, rng=1, **FAST)
    same(one, grn.infer(cells, tfs, seed=1, **FAST))
    same(one, grn.infer(cells, tfs, random_state=1, **FAST))
    assert not np.array_equal(one.weight, grn.infer(cells, tfs, rng=2, **FAST).weight)


def test_a_target_does_not_depend_on_the_others(world):
    cells, tfs = world
    everything = as_adjacencies(grn.infer(cells, tfs, **FAST))
    alone = as_adjacencies(grn.infer(cells, tfs, targets=["g3"], **FAST))
    pd.testing.assert_frame_equal(everything[everything["target"] == "g3"].reset_index(drop=True), alone)


def test_limit_keeps_the_strongest(world):
    cells, tfs = world
    full = grn.infer(cells, tfs, **FAST)
    limited = as_adjacencies(grn.infer(cells, tfs, limit=11, **FAST))
    pd.testing.assert_frame_equal(as_adjacencies(full).head(11), limited)


def test_constant_genes_get_no_edges_and_are_reported(world, caplog):
    cells, tfs = world
    odd = cells.assign(flat=3.0, empty=0.0)
    with caplog.at_level(logging.INFO, logger="reguloom"):
        network, meta = grn.infer(odd, [*tfs, "flat"], return_meta=True, **FAST)
    states = meta.set_index("target")["state"]
    assert states["flat"] == states["empty"] == "constant"
    assert (states.drop(["flat", "empty"]) == "ok").all()
    assert "flat" not in set(network.to_frame()["source"])
    assert "2 targets have the same value in every cell" in caplog.text


@pytest.mark.parametrize("method", ["grnboost2", "genie3", "pearson", "partial_correlation"])
def test_a_target_that_is_the_only_regulator_is_left_alone(world, method):
    cells, _ = world
    params = FAST if method in ("grnboost2", "genie3") else {}
    network, meta = grn.infer(cells, ["TF0"], method=method, return_meta=True, **params)
    states = meta.set_index("target")["state"]
    assert states["TF0"] == "no regulator"
    assert set(network.to_frame()["source"]) == {"TF0"}


def test_missing_regulators_are_listed_and_fatal_only_if_none_is_left(world, caplog):
    cells, tfs = world
    with caplog.at_level(logging.INFO, logger="reguloom"):
        grn.infer(cells, [*tfs, "Nowhere1"], method="pearson")
    assert "8 of 9 transcription factors are in the matrix" in caplog.text
    with pytest.raises(InputError, match="0 of 2 transcription factors"):
        grn.infer(cells, ["TFX", "TFY"], method="pearson")
    with pytest.raises(InputError, match="empty"):
        grn.infer(cells, [])


def test_nan_infinite_and_repeated_names_are_refused(world):
    cells, tfs = world
    for bad in (np.nan, np.inf):
        broken = cells.copy()
        broken.iloc[3, 4] = bad
        with pytest.raises(InputError, match="TF4"):
            grn.infer(broken, tfs)
    doubled = cells.set_axis(["g0" if name == "g1" else name for name in cells.columns], axis=1)
    with pytest.raises(InputError, match="g0"):
        grn.infer(doubled, tfs)


def test_negative_values_are_allowed_and_noted(world, caplog):
    cells, tfs = world
    scaled = (cells - cells.mean()) / cells.std()
    with caplog.at_level(logging.INFO, logger="reguloom"):
        network = grn.infer(scaled, tfs, rng=1)
    assert "negative" in caplog.text
    raw = as_adjacencies(grn.infer(cells, tfs, rng=1)).set_index(["TF", "target"])["importance"]
    own = as_adjacencies(network).set_index(["TF", "target"])["importance"]
    # A scaled regulator splits in the same places: only rounding, and what it does to ties, differs.
    assert raw.corr(own, method="spearman") > 0.9


def test_empty_cells_are_kept_and_noted(world, caplog):
    cells, tfs = world
    with_empty = pd.concat([cells, pd.DataFrame(0.0, ["e1", "e2"], cells.columns)])
    with caplog.at_level(logging.INFO, logger="reguloom"):
        grn.infer(with_empty, tfs, method="pearson")
    assert "2 of 152 cells have no counts" in caplog.text


def test_few_cells_and_empty_matrices_are_refused(world):
    cells, tfs = world
    with pytest.raises(InputError, match="at least 10"):
        grn.infer(cells.iloc[:9], tfs)
    with pytest.raises(InputError, match="0"):
        grn.infer(cells * 0, tfs)


def test_unknown_methods_parameters_and_targets_are_named(world):
    cells, tfs = world
    with pytest.raises(InputError, match=r"grnboost3.*grnboost2"):
        grn.infer(cells, tfs, method="grnboost3")
    with pytest.raises(InputError, match=r"n_trees.*n_estimators"):
        grn.infer(cells, tfs, n_trees=3)
    with pytest.raises(InputError, match="max_features"):
        grn.infer(cells, tfs, max_features=1.5)
    with pytest.raises(MissingKeyError, match="nope"):
        grn.infer(cells, tfs, targets=["nope"])
    for shard in ("3/2", "0/2", "x", (1, 2, 3)):
        with pytest.raises(InputError, match="shard"):
            grn.infer(cells, tfs, shard=shard)


def test_prefilter_drops_genes_and_is_recorded(world):
    cells, tfs = world
    rare = cells.assign(rare=0.0)
    rare.iloc[:4, -1] = 1.0
    network = grn.infer(rare, tfs, min_cells=5, method="pearson")
    assert "rare" not in network.targets
    assert network.provenance.params["min_cells"] == 5
    share = grn.infer(rare, tfs, min_fraction=0.03, method="pearson")
    assert "rare" not in share.targets
    with pytest.raises(InputError, match="min_cells"):
        grn.infer(rare, tfs, min_cells=1000)


def test_subsample_draws_from_each_group_and_is_recorded(world):
    cells, tfs = world
    groups = ["a"] * 30 + ["b"] * 120
    adata = ad.AnnData(cells, obs=pd.DataFrame({"type": groups}, index=cells.index))
    network = grn.infer(adata, tfs, subsample=50, stratify="type", rng=4, **FAST)
    chosen = draw_cells(np.array([0] * 30 + [1] * 120), 50, 4)
    assert (chosen < 30).sum() == 10
    same(network, grn.infer(cells.iloc[chosen], tfs, rng=4, **FAST))
    assert network.provenance.params["subsample"] == 50
    assert network.provenance.params["stratify"] == "type"
    same(network, grn.infer(cells, tfs, subsample=50, stratify=groups, rng=4, **FAST))
    with pytest.raises(MissingKeyError, match="nothing"):
        grn.infer(adata, tfs, subsample=50, stratify="nothing")
    with pytest.raises(InputError, match="subsample"):
        grn.infer(adata, tfs, stratify="type")


def test_all_genes_may_be_regulators(world):
    cells, _ = world
    small = cells.iloc[:, :6]
    same(grn.infer(small, **FAST), grn.infer(small, list(small.columns), **FAST))
    same(grn.infer(small, "all", **FAST), grn.infer(small, **FAST))


def test_methods_are_described():
    table = grn.methods()
    assert list(table.index) == [
        *("grnboost2", "genie3", "extratrees", "reference", "pearson", "spearman", "partial_correlation")
    ]
    assert table.loc["pearson", "signed"]
    assert not table.loc["grnboost2", "signed"]


def test_the_reference_backend_agrees_with_the_engine(world):
    cells, tfs = world
    own = [as_adjacencies(grn.infer(cells, tfs, rng=i)) for i in (0, 1)]
    theirs = as_adjacencies(grn.infer(cells, tfs, method="reference", targets=["g1", "g2", "g3", "g4"]))
    some = [table[table["target"].isin(["g1", "g2", "g3", "g4"])] for table in own]
    between_seeds = compare(*some, top=12)["spearman"]
    assert compare(some[0], theirs, top=12)["spearman"] > between_seeds - 0.1
