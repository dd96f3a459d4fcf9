from __future__ import annotations

import pandas as pd
import pytest

import reguloom as rl
from reguloom.core import Network

TRUTH = Network.from_edges(["Gene0", "Gene0", "Gene1"], ["Gene5", "Gene6", "Gene7"], 1.0, sign=[1, -1, 1])


@pytest.fixture
def scores(counts: pd.DataFrame) -> pd.DataFrame:
    return rl.evaluate.network(
        {"truth": TRUTH, "half": TRUTH.take([0])}, TRUTH, counts, genes=list(counts.columns), n_bootstrap=20,
        n_permutations=40,
    )  # fmt: skip


def test_points_stand_at_the_values_and_chance_is_a_rule(scores: pd.DataFrame) -> None:
    figure = rl.pl.metric_table(scores, metrics=["auprc", "auroc"], title="A title")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["AUPRC", "AUROC"]
    rows = scores[scores["metric"] == "auprc"]
    drawn = [points.get_offsets()[0][0] for points in figure.axes[0].collections]
    assert drawn == pytest.approx(rows["value"].tolist())
    rules = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_xdata()[0] == line.get_xdata()[1]]
    assert rows["chance"].iloc[0] in rules
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels[:2] == ["truth", "half"] and labels[2].endswith("(baseline)")


def test_filled_points_beat_chance(scores: pd.DataFrame) -> None:
    figure = rl.pl.metric_table(scores, metrics="auprc")
    filled = [tuple(points.get_facecolor()[0][:3]) != (1.0, 1.0, 1.0) for points in figure.axes[0].collections]
    assert filled == (scores.loc[scores["metric"] == "auprc", "p"] < 0.05).tolist()


def test_defaults_and_refusals(scores: pd.DataFrame) -> None:
    assert len(rl.pl.metric_table(scores).axes) == 5
    with pytest.raises(rl.MissingKeyError, match="no metric 'aupr'"):
        rl.pl.metric_table(scores, metrics="aupr")
    with pytest.raises(rl.InputError, match=r"evaluate\.network"):
        rl.pl.metric_table(scores.drop(columns="chance"))
