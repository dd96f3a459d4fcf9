"""The coefficients that simulations use, their intervals and their R²."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from sklearn.linear_model import Ridge

from reguloom import oracle
from reguloom.core import Network
from reguloom.manifold.blocks import block_labels
from reguloom.oracle._refit import group_designs, refit


def test_coefficients_and_cross_validation_by_hand(model, world) -> None:
    target = "Gene03"
    rows = np.flatnonzero(model.groups == "a")
    edges = model.network.to_frame().query("group == 'a' and target == @target")
    left = model.expression[np.ix_(rows, model.genes.get_indexer(edges["source"]))]
    right = model.expression[rows, model.genes.get_loc(target)]
    assert np.abs(Ridge(10.0).fit(left, right).coef_ - edges["weight"]).max() < 1e-9
    from reguloom.core import Expression
    from reguloom.oracle.impute import principal_components

    places = principal_components(Expression.of(world[0]))[:, :10]
    block = block_labels(places[rows], 20)
    fold = np.arange(block.max() + 1)[block] * 5 // (block.max() + 1)
    wrong = total = 0.0
    for held in range(5):
        train, test = fold != held, fold == held
        fitted = Ridge(10.0).fit(left[train], right[train])
        wrong += ((right[test] - fitted.predict(left[test])) ** 2).sum()
        total += ((right[test] - right[train].mean()) ** 2).sum()
    row = model.targets.query("group == 'a' and target == @target").iloc[0]
    assert np.isclose(row["r2_cv"], 1 - wrong / total, atol=1e-8)
    assert row["n_regulators"] == len(edges)


def test_intervals_hold_the_coefficients_and_name_the_unsure(model) -> None:
    table = model.network.extra
    assert (table["se"] >= 0).all()
    assert (table["ci_low"] <= table["ci_high"]).all()
    sure = table["coef_abs"] > 3 * table["se"]
    assert table.loc[sure, "sign_agreement"].mean() > 0.95
    assert table.loc[~sure, "sign_agreement"].mean() < table.loc[sure, "sign_agreement"].mean()


@pytest.mark.slow
@pytest.mark.parametrize("impute", [False, True])
def test_standard_errors_are_the_spread_over_data_sets(impute: bool) -> None:
    """Imputation shares cells between averages: errors from resampled averages would be half as large as they are."""
    effect, estimates, errors = np.array([0.5, -0.4, 0.0]), [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        tfs, rest = rng.gamma(4.0, 0.5, size=(240, 3)), rng.gamma(4.0, 0.5, size=(240, 10))
        target = 3 + tfs @ effect + 0.5 * rng.normal(size=240)
        cells = AnnData(np.column_stack([tfs, target, rest]).clip(0))
        cells.var_names = ["T0", "T1", "T2", "Y", *(f"E{i}" for i in range(10))]
        network = Network.from_edges(["T0", "T1", "T2"], ["Y"] * 3)
        model = oracle.fit(cells, network, impute=impute, p=None, n_bags=2, refit_alpha=1.0, n_jobs=1)
        edges = model.network.to_frame().set_index("source").loc[["T0", "T1", "T2"]]
        estimates.append(edges["coef_mean"])
        errors.append(edges["se"])
    spread = np.std(estimates, axis=0, ddof=1)
    assert 0.75 < (np.mean(errors, axis=0) / spread).mean() < 1.25


def test_the_originals_coefficients(golden: Path) -> None:
    values = np.load(golden / "pca_knn.npz", allow_pickle=True)["imputed_balanced"]
    inputs = np.load(golden / "inputs.npz", allow_pickle=True)
    groups, genes = pd.Categorical(inputs["cluster"].astype(str)), pd.Index(inputs["genes"].astype(str))
    network = Network.from_frame(pd.read_parquet(golden / "links_filtered.parquet"))
    designs = group_designs(network, groups, genes)
    _, matrices, _ = refit(
        values, groups, designs, alpha=10.0, n_bootstrap=0, seed=0, places=inputs["embedding"], n_jobs=1
    )
    theirs = np.load(golden / "coef_per_cluster.npz")
    for name, matrix in zip(groups.categories, matrices, strict=True):
        assert np.abs(matrix.toarray() - theirs[name]).max() < 1e-8
