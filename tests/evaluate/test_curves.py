from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.core import Network
from reguloom.evaluate.curves import COLUMNS

TRUTH = Network.from_edges(["A", "A", "B"], ["x", "y", "z"])
GENES = ["A", "B", "x", "y", "z"]


def test_points_by_hand() -> None:
    predicted = Network.from_edges(["A", "A", "B"], ["x", "z", "z"], [3.0, 2.0, 1.0])
    points = rl.evaluate.curves(predicted, TRUTH, tfs=["A", "B"], genes=GENES)
    assert tuple(points.columns) == COLUMNS
    assert points["n_edges"].tolist() == [1, 2, 3, 8]
    assert points["recall"].tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 1])
    assert points["precision"].tolist() == pytest.approx([1, 1 / 2, 2 / 3, 3 / 8])
    assert points["false_positive_rate"].tolist() == pytest.approx([0, 0.2, 0.2, 1])
    assert points["named"].tolist() == [True, True, True, False]
    assert points["chance"].eq(3 / 8).all()


def test_steps_below_the_curve_are_the_average_precision_and_thinning_keeps_the_ends() -> None:
    rng = np.random.default_rng(0)
    tfs, genes = [f"T{i}" for i in range(10)], [f"g{i}" for i in range(80)]
    predicted = Network.from_edges(np.repeat(tfs, 80), genes * 10, rng.random(800))
    truth = predicted.take(rng.choice(800, 60, replace=False))
    options = {"tfs": tfs, "genes": genes}
    points = rl.evaluate.curves(predicted, truth, **options)
    area = (np.diff(points["recall"], prepend=0) * points["precision"]).sum()
    table = rl.evaluate.network(predicted, truth, **options, metrics="auprc", n_bootstrap=0, n_permutations=0)
    assert area == pytest.approx(table["value"].item())
    thin = rl.evaluate.curves(predicted, truth, **options, max_points=20)
    assert len(thin) == 20
    assert thin.iloc[-1]["n_edges"] == 800 and thin.iloc[0]["n_edges"] == 1
    assert pd.merge(thin, points).shape == thin.shape


def test_baselines_have_curves(counts: pd.DataFrame) -> None:
    truth = Network.from_edges(["Gene0", "Gene1"], ["Gene5", "Gene6"])
    points = rl.evaluate.curves({}, truth, counts, genes=list(counts.columns))
    assert points["method"].nunique() == 3 and points["baseline"].all()
