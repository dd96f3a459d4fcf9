"""A network is scored by what its regulators do when they are perturbed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu
from tests.evaluate._screens import effects, screen

from reguloom import evaluate
from reguloom._errors import EmptyResultError, InputError
from reguloom.core import Network, PerturbationData
from reguloom.evaluate.network_on_perturbations import pair_tests


@pytest.fixture(scope="module")
def data() -> PerturbationData:
    made, _ = screen(n_cells=60, combinations=False)
    object.__setattr__(made, "target_mode", "knockout")
    return made


def network(right: bool) -> Network:
    change = effects()
    change = change[~change.index.str.contains("+", regex=False)]
    edges = []
    for source, row in change.iterrows():
        order = row.drop(source).abs().sort_values(ascending=not right).index[:5]
        edges += [(source, target, abs(row[target]), -np.sign(row[target])) for target in order]
    source, target, weight, sign = zip(*edges, strict=True)
    return Network.from_edges(source, target, np.array(weight) + 0.01, sign=np.array(sign))


def test_right_edges_beat_chance_and_wrong_ones_do_not(data) -> None:
    table = evaluate.network_on_perturbations({"right": network(True), "wrong": network(False)}, data, rng=1)
    table = table.set_index(["network", "metric"])
    right, wrong = table.loc["right"], table.loc["wrong"]
    for metric in ("precision", "wasserstein"):
        assert right.loc[metric, "value"] > right.loc[metric, "chance"] and right.loc[metric, "p"] < 0.01
        assert wrong.loc[metric, "value"] < wrong.loc[metric, "chance"] and wrong.loc[metric, "p"] > 0.9
        assert right.loc[metric, "low"] <= right.loc[metric, "value"] <= right.loc[metric, "high"]
    assert right.loc["false_omission_rate", "value"] < wrong.loc["false_omission_rate", "value"] + 0.05
    # Sign -1 of an edge whose target rises when the regulator is taken away.
    assert right.loc["sign_accuracy", "value"] > 0.95


def test_the_tests_are_scipys(data) -> None:
    tests = pair_tests(data)
    mine, controls = data.values(data.cells_of("g02")), data.values(data.is_control)
    expected = mannwhitneyu(mine, controls, axis=0, method="asymptotic").pvalue
    np.testing.assert_allclose(tests["p"].loc["g02"], expected)


def test_the_same_seed_gives_the_same_numbers(data) -> None:
    one, other = (evaluate.network_on_perturbations(network(True), data, top=20, rng=3) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
    assert one.loc[0, "n"] == 20


def test_what_cannot_be_scored_is_explained(data) -> None:
    with pytest.raises(EmptyResultError, match="can be tested"):
        evaluate.network_on_perturbations(Network.from_edges(["a"], ["b"], 1.0), data)
    with pytest.raises(InputError, match="give a Network"):
        evaluate.network_on_perturbations({"x": 3}, data)
