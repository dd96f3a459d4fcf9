"""Diagnostics pass on a world with a flow and fail where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.vectorfield.conftest import Toggle
from tests.vectorfield.test_velocity import splicing

import reguloom as rl
from reguloom import vectorfield as vf
from reguloom.vectorfield import VectorField


def test_a_true_flow_passes(field: VectorField) -> None:
    table = vf.diagnose(field, n_null=8)
    assert table["passed"].all(), table[["check", "value", "z"]]
    assert table["verdict"].str.len().min() > 20
    assert {"value", "null", "null_sd", "z", "threshold"} <= set(table.columns)


def test_shuffled_velocities_fail(toggle: Toggle) -> None:
    adata = toggle.adata.copy()
    order = np.random.default_rng(0).permutation(adata.n_obs)
    adata.obsm["velocity_pca"] = adata.obsm["velocity_pca"][order]
    with np.errstate(all="ignore"):
        made = vf.fit(adata, bandwidth=0.05, ridge=3.0, outliers=False)
    table = vf.diagnose(made, n_null=8).set_index("check")
    for check in ("neighbours move alike", "held-out cells are predicted", "halves of the cells agree"):
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
