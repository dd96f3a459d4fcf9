"""The whole fit without a network: modules, their number, static and unassigned genes, files, determinism."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from reguloom import temporal
from reguloom._errors import InputError
from reguloom.temporal.benchmark import verdict
from reguloom.temporal.consensus import adjusted_rand
from reguloom.temporal.held_out import held_out
from reguloom.temporal.noise import estimate_noise
from reguloom.temporal.profile import Profile
from reguloom.temporal.thinning import thin

from .simulated import course


@pytest.fixture(scope="module")
def fitted() -> tuple[temporal.TemporalModules, pd.Series]:
    data, module = course(120, static=0.3, n_replicates=2)
    return temporal.fit(data, method="kmeans", truth=module[module != "static"], n_seeds=3), module


def test_planted_modules_are_found_and_counted(fitted) -> None:
    result, module = fitted
    grouped = ~result.modules.isin(["static", "unassigned"])
    assert result.names == ["C1", "C2", "C3", "C4"]
    assert adjusted_rand(pd.factorize(result.modules[grouped])[0], pd.factorize(module[grouped])[0]) > 0.9
    assert (result.modules[module == "static"] == "static").mean() > 0.9
    assert result.selection["chosen"].sum() == 1


def test_modules_are_numbered_by_half_time(fitted) -> None:
    result, module = fitted
    assert list(result.summary["half_time"]) == sorted(result.summary["half_time"])
    assert module[result.modules == "C1"].mode()[0] in ("early", "transient")
    assert module[result.modules == "C4"].mode()[0] == "late"


def test_every_baseline_stands_in_the_table(fitted) -> None:
    table = fitted[0].benchmark.set_index("method")
    assert set(table.index) == {"kmeans", "pca-gmm", "gp-mixture", "dtw", "fuzzy", "half-time", "weighted"}
    assert table["held_out"].notna().all()
    assert table["agreement"]["kmeans"] > 0.9
    assert table["shape_explained"]["kmeans"] > table["level_explained"]["kmeans"]
    assert "kmeans" in fitted[0].banner


def test_tables_agree_with_each_other(fitted) -> None:
    result, _ = fitted
    assert (result.genes["module"] == result.modules).all()
    assert result.membership.sum(axis=1).to_numpy() == pytest.approx(1.0)
    assert set(result.timing["gene"]) == set(result.genes.index[result.genes["dynamic"]])
    for name, genes in result.gene_sets().items():
        assert len(genes) == result.summary.set_index("module")["n_genes"][name]
    inside = result.curves.query("module == 'C1'")
    assert (inside["low"] <= inside["mean"]).all()
    assert (inside["mean"] <= inside["high"]).all()


def test_fitted_courses_follow_the_measured_ones(fitted) -> None:
    result, _ = fitted
    rows = np.flatnonzero(result.genes["probability"].notna())
    left = (result.profile.values - result.fitted)[rows].var()
    assert left < 0.15 * result.profile.values[rows].var()


@pytest.mark.parametrize("n_tracks", [1, 2])
def test_flat_data_have_nothing_to_group(n_tracks: int) -> None:
    data, _ = course(150, static=1.0, n_replicates=2, n_tracks=n_tracks, seed=3)
    result = temporal.fit(data, method="kmeans")
    assert result.genes["dynamic"].mean() <= 0.05
    assert result.names == []
    assert set(result.modules) <= {"static", "unassigned"}
    assert any("there is no module" in note for note in result.notes)


def test_one_shape_is_one_module() -> None:
    data, module = course(160, n_replicates=2, seed=2)
    late = data.select_genes((module == "late").to_numpy())
    result = temporal.fit(late, method="kmeans", n_seeds=3)
    assert result.names == ["C1"]


def test_genes_between_modules_are_unassigned() -> None:
    data, _ = course(80, n_replicates=2, alpha=0.3, amplitude=0.8, seed=1)
    result = temporal.fit(data, method="kmeans", n_modules=6, fdr=0.3)
    low = result.genes["probability"] < 0.5
    assert low.any()
    assert (result.modules[low] == "unassigned").all()


def test_the_same_seed_gives_the_same_labels_everywhere(fitted, tmp_path: Path) -> None:
    data, _ = course(120, static=0.3, n_replicates=2)
    again = temporal.fit(data, method="kmeans", n_seeds=3)
    result = fitted[0]
    assert again.modules.equals(result.modules)
    paths = result.write(tmp_path)
    table = pd.read_csv(paths["modules"])
    assert list(table.columns) == ["Gene", "Cluster"]
    read = temporal.TemporalModules.read(tmp_path)
    stored = result.to_anndata().var["temporal_module"].astype(str)
    for labels in (table.set_index("Gene")["Cluster"], read.modules[read.modules != "static"], stored[table["Gene"]]):
        assert (labels == result.modules[labels.index]).all()
    listed = sum(len(pd.read_csv(path)) for name, path in paths.items() if name.startswith("module_"))
    assert listed == len(result.modules)


def test_a_result_comes_back_from_its_file(fitted, tmp_path: Path) -> None:
    result = fitted[0]
    result.write(tmp_path)
    read = temporal.TemporalModules.read(tmp_path / "result.h5ad")
    assert read.names == result.names
    assert read.notes == result.notes
    assert read.profile.values == pytest.approx(result.profile.values)
    assert read.fitted_error == pytest.approx(result.fitted_error)
    for name in ("timing", "summary", "selection", "benchmark", "curves"):
        pd.testing.assert_frame_equal(
            getattr(read, name), getattr(result, name).reset_index(drop=True), check_dtype=False
        )
    pd.testing.assert_frame_equal(read.membership, result.membership, check_names=False)
    assert read.banner == result.banner
    with pytest.raises(InputError, match="--force"):
        result.write(tmp_path)
    result.write(tmp_path, force=True)


def test_slots_beside_the_genes_of_cells(fitted) -> None:
    result, _ = fitted
    genes = ["Other", *result.modules.index[:50]]
    adata = AnnData(np.zeros((3, 51), dtype=np.float32), var=pd.DataFrame(index=genes))
    result.to_adata(adata)
    assert adata.var["temporal_module"]["Other"] == "static"
    moving = adata.var["temporal_halftime"].notna()
    assert (moving == [gene in set(result.genes.index[result.genes["dynamic"]]) for gene in genes]).all()
    with pytest.raises(InputError, match="none of the 1 genes"):
        result.to_adata(AnnData(np.zeros((1, 1), dtype=np.float32), var=pd.DataFrame(index=["x"])))


def test_groups_that_are_right_foresee_held_out_values_better() -> None:
    data, module = course(80, n_replicates=2, alpha=0.05)
    noise = estimate_noise(data)
    train, test = thin(data, noise, np.random.default_rng(0))
    profile = Profile.of(*train)
    right = pd.factorize(module)[0].astype(np.int64)
    wrong = np.random.default_rng(1).permutation(right)
    one = np.zeros(80, dtype=np.int64)
    scores = [held_out(train, test, profile, labels).mean() for labels in (right, wrong, one)]
    assert scores[0] > scores[1] + 0.05
    assert scores[0] > scores[2] + 0.05


def test_the_verdict_names_who_is_better() -> None:
    rows = [("vrnn", -1.0, 0.1, 0.01, 0.9), ("kmeans", -1.1, 0.0, 0.0, 0.9), ("dtw", -1.3, -0.2, 0.0, 0.95)]
    table = pd.DataFrame(rows, columns=["method", "held_out", "gain", "gain_se", "stability"])
    assert verdict(table, "vrnn").startswith("vrnn is better")
    assert "NOT better" in verdict(table.assign(gain=[0.005, 0.0, -0.2]), "vrnn")
    assert "NOT better" in verdict(table.assign(gain=[0.02, 0.0, -0.2]), "vrnn")
    assert "NOT better" in verdict(table.assign(gain=[0.001, 0.0, -0.2], gain_se=0.0), "vrnn")
    assert "NOT better" in verdict(table.assign(stability=[0.5, 0.9, 0.9]), "vrnn")


@pytest.mark.parametrize("options", [{"method": "magic"}, {"n_seeds": 1}, {"n_modules": 0}, {"compat": "other"}])
def test_options_that_cannot_be_are_refused(options) -> None:
    data, _ = course(20)
    with pytest.raises(InputError, match="accepted are"):
        temporal.fit(data, **{"method": "kmeans", **options})


def test_other_data_are_refused() -> None:
    with pytest.raises(InputError, match="TimeCourse, AnnData and a DataFrame"):
        temporal.fit([1, 2, 3])
    data, _ = course(20)
    with pytest.raises(InputError, match="binned already"):
        temporal.fit(data, groupby="cell_type")


def test_no_network_needs_no_pytorch() -> None:
    code = (
        "import sys, numpy as np; from reguloom import temporal\n"
        "rng = np.random.default_rng(0); shape = np.array([[0, 1, 1], [0, 0, 2]])[np.arange(20) % 2]\n"
        "counts = np.hstack([rng.poisson(np.exp(4.0 + shape)) for _ in range(2)])\n"
        "course = temporal.TimeCourse.from_samples(counts, [0, 2, 8] * 2, genes=[f'g{i}' for i in range(20)])\n"
        "result = temporal.fit(course, method='kmeans', n_modules=2, n_seeds=2)\n"
        "print(len(result.names), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["2", "False"]


def test_genes_beyond_the_strongest_are_said_to_be_left_out() -> None:
    data, _ = course(60, n_replicates=2)
    result = temporal.fit(data, method="half-time", n_modules=2, n_top=24, n_seeds=2)
    assert result.genes["probability"].notna().sum() == 24
    assert any("36 genes move and are unassigned" in note for note in result.notes)
    assert (result.modules == "unassigned").sum() >= 36
