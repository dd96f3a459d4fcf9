"""Motif annotation tables."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from reguloom import datasets, io
from reguloom._errors import InputError

HEADER = (
    "#motif_id\tmotif_name\tmotif_description\tsource_name\tsource_version\tgene_name\tmotif_similarity_qvalue\t"
    "similar_motif_id\tsimilar_motif_description\torthologous_identity\torthologous_gene_name\t"
    "orthologous_species\tdescription\n"
)


def row(motif: str, gene: str, q: str = "0", identity: str = "1", words: str = "gene is directly annotated") -> str:
    return f"{motif}\tn\td\ts\t1\t{gene}\t{q}\tNone\tNone\t{identity}\tNone\tNone\t{words}\n"


def write(path: Path, *rows: str) -> Path:
    text = HEADER + "".join(rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["m.tbl", "m.tbl.gz"])
def test_filters_and_best_of_duplicates(name: str, tmp_path: Path) -> None:
    path = write(
        tmp_path / name,
        row("m1", "SPI1", "1e-5", "0.4", 'a "quoted" word'),
        row("m1", "GATA1", "0.002"),
        row("m1", "SPI1", "1e-6", "0.3", "best q"),
        row("m1", "SPI1", "1e-6", "0.8", "best q, then identity"),
        row("m1", "SPI1", "1e-6", "0.8", "the same again"),
        row("m2", "KLF1", "None", "1"),
        row("m2", "MPO", "0", "None"),
        row("m2", "NA", "0.001", "0", 'it\'s "so"'),
        row("m3", "None"),
    )
    table = io.read_motif_annotations(path)
    assert table.to_dict("list") == {
        "TF": ["SPI1", "NA"],
        "MotifID": ["m1", "m2"],
        "MotifSimilarityQvalue": [1e-6, 0.001],
        "OrthologousIdentity": [0.8, 0.0],
        "Annotation": ["best q, then identity", 'it\'s "so"'],
    }
    loose = io.read_motif_annotations(path, max_similarity_fdr=0.01, min_orthologous_identity=0.5)
    assert list(loose["TF"]) == ["GATA1", "SPI1"]


def test_wrong_tables(tmp_path: Path) -> None:
    (tmp_path / "a.tbl").write_text("TF,target,importance\nA,B,1\n")
    with pytest.raises(InputError, match=r"lacks the columns.*gene_name.*\.tbl"):
        io.read_motif_annotations(tmp_path / "a.tbl")
    write(tmp_path / "b.tbl", "too\tfew\n")
    with pytest.raises(InputError, match="Expected 13 columns, got 2"):
        io.read_motif_annotations(tmp_path / "b.tbl")
    write(tmp_path / "c.tbl", row("m", "A", "high"))
    with pytest.raises(InputError, match="high"):
        io.read_motif_annotations(tmp_path / "c.tbl")
    write(tmp_path / "d.tbl", row("m", "A", "0.5"))
    with pytest.raises(InputError, match="none of the 1 annotations.*max_similarity_fdr"):
        io.read_motif_annotations(tmp_path / "d.tbl")
    write(tmp_path / "e.tbl")
    with pytest.raises(InputError, match="none of the 0"):
        io.read_motif_annotations(tmp_path / "e.tbl")
    whole = write(tmp_path / "f.tbl.gz", *[row(f"m{i}", f"G{i * 7919}") for i in range(3000)]).read_bytes()
    (tmp_path / "f.tbl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"f\.tbl\.gz"):
        io.read_motif_annotations(tmp_path / "f.tbl.gz")
    with pytest.raises(InputError, match="does not exist"):
        io.read_motif_annotations(tmp_path / "none.tbl")


def test_the_human_collection(shared: Path) -> None:
    table = io.read_motif_annotations(shared / "data" / "scenic" / "motifs-v10nr_clust-nr.hgnc.tbl.gz")
    assert len(table) == 253_096 - 76_012
    assert not table.duplicated(["TF", "MotifID"]).any()
    assert table["MotifSimilarityQvalue"].max() <= 1e-3


def test_a_table_in_memory_is_read_like_its_file(tmp_path: Path) -> None:
    world = datasets.regulon_world(n_cells=50, n_cell_types=2, n_tfs=5, n_genes=50, n_database_genes=60)
    world.annotations.to_csv(tmp_path / "motifs.tbl", sep="\t", index=False)
    from_file = io.read_motif_annotations(tmp_path / "motifs.tbl")
    pd.testing.assert_frame_equal(io.read_motif_annotations(world.annotations), from_file)
    with pytest.raises(InputError, match="lacks the columns"):
        io.read_motif_annotations(world.annotations.drop(columns="gene_name"))
