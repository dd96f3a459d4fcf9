"""SCENIC in one call, in a folder and command by command: the same result, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import anndata
import pandas as pd
import pytest

import reguloom as rl
from reguloom.cli.app import main
from reguloom.pipeline import ScenicOptions, run_scenic

SETTINGS = {"rank_threshold": 300, "nes_threshold": 2.5, "min_genes": 10}


@pytest.fixture(scope="module")
def world() -> rl.datasets.World:
    sizes = {"n_genes": 150, "n_database_genes": 1500, "n_random_motifs": 80}
    return rl.datasets.regulon_world(n_cells=300, n_cell_types=3, n_tfs=10, rng=1, **sizes)


@pytest.fixture(scope="module")
def files(world: rl.datasets.World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("world")
    paths = world.write(folder)
    for suffix in ("loom", "csv"):
        rl.io.write(world.adata, folder / f"world.{suffix}")
        paths[suffix] = folder / f"world.{suffix}"
    return paths


@pytest.fixture(scope="module")
def run(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "out"
    assert command("scenic", files["expression"], *options(files), "--groupby", "cell_type", "-o", folder) == 0
    return folder


def options(files: dict[str, Path]) -> list[object]:
    shared = ["--tfs", files["tfs"], "--rankings", files["rankings"], "--annotations", files["annotations"]]
    return [*shared, *settings()]


def settings() -> list[object]:
    return [part for name, value in SETTINGS.items() for part in (f"--{name}", value)]


def command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(one) for one in arguments] + ["-q"])
    return int(stop.value.code or 0)


def test_the_folder_holds_everything(run: Path) -> None:
    expected = {"adjacencies.tsv", "motifs.csv", "regulons.gmt", "aucell.csv", "binary.csv", "thresholds.csv"}
    expected |= {"rss.csv", "result.h5ad", "scope.loom", "figures", "provenance.json"}
    assert {path.name for path in run.iterdir()} == expected
    drawn = {path.stem for path in (run / "figures").iterdir()}
    assert {"rss", "heatmap", "binarization", "embedding", "network", "violin"} <= drawn
    assert any(name.startswith("recovery_") for name in drawn)


def test_true_regulons_are_found(run: Path, world: rl.datasets.World) -> None:
    found = rl.io.read_regulons(run / "regulons.gmt")
    chance = len(world.network) / (len(world.tfs) * (world.adata.n_vars - 1))
    assert len(found) >= 3
    table = rl.evaluate.network(found, world.network, tfs=world.tfs, genes=world.adata.var_names, metrics="precision")
    assert table["low"].iloc[0] > 2 * chance and table["value"].iloc[0] > 3 * chance


def test_the_anndata_agrees_with_the_tables(run: Path) -> None:
    adata = anndata.read_h5ad(run / "result.h5ad")
    auc = rl.io.read_table(run / "aucell.csv")
    pd.testing.assert_frame_equal(adata.obsm["aucell"], auc, check_names=False)
    rss = rl.io.read_table(run / "rss.csv")
    pd.testing.assert_frame_equal(adata.uns["aucell"]["rss_cell_type"], rss, check_names=False)
    thresholds = rl.io.read_table(run / "thresholds.csv")["threshold"]
    on = auc.gt(thresholds[auc.columns], axis=1)
    assert (on.astype(int).to_numpy() == adata.obsm["aucell_binary"].to_numpy()).all()
    assert rl.Network.from_adata(adata).top(5).to_frame()["weight"].is_monotonic_decreasing
    assert rl.Regulons.from_adata(adata).names == list(auc.columns)


@pytest.mark.parametrize("kind", ["expression", "loom", "csv"])
def test_single_commands_give_the_same_bytes(kind: str, files: dict[str, Path], run: Path, tmp_path: Path) -> None:
    matrix, adjacencies, motifs = files[kind], tmp_path / "adjacencies.tsv", tmp_path / "motifs.csv"
    assert command("grn", matrix, files["tfs"], "-o", adjacencies, "--num_workers", 1) == 0
    pruning = [adjacencies, files["rankings"], "--annotations_fname", files["annotations"], *settings()]
    assert command("ctx", *pruning, "--expression_mtx_fname", matrix, "-o", motifs) == 0
    assert command("ctx", *pruning, "--expression_mtx_fname", matrix, "-o", tmp_path / "regulons.gmt") == 0
    assert command("aucell", matrix, motifs, "-o", tmp_path / "aucell.csv") == 0
    auc = tmp_path / "aucell.csv"
    assert (
        command("binarize", auc, "-o", tmp_path / "binary.csv", "--thresholds-output", tmp_path / "thresholds.csv") == 0
    )
    assert command("rss", run / "result.h5ad", "--groupby", "cell_type", "-o", tmp_path / "rss.csv") == 0
    for path in tmp_path.iterdir():
        if (run / path.name).exists():
            assert path.read_bytes() == (run / path.name).read_bytes(), path.name


def test_a_second_run_keeps_everything_and_a_lost_file_comes_back(files: dict[str, Path], run: Path) -> None:
    before = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
    times = {path: path.stat().st_mtime_ns for path in before}
    arguments = ["scenic", files["expression"], *options(files), "--groupby", "cell_type", "-o", run]
    assert command(*arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in before if path.name != "provenance.json"} == {
        path: time for path, time in times.items() if path.name != "provenance.json"
    }
    (run / "aucell.csv").unlink()
    assert command(*arguments) == 0
    assert {path: path.read_bytes() for path in before} == before


def test_the_call_in_memory_agrees(world: rl.datasets.World, files: dict[str, Path], run: Path) -> None:
    adata = world.adata.copy()
    regulons = rl.scenic(
        adata,
        files["tfs"],
        rankings=[files["rankings"]],
        annotations=files["annotations"],
        groupby="cell_type",
        prune_params=SETTINGS,
        n_jobs=1,
    )
    assert regulons.names == rl.io.read_regulons(run / "motifs.csv").names
    auc = rl.io.read_table(run / "aucell.csv")
    pd.testing.assert_frame_equal(adata.obsm["aucell"], auc, check_names=False, rtol=1e-12)
    assert "rss_cell_type" in adata.uns["aucell"]
    assert any("Aibar" in line for line in rl.citations(adata))


def test_no_regulon_is_said_so_and_what_was_done_is_kept(files: dict[str, Path], tmp_path: Path) -> None:
    strict = ScenicOptions(
        tfs=files["tfs"],
        rankings=(files["rankings"],),
        annotations=files["annotations"],
        nes_threshold=1000.0,
        rank_threshold=300,
        min_genes=10,
    )
    with pytest.raises(rl.EmptyResultError, match="nes_threshold"):
        run_scenic(lambda: rl.io.read(files["expression"]), strict, tmp_path / "out")
    done = json.loads((tmp_path / "out" / "provenance.json").read_text())["stages"]
    assert list(done) == ["network inference", "motif pruning"]


def test_an_unknown_column_is_refused_before_the_work(files: dict[str, Path], tmp_path: Path, capsys) -> None:
    arguments = ["scenic", files["expression"], *options(files), "--groupby", "cluster", "-o", tmp_path / "out"]
    assert command(*arguments) == 3
    assert "'cluster' is no column of obs; there are cell_type" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.tsv"))
