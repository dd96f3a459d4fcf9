"""Estimates: powers of sizes as measured, and a plan that shows them for what is left to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.pipeline.conftest import write_run

from reguloom.pipeline import estimate as module
from reguloom.pipeline import plan, read_config
from reguloom.pipeline.estimate import Sizes, estimate, measured

SIZES = Sizes(cells=2000, genes=1000, values=100_000, tfs=50, motifs=500, draws=20)


def known(at_base: float, **exponents: float) -> dict:
    return {"at_base": at_base, "exponents": exponents}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"base": {"cells": 1000, "genes": 500}, "at_rest_mb": 200.0, "fixed_s": 0.25, "gain": 0.5}
    one |= {"seconds": known(3.0, cells=1.0, genes=2.0), "megabytes": known(10.0, cells=1.0)}
    two = {**one, "at_rest_mb": 500.0, "gain": 0.0, "seconds": known(1.0)}
    monkeypatch.setattr(module, "measured", lambda: {"grn": one, "oracle fit": one, "oracle screen": two})


def test_time_and_memory_follow_the_powers(table: None) -> None:
    made = estimate("grn", SIZES, n_jobs=4)
    assert made.seconds == pytest.approx(0.25 + 3.0 * 2 * 4 / 2)
    assert made.megabytes == pytest.approx(200 + 10 * 2)


def test_times_of_the_parts_of_a_stage_add_up_and_the_larger_peak_counts(table: None) -> None:
    made = estimate("oracle", SIZES, n_jobs=1)
    assert made.seconds == pytest.approx(3.0 * 2 * 4 + 1.0 + 2 * 0.25)
    assert made.megabytes == pytest.approx(500 + 20)
    assert estimate("report", SIZES) is None


def test_what_is_shipped_was_measured() -> None:
    stored = json.loads(Path(module.__file__).with_name("scaling.json").read_text())
    assert set(stored["machine"]) == {"machine", "python", "cores"}
    names = set(SIZES.named())
    for stage, one in measured().items():
        assert set(one["base"]) <= names and one["at_rest_mb"] > 100, stage
        for part in (one["seconds"], one["megabytes"]):
            assert set(part["exponents"]) == set(one["base"]) and part["worst_ratio"] < 3, stage
            assert all(0 <= power < 2.5 for power in part["exponents"].values()), stage
    larger = Sizes(cells=4000, genes=1000, values=200_000, tfs=50, motifs=500, draws=20)
    assert estimate("grn", larger, n_jobs=1).seconds > 1.5 * estimate("grn", SIZES, n_jobs=1).seconds


#: Runs on one thread and the processor seconds that each stage took: the demo (2,500 cells, 40 factors) and Paul et
#: al.'s 2,660 progenitors, whose knock-outs were timed beside other work.
RUNS = {
    "demo": (
        Sizes(cells=2500, genes=800, values=720_000, tfs=40, motifs=400, draws=20),
        {"grn": 6.9, "oracle": 26.0, "result": 11.6},
    ),
    "paul15": (
        Sizes(cells=2660, genes=3004, values=2_045_000, tfs=133, motifs=427, draws=200),
        {"grn": 37.7, "ctx": 2.0, "oracle": 295.0, "result": 9.3},
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_estimates_are_within_a_factor_of_three(name: str) -> None:
    sizes, took = RUNS[name]
    made = {stage: estimate(stage, sizes, n_jobs=1).seconds for stage in took}
    assert {
        stage: round(made[stage] / took[stage], 2)
        for stage in took
        if not took[stage] / 3 < made[stage] < 3 * took[stage]
    } == {}


@pytest.mark.slow
def test_estimates_of_the_demo_hold_on_this_machine(tmp_path: Path) -> None:
    from reguloom.pipeline.demo import run_demo

    for name in ("warm", "demo"):  # the first one compiles
        run_demo(tmp_path / name, n_cells=300 if name == "warm" else 2500, n_jobs=1)
    config = read_config(tmp_path / "demo" / "run.toml", changes=[f"output={tmp_path / 'new'}"])
    made = {one.stage: one.estimate for one in plan(config, n_jobs=1) if one.estimate is not None}
    record = json.loads((tmp_path / "demo" / "result" / "manifest.json").read_text())
    took = {stage: one["cpu_s"] for stage, one in record["stages"].items() if stage in made and one["cpu_s"] > 2}
    assert {"grn", "oracle"} <= set(took)
    assert all(took[stage] / 3 < made[stage].seconds < 3 * took[stage] for stage in took)


def test_a_plan_shows_estimates_for_what_is_left_to_do(finished: Path, small_world: Path, run, tmp_path: Path) -> None:
    lines = {one.stage: one for one in plan(read_config(write_run(tmp_path, small_world)), n_jobs=1)}
    assert 0 < lines["grn"].estimate.seconds < 60 and 200 < lines["grn"].estimate.megabytes < 1000
    kept = plan(read_config(finished / "run.resolved.toml"))
    assert all(one.done and one.estimate is None for one in kept)
    shown = run("run", tmp_path / "run.toml", "--dry-run")
    assert shown.code == 0 and "grn" in shown.out and "Times and memory are estimates" in shown.out
    assert not (tmp_path / "run").exists()


def test_sizes_are_those_of_the_data(small_world: Path, tmp_path: Path) -> None:
    import anndata

    from reguloom.pipeline._cells import read_cells

    config = read_config(write_run(tmp_path, small_world))
    cells = anndata.read_h5ad(small_world / "cells.h5ad")
    for backed in (True, False):
        sizes = Sizes.of(config, read_cells(config.input, backed=backed))
        assert (sizes.cells, sizes.genes, sizes.values) == (cells.n_obs, cells.n_vars, cells.X.nnz)
        assert sizes.tfs == len((small_world / "tfs.txt").read_text().split()) and sizes.draws == 10


def test_the_program_writes_an_example_and_a_schema(run, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert run("run", path, "--init").code == 0
    assert read_config(path).oracle is not None
    refused = run("run", path, "--init")
    assert refused.code == 3 and "--force" in refused.err
    shown = run("run", "--print-schema")
    assert json.loads(shown.out)["title"] == "RunConfig"
