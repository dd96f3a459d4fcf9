"""A panel for each metric, a line for each member, and the best epoch marked."""

from __future__ import annotations

import pandas as pd
import pytest

from reguloom import InputError, pl

HISTORY = pd.DataFrame({"epoch": [0, 1, 2] * 2, "loss": [3, 2, 1.5] * 2, "val_mse": [1.0, 0.5, 0.7] * 2,
                        "lr": [0.1] * 6, "lr_adversary": [0.1] * 6, "member": [0, 0, 0, 1, 1, 1]})  # fmt: skip


def test_panels_members_and_best_epoch() -> None:
    figure = pl.training_curves(HISTORY)
    assert [ax.get_title() for ax in figure.axes] == ["loss", "mse"]
    assert [len(ax.lines) for ax in figure.axes] == [2, 3]
    assert figure.axes[1].texts[0].get_text() == "best: 2"
    assert pl.training_curves(HISTORY, monitor="loss", best="max").axes[0].texts[0].get_text() == "best: 1"


@pytest.mark.parametrize("table", [HISTORY[["loss"]], HISTORY[["epoch", "lr"]], HISTORY.iloc[:0]])
def test_what_is_no_history_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="epoch"):
        pl.training_curves(table)
