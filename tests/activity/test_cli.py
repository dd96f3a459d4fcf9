"""``reguloom aucell``, ``binarize`` and ``rss``."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from reguloom import io
from reguloom.activity import aucell_frame, binarize_frame, rss
from reguloom.core import Regulons


@pytest.fixture
def files(counts, sets, tmp_path):
    """The same matrix in four formats, the regulons, and groups."""
    adata = anndata.AnnData(counts)
    adata.obs["kind"] = pd.Categorical(np.where(np.arange(60) % 3 == 0, "z", "a"))
    for suffix in ("h5ad", "loom"):
        io.write(adata, tmp_path / f"x.{suffix}")
    counts.to_csv(tmp_path / "x.csv")
    counts.T.to_csv(tmp_path / "t.tsv", sep="\t")
    io.write_regulons(Regulons.from_dict(sets), tmp_path / "r.json")
    adata.obs[["kind"]].to_csv(tmp_path / "kind.csv")
    return tmp_path


def test_every_input_format_gives_the_same_bytes(files, run):
    common = ["--auc_threshold", 0.2, "--seed", 5, "-w"]
    for number, extra in enumerate([["x.h5ad"], ["x.h5ad", "--backed"], ["x.loom"], ["x.csv"], ["t.tsv", "-t"]]):
        done = run("aucell", files / extra[0], files / "r.json", *extra[1:], "-o", files / f"{number}.csv", *common)
        assert done.code == 0, done.err
    assert len({(files / f"{number}.csv").read_bytes() for number in range(5)}) == 1


def test_equals_the_function(files, counts, sets, run):
    done = run("aucell", files / "x.csv", files / "r.json", "--auc-threshold", 0.2, "--num_workers", 2, "-o",
               files / "a.csv")  # fmt: skip
    assert done.code == 0
    found = io.read_table(files / "a.csv")
    expected = aucell_frame(counts, io.read_regulons(files / "r.json"), auc_threshold=0.2)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize("suffix", ["tsv.gz", "parquet", "h5ad", "zarr", "loom"])
def test_outputs(files, run, suffix):
    arguments = ["aucell", files / "x.h5ad", files / "r.json", "--auc-threshold", 0.2, "-o"]
    assert run(*arguments, files / "a.csv").code == 0
    assert run(*arguments, files / f"a.{suffix}").code == 0
    expected = io.read_table(files / "a.csv")
    read = io.read_table if suffix in ("tsv.gz", "parquet") else lambda path: io.read(path).obsm["aucell"]
    found = read(files / f"a.{suffix}")
    np.testing.assert_allclose(found[expected.columns], expected, rtol=1e-6)
    assert list(found.index) == list(expected.index)


def test_refuses_to_replace_a_file_without_force(files, run):
    (files / "a.csv").write_text("mine")
    arguments = ["aucell", files / "x.csv", files / "r.json", "--auc-threshold", 0.2, "-o", files / "a.csv"]
    done = run(*arguments)
    assert done.code == 3
    assert "--force" in done.err
    assert (files / "a.csv").read_text() == "mine"
    assert run(*arguments, "--force").code == 0


def test_ignored_flags_are_accepted_and_said(files, run):
    done = run("aucell", files / "x.csv", files / "r.json", "--auc-threshold", 0.2, "--rank_threshold", 5000,
               "--nes_threshold", 3.0)  # fmt: skip
    assert done.code == 0
    assert "--rank-threshold is accepted" in done.err
    assert done.out.startswith("Cell,TF0(+)")
    assert len(done.out.splitlines()) == 61


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["aucell", "absent.csv", "r.json"], 3, "does not exist"),
        (["aucell", "x.csv", "absent.gmt"], 3, "does not exist"),
        (["aucell", "x.csv", "r.json", "-o", "a.xlsx"], 2, "ends in '.xlsx'"),
        (["aucell", "x.csv", "r.json"], 3, "at least 2 are needed"),
        (["binarize", "absent.csv"], 3, "does not exist"),
        (["binarize", "x.h5ad"], 3, "no obsm['aucell']"),
        (["binarize", "x.csv", "-o", "a.h5ad"], 2, "is a table"),
        (["rss", "x.csv"], 2, "give the groups"),
        (["rss", "x.csv", "--groupby", "kind"], 3, "without annotation"),
        (["rss", "x.csv", "--groups", "kind.csv", "--groupby", "other"], 3, "no column 'other'"),
        (["rss", "x.csv", "--groups", "kind.csv", "--log-base", "x"], 3, "log_base"),
    ],
)
def test_bad_input_gives_one_sentence_and_the_right_code(files, run, monkeypatch, arguments, code, message):
    monkeypatch.chdir(files)
    if arguments[:3] == ["aucell", "x.csv", "r.json"] and len(arguments) == 3:
        arguments = [*arguments, "--auc-threshold", "0.02"]
    done = run(*arguments)
    assert done.code == code
    assert message in " ".join(done.err.split())


def test_binarize(files, run):
    assert run("aucell", files / "x.csv", files / "r.json", "--auc-threshold", 0.2, "-o", files / "a.csv").code == 0
    for number in range(2):
        done = run("binarize", files / "a.csv", "-o", files / f"b{number}.csv", "--seed", 0, "--thresholds-output",
                   files / f"t{number}.csv", "--num-workers", number + 1)  # fmt: skip
        assert done.code == 0, done.err
    assert (files / "b0.csv").read_bytes() == (files / "b1.csv").read_bytes()
    binary, thresholds = binarize_frame(io.read_table(files / "a.csv"))
    pd.testing.assert_frame_equal(io.read_table(files / "b0.csv"), binary, check_dtype=False)
    found = io.read_table(files / "t0.csv")
    assert found["threshold"].tolist() == thresholds.tolist()
    assert list(found) == ["threshold", "modality", "p_value"]


def test_binarize_with_thresholds_by_hand_into_h5ad(files, run):
    arguments = ["--auc-threshold", 0.2, "-o", files / "a.h5ad"]
    assert run("aucell", files / "x.h5ad", files / "r.json", *arguments).code == 0
    (files / "hand.csv").write_text("regulon,threshold\nTF1(+),-1\n")
    done = run("binarize", files / "a.h5ad", "--thresholds", files / "hand.csv", "-o", files / "b.h5ad")
    assert done.code == 0, done.err
    back = io.read(files / "b.h5ad")
    assert back.obsm["aucell_binary"]["TF1(+)"].eq(1).all()
    assert back.uns["aucell"]["thresholds"].loc["TF1(+)", "modality"] == "manual"


def test_rss_from_a_table_and_from_obs(files, run):
    base = ["aucell", files / "x.h5ad", files / "r.json", "--auc-threshold", 0.2, "-o"]
    assert run(*base, files / "a.csv").code == 0
    assert run(*base, files / "a.h5ad").code == 0
    assert run("rss", files / "a.csv", "--groups", files / "kind.csv", "-o", files / "one.csv").code == 0
    assert run("rss", files / "a.h5ad", "--groupby", "kind", "-o", files / "two.csv").code == 0
    assert (files / "one.csv").read_bytes() == (files / "two.csv").read_bytes()
    found = io.read_table(files / "one.csv")
    assert list(found.index) == ["z", "a"]
    assert found.index.name == "kind"
    expected = rss(io.read_table(files / "a.csv"), pd.read_csv(files / "kind.csv", index_col=0)["kind"])
    np.testing.assert_array_equal(found, expected)
    done = run("rss", files / "a.csv", "--groups", files / "kind.csv", "--log-base", 2)
    assert done.out.startswith("kind,TF0(+)")
    assert float(done.out.splitlines()[1].split(",")[1]) < found.iloc[0, 0]
