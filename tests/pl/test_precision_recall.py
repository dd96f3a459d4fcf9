from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.core import Network

TRUTH = Network.from_edges(["Gene0", "Gene0", "Gene1"], ["Gene5", "Gene6", "Gene7"])


def test_steps_enclose_the_average_precision(counts: pd.DataFrame) -> None:
    tfs, genes = ["Gene0", "Gene1"], list(counts.columns)
    predicted = rl.grn.infer(counts, tfs, method="spearman")
    points = rl.evaluate.curves({"mine": predicted}, TRUTH, counts, genes=genes)
    scores = rl.evaluate.network({"mine": predicted}, TRUTH, genes=genes, n_bootstrap=50, n_permutations=0)
    figure = rl.pl.precision_recall(points, scores=scores)
    line = next(one for one in figure.axes[0].lines if str(one.get_label()).startswith("mine"))
    recall, precision = np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)
    value = scores.set_index("metric").loc["auprc", "value"]
    assert (np.diff(recall) * precision[1:]).sum() == pytest.approx(value)
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert f"{value:.2f}" in texts[0] and texts[-1].startswith("chance")


def test_what_is_not_named_and_refusals() -> None:
    points = rl.evaluate.curves({"empty": Network.from_edges([], []), "one": TRUTH.take([0])}, TRUTH)
    assert rl.pl.precision_recall(points, log=True).axes[0].get_yscale() == "log"
    many = pd.concat([points.assign(method=f"m{i}") for i in range(12)])
    with pytest.raises(rl.InputError, match="12 curves"):
        rl.pl.precision_recall(many)
    with pytest.raises(rl.InputError, match="lacks"):
        rl.pl.precision_recall(points.drop(columns="named"))
