"""From the motif table to regulons: the rule, and the original tool's outcome."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reguloom import io
from reguloom._errors import InputError


def table(rows: list[tuple]) -> pd.DataFrame:
    names = ("TF", "MotifID", "NES", "MotifSimilarityQvalue", "OrthologousIdentity", "Context", "TargetGenes")
    return pd.DataFrame(rows, columns=names).assign(AUC=0.1, Annotation="words", RankAtMax=9)


ROWS = [
    ("Spi1", "m1", 4.0, 0.0, 1.0, ("activating", "db1", "weight>75.0%"), [("A", 1.0), ("B", 2.0)]),
    ("Spi1", "m2", 5.0, 1e-4, 0.5, ("activating", "db1", "top50"), [("B", 3.0), ("C", 0.5)]),
    ("Spi1", "m1", 3.5, 0.0, 1.0, ("activating", "db2", "weight>75.0%"), [("A", 4.0)]),
    ("Gata1", "m3", 6.0, np.nan, np.nan, ("activating", "db1", "top5perTarget"), [("A", 1.0)]),
    ("Spi1", "m4", 3.2, 0.0, 1.0, ("db1", "repressing", "top50"), [("D", 1.0)]),
]


def test_union_with_the_largest_weight() -> None:
    regulons = io.regulons_from_motifs(table(ROWS))
    assert regulons.names == ["Gata1(+)", "Spi1(+)", "Spi1(-)"]
    assert regulons["Spi1(+)"].to_dict() == {"A": 4.0, "B": 3.0, "C": 0.5}
    assert regulons["Spi1(+)"].motifs == ("m2", "m1")
    assert regulons["Spi1(+)"].nes == 5.0
    assert regulons["Spi1(-)"].sign == -1


def test_score_weighs_similarity_and_orthology() -> None:
    scores = io.motif_regulons.annotation_score(table(ROWS))
    np.testing.assert_allclose(scores, [4.0, 5.0 * 0.4 * 0.5, 3.5, 6.0, 3.2])
    tiny = table([("A", "m", 4.0, 1e-300, 1.0, (), [])])
    np.testing.assert_allclose(io.motif_regulons.annotation_score(tiny), [4.0])


def test_support_of_each_gene() -> None:
    regulons = io.regulons_from_motifs(table(ROWS))
    members = regulons.members.set_index(["regulon", "gene"])
    columns = ["n_motifs", "best_nes", "n_databases", "n_modules"]
    assert members.loc[("Spi1(+)", "A"), columns].tolist() == [1, 4.0, 2, 1]
    assert members.loc[("Spi1(+)", "B"), columns].tolist() == [2, 5.0, 1, 2]
    assert regulons.motif_table is not None


def test_an_empty_table_gives_no_regulons() -> None:
    assert len(io.regulons_from_motifs(table([]))) == 0


def test_missing_columns() -> None:
    with pytest.raises(InputError, match="RankAtMax"):
        io.regulons_from_motifs(table(ROWS).drop(columns="RankAtMax"))


@pytest.mark.parametrize(
    ("name", "regulons"),
    [
        ("reg_fixed_alignment.csv", "regulons_fixed.json"),
        ("reg_pyscenic0.12.1_AS_IS_BUGGY.csv", "regulons_buggy.json"),
    ],
)
def test_golden(name: str, regulons: str, shared: Path) -> None:
    folder = shared / "golden" / "pyscenic" / "pbmc100"
    golden = json.loads((folder / regulons).read_text())
    made = io.read_regulons(folder / name)
    assert made.names == [one["name"] for one in golden]
    for one, expected in zip(made, golden, strict=True):
        assert list(one.to_dict().items()) == list(expected["gene2weight"].items())
        assert one.score == pytest.approx(expected["score"], abs=1e-12)
        direction = "activating" if one.sign > 0 else "repressing"
        assert {direction, f"{one.motifs[0]}.png"} == set(expected["context"])
