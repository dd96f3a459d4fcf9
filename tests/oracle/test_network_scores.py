"""Scores of genes in a network."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reguloom import oracle
from reguloom._errors import MissingKeyError
from reguloom.core import Network

scores = importlib.import_module("reguloom.oracle.network_scores")


@pytest.mark.parametrize("compat", [None, "celloracle"])
def test_betweenness_equals_networkx(model, compat: str | None) -> None:
    nx = pytest.importorskip("networkx")
    table = oracle.network_scores(model.network, compat=compat).query("group == 'a'").set_index("gene")
    edges = model.network.to_frame().query("group == 'a'")
    graph = nx.DiGraph()
    for source, target, weight in edges[["source", "target", "coef_abs"]].itertuples(index=False):
        graph.add_edge(source, target, way=weight if compat else 1 / weight)
    graph.add_edge("Gene00", "Tf0", way=0.1)  # a way back, so that something lies between
    extra = pd.DataFrame({"coef_abs": [d if compat else 1 / d for *_, d in graph.edges.data("way")]})
    looped = Network.from_edges(*zip(*graph.edges, strict=True), extra=extra)
    found = oracle.network_scores(looped, compat=compat).set_index("gene")["betweenness_centrality"]
    expected = nx.betweenness_centrality(graph, normalized=False, weight="way")
    assert found.max() > 0
    assert np.allclose(found, [expected[gene] for gene in found.index])
    assert table["degree_out"].sum() == len(edges)


def test_entropy_roles_and_comparison(model) -> None:
    entropy = oracle.network_entropy(model.links)
    assert entropy["entropy_norm"].between(0, 1 + 1e-9).all()
    even = Network.from_edges(["A", "B"], ["C", "C"], extra=pd.DataFrame({"coef_abs": [0.5, 0.5]}))
    assert oracle.network_entropy(even)["entropy"].iloc[0] == pytest.approx(np.log(2))
    roles = oracle.network_scores(model.network)
    assert roles["participation"].between(0, 1).all()
    assert roles["role"].notna().all()
    wide = oracle.compare_groups(model.network)
    assert list(wide.columns) == ["a", "b", "stem"]
    spread = (wide.max(axis=1) - wide.min(axis=1)).to_numpy()
    assert (np.diff(spread) <= 0).all()
    with pytest.raises(MissingKeyError, match="coef_abs"):
        oracle.network_scores(Network.from_edges(["A"], ["B"]))


def test_the_originals_scores(golden: Path) -> None:
    links = Network.from_frame(pd.read_parquet(golden / "links_filtered.parquet"))
    theirs = pd.read_csv(golden / "network_score.csv").rename(columns={"Unnamed: 0": "gene", "cluster": "group"})
    theirs["group"] = theirs["group"].astype(str)
    both = oracle.network_scores(links, compat="celloracle").merge(
        theirs, on=["gene", "group"], suffixes=("", "_theirs")
    )
    assert len(both) == len(theirs)
    for name in ("degree_all", "degree_in", "degree_out", "degree_centrality_all", "betweenness_centrality"):
        assert np.allclose(both[name], both[f"{name}_theirs"]), name
    near = np.abs(both["eigenvector_centrality"] - both["eigenvector_centrality_theirs"])
    assert near.median() < 1e-6


def test_eigenvectors_of_large_networks_are_those_of_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    source, target = rng.integers(0, 20, 600), rng.integers(20, 120, 600)
    pairs = sorted(set(zip(source, target, strict=True)))
    extra = pd.DataFrame({"coef_abs": rng.random(len(pairs))})
    network = Network.from_edges([f"g{i}" for i, _ in pairs], [f"g{j}" for _, j in pairs], extra=extra)
    dense = oracle.network_scores(network)["eigenvector_centrality"]
    monkeypatch.setattr(scores, "_SMALL", 10)
    assert np.allclose(oracle.network_scores(network)["eigenvector_centrality"], dense, atol=1e-10)


def naive_modules(adjacent: np.ndarray) -> np.ndarray:
    """Join the pair of modules with the largest gain of modularity, over and over, all pairs looked at each time."""
    share, label = adjacent / adjacent.sum(), np.arange(len(adjacent))
    while True:
        names = np.unique(label)
        member = (label[:, None] == names).astype(float)
        inside, ends = member.T @ share @ member, share.sum(axis=1) @ member
        gain = np.where(inside > 0, 2 * (inside - np.outer(ends, ends)), -np.inf)
        np.fill_diagonal(gain, -np.inf)
        one, other = np.unravel_index(np.argmax(gain), gain.shape)
        if gain[one, other] <= 1e-12:
            return np.unique(label, return_inverse=True)[1]
        label[label == names[max(one, other)]] = names[min(one, other)]


def test_modules_equal_the_rule_by_hand() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        half = rng.random((40, 40)) < 0.08
        adjacent = half | half.T
        np.fill_diagonal(adjacent, False)
        expected, found = naive_modules(adjacent), scores._modules(adjacent)
        # Gains that are equal may be taken in another order by rounding; the quality is the same.
        assert modularity(adjacent, found) == pytest.approx(modularity(adjacent, expected), abs=0.02)


def modularity(adjacent: np.ndarray, label: np.ndarray) -> float:
    """Return Newman's modularity."""
    share, same = adjacent / adjacent.sum(), label[:, None] == label[None, :]
    ends = share.sum(axis=1)
    return float(((share - np.outer(ends, ends)) * same).sum())


def test_modules_of_two_cliques() -> None:
    cliques = [(f"{side}{i}", f"{side}{j}") for side in "AB" for i in range(5) for j in range(5) if i != j]
    edges = [*cliques, ("A0", "B0")]
    extra = pd.DataFrame({"coef_abs": np.ones(len(edges))})
    table = oracle.network_scores(Network.from_edges(*zip(*edges, strict=True), extra=extra)).set_index("gene")
    assert table["module"].nunique() == 2
    assert table.loc[[f"A{i}" for i in range(5)], "module"].nunique() == 1
    assert table.loc["A1", "participation"] == pytest.approx(0)
    assert table.loc["A0", "role"] != "kinless"
