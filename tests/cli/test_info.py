"""``reguloom info`` on every kind of file."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from reguloom.cli._describe import _scale


def facts_of(run, *args):
    outcome = run("info", "--json", *args)
    assert outcome.code == 0, outcome.err
    return [json.loads(line) for line in outcome.out.splitlines()]


@pytest.fixture
def h5ad(counts, tmp_path):
    import anndata

    adata = anndata.AnnData(csr_matrix(counts.to_numpy()), obs=pd.DataFrame(index=counts.index))
    adata.var_names = counts.columns
    adata.obs["kind"] = pd.Categorical(np.where(np.arange(60) % 2, "a", "b"))
    adata.layers["log"] = adata.X.log1p()
    path = tmp_path / "cells.h5ad"
    adata.write_h5ad(path)
    return path


def test_a_matrix(run, h5ad):
    (found,) = facts_of(run, h5ad)
    assert found["holds"] == "an expression matrix"
    assert (found["cells"], found["genes"]) == (60, 40)
    assert found["values"].startswith("raw counts (float32, sparse, 0 to ")
    assert found["obs"] == "kind (2 groups)"
    assert found["layers"] == "log"
    assert found["gene names look like"] == "mouse symbols"


def test_a_csv_matrix_and_the_factors_in_it(run, counts, tmp_path):
    table, tfs = tmp_path / "cells.csv.gz", tmp_path / "tfs.txt"
    counts.to_csv(table)
    tfs.write_text("Gene1\nGene2\nNanog\n")
    found, listed = facts_of(run, table, tfs, "--tfs", tfs)
    assert (found["cells"], found["genes"]) == (60, 40)
    assert found["transcription factors found"] == "2 of 3."
    assert listed["holds"] == "a list of genes"
    assert listed["genes"] == 3


def test_human_factors_in_a_mouse_file_are_explained(run, h5ad, tmp_path):
    tfs = tmp_path / "tfs.txt"
    tfs.write_text("".join(f"GENE{i}\n" for i in range(10)))
    (found,) = facts_of(run, h5ad, "--tfs", tfs)
    assert "0 of 10. Most transcription factors look like human symbols" in found["transcription factors found"]


def test_a_network(run, tmp_path):
    path = tmp_path / "adj.tsv"
    path.write_text("TF\ttarget\timportance\nGata1\tKlf1\t2.0\nGata1\tSpi1\t1.0\n")
    (found,) = facts_of(run, path)
    assert found["holds"] == "a network"
    assert (found["edges"], found["transcription factors"], found["targets"]) == (2, 1, 2)
    assert found["signs"] == "not known"


def test_regulons(run, tmp_path):
    path = tmp_path / "regulons.gmt"
    path.write_text("Gata1(+)\tx\tKlf1\tHbb\nSpi1(-)\tx\tGata1\n")
    (found,) = facts_of(run, path)
    assert found["regulons"] == "2 (1 activating, 1 repressing)"
    assert found["sizes"] == "1 to 2, median 1.5"


def test_an_activity_table(run, tmp_path):
    path = tmp_path / "auc.csv"
    pd.DataFrame(np.eye(3), ["c1", "c2", "c3"], ["Gata1(+)", "Spi1(+)", "Klf1(-)"]).to_csv(path, index_label="Cell")
    (found,) = facts_of(run, path)
    assert found["holds"] == "regulon activity in cells"
    assert found["regulons"] == 3


def test_several_files_and_a_broken_one(run, h5ad, tmp_path):
    outcome = run("info", tmp_path / "none.h5ad", h5ad)
    assert outcome.code == 3
    assert len(outcome.errors) == 1
    assert "none.h5ad" in outcome.errors[0]
    assert outcome.out.startswith("file ")
    assert "an expression matrix" in outcome.out


def test_text_output_is_aligned(run, h5ad):
    lines = run("info", h5ad).out.splitlines()
    column = lines[1].index("an expression")
    assert all(line[column - 1] == " " and line[column] != " " for line in lines)
    assert not any(line.endswith(" none") for line in lines)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([[0, 1], [3, 2]], "raw counts"),
        ([[0.0, -1.0], [3, 2]], "scaled or centred"),
        ([[0.5, 1.5], [3, np.nan]], "not all numbers: 1 values"),
        (np.log1p([[9000, 1000], [5000, 5000]]), "log(1 + x) of counts brought to 10,000 per cell"),
        ([[0.5, 1.5], [3.1, 2]], "logarithms, or normalised"),
        ([[0.5, 100.5], [3.1, 2]], "normalised, not logarithmic"),
    ],
)
def test_scale(values, says):
    assert says in _scale(np.asarray(values, dtype=float))


def test_real_files(run, shared):
    paul, scenic = shared / "data" / "paul15", shared / "data" / "scenic"
    h5ad, rankings, annotations, loom = facts_of(
        run,
        paul / "paul15.h5ad",
        paul / "mm10_promoters.genes_vs_motifs.rankings.feather",
        paul / "motifs-mm10.tbl",
        scenic / "expr_mat.loom",
    )
    assert (h5ad["cells"], h5ad["genes"], h5ad["gene names look like"]) == (2660, 3004, "mouse symbols")
    assert "cell_type (3 groups)" in h5ad["obs"]
    assert (rankings["motifs"], rankings["genes"], rankings["values"]) == (427, 7000, "int16")
    assert annotations["holds"] == "motif annotations"
    assert (loom["cells"], loom["genes"], loom["gene names look like"]) == (100, 8146, "human symbols")


def test_a_gzipped_list(run, tmp_path):
    path = tmp_path / "tfs.txt.gz"
    with gzip.open(path, "wt") as handle:
        handle.write("GATA1\nSPI1\n")
    (found,) = facts_of(run, path)
    assert found["genes"] == 2
