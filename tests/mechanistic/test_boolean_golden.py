"""Attractors against BoolNet 2.1.7, a brute-force search, AEON, biobalm and mpbn."""

from __future__ import annotations

import ast
import csv
import itertools
from collections import defaultdict

import pytest

from reguloom import InputError, Perturbation, mechanistic


def rows(path, delimiter="\t"):
    with path.open() as handle:
        return list(csv.DictReader(handle, delimiter=delimiter))


def load(shared, model):
    data = shared / "data/mechanistic"
    if model == "boolnet_cellcycle":
        return mechanistic.read(shared / "golden/boolnet/cellcycle_faure2006/network.txt")
    if model.startswith("pbn_"):
        return mechanistic.read(data / f"pyboolnet/{model[4:]}.bnet")
    return mechanistic.read(data / f"boolode/{model}.txt")


def cycle(states):
    """Rotate a cycle so that its smallest state comes first."""
    first = states.index(min(states))
    return tuple(states[first:] + states[:first])


def reordered(texts, network, genes):
    place = [network.genes.index(gene) for gene in genes]
    return ["".join(text[i] for i in place) for text in texts]


def test_synchronous_attractors_are_boolnets(shared):
    models = defaultdict(list)
    for row in rows(shared / "golden/mechanistic/sync_attractors_boolnet_2.1.7.tsv"):
        models[row["model"]].append(row)
    assert len(models) == 27
    for model, expected in models.items():
        network = load(shared, model)
        genes = expected[0]["genes"].split()
        found = network.attractors("synchronous")
        assert found.complete
        mine = sorted((cycle(reordered(one.texts, network, genes)), one.basin) for one in found)
        assert mine == sorted((cycle(row["states"].split(",")), int(row["basin"])) for row in expected), model


def test_asynchronous_attractors_are_those_of_brute_force(shared):
    for row in rows(shared / "golden/mechanistic/async_attractors_bruteforce.tsv"):
        network = load(shared, row["model"])
        found = network.attractors()
        points = sorted(reordered([one.texts[0] for one in found.fixed_points], network, row["genes"].split()))
        assert sorted(one.size for one in found) == sorted(ast.literal_eval(row["sizes"])), row["model"]
        assert points == sorted(filter(None, row["fixed_points"].split(","))), row["model"]


@pytest.mark.parametrize("model", ["HSC", "cellcycle_faure2006", "mCAD"])
def test_every_knockout_and_overexpression(shared, model):
    folder = shared / "golden/boolnet" / model
    network = mechanistic.read(folder / "network.txt")
    assert network == mechanistic.read(folder / "network.bnet")
    expected = rows(folder / "perturbations_sync.csv", ",")
    assert len(expected) == 2 * len(network.genes)
    for row in expected:
        make = Perturbation.overexpress if row["value"] == "1" else Perturbation.knockout
        found = network.perturbed(make(row["gene"])).attractors("synchronous")
        assert len(found) == int(row["n_attractors"])
        assert len(found.fixed_points) == int(row["n_fixed"])
        assert sorted(one.basin for one in found) == sorted(int(size) for size in row["basins"].split(";"))


@pytest.mark.parametrize("model", ["HSC", "cellcycle_faure2006", "mCAD"])
def test_trajectories_follow_boolnets(shared, model):
    folder = shared / "golden/boolnet" / model
    network = mechanistic.read(folder / "network.txt")
    for _, steps in itertools.groupby(rows(folder / "trajectories_sync_seed7.csv", ","), key=lambda row: row["traj"]):
        states = [{gene: int(row[gene]) for gene in network.genes} for row in steps]
        for before, after in itertools.pairwise(states):
            assert network.next_state(before) == after


def count(result):
    return int(result.split()[0])


@pytest.mark.slow
def test_counts_of_large_models_agree_with_other_tools(shared):
    pytest.importorskip("biobalm")
    models = defaultdict(dict)
    for row in rows(shared / "golden/mechanistic/published_models_counts_and_seconds.tsv"):
        if row["result"] != "TIMEOUT":
            models[row["model"]][row["tool"]] = count(row["result"])
    for model, tools in models.items():
        network = mechanistic.read(shared / "data/mechanistic/published_models" / model)
        if "aeon_fp" in tools:
            assert len(mechanistic.fixed_points(network)) == tools["aeon_fp"], model
        if "mpbn" in tools:
            assert len(network.attractors("most-permissive")) == tools["mpbn"], model
        for tool in {"biobalm", "aeon_attr"} & set(tools):
            assert len(network.attractors()) == tools[tool], model


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::reguloom.ConvergenceWarning")
def test_every_published_model_is_solved_or_refused_with_a_reason(shared):
    """All 132 take half an hour; every fourth is looked at here."""
    pytest.importorskip("biobalm")
    for path in sorted((shared / "data/mechanistic/published_models").glob("*.bnet"))[::4]:
        network = mechanistic.read(path)
        try:
            found = network.attractors(time_limit=20.0)
        except InputError as error:
            assert "fix its inputs" in str(error), path.name
            continue
        assert len(found), path.name
        assert found.complete or "neither AEON nor biobalm answered" in found.note, path.name
