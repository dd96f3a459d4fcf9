"""The connection specificity index against its definition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reguloom import InputError
from reguloom.activity import csi, csi_modules


@pytest.fixture
def activity() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(2, 200))
    columns = {f"a{i}": first + rng.normal(0, 0.4, 200) for i in range(4)}
    columns |= {f"b{i}": second + rng.normal(0, 0.4, 200) for i in range(4)}
    return pd.DataFrame(columns)


def test_equals_the_definition(activity):
    found, r = csi(activity), activity.corr()
    for a in activity:
        for b in activity:
            bar = r.loc[a, b] - 0.05
            n_connected = sum(r.loc[a, c] >= bar or r.loc[b, c] >= bar for c in activity)
            assert found.loc[a, b] == pytest.approx(1 - n_connected / 8)
    pd.testing.assert_frame_equal(found, found.T)


def test_modules_are_found(activity):
    modules = csi_modules(csi(activity), n_modules=2)
    assert modules.tolist() == [1, 1, 1, 1, 2, 2, 2, 2]


def test_more_modules_than_regulons(activity):
    with pytest.raises(InputError, match="between 1 and the number of regulons, 8"):
        csi_modules(csi(activity), n_modules=9)
