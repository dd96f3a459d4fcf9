"""``reguloom vectorfield``: from counts to streamlines to a perturbation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from tests.vectorfield.conftest import make_toggle

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = make_toggle(n_cells=300)
    world.adata.obsm["X_umap"] = world.adata.X[:, :2].copy()
    path = tmp_path_factory.mktemp("cells") / "cells.h5ad"
    world.adata.write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def fitted(cells: Path) -> Path:
    import anndata

    from reguloom import vectorfield

    adata = anndata.read_h5ad(cells)
    vectorfield.fit(adata, groupby="state", n_control=80, n_bootstrap=2).to_adata(adata)
    path = cells.with_name("fitted.h5ad")
    adata.write_h5ad(path)
    return path


def test_fit(run: Run, cells: Path, tmp_path: Path) -> None:
    out, figure = tmp_path / "f.h5ad", tmp_path / "f.png"
    made = run("vectorfield", "fit", cells, "--basis", "pca", "--groupby", "state", "-o", out, "--plot", figure)
    assert made.code == 0, made.err
    assert "VectorField(300 cells" in made.err
    assert figure.stat().st_size > 10_000
    again = run("vectorfield", "fit", cells, "-o", out)
    assert again.code == 3 and "--force" in again.err


def test_what_fails_is_repeated_by_every_prediction(run: Run, cells: Path, tmp_path: Path) -> None:
    out = tmp_path / "few.h5ad"
    made = run("vectorfield", "fit", cells, "--n-control", "6", "--bandwidth", "9", "--ridge", "1", "-o", out)
    doubts = [line.removeprefix("DOUBT ").split(":")[0] for line in made.err.splitlines() if line.startswith("DOUBT")]
    assert made.code == 0 and doubts
    again = run("vectorfield", "perturb", out, "--knockout", "G0", "-o", "-")
    assert all(f"doubt: {one}" in again.err for one in doubts)


def test_a_file_without_a_field_is_fitted_now(run: Run, cells: Path, tmp_path: Path) -> None:
    options = ("--basis", "pca", "--groupby", "state", "--regulators", "G0", "--targets", "G1")
    made = run("vectorfield", "jacobian", cells, *options, "-o", "-", "--plot", tmp_path / "j.png")
    assert made.code == 0, made.err
    assert "no field is stored in cells.h5ad" in made.err
    assert len(made.out.splitlines()) == 1 + 2
    assert (tmp_path / "j.png").stat().st_size > 5_000


def test_the_basis_has_to_be_that_of_the_field(run: Run, fitted: Path) -> None:
    made = run("vectorfield", "screen", fitted, "--basis", "umap", "-o", "-")
    assert made.code == 3 and "a field on 'pca', not on 'umap'" in made.errors[0]
    grouped = run("vectorfield", "screen", fitted, "--basis", "pca", "--groupby", "state", "--genes", "G0", "-o", "-")
    assert grouped.code == 0 and len(grouped.out.splitlines()) == 1 + 2


def test_labelling(run: Run, cells: Path, tmp_path: Path) -> None:
    import anndata

    adata = anndata.read_h5ad(cells)
    adata.layers["total"] = adata.layers.pop("Ms")
    adata.layers["new"] = adata.layers["total"] * 0.3
    adata.layers["new"][:, 1:] *= np.linspace(0.8, 1.2, 300)[:, None]
    del adata.layers["velocity"], adata.obsm["velocity_pca"]
    adata.obs["hours"] = 2.0
    adata.write_h5ad(tmp_path / "l.h5ad")
    options = ("--method", "labelling", "--labelling-time", "hours", "--projection", "linear", "--no-diagnose")
    made = run("vectorfield", "fit", tmp_path / "l.h5ad", *options, "-o", tmp_path / "f.h5ad")
    assert made.code == 0, made.err
    assert np.allclose(anndata.read_h5ad(tmp_path / "f.h5ad").var["velocity_gamma"].iloc[0], -np.log(0.7) / 2)


def test_jacobian(run: Run, fitted: Path, tmp_path: Path) -> None:
    made = run("vectorfield", "jacobian", fitted, "--regulators", "G0", "G1", "--targets", "G1,G4", "-o", "-")
    assert made.code == 0, made.err
    lines = made.out.splitlines()
    assert lines[0] == "group,regulator,target,mean,rank,sign_stability"
    assert len(lines) == 1 + 2 * 2 * 2


def test_perturb(run: Run, fitted: Path, tmp_path: Path) -> None:
    names = ("cells.csv", "genes.csv", "fates.csv", "flow.png")
    out, genes, fates, figure = (tmp_path / name for name in names)
    made = run(
        "vectorfield", "perturb", fitted, "--knockout", "G0", "-o", out, "--genes-output", genes,
        "--fates-output", fates, "--terminal", "A", "B", "--plot", figure,
    )  # fmt: skip
    assert made.code == 0, made.err
    assert list(pd.read_csv(out).columns) == ["Cell", "angle", "speed_ratio", "linear_validity", "support"]
    assert list(pd.read_csv(genes).columns) == ["gene", "A", "B"]
    assert {"change", "p", "fdr"} <= set(pd.read_csv(fates).columns)
    assert figure.stat().st_size > 10_000
    doubtful = run("vectorfield", "perturb", fitted, "--overexpress", "G0=50", "-o", "-")
    assert "beyond the observed range" in doubtful.err


def test_screen(run: Run, fitted: Path, tmp_path: Path) -> None:
    tfs = tmp_path / "tfs.txt"
    tfs.write_text("G0\nG1\nNot_there\n")
    made = run("vectorfield", "screen", fitted, "--genes", tfs, "-o", "-")
    assert made.code == 0, made.err
    assert len(made.out.splitlines()) == 1 + 2 * 2


def test_path(run: Run, fitted: Path, tmp_path: Path) -> None:
    ranks, figure = tmp_path / "r.csv", tmp_path / "p.svg"
    made = run(
        "vectorfield", "path", fitted, "--from", "A", "--to", "B", "--n-points", "8", "-o", "-",
        "--ranks-output", ranks, "--plot", figure, "--heatmap", tmp_path / "h.png",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert len(made.out.splitlines()) == 1 + 10
    assert "action" in made.err
    assert pd.read_csv(ranks)["rank"].tolist() == list(range(1, 13))
    matrix = run("vectorfield", "path", fitted, "--matrix", "--n-points", "5", "-o", "-", "--plot", tmp_path / "m.png")
    assert matrix.code == 0 and matrix.out.splitlines()[0] == "from,A,B"
    assert run("vectorfield", "path", fitted, "--from", "A", "-o", "-").code == 2


def test_diagnose(run: Run, fitted: Path) -> None:
    made = run("vectorfield", "diagnose", fitted, "--n-null", "3", "--edge", "A:B", "-o", "-")
    assert made.code == 0, made.err
    assert made.out.startswith("check,value,null")
    assert "DOUBT" in made.err or "ok" in made.err
    assert run("vectorfield", "diagnose", fitted, "--edge", "AB", "-o", "-").code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("perturb", "--knockout", "Nope"), 3, "Nope"),
        (("perturb",), 2, "--knockout GENE"),
        (("perturb", "--overexpress", "G0=much"), 2, "a number or max"),
        (("path", "--from", "A", "--to", "Z"), 3, "no group or cell 'Z'"),
        (("jacobian", "--key", "other"), 3, "no 'other'"),
    ],
)
def test_bad_input(run: Run, fitted: Path, arguments: tuple[str, ...], code: int, text: str) -> None:
    made = run("vectorfield", arguments[0], fitted, *arguments[1:], "-o", "-")
    assert made.code == code
    assert text in made.errors[0] and len(made.errors) == 1


@pytest.mark.parametrize("name", ["scvelo/pancreas_50obs", "scvelo/dentategyrus_100obs", "cellrank/adata_100"])
def test_real_cells_from_counts_to_a_perturbation(run: Run, shared: Path, name: str, tmp_path: Path) -> None:
    import anndata

    field, figure = tmp_path / "f.h5ad", tmp_path / "s.png"
    source = shared / f"data/velocity/{name}.h5ad"
    made = run("vectorfield", "fit", source, "--n-components", "5", "-o", field, "--plot", figure)
    assert made.code == 0, made.err
    assert figure.stat().st_size > 5_000
    gene = str(anndata.read_h5ad(field).uns["vectorfield"]["space"]["genes"][0])
    made = run("vectorfield", "perturb", field, "--knockout", gene, "-o", tmp_path / "p.csv", "--plot",
               tmp_path / "p.png")  # fmt: skip
    assert made.code == 0, made.err
    made = run("vectorfield", "diagnose", field, "-o", tmp_path / "d.csv")
    assert "DOUBT enough cells" in made.err


def test_from_counts(run: Run, tmp_path: Path) -> None:
    from tests.vectorfield.test_velocity import splicing

    adata: AnnData = splicing()[0]
    adata.X = adata.layers["spliced"]
    for name in ("Ms", "Mu", "true"):
        del adata.layers[name]
    adata.write_h5ad(tmp_path / "c.h5ad")
    made = run("vectorfield", "fit", tmp_path / "c.h5ad", "-o", tmp_path / "f.h5ad", "--method", "steady_state")
    assert made.code == 0, made.err
