"""Forests: against scikit-learn's, and the pieces against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from reguloom import grn
from reguloom._errors import InputError
from reguloom.grn import _forest_kernels as kernels
from reguloom.grn._binning import bin_regulators

from .conftest import as_adjacencies


@pytest.mark.parametrize("n_cells", [3, 16, 17, 200])
def test_filled_bins_are_the_histogram(n_cells):
    rng = np.random.default_rng(n_cells)
    columns = np.stack([rng.poisson(1.0, 200), rng.normal(size=200).round(1), np.ones(200)], 1).astype(np.float32)
    binned = bin_regulators(sparse.csc_array(columns))
    work = kernels.forest_workspace(binned)
    work.packed[:] = rng.integers(-(2**40), 2**40, 200)
    for _ in range(2):  # the second time shows that the first left nothing behind
        for k in range(3):
            cells = rng.permutation(200)[:n_cells].astype(binned.order.dtype)
            fill = kernels.fill_small if n_cells <= kernels.SMALL_NODE else kernels.fill
            arguments = (binned.bins[k],) if n_cells <= kernels.SMALL_NODE else (binned.bins[k], binned.n_bins[k])
            n_filled = fill(work, cells, *arguments)
            sums = [work.packed[cells[binned.bins[k][cells] <= b]].sum() for b in np.unique(binned.bins[k][cells])]
            assert work.left[:n_filled].tolist() == sums
            assert work.filled[:n_filled].tolist() == np.unique(binned.bins[k][cells]).tolist()


def test_partition_keeps_every_cell():
    rng = np.random.default_rng(0)
    cells, bins = rng.permutation(50).astype(np.uint16), rng.integers(0, 9, 50).astype(np.uint8)
    before = set(cells.tolist())
    n_left = kernels.partition(cells, np.zeros(50, np.uint16), bins, 4)
    assert (bins[cells[:n_left]] <= 4).all()
    assert (bins[cells[n_left:]] > 4).all()
    assert set(cells.tolist()) == before


def test_one_full_tree_without_chance_is_scikit_learns():
    rng = np.random.default_rng(1)
    columns = rng.permuted(np.tile(np.arange(200.0), (5, 1)), axis=1).T.astype(np.float32)
    target = columns[:, 0] + 30 * (columns[:, 1] > 90) + rng.normal(size=200)
    model = RandomForestRegressor(1, bootstrap=False, max_features=None, random_state=0).fit(columns, target)
    binned, importance = bin_regulators(sparse.csc_array(columns)), np.zeros(5)
    work = kernels.forest_workspace(binned)
    kernels.forest(*(binned, work, target - target.mean(), np.arange(5), 5, 1, False, False, np.uint64(1), importance))
    # Nodes of two cells are split alike by every regulator; they explain next to nothing.
    assert importance == pytest.approx(model.feature_importances_, abs=2e-3)


@pytest.mark.parametrize(("method", "peer"), [("genie3", RandomForestRegressor), ("extratrees", ExtraTreesRegressor)])
def test_forests_agree_with_scikit_learns(world, method, peer):
    cells, tfs = world
    table = as_adjacencies(grn.infer(cells, tfs, method=method, n_estimators=300)).set_index(["target", "TF"])
    for target in ("g0", "g3", "TF2"):
        names = [name for name in tfs if name != target]
        models = [
            peer(300, max_features="sqrt", random_state=seed).fit(cells[names], cells[target].astype(float))
            for seed in (0, 1)
        ]
        theirs = [model.feature_importances_ for model in models]
        ours = table["importance"][target].reindex(names).to_numpy()
        assert np.abs(ours - theirs[0]).max() < max(3 * np.abs(theirs[0] - theirs[1]).max(), 0.02)


@pytest.mark.slow
def test_genie3_agrees_with_the_original(shared):
    import pandas as pd

    folder = shared / "golden" / "arboreto" / "sim_a"
    cells = pd.read_parquet(folder / "expr_log1p.parquet")
    golden = pd.read_csv(folder / "adj_genie3_seed777_first40targets.csv.gz")
    tfs = [name for name in cells.columns if name.startswith("TF")]
    runs = [
        as_adjacencies(grn.infer(cells, tfs, targets=set(golden["target"]), method="genie3", rng=i)) for i in (0, 1)
    ]
    keys = ["TF", "target"]

    def spearman(one, two):
        joined = one.merge(two, on=keys, how="outer").fillna(0)
        return joined["importance_x"].corr(joined["importance_y"], method="spearman")

    assert spearman(runs[0], golden) > spearman(runs[0], runs[1]) - 0.005


def test_parameters_are_checked(world):
    cells, tfs = world
    for params in ({"n_estimators": 0}, {"max_features": 0}, {"max_features": "log2"}):
        with pytest.raises(InputError, match=next(iter(params))):
            grn.infer(cells, tfs, method="genie3", **params)
