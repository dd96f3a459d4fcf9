"""The gene-name check: finds the classic mistakes, names the mending, and keeps quiet when all is well."""

from __future__ import annotations

import gzip
import logging
import time

import pytest

from reguloom import InputError
from reguloom.core import check_genes, gene_overlap
from reguloom.core._gene_names import RENAMED, describe, partner

HUMAN = ["GATA1", "SPI1", "CEBPA", "KLF1", "MYC", "TP53", "SOX2", "POU5F1", "NKX2-1", "HLA-A", "ZNF143", "H3-3A"]
MOUSE = ["Gata1", "Spi1", "Cebpa", "Klf1", "Myc", "Trp53", "Sox2", "Pou5f1", "Nkx2-1", "H2-K1", "Zfp143", "H3f3a"]
ENSEMBL = [f"ENSG{i:011d}" for i in range(12)]
MOUSE_IDS = [f"ENSMUSG{i:011d}" for i in range(12)]


def cause(query, reference):
    return gene_overlap(query, reference, what="transcription factors", where="the matrix").cause


def versioned(names, suffix):
    return [f"{name}.{suffix}" for name in names]


@pytest.mark.parametrize(
    ("query", "reference", "says"),
    [
        (HUMAN, ENSEMBL, "are human symbols, those of the matrix human Ensembl ids: convert one to the other"),
        (ENSEMBL, HUMAN, "are human Ensembl ids, those of the matrix human symbols: convert"),
        (MOUSE, versioned(MOUSE_IDS, 3), "mouse symbols, those of the matrix mouse Ensembl ids: convert"),
        (ENSEMBL, MOUSE_IDS, "human Ensembl ids, those of the matrix mouse Ensembl ids: use one species"),
        (ENSEMBL, [f"ENST{i:011d}" for i in range(9)], "use one species and one kind of id"),
        (HUMAN, ["FBgn0000001", "FBgn0000002", "FBgn0000003"], "those of the matrix FlyBase ids: convert"),
        (HUMAN, [str(i) for i in range(7157, 7170)], "those of the matrix numbers: convert"),
        ([str(i) for i in range(7157, 7170)], MOUSE, "are numbers, those of the matrix mouse symbols: convert"),
        (HUMAN, [str(i) for i in range(2000)], "The names in the matrix are row numbers, not genes: name the genes"),
        (HUMAN, ["AAACCTGAGAAACCAT-1", "AAACCTGAGAAACCGC-1", "TTTGTCATCTTCATGT-1"], "cell barcodes, not genes: turn"),
        (HUMAN, ["S1_AAACCTGAGAAACCAT", "S1_AAACCTGAGAAACCGC"], "cell barcodes, not genes: turn"),
        (ENSEMBL, versioned(ENSEMBL, 5), "12 more would match but for the version suffix of ids (.1, .2): strip it."),
        (versioned(ENSEMBL, 2), versioned(ENSEMBL, 5), "12 more would match but for the version suffix"),
        (HUMAN, MOUSE, "look like human symbols, those of the matrix like mouse symbols (8 more would match if case"),
        (MOUSE, HUMAN, "look like mouse symbols, those of the matrix like human symbols"),
        (MOUSE, [gene.lower() for gene in MOUSE], "but for upper and lower case: bring both to one"),
        (HUMAN, [f" {gene} " for gene in HUMAN], "but for blanks or quotes around names: strip them"),
        (HUMAN, [f'"{gene}"' for gene in HUMAN], "but for blanks or quotes around names: strip them"),
        (HUMAN, [f"GRCh38_{gene}" for gene in HUMAN], "but for a prefix such as a genome or an id: strip it"),
        (MOUSE, [f"mm10___{gene}" for gene in MOUSE], "but for a prefix"),
        (HUMAN, [f"{i}|{gene}" for i, gene in zip(ENSEMBL, HUMAN, strict=True)], "but for a prefix"),
        (HUMAN, [f"{gene}_{i}" for i, gene in zip(ENSEMBL, HUMAN, strict=True)], "but for a suffix such as an id"),
        (["NKX2-1", "NKX2-5", "NKX3-1"], ["NKX2.1", "NKX2.5", "NKX3.1"], "dots in place of hyphens"),
        (["Gata1", "Klf1", "Sfpi1"], ["Gata1", "Klf1", "Spi1"], "1 more is there under another name (Sfpi1 as Spi1)"),
        (["GATA1", "TBXT"], ["GATA1", "T"], "(TBXT as T)"),
        (
            [*MOUSE, "Zfp1", "Zfp2", "Zfp3", "Zfp4"],
            [*MOUSE, "Znf1", "Znf2", "Znf3", "Znf4"],
            "4 more are there under another name (Zfp1 as Znf1, Zfp2 as Znf2, Zfp3 as Znf3): rename them.",
        ),
    ],
)
def test_the_cause_is_found_and_the_mending_named(query, reference, says):
    assert says in cause(query, reference)


@pytest.mark.parametrize(
    ("query", "reference"),
    [
        (HUMAN, HUMAN),
        (HUMAN, HUMAN[:6]),
        (HUMAN[:3], [*HUMAN, *(f"{gene}-AS1" for gene in HUMAN)]),
        # Two human genes whose names look like aliases of each other's.
        (["ZFP36", "ZNF91", *HUMAN], ["ZNF36", "ZFP91", *HUMAN]),
        # The other name is in the list as well, so both are genes of their own.
        (["ZFP1", "ZNF1", "ZFP2", "ZNF2", "ZFP3", "ZNF3"], ["ZNF1", "ZNF2", "ZNF3"]),
        # A version suffix on names that are no ids is part of the name.
        (["H3.3", *HUMAN], ["H3.4", *HUMAN]),
        (["RP11-34P13.7", *HUMAN], HUMAN),
        # Some clone names in the other case do not make it a mouse.
        (["C9ORF72", *HUMAN], ["C9orf72", *HUMAN]),
        ([], HUMAN),
        (HUMAN, []),
    ],
)
def test_no_false_alarm(query, reference):
    assert cause(query, reference) == ""


def test_a_human_and_mouse_mixture_is_no_mismatch():
    assert cause(MOUSE, [*HUMAN, *MOUSE]) == ""


def test_strangers_are_shown_side_by_side():
    ours, theirs = [f"Gene{i}" for i in range(30)], [f"AT1G{i:05d}" for i in range(30)]
    text = cause(ours, theirs)
    assert "have names like Gene" in text
    assert "the matrix like AT1G00015 and AT1G00016: check that they are of one species" in text


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (HUMAN, "human symbols"),
        (MOUSE, "mouse symbols"),
        (ENSEMBL, "human Ensembl ids"),
        (versioned(MOUSE_IDS, 2), "mouse Ensembl ids"),
        (["ENSG00000182378.15_PAR_Y", "ENSG00000002586.20"], "human Ensembl ids"),
        (["ENSXETG00000000001", "ENSXETG00000000002"], "Ensembl ids"),
        (["FBgn0000001"], "FlyBase ids"),
        (["WBGene00000001"], "WormBase ids"),
        (["7157", "4609"], "numbers"),
        ([str(i) for i in range(50)], "row numbers"),
        (["AAACCTGAGAAACCAT-1", "TTTGTCATCTTCATGT-1"], "cell barcodes"),
        (["abd-A", "achi", "Abd-B", "ac"], "other names"),
        ([], "other names"),
        (["T"], "other names"),
    ],
)
def test_describe(names, kind):
    assert describe(names) == kind


def test_symbols_made_of_bases_are_no_barcodes():
    assert describe(["CAT", "TAT", "GATA", "ATTN", "TTN", "GCG"]) == "human symbols"


def test_partners_go_both_ways():
    assert partner("Sfpi1") == "SPI1"
    assert partner("Spi1") == "SFPI1"
    assert partner("Zfp143") == "ZNF143"
    assert partner("Zfpm1") == ""
    assert not set(RENAMED) & set(RENAMED.values())


def test_check_refuses_in_one_sentence_with_the_hint():
    with pytest.raises(InputError) as caught:
        check_genes(HUMAN, MOUSE, what="transcription factors", where="the matrix")
    text = str(caught.value)
    assert text.startswith("0 of 12 transcription factors are in the matrix, and at least 1 must be. Most transc")
    assert text.endswith("use one species.")
    assert "\n" not in text
    assert caught.value.exit_code == 3


def test_check_refuses_below_the_floor_and_shows_what_is_missing():
    with pytest.raises(InputError, match=r"6 of 12 .* and at least 80% must be\. Not found are, .*: check"):
        check_genes(HUMAN, HUMAN[:6], what="genes", where="the matrix", floor=0.8)
    with pytest.raises(InputError, match=r"and at least 7 must be"):
        check_genes(HUMAN, HUMAN[:6], what="genes", where="the matrix", min_shared=7)


def test_check_of_nothing():
    with pytest.raises(InputError, match=r"0 of 0 factors are in the matrix, .* There are no factors at all"):
        check_genes([], HUMAN, what="factors", where="the matrix")


def test_check_logs_the_overlap(caplog):
    with caplog.at_level(logging.DEBUG, "reguloom"):
        overlap = check_genes(HUMAN, HUMAN[:11], what="factors", where="the matrix")
    assert overlap.n_shared == 11
    assert overlap.fraction == pytest.approx(11 / 12)
    assert overlap.missing == ("H3-3A",)
    assert caplog.messages == ["11 of 12 factors are in the matrix.", "not in the matrix: H3-3A"]


def test_sixty_thousand_genes_take_no_time():
    genes = [f"GENE{i}-AS{i % 7}" for i in range(60_000)]
    start = time.process_time()
    assert "case" in cause([gene.title() for gene in genes], genes)
    assert time.process_time() - start < 3.0


@pytest.fixture(scope="module")
def real(shared):
    """Gene names of real lists and matrices."""
    import h5py
    import pyarrow as pa

    folder = shared / "data" / "scenic"
    lists = {name: (folder / f"allTFs_{name}.txt").read_text().split() for name in ("hg38", "mm", "dmel")}
    with h5py.File(folder / "expr_mat.loom") as loom:
        lists["pbmc"] = [name.decode() for name in loom["row_attrs/Gene"][:]]
    with gzip.open(folder / "GSE103322.sample.cells_x_genes.csv.gz", "rt") as table:
        lists["tumour"] = table.readline().strip().split(",")[1:]
    paul = shared / "data" / "paul15"
    with h5py.File(paul / "paul15.h5ad") as h5ad:
        index = h5ad["var"][h5ad["var"].attrs["_index"]]
        lists["paul15"] = [name.decode() for name in index[:]]
    database = pa.memory_map(str(paul / "mm10_promoters.genes_vs_motifs.rankings.feather"))
    lists["database"] = [name for name in pa.ipc.open_file(database).schema.names if name != "motifs"]
    return lists


@pytest.mark.parametrize(
    ("query", "reference"), [("hg38", "pbmc"), ("mm", "paul15"), ("mm", "database"), ("paul15", "database")]
)
def test_real_sets_that_fit_raise_no_alarm(real, query, reference):
    assert cause(real[query], real[reference]) == ""


@pytest.mark.parametrize(
    ("query", "reference", "says"),
    [
        ("hg38", "paul15", "look like human symbols, those of the matrix like mouse symbols"),
        ("hg38", "database", "look like human symbols, those of the matrix like mouse symbols"),
        ("mm", "pbmc", "look like mouse symbols, those of the matrix like human symbols"),
        ("mm", "tumour", "look like mouse symbols, those of the matrix like human symbols"),
        ("dmel", "paul15", "check that they are of one species"),
        ("dmel", "pbmc", "check that they are of one species"),
        ("hg38", "tumour", "2 more are there under another name (KMT2A as MLL, MYCL as MYCL1)"),
    ],
)
def test_real_sets_that_do_not_fit(real, query, reference, says):
    assert says in cause(real[query], real[reference])


def test_a_few_matches_across_species_do_not_let_a_mismatch_through():
    human = [f"GENE{i}" for i in range(200)] + ["T", "F3"]
    mouse = [f"Gene{i}" for i in range(200)] + ["T", "F3"]
    with pytest.raises(InputError, match=r"2 of 202 factors are in the matrix, and at least 5% must be.*one species"):
        check_genes(mouse, human, what="factors", where="the matrix")


def test_a_panel_may_hold_few_of_a_long_list():
    factors = [f"TF{i}" for i in range(1700)]
    panel = [f"GENE{i}" for i in range(290)] + factors[:10]
    assert check_genes(factors, panel, what="factors", where="the matrix").n_shared == 10
