"""A run: its folder, what is kept, what is done again, and the same bytes whatever happened in between."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.pipeline.conftest import write_run

import reguloom as rl
from reguloom.pipeline import plan, read_config, run
from reguloom.pipeline.run import MANIFEST

UNEQUAL = {MANIFEST, "run.log", "run.resolved.toml", ".lock"}
STAGES = ["input", "grn", "ctx", "aucell", "binarize", "rss", "oracle", "vectorfield", "result", "report"]


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file that has to be equal."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in UNEQUAL)
    made = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    if "report.html" in made:  # it shows the configuration, and so where the folder is
        made["report.html"] = made["report.html"].replace(str(folder).encode(), b"FOLDER")
    return made


def record(folder: Path) -> dict:
    """Return the manifest without its costs."""
    made = json.loads((folder / MANIFEST).read_text())
    for stage in made["stages"].values():
        for name in ("wall_s", "cpu_s", "peak_mb"):
            stage.pop(name)
    return made


def start(config: Path, *more: str) -> subprocess.Popen:
    """Start the program on a configuration."""
    command = [sys.executable, "-m", "reguloom.cli", "run", str(config), "-q", *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def done(config: Path, **how: object) -> list[str]:
    """Return the stages that are up to date."""
    return [one.stage for one in plan(read_config(config), **how) if one.done]


@pytest.fixture
def copy(finished: Path, small_world: Path, tmp_path: Path) -> Path:
    """Configuration of a finished run of one's own."""
    import shutil

    config = write_run(tmp_path, small_world)
    shutil.copytree(finished, tmp_path / "run")
    return config


def test_the_folder_explains_itself(finished: Path) -> None:
    made = json.loads((finished / MANIFEST).read_text())
    assert list(made["stages"]) == STAGES
    for stage in made["stages"].values():
        assert stage["wall_s"] >= 0 and stage["cpu_s"] >= 0 and stage["peak_mb"] > 50
        assert all((finished / name).exists() for name in stage["outputs"])
    explained = (finished / "README.txt").read_text()
    assert all(name in explained for stage in made["stages"].values() for name in stage["outputs"])
    said = (finished / "run.log").read_text()
    assert all(f"{name}: done in" in said for name in STAGES)
    assert not [path for path in finished.rglob(".*") if path.name != ".lock"]


def test_the_resolved_configuration_gives_the_same_run(finished: Path) -> None:
    config = finished / "run.resolved.toml"
    assert done(config) == STAGES
    assert read_config(config).oracle.n_null == 10


def test_everything_is_in_the_result(finished: Path) -> None:
    result = anndata.read_h5ad(finished / "result.h5ad")
    auc = rl.io.read_table(finished / "aucell" / "aucell.csv")
    pd.testing.assert_frame_equal(result.obsm["aucell"], auc, check_names=False)
    assert rl.Regulons.from_adata(result).names == list(auc.columns)
    screen = pd.read_csv(finished / "oracle" / "screen.csv")
    assert list(result.uns["oracle_screen"]["gene"]) == list(screen["gene"])
    assert "rss_cell_type" in result.uns["aucell"]


def test_stages_give_what_the_single_commands_give(finished: Path, small_world: Path, run, tmp_path: Path) -> None:
    go, world = run, small_world
    assert go("grn", world / "cells.h5ad", world / "tfs.txt", "-o", tmp_path / "adj.tsv").code == 0
    assert (tmp_path / "adj.tsv").read_bytes() == (finished / "grn" / "adjacencies.tsv").read_bytes()
    assert go("aucell", world / "cells.h5ad", finished / "ctx" / "motifs.csv", "-o", tmp_path / "auc.csv").code == 0
    assert (tmp_path / "auc.csv").read_bytes() == (finished / "aucell" / "aucell.csv").read_bytes()


def test_what_is_up_to_date_is_kept(copy: Path) -> None:
    folder = copy.parent / "run"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.csv")}
    run(read_config(copy))
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.csv")} == before


def test_a_changed_option_reaches_what_builds_on_it_and_nothing_else(copy: Path) -> None:
    config = read_config(copy, changes=["aucell.auc_threshold=0.1"])
    assert [one.stage for one in plan(config) if not one.done] == ["aucell", "binarize", "rss", "result", "report"]
    config = read_config(copy, changes=["vectorfield.n_control=40"])
    assert [one.stage for one in plan(config) if not one.done] == ["vectorfield", "report"]
    assert [one.stage for one in plan(read_config(copy, changes=["seed=1"])) if one.done] == ["input", "rss"][:1]


def test_a_changed_file_reaches_what_reads_it(copy: Path, small_world: Path, tmp_path: Path) -> None:
    names = (small_world / "tfs.txt").read_text().splitlines()
    (tmp_path / "fewer.txt").write_text("\n".join(names[:-1]) + "\n")
    config = read_config(copy, changes=[f"grn.tfs={tmp_path / 'fewer.txt'}"])
    assert [one.stage for one in plan(config) if one.done] == ["input"]


def test_from_and_until_choose_stages(copy: Path) -> None:
    config = read_config(copy)
    again = [one.stage for one in plan(config, start="aucell") if not one.done]
    assert again == ["aucell", "binarize", "rss", "result", "report"]
    with pytest.raises(rl.InputError, match=r"--from motifs: this run has no such stage; it has input, grn, ctx"):
        plan(config, start="motifs")


def test_a_lost_file_comes_back_the_same(copy: Path) -> None:
    config = read_config(copy)
    before = contents(config.output)
    (config.output / "ctx" / "regulons.gmt").unlink()
    assert [one.stage for one in plan(config) if not one.done] == ["ctx"]
    run(config)
    assert contents(config.output) == before


def test_other_cells_need_force(copy: Path, small_world: Path, tmp_path: Path) -> None:
    cells = anndata.read_h5ad(small_world / "cells.h5ad")[:240].copy()
    cells.write_h5ad(tmp_path / "other.h5ad")
    config = read_config(copy, changes=[f"input.expression={tmp_path / 'other.h5ad'}"])
    with pytest.raises(rl.InputError, match="other inputs; give --force"):
        run(config, until="input")
    run(config, until="input", force=True)
    assert anndata.read_h5ad(config.output / "input" / "cells.h5ad").n_obs == 240


def test_two_runs_do_not_share_a_folder(copy: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    config = read_config(copy)
    with (config.output / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(rl.InputError, match="another run is at work"):
            run(config)
    run(config)


def test_wrong_names_are_found_before_anything_runs(small_world: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, small_world)
    wrong = {
        "input.groupby=cell_typ": r"groupby is 'cell_typ', which is no column of obs; did you mean 'cell_type'\?",
        "oracle.pseudotime=hours": r"oracle\.pseudotime is 'hours', which is no column of obs; there are",
        "input.basis=umap": r"input\.basis is 'umap', which is no embedding in obsm; there are X_pca",
        "grn.tfs=none.txt": r"none\.txt does not exist",
        "vectorfield.velocity=velocity_umap": r"vectorfield\.velocity is 'velocity_umap', which is no slot of obsm",
        "oracle.gradient=none.h5": r"none\.h5 does not exist",
    }
    for change, pattern in wrong.items():
        with pytest.raises(rl.InputError, match=pattern):
            run(read_config(config, changes=[change]))
    assert [path.name for path in tmp_path.iterdir()] == ["run.toml"]


def test_no_regulon_is_said_so_and_what_was_done_is_kept(copy: Path) -> None:
    config = read_config(copy, changes=["ctx.nes_threshold=1000.0"])
    with pytest.raises(rl.EmptyResultError, match="no motif passed"):
        run(config)
    assert list(record(config.output)["stages"])[:2] == ["input", "grn"]
    assert "aucell" not in [one.stage for one in plan(config) if one.done]


def test_cells_are_chosen_normalised_and_given_a_pca(small_world: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    lines = [f'output = "{tmp_path}/run"', "[input]", f'expression = "{tmp_path}/bare.csv"', 'basis = "pca"']
    path.write_text("\n".join([*lines, "normalize = true", "min_genes = 20", "min_cells = 30"]))
    world = anndata.read_h5ad(small_world / "cells.h5ad")
    table = pd.DataFrame(world.X.toarray(), world.obs_names, world.var_names)
    table.to_csv(tmp_path / "bare.csv")
    run(read_config(path))
    made = rl.io.read(tmp_path / "run" / "input" / "cells.h5ad")
    kept = table[(table > 0).sum(axis=1) >= 20]
    kept = kept.loc[:, (kept > 0).sum(axis=0) >= 30]
    assert list(made.obs_names) == list(kept.index) and list(made.var_names) == list(kept.columns)
    assert (made.layers["counts"].toarray() == kept.to_numpy()).all()
    size = kept.sum(axis=1)
    expected = np.log1p(kept.div(size, axis=0) * size.median())
    np.testing.assert_allclose(made.X.toarray(), expected, rtol=1e-5)
    assert made.obsm["X_pca"].shape == (len(kept), 30)


def test_a_run_killed_once_goes_on_to_the_same_bytes(finished: Path, small_world: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, small_world)
    process = start(config)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if list((tmp_path / "run").glob("oracle/.partial-*")):  # in the midst of a stage
            break
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert "oracle" not in record(tmp_path / "run")["stages"]
    run(read_config(config), n_jobs=2)
    assert contents(tmp_path / "run") == contents(finished)
    assert record(tmp_path / "run") == record(finished)


@pytest.mark.slow
def test_a_run_killed_at_ten_random_moments_gives_the_same_bytes(
    finished: Path, small_world: Path, tmp_path: Path
) -> None:
    begin = time.monotonic()
    whole = start(write_run(tmp_path / "whole", small_world))
    assert whole.wait() == 0, whole.stderr.read()
    duration = time.monotonic() - begin
    assert contents(tmp_path / "whole" / "run") == contents(finished)
    seed = int(os.environ.get("REGULOOM_KILL_SEED", "0"))
    moments = random.Random(seed)
    config, kills = write_run(tmp_path / "killed", small_world), 0
    again: tuple[str, ...] = ()
    while kills < 10:
        process = start(config, *again)
        try:
            process.wait(timeout=moments.uniform(0, 0.6 * duration))
            again = ("--from", "input")  # finished before it was killed: the next one does everything again
        except subprocess.TimeoutExpired:
            process.kill()
            kills, again = kills + 1, ()
        process.communicate()
    process = start(config)
    assert process.wait() == 0, process.stderr.read()
    assert contents(tmp_path / "killed" / "run") == contents(finished)
    assert record(tmp_path / "killed" / "run") == record(finished)


@pytest.mark.slow
def test_time_courses_and_screens_are_stages_too(small_world: Path, tmp_path: Path) -> None:
    world = rl.datasets.world("L", 60, rng=1, n_genes=60, n_tfs=8, n_peaks=120, n_database_genes=300, n_fates=2)
    tfs = [str(name) for name in world.tfs[:6]]
    screen = world.perturb([rl.Perturbation.knockout(name) for name in tfs], n_cells=40)
    screen.X = np.log1p(screen.X.toarray() / screen.X.toarray().sum(axis=1, keepdims=True) * 1e3)
    screen.write_h5ad(tmp_path / "screen.h5ad")
    path = tmp_path / "run.toml"
    path.write_text(f"""
output = "run"
[input]
expression = "{small_world}/cells.h5ad"
basis = "pca"
[response]
data = "screen.h5ad"
perturbation = "perturbation"
split = "single"
n_splits = 1
n_bootstrap = 10
[temporal]
time = "pseudotime"
n_bins = 4
method = "kmeans"
n_modules = 2
n_seeds = 2
n_draws = 2
[report]
""")
    summary = run(read_config(path))
    folder = tmp_path / "run"
    board = pd.read_csv(folder / "response" / "leaderboard.csv")
    assert (folder / "response" / "headline.txt").read_text().strip() in summary
    assert {"baseline"} <= set(board["kind"])
    modules = pd.read_csv(folder / "temporal" / "modules.csv")
    assert list(modules.columns) == ["Gene", "Cluster"] and set(modules["Cluster"]) <= {"C1", "C2", "unassigned"}
    assert all((folder / "temporal" / name).exists() for name in ("timing.csv", "benchmark.csv", "result.h5ad"))
    assert (folder / "report.html").stat().st_size > 100_000
    assert all(one.done for one in plan(read_config(path)))
    changed = read_config(path, changes=["response.n_bootstrap=20"])
    assert [one.stage for one in plan(changed) if not one.done] == ["response", "report"]
