from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import reguloom as rl
from reguloom.core import Network

FAST = ("--bootstrap", "20", "--permutations", "20")


@pytest.fixture
def folder(tmp_path: Path, counts: pd.DataFrame) -> Path:
    truth = Network.from_edges(["Gene0", "Gene0", "Gene1"], ["Gene5", "Gene6", "Gene7"], 1.0, sign=[1, -1, 1])
    rl.io.write_network(truth, tmp_path / "truth.csv")
    rl.io.write_network(rl.grn.infer(counts, ["Gene0", "Gene1"], method="pearson"), tmp_path / "found.tsv")
    counts.to_csv(tmp_path / "cells.csv")
    (tmp_path / "tfs.txt").write_text("Gene0\nGene1\n")
    return tmp_path


def test_a_table_with_the_baselines(folder: Path, run) -> None:  # type: ignore[no-untyped-def]
    table = folder / "scores.csv"
    expression = ("--expression", folder / "cells.csv", "--tfs", folder / "tfs.txt", "--no-transpose")
    done = run(
        "evaluate", "network", folder / "found.tsv", "--truth", folder / "truth.csv", *expression, "-o", table, *FAST
    )
    assert done.code == 0, done.err
    written = pd.read_csv(table)
    assert set(written["method"]) == {"found", *rl.evaluate.baselines.BASELINES}
    mine = written[(written["method"] == "found") & (written["metric"] == "auprc")]["value"].item()
    theirs = written[written["method"].str.startswith("Pearson") & (written["metric"] == "auprc")]["value"].item()
    assert mine == pytest.approx(theirs)
    again = run("evaluate", "network", folder / "found.tsv", "--truth", folder / "truth.csv", "-o", table, *FAST)
    assert again.code == 3 and "exists already" in again.err


def test_json_names_and_stdout(folder: Path, run) -> None:  # type: ignore[no-untyped-def]
    done = run("evaluate", "network", f"mine={folder / 'found.tsv'}", "--truth", folder / "truth.csv", "--json", *FAST)
    assert {row["method"] for row in json.loads(done.out)} == {"mine"}
    done = run("evaluate", "network", folder / "found.tsv", "--truth", folder / "truth.csv", "--top", 3, *FAST)
    assert done.out.startswith("method,metric,value,low,high")
    twice = run("evaluate", "network", folder / "found.tsv", folder / "found.tsv", "--truth", folder / "truth.csv")
    assert twice.code == 2 and "NAME=FILE" in twice.err


def test_bad_input_is_one_sentence(folder: Path, run) -> None:  # type: ignore[no-untyped-def]
    done = run("evaluate", "network", folder / "none.tsv", "--truth", folder / "truth.csv")
    assert done.code == 3 and len(done.errors) == 1
    done = run("evaluate", "dream4", folder / "none.tar.gz")
    assert done.code == 3 and len(done.errors) == 1


def test_dream4(shared: Path, folder: Path, run) -> None:  # type: ignore[no-untyped-def]
    archive = shared / "data/grn_benchmark/dream4.tar.gz"
    data = rl.evaluate.read_dream4(archive, size=10, number=2)
    rl.io.write_network(data.truth, folder / "gold.csv")
    done = run("evaluate", "dream4", archive, folder / "gold.csv", "--number", 2, "--json", *FAST)
    best = [row for row in json.loads(done.out) if row["method"] == "gold" and row["metric"] == "auprc"]
    assert best[0]["value"] == 1.0
    truth = pd.DataFrame(0.5, [f"p{i}" for i in range(5)], data.genes)
    truth.to_csv(folder / "duals.csv")
    done = run(
        "evaluate", "dream4", archive, "--number", 2, "--dual-knockouts", "--truth", folder / "duals.csv", "--json"
    )
    rows = {row["method"]: row for row in json.loads(done.out)}
    assert rows["additive (baseline)"]["rmse"] > 0
