from __future__ import annotations

import json

import pandas as pd
import pytest

from reguloom import mechanistic

RULES = "targets, factors\nGata1, !Spi1\nSpi1, !Gata1\nPu.1x, Spi1\n"


@pytest.fixture
def toggle(tmp_path):
    path = tmp_path / "toggle.bnet"
    path.write_text(RULES)
    return path


def test_attractors_json(run, toggle):
    done = run("boolean", "attractors", toggle, "--update", "synchronous", "--json")
    assert done.code == 0
    assert json.loads(done.out) == {
        "genes": ["Gata1", "Spi1", "Pu.1x"],
        "complete": True,
        "attractors": [
            {"states": ["100"], "space": "100", "size": 1, "basin": 2},
            {"states": ["011"], "space": "011", "size": 1, "basin": 2},
            {"states": ["110", "001"], "space": "***", "size": 2, "basin": 4},
        ],
    }
    permissive = json.loads(run("boolean", "attractors", toggle, "--update", "most-permissive", "--json").out)
    assert [(one["space"], one["basin"]) for one in permissive["attractors"]] == [("100", None), ("011", None)]


def test_attractors_table(run, toggle):
    out = run("boolean", "attractors", toggle, "--update", "synchronous").out
    assert out.splitlines()[0] == "3 attractors, synchronous updating, complete"
    assert "25.0%" in out
    assert "Gata1 Spi1 Pu.1x" in out  # what varies
    assert "basin" not in run("boolean", "attractors", toggle).out  # no column that says nothing


def test_fix(run, toggle):
    done = run("boolean", "attractors", toggle, "--json", "--fix", "Gata1=0", "Spi1=0")
    assert [one["states"] for one in json.loads(done.out)["attractors"]] == [["000"]]
    wrong = run("boolean", "attractors", toggle, "--fix", "Gata1")
    assert wrong.code == 2
    assert "write GENE=0 or GENE=1" in wrong.err
    unknown = run("boolean", "attractors", toggle, "--fix", "gata=0")
    assert unknown.code == 3
    assert "close are Gata1" in unknown.err


def test_bad_files_are_one_sentence(run, tmp_path):
    path = tmp_path / "broken.bnet"
    path.write_text("A, B &\n")
    done = run("boolean", "attractors", path)
    assert done.code == 3
    assert len(done.errors) == 1
    assert "line 1" in done.err
    assert run("boolean", "attractors", tmp_path / "none.bnet").code == 3


def test_simulate(run, toggle, tmp_path):
    out = tmp_path / "walks.csv"
    assert run("boolean", "simulate", toggle, "--walks", 7, "--steps", 5, "--initial", "Gata1=1", "-o", out).code == 0
    table = pd.read_csv(out)
    assert len(table) == 7 * 6
    assert (table.loc[table["step"] == 0, "Gata1"] == 1).all()
    mean = run("boolean", "simulate", toggle, "--walks", 7, "--steps", 5, "--mean", "--update", "continuous-time")
    assert mean.out.splitlines()[0] == "time,Gata1,Spi1,Pu.1x"
    assert run("boolean", "simulate", toggle, "-o", out).code == 3  # it exists


def test_perturb(run, toggle):
    done = run("boolean", "perturb", toggle, "--knockout", "Gata1", "--overexpress", "Gata1+Spi1")
    lines = done.out.splitlines()
    assert lines[0].startswith("perturbation,attractor,space,size,basin,probability")
    assert {line.split(",")[0] for line in lines[1:]} == {"control", "Gata1=0", "Gata1=max+Spi1=max"}
    every = run("boolean", "perturb", toggle)
    assert len({line.split(",")[0] for line in every.out.splitlines()[1:]}) == 7


@pytest.mark.parametrize("name", ["a.sbml", "a.aeon", "a.txt", "a.bnet.gz"])
def test_convert(run, toggle, tmp_path, name):
    assert run("boolean", "convert", toggle, tmp_path / name).code == 0
    assert mechanistic.read(tmp_path / name) == mechanistic.read(toggle)
    assert run("boolean", "convert", toggle, tmp_path / name).code == 3
    assert run("boolean", "convert", toggle, tmp_path / name, "--force").code == 0


def test_convert_to_edges(run, toggle, tmp_path):
    assert run("boolean", "convert", toggle, tmp_path / "edges.csv").code == 0
    edges = pd.read_csv(tmp_path / "edges.csv")
    assert sorted(zip(edges["source"], edges["target"], edges["sign"], strict=True)) == [
        ("Gata1", "Spi1", -1),
        ("Spi1", "Gata1", -1),
        ("Spi1", "Pu.1x", 1),
    ]


def test_robustness(run, toggle):
    done = run("boolean", "robustness", toggle, "--samples", 50, "--copies", 5, "--random", 3)
    assert done.out.splitlines()[0].startswith("measure,value,standard_error,random_mean")
    assert len(done.out.splitlines()) == 4


def test_reconstruct(run, toggle, tmp_path):
    network = mechanistic.read(toggle)
    walks = mechanistic.trajectories(network, update="synchronous", n_trajectories=8, n_steps=4)
    paths = []
    for number, walk in walks.groupby(level="trajectory"):
        paths.append(tmp_path / f"walk{number}.csv")
        (walk.droplevel("trajectory") * 3.0 + 1.0).to_csv(paths[-1])
    out, rules = tmp_path / "found.bnet", tmp_path / "rules.csv"
    done = run("boolean", "reconstruct", *paths, out, "--binarize", "kmeans", "--candidates", rules)
    assert done.code == 0
    assert mechanistic.read(out) == network
    assert pd.read_csv(rules)["error"].sum() == 0


def test_help_lists_the_commands(run):
    out = run("boolean", "--help").out
    for name in ("attractors", "simulate", "perturb", "convert", "robustness", "reconstruct"):
        assert name in out
