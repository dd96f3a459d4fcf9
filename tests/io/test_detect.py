"""What a file holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from reguloom._errors import InputError
from reguloom.io.detect import detect, noun_of_output


@pytest.mark.parametrize(
    ("name", "first", "noun"),
    [
        ("a.csv", "TF,target,importance\nA,B,1\n", "network"),
        ("a.tsv", "Gene1\tGene2\nA\tB\n", "network"),
        ("a.csv", "peak_id,gene_short_name,A\np,g,1\n", "network"),
        ("a.csv", ",Gata1,Spi1\nc1,1,2\n", "matrix"),
        ("a.csv", ",Gene1,Gene2\nc1,1,2\n", "matrix"),
        ("a.csv", "TF,target\nc1,1\n", "network"),
        (
            "a.csv",
            ",,AUC,NES,MotifSimilarityQvalue,OrthologousIdentity,Annotation,Context,TargetGenes,RankAtMax\n",
            "matrix",
        ),
        ("a.gmt", "x", "regulons"),
        ("a.yml", "x", "regulons"),
        ("a.feather", "x", "rankings"),
        ("a.parquet", "x", "network"),
        ("a.loom", "x", "matrix"),
    ],
)
def test_by_suffix_and_header(name: str, first: str, noun: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(first)
    assert detect(tmp_path / name) == noun


def test_motif_tables_are_regulons(shared: Path) -> None:
    assert detect(shared / "golden" / "pyscenic" / "pbmc100" / "reg_fixed_alignment.csv") == "regulons"


def test_what_fits_where() -> None:
    assert noun_of_output("a.csv.gz", "network") == "network"
    assert noun_of_output("a.gmt", "network") == "regulons"
    assert noun_of_output("a.parquet", "regulons") == "network"
    with pytest.raises(InputError, match=r"accepted are \.csv, \.tsv, \.h5ad, \.zarr, \.loom"):
        noun_of_output("a.gmt", "matrix")
