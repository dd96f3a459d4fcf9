"""Against values that BoolNet 2.1.7 printed for the data that come with it."""

from __future__ import annotations

import pandas as pd
import pytest

from reguloom import mechanistic

# four cell-cycle genes of yeast, 14 time points (Spellman et al. 1998)
YEAST = {
    "Fkh2": [-0.53, -0.53, -0.34, -0.29, -0.29, 0.05, -0.01, 0.06, 0.48, 0.23, 0, 0.05, 0.48, 0.11],
    "Swi5": [-1.33, -0.93, 0.83, -0.73, -0.78, -0.85, -0.07, 0.51, 0.64, 0.6, 0.58, 0.62, 0.61, 0.29],
    "Sic1": [0.62, -0.68, -0.21, -0.26, -0.36, -0.5, -0.45, -0.34, -0.17, -0.28, 0.38, 0.65, 0.96, 0.65],
    "Clb1": [-1.78, -1.63, -1.7, -1.7, -0.7, -0.03, 0.56, 0.92, 1.02, 1.08, 1.45, 1, 0.99, 0.53],
}
# IGF signalling with delays (Mombach et al. 2014)
IGF = """
targets, factors
IGF, IGF
IRS, (IGF[-2] & !mTORC1[-3] & !mTORC1[-2])
PI3K, IRS
Akt, (PI3K | mTORC2)
mTORC1, (Akt[-3] & Akt[-2])
mTORC2, (!(Akt[-2] | mTORC1[-2]) & PI3K)
"""


@pytest.mark.filterwarnings("ignore::reguloom.ValidityWarning")
@pytest.mark.parametrize(
    ("options", "thresholds"),
    [
        ({"method": "kmeans"}, [-0.1174, -0.2059, 0.1454, -0.3332]),
        ({"method": "edge-detector"}, [-0.435, -1.13, -0.59, -1.165]),
        ({"method": "edge-detector", "edge": "max"}, [-0.15, -0.4, 0.105, -1.165]),
        ({"method": "scan-statistic"}, [-0.15, 0.11, 0.105, 0.25]),
    ],
)
def test_thresholds(options, thresholds):
    found = mechanistic.binarize_expression(pd.DataFrame(YEAST), **options)
    assert found.thresholds.round(4).tolist() == thresholds
    assert len(found.reject) == (4 if options["method"] == "scan-statistic" else 0)


def test_best_fit_finds_the_same_regulators():
    states = mechanistic.binarize_expression(pd.DataFrame(YEAST)).states
    found = mechanistic.reconstruct(states)
    pairs = set(zip(found.candidates["gene"], found.candidates["regulators"], strict=True))
    assert pairs == {
        ("Fkh2", "Clb1"),
        ("Fkh2", "Fkh2"),
        ("Swi5", "Clb1"),
        ("Swi5", "Fkh2"),
        ("Sic1", "Sic1 Clb1"),
        ("Sic1", "Swi5 Sic1"),
        ("Sic1", "Fkh2 Sic1"),
        ("Clb1", "Clb1"),
        ("Clb1", "Fkh2"),
    }
    assert set(found.candidates["error"]) == {1}
    assert set(mechanistic.reconstruct(states, method="reveal").unexplained) == set(YEAST)


def test_attractors_with_delays():
    point, cycle = mechanistic.from_text(IGF).attractors("temporal")
    assert point.texts == ["000000"]
    expected = (
        "100000 110000 111000 111101 111101 111100 111110 111110 101110 100110 100010 100010 100000 100000"
    ).split()
    turned = [expected[i:] + expected[:i] for i in range(len(expected))]
    assert cycle.texts in turned
