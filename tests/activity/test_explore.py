"""Candidate thresholds after Bioconductor's AUCell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from reguloom import InputError
from reguloom.activity import explore_thresholds


def test_two_modes_choose_the_valley():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.1, 0.02, 300), rng.normal(0.5, 0.03, 100)])
    table = explore_thresholds(values)
    assert table.index[table["chosen"]].tolist() == ["minimumDens"]
    assert table.loc["minimumDens", "n_cells"] == 100
    assert table.loc["L_k2", "n_cells"] == 100


def test_one_mode_chooses_the_highest_useful():
    values = np.abs(np.random.default_rng(1).normal(0.2, 0.03, 500))
    table = explore_thresholds(values)
    mean, spread = values.mean(), values.std(ddof=1)
    assert table.loc["Global_k1", "threshold"] == pytest.approx(norm.ppf(1 - (0.01 / 500 + 0.25), mean, spread))
    assert "minimumDens" not in table.index
    assert table["chosen"].sum() == 1
    assert table.loc[table["chosen"], "n_cells"].iloc[0] >= 1


def test_constant_activity_is_refused():
    with pytest.raises(InputError, match="same in every cell"):
        explore_thresholds(np.zeros(5))
