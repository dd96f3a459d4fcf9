"""Recurrence over runs: edges, targets, regulons."""

from __future__ import annotations

import numpy as np
import pytest

from reguloom import grn
from reguloom._errors import EmptyResultError, InputError
from reguloom.core import Network, Regulon, Regulons


@pytest.fixture
def runs():
    return [
        Network.from_edges(["A", "A", "B"], ["x", "y", "x"], [3.0, 2.0, 1.0], sign=[1, 1, -1]),
        Network.from_edges(["A", "B", "B"], ["x", "x", "z"], [5.0, 4.0, 0.5], sign=[1, -1, 0]),
        Network.from_edges(["A", "A"], ["y", "x"], [9.0, 1.0], sign=[-1, 1]),
    ]


def test_edges_are_counted(runs):
    table = grn.consensus(runs).to_frame().set_index(["source", "target"])
    assert table.loc[("A", "x"), "recurrence"] == 1.0
    assert table.loc[("A", "x"), "importance"] == pytest.approx(3.0)
    assert table.loc[("A", "x"), "spread"] == pytest.approx(np.std([3.0, 5.0, 1.0]))
    assert table.loc[("A", "y"), "recurrence"] == pytest.approx(2 / 3)
    assert table.loc[("A", "y"), "importance"] == pytest.approx(11 / 3)
    assert table.loc[("A", "y"), "sign"] == 0
    assert table.loc[("B", "x"), "sign"] == -1
    assert table.index.tolist() == [("A", "x"), ("A", "y"), ("B", "x"), ("B", "z")]


def test_only_the_strongest_count_and_rare_ones_are_dropped(runs):
    table = grn.consensus(runs, top=2, min_recurrence=0.6).to_frame()
    assert list(zip(table["source"], table["target"], strict=True)) == [("A", "x"), ("A", "y")]
    by_weight = grn.consensus(runs, min_recurrence=0.6, weight="importance").to_frame()
    assert list(by_weight["weight"]) == sorted(by_weight["weight"], reverse=True)
    with pytest.raises(EmptyResultError, match="min_recurrence"):
        grn.consensus([runs[0], Network.from_edges(["Q"], ["q"])], min_recurrence=1.0)


def test_inferred_runs_differ_and_are_reproducible(world):
    cells, tfs = world
    options = {"n_runs": 3, "subsample": 100, "n_estimators": 30, "targets": ["g0", "g1", "g2"]}
    networks = grn.infer_runs(cells, tfs, rng=4, **options)
    again = grn.infer_runs(cells, tfs, rng=4, **options)
    assert [len(network) for network in networks] == [len(network) for network in again]
    assert np.array_equal(networks[1].weight, again[1].weight)
    assert not np.array_equal(networks[0].weight[:5], networks[1].weight[:5])
    merged = grn.consensus(networks, top=10)
    assert merged.provenance.params["n_runs"] == 3
    assert len(set(merged.provenance.params["seeds"])) == 3
    with pytest.raises(InputError, match="at least 2"):
        grn.infer_runs(cells, tfs, n_runs=1)


def test_regulons_and_targets_that_come_back_stay():
    runs = [
        Regulons([Regulon("A", 1, ("x", "y", "z"), (1, 2, 3), ("m1",), 4.0), Regulon("B", 1, ("x", "y"))]),
        Regulons([Regulon("A", 1, ("x", "y"), (3, 2), ("m2",), 6.0), Regulon("A", -1, ("x", "y"))]),
    ]
    merged = grn.consensus_regulons(runs, min_genes=2)
    assert merged.names == ["A(+)"]
    assert merged["A(+)"].targets == ("x", "y")
    assert merged["A(+)"].weights == (1.0, 1.0)
    assert merged["A(+)"].motifs == ("m1", "m2")
    assert merged["A(+)"].nes == 5.0
    assert merged.support["recurrence"].tolist() == [1.0, 1.0]
    loose = grn.consensus_regulons(runs, min_recurrence=0.5, min_genes=1, weight="mean")
    assert loose.names == ["A(+)", "A(-)", "B(+)"]
    assert loose["A(+)"].to_dict() == {"x": 2.0, "y": 2.0, "z": 3.0}
    with pytest.raises(EmptyResultError, match="min_genes"):
        grn.consensus_regulons(runs, min_genes=9)


def test_bad_arguments_are_refused(runs):
    with pytest.raises(InputError, match="at least 2"):
        grn.consensus(runs[:1])
    with pytest.raises(InputError, match="min_recurrence"):
        grn.consensus(runs, min_recurrence=5)
    with pytest.raises(InputError, match="weight"):
        grn.consensus(runs, weight="best")
    with pytest.raises(InputError, match="weight"):
        grn.consensus_regulons([Regulons([]), Regulons([])], weight="best")
