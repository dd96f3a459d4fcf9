"""Diagnostics pass on a world with a flow and fail where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from tests.vectorfield.conftest import Toggle
from tests.vectorfield.test_velocity import splicing

import reguloom as rl
from reguloom import vectorfield as vf
from reguloom.vectorfield import VectorField


def test_a_true_flow_passes(field: VectorField) -> None:
    table = vf.diagnose(field, n_null=8)
    # Two genes alone regulate, so that an order of genes is set by their loadings, for shuffled velocities as well.
    assert set(table.loc[~table["passed"], "check"]) <= {"the order of genes repeats"}, table[["check", "value", "z"]]
    assert table["verdict"].str.len().min() > 20
    assert {"value", "null", "null_sd", "z", "threshold"} <= set(table.columns)


def test_shuffled_velocities_fail(toggle: Toggle) -> None:
    adata = toggle.adata.copy()
    order = np.random.default_rng(0).permutation(adata.n_obs)
    adata.obsm["velocity_pca"] = adata.obsm["velocity_pca"][order]
    with np.errstate(all="ignore"):
        made = vf.fit(adata, bandwidth=0.05, ridge=3.0, outliers=False)
    table = vf.diagnose(made, n_null=8).set_index("check")
    for check in (
        "neighbours move alike", "held-out cells are predicted", "more than one direction for all",
        "halves of the cells agree", "signs of the Jacobian repeat", "the order of genes repeats",
    ):  # fmt: skip
        assert not table.loc[check, "passed"], check


def test_reversed_velocity_is_noticed(field: VectorField) -> None:
    v = np.where((field.groups == "A")[:, None], 1.0, -1.0) * (field.states[0] - field.states.mean(axis=0))
    edge = [("A", "B")]
    toward = field.states[np.asarray(field.groups == "B")].mean(0) - field.states[np.asarray(field.groups == "A")].mean(
        0
    )
    ahead = replace(field, velocities=np.tile(toward, (len(v), 1)) + 0.1 * field.velocities)
    back = replace(field, velocities=-ahead.velocities)
    name = "cells cross from A to B"
    forth = vf.diagnose(ahead, edges=edge, n_null=1).set_index("check").loc[name]
    again = vf.diagnose(back, edges=edge, n_null=1).set_index("check").loc[name]
    assert forth["value"] > 0 > again["value"] and not again["passed"]
    assert "reversed" in again["verdict"]
    with pytest.raises(rl.InputError, match="not there"):
        vf.diagnose(field, edges=[("A", "Z")])


def test_the_mean_velocity_alone_is_no_field(field: VectorField) -> None:
    rng = np.random.default_rng(0)
    v = np.tile([3.0] + [0.0] * 11, (len(field.cells), 1)) + 0.3 * rng.normal(size=field.velocities.shape)
    table = vf.diagnose(replace(field, velocities=v), n_null=3).set_index("check")
    assert table.loc["held-out cells are predicted", "value"] > 0.7
    assert not table.loc["more than one direction for all", "passed"]
    assert "no better than the mean velocity" in table.loc["more than one direction for all", "verdict"]


def test_fixed_points_that_repeat_are_told_from_those_of_noise(toggle: Toggle, field: VectorField) -> None:
    from reguloom.vectorfield._check import Check
    from reguloom.vectorfield._checks_refit import _kept

    points = vf.fixed_points(field, n_starts=60)
    assert len(points) and _kept(points, field, field) == 1
    assert _kept(points, field.with_coefficients(field.coefficients[::-1]), field) < 0.5
    assert isinstance(Check("a", 1.0, 0.5, "good", "bad").row()["passed"], bool)


def test_a_jacobian_that_repeats_coexpression_is_named(field: VectorField) -> None:
    from reguloom.vectorfield._checks_refit import coexpression

    covariance = np.cov(field.states.T)
    assert coexpression(field).passed
    # f(x) = C x has the Jacobian C, which in genes is their covariance.
    x = field.states
    genes = field.space.loadings @ covariance @ field.space.loadings.T
    scale = 1 / np.sqrt(np.diag(genes))
    same = vf.sparsevfc(x, (x - x.mean(axis=0)) @ covariance, n_control=150, bandwidth=0.01, ridge=1e-6)
    made = replace(field, control_points=same.control_points, coefficients=same.coefficients, bandwidth=same.bandwidth)
    assert np.isfinite(scale).all()
    assert coexpression(made).value < coexpression(field).value


def counted(depth: float, seed: int = 1) -> AnnData:
    """Cells of a known time course, of each of which a share of the molecules is captured."""
    adata, _ = splicing(n_cells=400, n_genes=60, seed=seed)
    rng = np.random.default_rng(3)
    captured = depth * np.exp(rng.normal(size=(400, 1)) * 0.4)
    for name, source in (("spliced", "Ms"), ("unspliced", "Mu")):
        adata.layers[name] = rng.poisson(adata.layers.pop(source) * captured).astype(float)
    vf.prepare(adata, n_genes=60, n_components=5)
    vf.velocity(adata)
    vf.project(adata)
    return adata


def test_thinned_counts_tell_velocity_from_counting_noise() -> None:
    names = ["halves of the counts agree", "unspliced says more than spliced"]
    deep = counted(0.5)
    good = vf.diagnose(vf.fit(deep), deep, n_null=5).set_index("check").loc[names]
    assert good["passed"].all() and (good["z"] > 10).all()
    # Unspliced counts that are nothing but a share of the spliced ones, drawn anew.
    rng = np.random.default_rng(0)
    noise = deep.copy()
    spliced = np.asarray(noise.layers["spliced"])
    noise.layers["unspliced"] = rng.poisson(0.02 * spliced.mean(axis=0) * np.ones_like(spliced)).astype(float)
    vf.moments(noise)
    vf.velocity(noise, min_r2=-np.inf)
    vf.project(noise)
    bad = vf.diagnose(vf.fit(noise), noise, n_null=5).set_index("check").loc[names[1]]
    assert not bad["passed"] and "a guess" in bad["verdict"]


def test_whole_counts_are_found_behind_normalised_layers() -> None:
    from reguloom.vectorfield.thinning import halve, whole_counts

    deep = counted(0.5)
    counts = np.asarray(deep.layers["spliced"])
    deep.layers["scaled"] = counts / counts.sum(axis=1, keepdims=True) * 1000
    assert np.array_equal(whole_counts(deep, "scaled").toarray(), counts)
    deep.layers["smooth"] = deep.layers["Ms"] + 0.123
    assert whole_counts(deep, "smooth") is None
    first, second = halve(whole_counts(deep, "scaled"), np.random.default_rng(0))
    assert np.array_equal((first + second).toarray(), counts)
    assert first.sum() / counts.sum() == pytest.approx(0.5, abs=0.02)
    del deep.layers["unspliced"]
    assert "halves of the counts agree" not in set(vf.diagnose(vf.fit(deep), deep, n_null=1)["check"])


def test_genes_that_move_backwards_are_noticed() -> None:
    deep = counted(0.5)
    early = deep.obs["time"] < 20
    deep.obs["when"] = np.where(early, "early", np.where(deep.obs["time"] < 25, "late", "last"))
    edge, name = ("early", "late"), "genes move from early to late"
    forth = vf.diagnose(vf.fit(deep, groupby="when"), deep, edges=[edge], n_null=3).set_index("check").loc[name]
    deep.layers["velocity"] = -deep.layers["velocity"]
    back = vf.diagnose(vf.fit(deep, groupby="when"), deep, edges=[edge], n_null=3).set_index("check").loc[name]
    assert forth["value"] > 0.6 > back["value"] and "reversed" in back["verdict"]


def test_the_verdict_is_the_same_on_one_and_two_threads(field: VectorField) -> None:
    one, two = (vf.diagnose(field, n_null=3, n_jobs=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_large_data_are_checked_on_some_of_the_cells(field: VectorField, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys.modules["reguloom.vectorfield.diagnose"], "MAX_CELLS", 300)
    table = vf.diagnose(field, n_null=3).set_index("check")
    assert table.loc["enough cells", "value"] == len(field.cells)
    assert table.loc["held-out cells are predicted", "passed"]


def test_counts_are_checked() -> None:
    adata, _ = splicing()
    vf.pca(adata, n_components=4)
    adata.layers["velocity"] = adata.layers["true"]
    made = vf.fit(adata)
    table = vf.diagnose(made, adata, n_null=4).set_index("check")
    assert table.loc["unspliced follows spliced", "passed"]
    assert 0 < table.loc["share of unspliced counts", "value"] < 1
    nuclei = adata.copy()
    nuclei.layers["unspliced"] = nuclei.layers["unspliced"] * 50
    assert not vf.diagnose(made, nuclei, n_null=2).set_index("check").loc["share of unspliced counts", "passed"]
    with pytest.raises(rl.MissingKeyError, match="no 'kind'"):
        vf.diagnose(made, adata, groupby="kind")
