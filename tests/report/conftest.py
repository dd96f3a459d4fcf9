"""A small run with something for every panel, and names that try to be markup."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from reguloom import activity, evaluate, oracle, report, temporal, vectorfield
from reguloom.core import Network, Perturbation, Provenance, Regulon, Regulons
from reguloom.oracle.persistence import write_oracle

NASTY = (
    "<script>alert(1)</script>",
    "</script>",
    "\"quoted\" 'twice'",
    "a&amp;b",
    "Größe \u2028 \u2603",
    "<!--",
    "{{ title }}",
    "<img src=x onerror=alert(2)>",
)
FACTORS = ("Gata1", "Spi1", NASTY[0])
N_CELLS, N_TARGETS = 260, 40


def make_cells(n_cells: int = N_CELLS, seed: int = 0) -> tuple[AnnData, Network, Regulons]:
    """Return cells on a fork driven by three factors, their network, and its regulons."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.random(n_cells))
    branch = rng.random(n_cells) < 0.5
    late = np.clip(2 * time - 0.6, 0, None)
    factors = np.column_stack([0.2 + 2 * late * branch, 0.2 + 2 * late * ~branch, 2.2 - 2 * time])
    factors = np.clip(factors + 0.15 * rng.normal(size=factors.shape), 0, None)
    # No cell has the first factor in one group, so that a knock-out does nothing there.
    names = [*NASTY[1:], *(f"Target{i:02d}" for i in range(N_TARGETS - len(NASTY) + 1))]
    edges = rng.random((3, N_TARGETS)) < 0.4
    edges[np.arange(N_TARGETS) % 3, np.arange(N_TARGETS)] = True
    effect = edges * rng.choice([0.8, 0.6, -0.5], size=edges.shape)
    targets = np.clip(0.3 + factors @ effect + 0.2 * rng.normal(size=(n_cells, N_TARGETS)), 0, None)
    group = np.where(time < 0.4, "stem", np.where(branch, "ery & <b>bold</b>", "mye"))
    adata = AnnData(
        np.hstack([factors, targets]).astype(np.float32),
        obs=pd.DataFrame(
            {"pseudotime": time, "cell_type": pd.Categorical(group)}, index=[f"c{i}" for i in range(n_cells)]
        ),
        var=pd.DataFrame(index=[*FACTORS, *names]),
    )
    adata.obsm["X_umap"] = np.column_stack([5 * time, 3 * late * np.where(branch, 1, -1)]) + 0.2 * rng.normal(
        size=(n_cells, 2)
    )
    source, target = np.nonzero(edges)
    network = Network.from_edges([FACTORS[i] for i in source], [names[j] for j in target])
    members = [
        Regulon(name, 1, tuple(names[j] for j in np.flatnonzero(edges[i])), motifs=(f"motif {name}",), nes=3.0 + i)
        for i, name in enumerate(FACTORS)
    ]
    return adata, network, Regulons(members, provenance=Provenance("cistarget", {"nes_threshold": 3.0}, 0))


def add_regulons(adata: AnnData, regulons: Regulons) -> None:
    """Put regulons, their activity and specificity into `adata`."""
    regulons.to_adata(adata)
    activity.aucell(adata, regulons, auc_threshold=0.2)
    activity.binarize(adata)
    activity.specificity(adata, groupby="cell_type")


def add_temporal(adata: AnnData, seed: int = 3) -> None:
    """Put temporal modules into the slots that a fit writes."""
    rng = np.random.default_rng(seed)
    names = ["C1", "C2", "static"]
    labels = np.array(names)[rng.integers(0, 3, adata.n_vars)]
    adata.var["temporal_module"] = pd.Categorical(labels, categories=names)
    adata.var["temporal_halftime"] = np.where(labels == "static", np.nan, rng.gamma(2.0, 2.0, adata.n_vars))
    adata.var["temporal_onset"] = adata.var["temporal_halftime"] / 2
    times = np.linspace(0, 12, 7)
    rows = []
    for i, name in enumerate(names[:2]):
        for time in times:
            mean = float(np.tanh(time / (2 + 3 * i)))
            rows.append((name, "all", time, mean, mean - 0.2, mean + 0.2, 9))
    curves = pd.DataFrame(rows, columns=["module", "track", "time", "mean", "low", "high", "n_genes"])
    benchmark = pd.DataFrame({"method": ["vrnn", "kmeans", "any order"], "held_out": [-1.0, -1.2, -1.9]})
    for table in (curves, benchmark):
        table.index = table.index.astype(str)
    adata.uns["temporal"] = {"method": "vrnn", "curves": curves, "benchmark": benchmark, "notes": "[]"}


def add_field(adata: AnnData) -> None:
    """Put principal components, velocities along the fork and the field fitted to them into `adata`."""
    centred = np.asarray(adata.X) - np.asarray(adata.X).mean(axis=0)
    left, size, right = np.linalg.svd(centred, full_matrices=False)
    adata.obsm["X_pca"], adata.varm["PCs"] = (left * size)[:, :3], right[:3].T
    later = np.minimum(np.arange(adata.n_obs) + 20, adata.n_obs - 1)
    adata.obsm["velocity_pca"] = adata.obsm["X_pca"][later] - adata.obsm["X_pca"]
    vectorfield.fit(adata, basis="pca", groupby="cell_type", n_control=30, n_jobs=1).to_adata(adata)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run: cells with regulons and modules, a fitted oracle with its screen, a leaderboard, a log."""
    folder = tmp_path_factory.mktemp("run")
    adata, network, regulons = make_cells()
    add_regulons(adata, regulons)
    add_temporal(adata)
    adata.write_h5ad(folder / "result.h5ad")
    model = oracle.fit(adata, network, groupby="cell_type", n_neighbors=5, p=None, n_bootstrap=5, n_jobs=1)
    field = oracle.development(adata, pseudotime="pseudotime", n_neighbors=40, n_grid=20)
    table = oracle.screen(model, field, nulls=["rewired"], n_null=5, n_bootstrap=5, n_neighbors=40, n_jobs=1)
    (folder / "oracle").mkdir()
    write_oracle(model, folder / "oracle" / "result.h5ad", adata=adata, screen=table, development=field)
    add_field(adata)
    (folder / "vectorfield").mkdir()
    adata.write_h5ad(folder / "vectorfield" / "result.h5ad")
    checks = "check,value,null,passed,verdict\nhalves agree,0.9,0.1,True,fine\nenough <i>genes</i>,3,,False,too few\n"
    (folder / "vectorfield" / "diagnosis.csv").write_text(checks)
    rows = "model,metric,value,kind\nGEARS,l2,0.4,model\nadditive,l2,0.41,baseline\n<i>mean</i>,l2,0.6,baseline\n"
    (folder / "leaderboard.csv").write_text(rows)
    (folder / "run.log").write_text("12:00:01 warning: 3 genes <b>are</b> missing\n12:00:02 done\n")
    stages = {"grn": {"fingerprint": "00ff", "params": {"method": "grnboost2", "tfs": NASTY[0]}, "wall_s": 1.5}}
    (folder / "manifest.json").write_text(json.dumps({"stages": stages, "inputs": {"matrix": "abc"}}))
    return folder


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of what ``evaluate`` and ``temporal.fit`` wrote, with another tool's predictions in the table."""
    folder = tmp_path_factory.mktemp("judged")
    rng = np.random.default_rng(0)
    genes, labels = [f"G{i:02d}" for i in range(12)], ["control", "G00", "G01", "G02", "G00+G01", "G01+G02", "G00+G02"]
    effect = {name: rng.normal(size=len(genes)) for name in labels[1:4]}
    means = {
        label: 3 + sum((effect[one] for one in label.split("+") if one in effect), np.zeros(12)) for label in labels
    }
    rows = [means[label] + 0.5 * rng.normal(size=(20, 12)) for label in labels]
    obs = pd.DataFrame({"perturbation": np.repeat(labels, 20)}, index=[f"c{i}" for i in range(140)])
    values = np.clip(np.vstack(rows), 0, None).astype(np.float32)
    screen = AnnData(values, obs=obs, var=pd.DataFrame(index=genes))
    screen.obsm["X_pca"] = np.asarray(screen.X)[:, :2]
    screen.write_h5ad(folder / "result.h5ad")
    other = pd.DataFrame({label: means[label] for label in labels[4:]}, index=genes).T
    scores = evaluate.response({"<b>oracle</b>": other}, screen, split="unseen-combination", n_splits=1, n_bootstrap=20)
    scores.write(folder / "evaluation")
    hours = np.repeat([0.0, 1.0, 2.0, 4.0, 8.0], 2)
    early, late = np.exp(-hours), hours / 8
    courses = np.array([(early if i < 8 else late) * 5 + 0.05 * rng.normal(size=10) for i in range(16)])
    header = [f"{hour:g}h_rep{i % 2 + 1}" for i, hour in enumerate(hours)]
    pd.DataFrame(courses, [f"g{i}" for i in range(16)], header).to_csv(
        folder / "course.tsv", sep="\t", index_label="gene"
    )
    course = temporal.as_course(temporal.read(folder / "course.tsv", bulk=True))
    temporal.fit(course, method="kmeans", n_modules=2, rng=0).write(folder / "temporal")
    return report.build(folder, folder / "report.html")


@pytest.fixture(scope="session")
def page(run_folder: Path) -> Path:
    """The report of that run."""
    return report.build(run_folder, run_folder / "report.html", title="A <b>run</b> & more")


@pytest.fixture(scope="session")
def fitted(run_folder: Path) -> oracle.Oracle:
    """The oracle of that run."""
    return oracle.Oracle.read(run_folder / "oracle" / "result.h5ad")


@pytest.fixture(scope="session")
def knockout() -> Perturbation:
    return Perturbation.knockout("Gata1")


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """A browser; skipped with the reason where there is none."""
    from tests.report.browser import Browser, find

    binary = find()
    if binary is None:
        pytest.skip("Chromium is not installed; 'apt-get install chromium', or name it in REGULOOM_CHROMIUM")
    with Browser(binary) as browser:
        yield browser
