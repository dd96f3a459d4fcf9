from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

import reguloom as rl
from reguloom.core import Network, Regulons
from reguloom.datasets.scoring import COLUMNS, average_precision, recovery

TRUTH = Network.from_edges(["A", "A", "B"], ["x", "y", "z"], 1.0, sign=[1, -1, 1])
GENES = ["A", "B", "x", "y", "z"]


def one(predicted: object, **options: object) -> pd.Series:
    return recovery(predicted, TRUTH, tfs=["A", "B"], genes=GENES, **options).iloc[0]


def test_counts_by_hand():
    predicted = Network.from_edges(["A", "A", "B", "A"], ["x", "z", "z", "A"], [3.0, 2.0, 1.0, 9.0], sign=[1, 1, -1, 1])
    row = one(predicted)
    assert row["n_edges"] == 3 and row["n_correct"] == 2, "the self edge is no candidate"
    assert row["precision"] == pytest.approx(2 / 3) and row["recall"] == pytest.approx(2 / 3)
    assert row["f1"] == pytest.approx(2 / 3)
    assert row["sign_accuracy"] == 0.5
    assert row["early_precision"] == pytest.approx(2 / 3)
    # hits at ranks 1 and 3; the last true edge is among the 5 unnamed candidates of 8
    assert row["auprc"] == pytest.approx((1 + 2 / 3 + 3 / 8) / 3)
    assert row["auprc_ratio"] == pytest.approx(row["auprc"] * 8 / 3)


def test_top_counts_the_strongest():
    predicted = Network.from_edges(["A", "A", "B"], ["x", "z", "z"], [3.0, 2.0, 1.0])
    assert one(predicted, top=1)["precision"] == 1.0
    assert one(predicted, top=2)["precision"] == 0.5
    assert one(predicted, top=99)["n_edges"] == 3
    assert np.isnan(one(predicted)["sign_accuracy"])


def test_negative_weights_count_by_size_and_duplicates_by_the_largest():
    predicted = Network.from_edges(["A", "B", "A"], ["y", "x", "y"], [-3.0, 1.0, 0.5], sign=[-1, 1, 1])
    row = one(predicted, top=1)
    assert row["n_correct"] == 1 and row["sign_accuracy"] == 1.0


def test_an_empty_and_a_perfect_prediction():
    empty = one(Network.from_edges([], []))
    assert empty["n_edges"] == 0 and empty["recall"] == 0 and np.isnan(empty["precision"])
    assert empty["auprc"] == pytest.approx(3 / 8) and empty["early_precision"] == pytest.approx(3 / 8)
    perfect = one(TRUTH)
    assert perfect[["precision", "recall", "f1", "auprc", "early_precision", "sign_accuracy"]].eq(1).all()


def test_takes_networks_regulons_and_tables_by_name():
    regulons = Regulons.from_dict({"A(+)": ["x"], "A(-)": ["y"]})
    frame = pd.DataFrame({"TF": ["B"], "target": ["z"], "importance": [2.0]})
    table = recovery({"regulons": regulons, "table": frame}, TRUTH)
    assert list(table.index) == ["regulons", "table"] and tuple(table.columns) == COLUMNS
    assert table.loc["regulons", "recall"] == pytest.approx(2 / 3)
    assert table.loc["regulons", "sign_accuracy"] == 1.0
    assert table["n_edges"].tolist() == [2, 1]


def test_candidates_default_to_the_truth_and_outside_edges_do_not_count():
    predicted = Network.from_edges(["A", "Q", "A"], ["x", "y", "unknown"], [1.0, 5.0, 5.0])
    assert recovery(predicted, TRUTH)["n_edges"].iloc[0] == 1


def test_average_precision_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    for _ in range(5):
        score, is_true = rng.integers(0, 12, 200).astype(float), rng.random(200) < 0.2
        assert average_precision(score, is_true) == pytest.approx(average_precision_score(is_true, score), abs=1e-12)


def test_no_true_edge_among_the_candidates():
    with pytest.raises(rl.InputError, match="no edge between"):
        recovery(TRUTH, TRUTH, tfs=["A"], genes=["z"])
