"""``reguloom temporal``: every layout in, documented files out, the same labels everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.cli.temporal import command
from reguloom.temporal import TemporalModules

QUICK = ("--method", "kmeans", "-k", "4", "--n-seeds", "2")


@pytest.fixture(scope="module")
def world():
    return rl.datasets.time_course(n_cells=50, n_genes=160, n_database_genes=600, n_random_motifs=40, rng=1)


@pytest.fixture(scope="module")
def folder(world, tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("temporal")
    world.write(made)
    table = world.adata.to_df().rename(columns={"Gene050": "HLA.B"}).astype(int)
    obs = world.adata.obs
    about = {"PseudoCellID": obs.index, "Time_numeric": obs["time"], "CellType": obs["cell_type"].astype(str)}
    pd.concat([pd.DataFrame(about, obs.index), table], axis=1).to_csv(made / "original.csv", index=False)
    return made


@pytest.fixture
def fitted(folder: Path, run) -> Path:
    path = folder / "fit"
    if not path.exists():
        done = run("temporal", "fit", folder / "cells.h5ad", "--batch", "replicate", *QUICK, "-o", path, "-q")
        assert done.code == 0, done.err
    return path


def test_the_whole_job_in_one_line(folder: Path, run, tmp_path: Path) -> None:
    figure = tmp_path / "figure.png"
    done = run("temporal", folder / "original.csv", "--output", figure, *QUICK, "--labels", tmp_path / "labels.csv")
    assert done.code == 0, done.err
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert "HLA.B -> HLA-B" in done.err
    assert "4 modules (kmeans)" in done.out
    labels = pd.read_csv(tmp_path / "labels.csv")
    assert list(labels.columns) == ["Gene", "Cluster"]
    again = run("temporal", "--input", folder / "original.csv", "--output", tmp_path / "b.png", *QUICK)
    assert again.code == 0, again.err
    assert (tmp_path / "b.png").read_bytes() == figure.read_bytes()


def test_fit_writes_what_it_says(fitted: Path, world) -> None:
    names = {path.name for path in fitted.iterdir()}
    assert {"modules.csv", "timing.csv", "benchmark.csv", "result.h5ad", "figures", "module_C1.csv"} <= names
    assert not list(fitted.glob("*.partial"))
    drawn = {path.name for path in (fitted / "figures").iterdir()}
    assert {"modules.png", "genes.png", "heatmap.png", "timing.png", "latent.png", "stability.png"} <= drawn
    benchmark = pd.read_csv(fitted / "benchmark.csv")
    assert set(benchmark["method"]) >= {"kmeans", "pca-gmm", "gp-mixture", "dtw", "fuzzy", "half-time"}


def test_labels_are_the_same_in_every_file(fitted: Path) -> None:
    labels = pd.read_csv(fitted / "modules.csv", keep_default_na=False).set_index("Gene")["Cluster"]
    result = TemporalModules.read(fitted)
    stored = result.modules[result.modules != "static"]
    assert labels.to_dict() == stored.to_dict()
    for name in result.names:
        assert set(pd.read_csv(fitted / f"module_{name}.csv")["Gene"]) == set(stored.index[stored == name])
    half = result.first_timing()["half_time"]
    medians = [half[stored.index[stored == name]].median() for name in result.names]
    assert medians == sorted(medians)
    assert medians == pytest.approx(list(result.summary["half_time"]))


def test_modules_are_those_that_were_planted(fitted: Path, world) -> None:
    labels = pd.read_csv(fitted / "modules.csv").set_index("Gene")["Cluster"]
    truth = world.truth["module"].reindex(labels.index)
    table = pd.crosstab(labels, truth)
    assert (table.max(axis=1).sum() / len(labels)) > 0.85


@pytest.mark.slow
def test_a_second_fit_clears_what_is_no_more(fitted: Path, folder: Path, run, tmp_path: Path) -> None:
    out = tmp_path / "fit"
    for k in ("4", "2"):
        line = ("temporal", "fit", folder / "cells.h5ad", "-m", "kmeans", "-k", k, "--n-seeds", "2", "-o", out, "-q")
        done = run(*line, "--force")
        assert done.code == 0, done.err
    assert sorted(path.name for path in out.glob("module_C*.csv")) == ["module_C1.csv", "module_C2.csv"]
    refused = run(*line)
    assert refused.code == 3
    assert "--force" in refused.err


def test_times(folder: Path, run, tmp_path: Path) -> None:
    done = run("temporal", "times", folder / "cells.h5ad", "--batch", "replicate", "-o", tmp_path / "t.csv")
    assert done.code == 0, done.err
    table = pd.read_csv(tmp_path / "t.csv").set_index("gene")
    assert table.loc["IRF1", "half_time"] < 4 < table.loc["MAFB", "half_time"]
    assert table["dynamic"].all()
    shown = run("temporal", "times", folder / "cells.h5ad", "--all", "-q")
    assert len(shown.out.splitlines()) == 161


def test_motifs_end_in_factors_that_come_in_time(fitted: Path, folder: Path, run, tmp_path: Path) -> None:
    database = next(folder.glob("*.rankings.feather"))
    line = ("--rankings", database, "--annotations", folder / "motifs.tbl", "--n-permutations", "20")
    done = run("temporal", "motifs", fitted, *line, "-o", tmp_path / "motifs")
    assert done.code == 0, done.err
    factors = pd.read_csv(tmp_path / "motifs/factors.csv")
    late = factors[factors["factor"] == "IRF1"].iloc[0]
    assert late["verdict"] == "before"
    assert late["module"] == "C4"
    assert (tmp_path / "motifs/figures/motifs.png").exists()
    assert "C1 against C4" in done.out
    plain = run("temporal", "motifs", fitted / "modules.csv", *line, "-o", tmp_path / "plain", "--contrast", "C2", "C4")
    assert plain.code == 0, plain.err
    assert "verdict" not in pd.read_csv(tmp_path / "plain/factors.csv")
    assert pd.read_csv(tmp_path / "plain/motifs.csv").equals(pd.read_csv(tmp_path / "motifs/motifs.csv"))


def test_links_of_peaks_and_expression(folder: Path, fitted: Path, run, tmp_path: Path) -> None:
    line = ("--genes", folder / "genes.csv", "--modules", fitted / "modules.csv", "--n-neighbors", "15")
    done = run("temporal", "links", folder / "peaks.h5ad", "--expression", folder / "cells.h5ad", *line, "-o",
               tmp_path / "links.csv")  # fmt: skip
    assert done.code == 0, done.err
    assert "too small to conclude" in done.err
    table = pd.read_csv(tmp_path / "links.csv")
    assert set(table["gene"]) <= set(pd.read_csv(fitted / "modules.csv")["Gene"])
    alone = run("temporal", "links", folder / "peaks.h5ad", *line, "-o", tmp_path / "alone.csv")
    assert alone.code == 0, alone.err
    assert "are left out for it" in alone.err


@pytest.mark.slow
def test_peaks_to_modules(folder: Path, run, tmp_path: Path) -> None:
    done = run("temporal", "fit", folder / "peaks.h5ad", "--genes", folder / "genes.csv", *QUICK, "-o", tmp_path / "o")
    assert done.code == 0, done.err
    assert "modules (kmeans)" in done.out


@pytest.mark.parametrize(
    "options", [("-g", "IRF1", "-g", "NOBODY"), ("--kind", "heatmap"), ("--kind", "timing"), ("--kind", "latent")]
)
def test_plots(fitted: Path, run, tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run("temporal", "plot", fitted, *options, "-o", tmp_path / "p.png")
    assert done.code == 0, done.err
    assert (tmp_path / "p.png").stat().st_size > 5000
    assert ("not in the time course: NOBODY" in done.err) == ("NOBODY" in options)


def test_flat_data_has_no_modules(world, run, tmp_path: Path) -> None:
    flat = world.adata[:, (world.truth["module"] == "static").to_numpy()].copy()
    flat.obs["time"] = np.random.default_rng(0).permutation(flat.obs["time"].to_numpy())
    flat.write_h5ad(tmp_path / "flat.h5ad")
    done = run("temporal", tmp_path / "flat.h5ad", "-o", tmp_path / "f.png", "-m", "kmeans")
    assert done.code == 6
    assert "no module to draw" in done.err
    assert not (tmp_path / "f.png").exists()
    folder = run("temporal", "fit", tmp_path / "flat.h5ad", "-o", tmp_path / "o", "-m", "kmeans")
    assert folder.code == 0, folder.err
    assert "0 modules" in folder.out
    assert "the data are flat as far as they tell, and there is no module" in folder.out


def test_without_pytorch_another_method_is_named(folder: Path, run, tmp_path: Path, monkeypatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "torch" else real(name, *more))
    done = run("temporal", folder / "original.csv", "--output", tmp_path / "f.png")
    assert done.code == 5
    assert "--method pca-gmm" in done.errors[0]
    assert not list(tmp_path.iterdir())


def test_a_misspelt_subcommand_is_helped(run) -> None:
    done = run("temporal", "fti", "-o", "x")
    assert done.code == 2
    assert "did you mean 'fit'" in done.err


def test_the_help_shows_the_subcommands(run) -> None:
    shown = run("temporal", "--help").out
    assert all(name in shown for name in ("fit", "times", "motifs", "links", "plot"))
    assert "draw" not in command.list_commands(None)
