from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reguloom import InputError, ValidityWarning, mechanistic
from reguloom.core import Network
from reguloom.mechanistic import BooleanNetwork, random_network

NETWORK = BooleanNetwork.from_rules({"a": "b & !c", "b": "a | c", "c": "!a", "d": "d"})


def series(network, n=12, seed=0):
    table = mechanistic.trajectories(network, update="synchronous", n_trajectories=n, n_steps=8, rng=seed)
    return [walk.droplevel("trajectory") for _, walk in table.groupby(level="trajectory")]


@pytest.mark.parametrize("method", ["best-fit", "reveal"])
def test_rules_come_back(method):
    network = random_network(6, 2, rng=4)
    full = mechanistic.transition_table(network)
    found = mechanistic.reconstruct(full, method=method)
    assert found.network == network
    assert not found.unexplained
    assert (found.candidates["error"] == 0).all()
    assert mechanistic.reconstruct(full, method=method, n_jobs=1).network.rules == found.network.rules


def test_best_fit_allows_for_errors_and_reveal_does_not():
    walks = [walk.copy() for walk in series(NETWORK, 30)]
    walks[0].iloc[3, 0] ^= 1
    found = mechanistic.reconstruct(walks)
    assert found.network.regulators("c") == ("a",)
    assert found.candidates.set_index("gene").loc["c", "error"] > 0
    strict = mechanistic.reconstruct(walks, method="reveal", max_regulators=1)
    assert "c" in strict.unexplained


def test_a_prior_narrows_the_search():
    prior = Network.from_edges(["a", "b"], ["c", "c"])
    found = mechanistic.reconstruct(series(NETWORK), prior=prior, max_regulators=1)
    assert set(found.candidates.loc[found.candidates["gene"] == "c", "regulators"]) == {"a"}
    found = mechanistic.reconstruct(series(NETWORK), excluded={"c": ["a"]}, max_regulators=1)
    assert "a" not in set(found.candidates.loc[found.candidates["gene"] == "c", "regulators"])


def test_a_held_gene_says_nothing_about_its_rule():
    held = NETWORK.with_fixed({"c": 1})
    walks = series(held, 12) + series(NETWORK, 12)
    labels = [{"c": 1}] * 12 + [{}] * 12
    with_labels = mechanistic.reconstruct(walks, perturbed=labels)
    assert with_labels.network.regulators("c") == ("a",)
    assert with_labels.candidates.set_index("gene").loc["c", "error"].max() == 0
    without = mechanistic.reconstruct(walks)
    assert without.candidates.set_index("gene").loc[["c"], "error"].max() > 0


def test_all_that_fits_makes_a_probabilistic_network():
    short = pd.DataFrame({"a": [0, 1, 0], "b": [0, 1, 0]})
    found = mechanistic.reconstruct(short, max_regulators=1, probabilistic=True)
    assert found.network.is_probabilistic
    assert len(found.network.alternatives["a"]) == 2  # not a, not b


def test_series_are_checked():
    with pytest.raises(InputError, match="not binary"):
        mechanistic.reconstruct(pd.DataFrame({"a": [0.5, 1]}))
    with pytest.raises(InputError, match="other genes"):
        mechanistic.reconstruct([pd.DataFrame({"a": [0, 1]}), pd.DataFrame({"b": [0, 1]})])
    with pytest.raises(InputError, match="two time points"):
        mechanistic.reconstruct(pd.DataFrame({"a": [0]}))


@pytest.mark.parametrize("method", ["kmeans", "edge-detector", "scan-statistic"])
def test_two_levels_are_told_apart(method):
    rng = np.random.default_rng(0)
    truth = rng.random((60, 4)) < [0.3, 0.5, 0.7, 0.4]
    values = pd.DataFrame(truth * 5 + rng.normal(0, 0.1, truth.shape), columns=list("abcd"))
    found = mechanistic.binarize_expression(values, method=method, edge="max")
    assert np.array_equal(found.states.to_numpy(), truth)
    assert not found.reject


def test_k_means_is_the_best_split():
    values = np.array([0.0, 0.2, 1.0, 4.0, 4.1, 6.0])
    found = mechanistic.binarize_expression(pd.DataFrame({"g": values}))
    scatter = [np.var(values[:k]) * k + np.var(values[k:]) * (6 - k) for k in range(1, 6)]
    k = int(np.argmin(scatter)) + 1
    assert found.thresholds["g"] == pytest.approx((values[:k].mean() + values[k:].mean()) / 2)


def test_first_edge():
    found = mechanistic.binarize_expression(pd.DataFrame({"g": [0.0, 0.1, 2.1, 2.2, 9.0]}), method="edge-detector")
    # the mean step is 2.25; only the last one is larger
    assert found.thresholds["g"] == pytest.approx((2.2 + 9.0) / 2)
    eager = mechanistic.binarize_expression(
        pd.DataFrame({"g": [0.0, 0.1, 2.1, 2.2, 9.0]}), method="edge-detector", scaling=0.5
    )
    assert eager.thresholds["g"] == pytest.approx((0.1 + 2.1) / 2)


def test_what_has_one_level_is_reported():
    with pytest.warns(ValidityWarning, match="1 genes do not fall"):
        found = mechanistic.binarize_expression(pd.DataFrame({"g": [1.0] * 5, "h": [0.0, 0, 0, 1, 1]}))
    assert found.reject == ("g",)
    assert (found.states["g"] == 0).all()


def test_robustness():
    constant = BooleanNetwork.from_rules({f"x{i}": "x0 & !x0" for i in range(6)})
    table = mechanistic.robustness(constant, measures=("successor-distance", "attractor-kept"), n_samples=200)
    with pytest.raises(InputError, match="no rule can be changed"):
        mechanistic.robustness(constant, n_copies=10)
    assert table.loc["successor-distance", "value"] == 0
    assert table.loc["attractor-kept", "value"] == 1
    copier = BooleanNetwork.from_rules({f"x{i}": f"x{(i + 1) % 6}" for i in range(6)})
    table = mechanistic.robustness(copier, n_samples=300, n_copies=20, n_random=5)
    assert table.loc["successor-distance", "value"] == pytest.approx(1 / 6)
    assert 0 < table.loc["attractors-found", "value"] < 1
    assert table["p"].between(1 / 6, 1).all()
    pd.testing.assert_frame_equal(
        table, mechanistic.robustness(copier, n_samples=300, n_copies=20, n_random=5, random_state=0)
    )
    with pytest.raises(InputError, match="there is no measure"):
        mechanistic.robustness(copier, measures=("entropy",))


def test_random_networks():
    network = random_network(10, [0, 1, 2, 3, 4, 5, 1, 2, 3, 4], rng=3)
    assert [len(network.regulators(gene)) for gene in network.genes] == [0, 1, 2, 3, 4, 5, 1, 2, 3, 4]
    nested = random_network(6, 4, functions="nested-canalyzing", rng=1)
    assert all(len(nested.regulators(gene)) == 4 for gene in nested.genes)
    with pytest.raises(InputError, match="in-degrees run up to 9"):
        random_network(5, 9)
