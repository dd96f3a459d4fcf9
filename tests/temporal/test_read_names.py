"""Names that R has bent are put right, and no others."""

from __future__ import annotations

import pytest

from reguloom.temporal.read_names import repair_names


@pytest.mark.parametrize(
    ("bent", "straight"),
    [
        ("HLA.B", "HLA-B"),
        ("HLA.DRB1", "HLA-DRB1"),
        ("NKX2.1", "NKX2-1"),
        ("mt.Co1", "mt-Co1"),
        ("RP11.34P13.7", "RP11-34P13.7"),
        ("X1700001C02Rik", "1700001C02Rik"),
        ("GAS5.AS1", "GAS5-AS1"),
        ("IRF1", "IRF1"),
        ("XIST", "XIST"),
        ("AC012345.1", "AC012345.1"),
        ("AL669831.3", "AL669831.3"),
        ("ENSG00000125347.14", "ENSG00000125347.14"),
    ],
)
def test_one_name(bent, straight):
    names, changed = repair_names([bent])
    assert names == [straight]
    assert changed == ({} if bent == straight else {bent: straight})


def test_a_table_with_a_dash_has_not_been_bent():
    assert repair_names(["HLA-A", "HLA.B"]) == (["HLA-A", "HLA.B"], {})


def test_two_genes_never_become_one():
    names, _ = repair_names(["H2.K1", "X1A", "1A"])
    assert len(set(names)) == 3
