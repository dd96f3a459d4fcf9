"""Which way round a table is."""

from __future__ import annotations

import pytest

from reguloom.io._orientation import genes_in_rows

HUMAN = ["RPL13", "MALAT1", "GATA1", "HLA-A", "ZNF90", "C19orf43", "TMEM14B", "ENSG00000141510"]
MOUSE = ["Gata1", "Zfp35", "Rpl13", "Hoxa9", "1700001C02Rik", "Mpo", "Elane"]
NUMBERED = [f"Gene{i}" for i in range(40)]
SIMULATED = ["g1", "g2", "g3", "g4", "g5"]


@pytest.mark.parametrize("genes", [HUMAN, MOUSE, NUMBERED, SIMULATED], ids=["human", "mouse", "numbered", "simulated"])
@pytest.mark.parametrize(
    "cells",
    [
        ["AAACATACAACCAC-1", "AAACATTGAGCTAC-1"],
        [f"W{31105 + i}" for i in range(60)],
        [f"cell{i}" for i in range(60)],
        ["E2_2_003", "E22_3_284", "E95_6_889"],
        ["HNSCC16_P12_G08", "HNSCC17_P7_D09_S141_comb"],
        [str(i) for i in range(50)],
        ["sampleA_AAACATACAACCAC", "sampleB_AAACATTGAGCTAC"],
    ],
    ids=["barcodes", "plates", "numbered", "beeline", "patients", "digits", "prefixed"],
)
def test_genes_are_found_on_either_side(genes: list[str], cells: list[str]) -> None:
    assert genes_in_rows(genes, cells)[0]
    assert not genes_in_rows(cells, genes)[0]


def test_without_evidence_rows_are_cells() -> None:
    rows_are_genes, why = genes_in_rows(["a", "b"], ["x", "y"])
    assert not rows_are_genes
    assert "usual layout" in why


def test_header_and_file_name_decide() -> None:
    assert genes_in_rows(["a"], ["b"], corner="Gene")[0]
    assert not genes_in_rows(HUMAN, ["x", "y"], corner="barcode")[0]
    assert genes_in_rows(["a"], ["b"], name="genes_x_cells.tsv")[0]
