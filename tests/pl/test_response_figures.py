"""Figures of responses show the numbers of their tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reguloom as rl


@pytest.fixture
def board() -> pd.DataFrame:
    rows = []
    kinds = {"mine": "model", "additive": "baseline", "mean": "baseline"}
    scores = {"score": (0.6, 0.3, 0.0), "l2": (1.0, 2.0, 3.0), "pearson_delta": (0.8, 0.5, np.nan)}
    for metric, values in scores.items():
        for (model, kind), value in zip(kinds.items(), values, strict=True):
            rows.append({"model": model, "metric": metric, "stratum": "all", "value": value, "low": value - 0.1,
                         "high": value + 0.1, "kind": kind, "ceiling": 0.9, "informative": metric != "l2"})  # fmt: skip
    rows.append({**rows[0], "model": "technical duplicate", "kind": "control"})
    return pd.DataFrame(rows)


def test_the_leaderboard(board: pd.DataFrame) -> None:
    figure = rl.pl.response_leaderboard(board.iloc[::-1], title="T")
    first, second, third = figure.axes
    names = [text.get_text() for text in first.get_yticklabels()]
    assert names == ["mine", "additive", "mean"]
    assert [points.get_offsets()[0][0] for points in first.collections] == pytest.approx([0.6, 0.3, 0.0])
    assert len(third.collections) == 2 and any(text.get_text() == "–" for text in third.texts)
    assert "uninformative" in second.get_title(loc="left") and "uninformative" not in first.get_title(loc="left")
    assert first.lines[0].get_xdata()[0] == 0.9
    with pytest.raises(rl.InputError, match="no stratum"):
        rl.pl.response_leaderboard(board, stratum="x")
    with pytest.raises(rl.InputError, match="lacks"):
        rl.pl.response_leaderboard(board.drop(columns="kind"))


def test_predicted_against_observed() -> None:
    random = np.random.default_rng(0)
    real = pd.Series(random.normal(size=50), [f"g{i}" for i in range(50)])
    said = pd.DataFrame({"half": real / 2, "nothing": real * 0}).T
    figure = rl.pl.response_change(said, real, title="A+B", targets=["g3"], n_top=5)
    half, nothing = figure.axes
    assert half.get_title(loc="left") == "half   r = 1.00" and "undefined" in nothing.get_title(loc="left")
    named = {text.get_text() for text in half.texts}
    assert named <= set(real.abs().nlargest(5).index) and named
    with pytest.raises(rl.InputError, match="share no gene"):
        rl.pl.response_change(said, real.set_axis([f"x{i}" for i in range(50)]))


def test_the_map_of_interactions() -> None:
    random = np.random.default_rng(0)
    pairs = [f"A{i}+B{i}" for i in range(30)]
    scores = pd.DataFrame({"magnitude": random.uniform(0.5, 2, 30), "corr_fit": random.uniform(0.5, 1, 30),
                           "dcor": random.uniform(size=30)}, index=pairs)  # fmt: skip
    ax = rl.pl.interaction_map(scores, n_names=4).axes[0]
    np.testing.assert_allclose(ax.collections[0].get_offsets(), scores[["magnitude", "corr_fit"]])
    assert len(ax.texts) == 4
    with pytest.raises(rl.InputError, match="lacks"):
        rl.pl.interaction_map(scores[["dcor"]])
