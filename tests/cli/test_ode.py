"""``reguloom ode``."""

from __future__ import annotations

import pandas as pd
import pytest

from reguloom import io

RULES = "Gene\tRule\nA\tP and not ( B )\nB\tP and not ( A )\nP\tP\n"


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "fork.txt"
    path.write_text(RULES)
    return path


def test_simulate_writes_cells(run, rules, tmp_path):
    out = tmp_path / "cells.h5ad"
    done = run("ode", "simulate", rules, "-o", out, "-n", 60, "--initial", "P=2", "--t-max", 4, "--ko", "A", "--kd",
               "B=0.5", "--form", "mrna")  # fmt: skip
    assert done.code == 0, done.err
    cells = io.read(out)
    assert cells.shape == (180, 3)
    assert set(cells.obs["perturbation"]) == {"control", "A=0", "B=x0.5"}
    again = run("ode", "simulate", rules, "-o", out, "-n", 60)
    assert again.code == 3 and "--force" in again.err


def test_simulate_writes_the_files_of_the_original(run, rules, tmp_path):
    initial = tmp_path / "ics.txt"
    initial.write_text("Genes\tValues\n['P']\t[2]\n")
    out = tmp_path / "folder"
    options = ["-o", out, "-n", 40, "--compat", "boolode", "--initial", initial, "--t-max", 5, "--dropout", "0.5"]
    assert run("ode", "simulate", rules, *options).code == 0
    table = pd.read_csv(out / "ExpressionData.csv", index_col=0)
    assert table.shape == (3, 40) and (table == 0).mean(axis=None) > 0.1
    assert run("ode", "simulate", rules, *options).code == 3


def test_perturb_tells_fates_and_changes(run, rules, tmp_path):
    out = tmp_path / "table.csv"
    done = run("ode", "perturb", rules, "-n", 80, "--initial", "P=2", "--noise", "sqrt", "-o", out)
    assert done.code == 0, done.err
    table = pd.read_csv(out, index_col=0)
    assert list(table.index) == ["control", "A=0", "B=0", "P=0"]
    assert table.loc["A=0", "change of A"] < -0.3 < 0.3 < table.loc["A=0", "change of B"]
    fates = [name for name in table.columns if name.startswith("fate ")]
    assert table[fates].sum(axis=1).round(9).eq(1).all()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--ko", "Nanog"], 3, "Nanog"),
        (["--kd", "A=much"], 2, "GENE=SHARE"),
        (["--initial", "A=x"], 2, "GENE=LEVEL"),
        (["--compat", "boolode", "--form", "spliced"], 3, "form='mrna'"),
    ],
)
def test_bad_options(run, rules, options, code, message):
    done = run("ode", "perturb", rules, "-n", 5, *options)
    assert done.code == code and message in done.err
