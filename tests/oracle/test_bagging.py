"""The regressions: against scikit-learn, the original's tables, and themselves in another order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp
from sklearn.ensemble import BaggingRegressor
from sklearn.linear_model import BayesianRidge, Ridge

from reguloom.core import Network
from reguloom.oracle._bagging import bagging_ridge, bagging_ridge_sklearn, bayesian_ridge, ridge, summarise
from reguloom.oracle._design import Design
from reguloom.oracle._gram import group_data, regulator_scale


def problem(seed: int = 0) -> tuple[np.ndarray, Design]:
    rng = np.random.default_rng(seed)
    values = rng.gamma(2.0, size=(70, 20)) @ np.diag(rng.gamma(2.0, size=20))
    genes = pd.Index([f"G{i}" for i in rng.permutation(20)])
    source, target = np.nonzero(rng.random((9, 20)) < 0.6)
    keep = source != target
    return values, Design.of(Network.from_edges(genes[source[keep]], genes[target[keep]]), genes)


def sides(values: np.ndarray, design: Design) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scale = regulator_scale(values, design)
    return *group_data(values, np.arange(len(values)), design, scale), scale


def each_target(values: np.ndarray, design: Design):
    scale = regulator_scale(values, design)
    for t in range(design.targets.size):
        edges = slice(design.indptr[t], design.indptr[t + 1])
        columns = design.source[edges]
        yield edges, values[:, design.regulators[columns]] / scale[columns], values[:, design.targets[t]]


def test_identical_bags_give_the_coefficients_of_scikit_learn() -> None:
    values, design = problem()
    x, y, _ = sides(values, design)
    found = bagging_ridge_sklearn(x, y, design, alpha=10.0, n_bags=20, max_features=0.8, seed=123)
    for edges, left, right in each_target(values, design):
        model = BaggingRegressor(Ridge(10.0), n_estimators=20, max_features=0.8, random_state=123).fit(left, right)
        bags = np.full((20, left.shape[1]), np.nan)
        for bag, one, features in zip(bags, model.estimators_, model.estimators_features_, strict=True):
            bag[features] = one.coef_
        assert np.abs(found["coef_mean"][edges] - np.nanmean(bags, axis=0)).max() < 1e-9
        theirs = ttest_1samp(bags, 0, nan_policy="omit").pvalue
        assert np.allclose(found["p"][edges], np.asarray(theirs, dtype=float), rtol=1e-6, atol=1e-15)


def test_plain_and_bayesian_ridge_equal_scikit_learn() -> None:
    values, design = problem(1)
    x, y, _ = sides(values, design)
    plain, bayes = ridge(x, y, design, alpha=3.0), bayesian_ridge(x, y, design)
    for edges, left, right in each_target(values, design):
        assert np.abs(plain["coef_mean"][edges] - Ridge(3.0).fit(left, right).coef_).max() < 1e-9
        model = BayesianRidge().fit(left, right)
        assert np.abs(bayes["coef_mean"][edges] - model.coef_).max() < 1e-9
        assert np.abs(bayes["coef_variance"][edges] - np.diag(model.sigma_)).max() < 1e-9


def test_own_bags_agree_with_ridge_on_average() -> None:
    values, design = problem(2)
    x, y, _ = sides(values, design)
    bags = bagging_ridge(x, y, design, alpha=1.0, n_bags=200, max_features=1.0, seed=5)
    plain = ridge(x, y, design, alpha=1.0)
    assert np.corrcoef(bags["coef_mean"], plain["coef_mean"])[0, 1] > 0.99
    half = bagging_ridge(x, y, design, alpha=1.0, n_bags=30, max_features=0.5, seed=5)
    assert np.corrcoef(half["coef_mean"], plain["coef_mean"])[0, 1] > 0.8


def test_the_order_of_genes_does_not_matter() -> None:
    values, design = problem(3)
    order = np.random.default_rng(0).permutation(20)
    other = Design.of_columns(
        np.argsort(order)[design.regulators[design.source]], np.argsort(order)[design.targets[design.target_of_edge]],
        design.genes[order],
    )  # fmt: skip
    made = []
    for matrix, one in ((values, design), (values[:, order], other)):
        x, y, _ = sides(matrix, one)
        made.append(bagging_ridge(x, y, one, alpha=10.0, n_bags=7, max_features=0.8, seed=1)["coef_mean"].tobytes())
    assert made[0] == made[1]


def test_edges_that_no_bag_drew_are_none() -> None:
    made = summarise(np.array([[np.nan, 1.0], [np.nan, 2.0]]))
    assert made["coef_mean"].tolist() == [0.0, 1.5]
    assert made["p"][0] == 1.0


def test_the_originals_links(golden: Path) -> None:
    values = np.load(golden / "pca_knn.npz", allow_pickle=True)["imputed_balanced"]
    inputs = np.load(golden / "inputs.npz", allow_pickle=True)
    genes, rows = pd.Index(inputs["genes"].astype(str)), np.flatnonzero(inputs["cluster"].astype(str) == "10")
    table = pd.read_parquet(golden / "links_bayesian_ridge.parquet").query("cluster == '10'")
    design = Design.of(Network.from_frame(table[["source", "target", "coef_mean"]]), genes)
    assert design.n_edges == len(table)
    x, y = group_data(values, rows, design, regulator_scale(values, design))
    ours = pd.DataFrame({
        "source": design.regulator_names[design.source], "target": design.target_names[design.target_of_edge],
        "bayes": bayesian_ridge(x, y, design)["coef_mean"],
        "bags": bagging_ridge(x, y, design, alpha=10.0, n_bags=20, max_features=0.8, seed=0)["coef_mean"],
    })  # fmt: skip
    both = ours.merge(table, on=["source", "target"])
    assert (both["bayes"] - both["coef_mean"]).abs().max() < 1e-5  # theirs is float32
    # The original's bags depend on the order of a Python set, so they can be met on average only.
    bagged = pd.read_parquet(golden / "links_bagging20_alpha10.parquet").query("cluster == '10'")
    both = ours.merge(bagged, on=["source", "target"])
    assert np.corrcoef(both["bags"], both["coef_mean"])[0, 1] > 0.95


@pytest.mark.parametrize("method", [bagging_ridge, bagging_ridge_sklearn, ridge, bayesian_ridge])
def test_a_constant_regulator_gets_no_weight(method) -> None:
    values, design = problem(4)
    values[:, design.regulators[0]] = 2.0
    x, y, _ = sides(values, design)
    found = method(x, y, design, alpha=1.0, n_bags=5, max_features=0.8, seed=0)
    assert np.abs(found["coef_mean"][design.source == 0]).max() < 1e-12
    assert np.isfinite(found["p"]).all()
