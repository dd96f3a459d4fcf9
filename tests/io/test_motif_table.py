"""The motif table: read tolerantly, written byte for byte."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pandas as pd
import pytest

from reguloom import io
from reguloom._errors import InputError

HEADER = [
    ",,Enrichment,Enrichment,Enrichment,Enrichment,Enrichment,Enrichment,Enrichment,Enrichment",
    ",,AUC,NES,MotifSimilarityQvalue,OrthologousIdentity,Annotation,Context,TargetGenes,RankAtMax",
    "TF,MotifID,,,,,,,,",
]
OLD_HEADER = [
    HEADER[0],
    ",,AUC,Annotation,Context,MotifSimilarityQvalue,NES,OrthologousIdentity,RankAtMax,TargetGenes",
    HEADER[2],
]


def test_current_order_and_numpy_text(tmp_path: Path) -> None:
    row = (
        "Spi1,m__1,0.1,3.5,,1.0,gene is directly annotated,"
        "\"frozenset({'weight>75.0%', 'activating', 'db'})\",\"[('Mpo', np.float64(1.5)), ('Elane', 2)]\",12"
    )
    (tmp_path / "m.csv").write_text("\n".join([*HEADER, row]) + "\n")
    table = io.read_motif_table(tmp_path / "m.csv")
    assert list(table.columns) == [
        "TF", "MotifID", "AUC", "NES", "MotifSimilarityQvalue", "OrthologousIdentity", "Annotation", "Context",
        "TargetGenes", "RankAtMax",
    ]  # fmt: skip
    first = table.iloc[0]
    assert first["Context"] == ("activating", "db", "weight>75.0%")
    assert first["TargetGenes"] == [("Mpo", 1.5), ("Elane", 2.0)]
    assert pd.isna(first["MotifSimilarityQvalue"])
    assert first["RankAtMax"] == 12


def test_older_column_order_and_tabs(tmp_path: Path) -> None:
    row = "Spi1,m__1,0.1,words,\"frozenset({'activating'})\",1e-05,3.5,0.4,12,\"[('Mpo', 1.5)]\""
    (tmp_path / "m.csv").write_text("\n".join([*OLD_HEADER, row]) + "\n")
    table = io.read_motif_table(tmp_path / "m.csv")
    assert table.loc[0, ["NES", "OrthologousIdentity", "RankAtMax"]].tolist() == [3.5, 0.4, 12]
    io.write_motif_table(table, tmp_path / "m.tsv")
    assert (tmp_path / "m.tsv").read_text().startswith("\t\tEnrichment\t")
    assert io.read_motif_table(tmp_path / "m.tsv").equals(table)


def test_single_header_line_and_further_columns(tmp_path: Path) -> None:
    text = (
        "TF,MotifID,AUC,NES,MotifSimilarityQvalue,OrthologousIdentity,Annotation,Context,TargetGenes,RankAtMax,MotifURL\n"
        "NA,m,0.1,3.5,0,1,,\"{'activating'}\",[],0,http://x\n"
    )
    (tmp_path / "m.csv").write_text(text)
    table = io.read_motif_table(tmp_path / "m.csv")
    assert table.loc[0, "TF"] == "NA"
    assert table.loc[0, "TargetGenes"] == []
    assert table.loc[0, "MotifURL"] == "http://x"
    io.write_motif_table(table, tmp_path / "n.csv")
    assert io.read_motif_table(tmp_path / "n.csv").equals(table)


def test_nothing_is_evaluated(tmp_path: Path) -> None:
    row = "Spi1,m,0.1,3.5,0,1,words,frozenset(),\"__import__('pathlib').Path('pwned').touch()\",12"
    (tmp_path / "m.csv").write_text("\n".join([*HEADER, row]) + "\n")
    with pytest.raises(InputError, match="cannot be read as a Python literal"):
        io.read_motif_table(tmp_path / "m.csv")
    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("TF,target,importance\nA,B,1\n", "lacks the columns.*MotifID"),
        ("\n".join([*HEADER, "Spi1,m,x,3.5,0,1,words,frozenset(),[],12"]), r"m\.csv"),
        ("\n".join([*HEADER, "Spi1,m,0.1,3.5,0,1,words,frozenset({'a'"]), r"m\.csv|cannot be read"),
        ("\n".join([*HEADER, "Spi1,m,0.1,3.5,0,1,words,frozenset(),\"[('Mpo'\",1"]), "cannot be read"),
        ("\n".join([*HEADER, "Spi1,m,0.1,3.5,0,1,words,frozenset(),\"['Mpo']\",1"]), "pairs"),
        ("\n".join([*HEADER, "Spi1,m,0.1,3.5,0,1,words,3,[],1"]), "set of names"),
    ],
)
def test_what_is_no_motif_table(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(content + "\n")
    with pytest.raises(InputError, match=words):
        io.read_motif_table(tmp_path / "m.csv")


@pytest.mark.parametrize("name", ["reg_fixed_alignment.csv", "reg_pyscenic0.12.1_AS_IS_BUGGY.csv"])
def test_golden_tables_are_written_byte_for_byte_but_for_the_order_of_sets(
    name: str, shared: Path, tmp_path: Path
) -> None:
    golden = shared / "golden" / "pyscenic" / "pbmc100" / name
    io.write_motif_table(io.read_motif_table(golden), tmp_path / "m.csv")
    ordered = re.sub(
        r"frozenset\(\{(.*?)\}\)", lambda m: f"frozenset({{{', '.join(sorted(m[1].split(', ')))}}})", golden.read_text()
    )
    assert (tmp_path / "m.csv").read_text() == ordered


def test_a_real_table(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "scenic" / "GSE60361.motifs.csv.gz"
    table = io.read_motif_table(path)
    with gzip.open(path, "rt") as handle:
        assert len(table) == sum(1 for _ in handle) - 3
    assert (table["NES"] >= 3).all()
    assert table["Context"].map(lambda context: "activating" in context).all()
    io.write_motif_table(table, tmp_path / "m.csv.gz")
    assert io.read_motif_table(tmp_path / "m.csv.gz").equals(table)
