"""``reguloom ctx``: pySCENIC's flags, files in and out, exit codes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from reguloom import io
from reguloom.cli.app import main

HEADER = (
    "#motif_id\tmotif_name\tmotif_description\tsource_name\tsource_version\tgene_name\tmotif_similarity_qvalue\t"
    "similar_motif_id\tsimilar_motif_description\torthologous_identity\torthologous_gene_name\torthologous_species\t"
    "description"
)


@pytest.fixture
def files(world, tmp_path):
    rankings = tmp_path / "world.genes_vs_motifs.rankings.feather"
    io.write_rankings(world.ranks.to_numpy(), list(world.ranks.index), list(world.ranks.columns), rankings)
    rows = [
        "\t".join([motif, motif, "", "s", "1", tf, str(q), "None", "None", str(identity), "None", "None", text])
        for tf, motif, q, identity, text in world.annotations.itertuples(index=False)
    ]
    (tmp_path / "motifs.tbl").write_text("\n".join([HEADER, *rows]) + "\n")
    io.write_network(world.network, tmp_path / "adj.tsv")
    return tmp_path


def run(files, *arguments, code=0, source="adj.tsv", databases=1):
    paths = [str(files / source), *[str(files / "world.genes_vs_motifs.rankings.feather")] * databases]
    fixed = ["--annotations_fname", str(files / "motifs.tbl"), "--rank_threshold", "150"]
    with pytest.raises(SystemExit) as stopped:
        main(["ctx", *paths, *fixed, *map(str, arguments)])
    assert stopped.value.code == code


def test_every_flag_of_the_original_is_taken(files, capsys):
    run(files, *["-o", files / "a.csv", "--num_workers", 2, "--chunk_size", 7, "--mode", "dask_cluster"])
    flags = ["--thresholds", 0.75, 0.90, "--top_n_targets", 50, "--top_n_regulators", 5, 10, 50, "--min_genes", 20]
    run(files, "--output", files / "b.csv", *flags, "--auc_threshold", 0.05, "--nes_threshold", 3.0, "--mask_dropouts")
    more = ["--client_or_address", "local", "--min_orthologous_identity", 0.0, "--max_similarity_fdr", 0.001]
    run(files, "-o", files / "c.csv", *more, "--cell_id_attribute", "CellID", "--gene_attribute", "Gene", "-t")
    run(files, "-o", "-")
    texts = {(files / f"{name}.csv").read_text() for name in "abc"}
    assert len(texts) == 1
    assert capsys.readouterr().out == texts.pop()
    run(files, "-o", files / "all.csv", "--all_modules")
    assert len(io.read_motif_table(files / "all.csv")) > len(io.read_motif_table(files / "a.csv"))


def test_outputs_by_suffix_hold_the_same_regulons(files):
    run(files, "-o", files / "r.csv")
    expected = io.read_regulons(files / "r.csv")
    for suffix in ("tsv", "gmt", "json", "yaml", "csv.gz"):
        run(files, "-o", files / f"r.{suffix}")
        assert {one.name: set(one.targets) for one in io.read_regulons(files / f"r.{suffix}")} == {
            one.name: set(one.targets) for one in expected
        }
    run(files, "-o", files / "r.parquet")
    long = pd.read_parquet(files / "r.parquet")
    assert set(long["gene"]) == set(expected.genes)
    assert len(long) == sum(len(pairs) for pairs in io.read_motif_table(files / "r.csv")["TargetGenes"])
    genes = {one.name: list(one.targets) for one in io.read_regulons(files / "r.gmt")}
    assert json.loads((files / "r.json").read_text()) == genes


def test_modules_may_come_as_gene_sets(files, world):
    lines = [f"{one.tf}(+)\tx\t" + "\t".join(one.genes) for one in world.modules[:2]]
    (files / "sets.gmt").write_text("\n".join(lines) + "\n")
    run(files, "-o", files / "o.csv", source="sets.gmt")
    assert set(io.read_motif_table(files / "o.csv")["TF"]) == {"G000", "G001"}


def test_signs_come_from_the_expression(files, world):
    frame = world.network.to_frame().astype({"source": str, "target": str})
    table = frame.rename(columns={"source": "TF", "weight": "importance"})[["TF", "target", "importance"]]
    table.to_csv(files / "unsigned.csv", index=False)
    run(files, "-o", files / "o.csv", source="unsigned.csv", code=3)
    rng = np.random.default_rng(0)
    base = rng.poisson(3.0, 90)
    genes = world.ranks.columns
    expression = pd.DataFrame({gene: base + rng.poisson(1.0, 90) for gene in genes})
    expression.index = [f"c{i}" for i in range(90)]
    expression.to_csv(files / "expression.csv")
    run(files, "-o", files / "o.csv", "--expression_mtx_fname", files / "expression.csv", source="unsigned.csv")
    assert set(io.read_motif_table(files / "o.csv")["TF"]) == {"G000", "G001", "G002", "G003"}


def test_no_pruning_reports_every_motif_with_its_logo(files):
    run(files, "-o", files / "few.csv", "--nes_threshold", 1)
    run(files, "-o", files / "all.csv", "--nes_threshold", 1, "--no_pruning")
    table = io.read_motif_table(files / "all.csv")
    assert len(table) > len(io.read_motif_table(files / "few.csv"))
    assert table["MotifURL"].str.endswith(".png").all()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["-o", "x.dat"], 2),
        (["-o", "x.xyz"], 2),
        (["-o", "missing.csv", "--nes_threshold", "99"], 6),
        (["-o", "adj.tsv"], 3),
        (["-o", "y.csv", "--max_similarity_fdr", "-1"], 3),
        (["-o", "y.csv", "--compat", "other"], 2),
    ],
)
def test_exit_codes(files, monkeypatch, arguments, code):
    monkeypatch.chdir(files)
    run(files, *arguments, code=code)


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("world.genes_vs_motifs.rankings.feather", lambda data: data[: len(data) // 2], 4),
        ("world.genes_vs_motifs.rankings.feather", lambda data: b"TF,target\n" + data[:100], 3),
        ("motifs.tbl", lambda data: b"motif\tgene\nm03\tG000\n", 3),
        ("motifs.tbl", lambda data: data.replace(b"G00", b"Q99"), 3),
        ("adj.tsv", lambda data: b"", 3),
        ("adj.tsv", lambda data: b"a\tb\nc\td\n", 3),
        ("adj.tsv", lambda data: data.replace(b"G", b"g"), 3),
    ],
)
def test_bad_files_give_one_sentence_and_leave_nothing(files, capsys, name, change, code):
    (files / name).write_bytes(change((files / name).read_bytes()))
    run(files, "-o", files / "o.csv", code=code)
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith("error: ")
    assert not list(files.glob("*o.csv*"))


def test_a_pickle_is_not_opened(files, capsys):
    (files / "m.dat").write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    run(files, "-o", files / "o.csv", source="m.dat", code=2)
    assert "pickle" in capsys.readouterr().err


def test_annotations_are_needed_unless_nothing_is_pruned(files):
    paths = [str(files / "adj.tsv"), str(files / "world.genes_vs_motifs.rankings.feather"), "--rank_threshold", "150"]
    with pytest.raises(SystemExit) as stopped:
        main(["ctx", *paths, "-o", str(files / "o.csv")])
    assert stopped.value.code == 2
    with pytest.raises(SystemExit) as stopped:
        main(["ctx", *paths, "-o", str(files / "o.csv"), "--no_pruning"])
    assert stopped.value.code == 0


def test_the_same_database_twice_is_refused(files):
    run(files, "-o", files / "o.csv", databases=2, code=3)
