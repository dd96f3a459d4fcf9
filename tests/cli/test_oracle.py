"""``reguloom oracle``: what goes in, what comes out, and what is refused."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from reguloom import oracle
from reguloom.core import Network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cells along a line, two factors, counts."""
    rng = np.random.default_rng(0)
    made = tmp_path_factory.mktemp("oracle")
    time = np.sort(rng.random(160))
    factors = np.column_stack([3 + 40 * time, 40 - 30 * time])
    targets = factors @ rng.random((2, 18)) + 4
    counts = rng.poisson(np.hstack([factors, targets])).astype(np.float32)
    adata = anndata.AnnData(counts, obs=pd.DataFrame({"time": time}, index=[f"c{i}" for i in range(160)]))
    adata.var_names = ["Up", "Down", *(f"Gene{i}" for i in range(18))]
    adata.obs["state"] = np.where(time < 0.5, "early", "late")
    adata.obsm["X_umap"] = np.column_stack([10 * time, rng.normal(size=160)])
    adata.write_h5ad(made / "cells.h5ad")
    pairs = [(tf, f"Gene{i}") for tf in ("Up", "Down") for i in range(18)]
    pd.DataFrame(pairs, columns=["source", "target"]).to_csv(made / "prior.csv", index=False)
    return made


@pytest.fixture
def fitted(folder: Path, run) -> Path:
    path = folder / "oracle.h5ad"
    if not path.exists():
        done = run("oracle", "fit", folder / "cells.h5ad", "--base-network", folder / "prior.csv",
                   "--groupby", "state", "-o", path, "-q")  # fmt: skip
        assert done.code == 0, done.err
    return path


def test_fit_simulate_score(folder: Path, fitted: Path, run, tmp_path: Path) -> None:
    model = oracle.Oracle.read(fitted)
    assert list(model.regulators) == ["Down", "Up"]
    prediction = tmp_path / "ko.h5ad"
    done = run("oracle", "simulate", fitted, "--ko", "Up", "-o", prediction)
    assert done.code == 0, done.err
    assert oracle.read_prediction(prediction).perturbations[0].label == "Up=0"
    done = run("oracle", "score", prediction, folder / "cells.h5ad", "--pseudotime", "time", "--lineages", "state",
               "-o", tmp_path / "score.csv", "--cells", tmp_path / "cells.csv", "--bins", tmp_path / "bins.csv",
               "--annotated", tmp_path / "annotated.h5ad")  # fmt: skip
    assert done.code == 0, done.err
    table = pd.read_csv(tmp_path / "score.csv", index_col=0)
    assert list(table.index) == ["all", "early", "late"]
    assert table.loc["all", "net"] < 0
    assert len(pd.read_csv(tmp_path / "cells.csv")) == 160
    assert set(pd.read_csv(tmp_path / "bins.csv")["lineage"]) == {"all", "early", "late"}
    annotated = anndata.read_h5ad(tmp_path / "annotated.h5ad")
    assert annotated.layers["oracle_delta"].shape == annotated.shape
    assert annotated.obsm["oracle_delta_umap"].shape == (160, 2)
    again = run("oracle", "score", prediction, tmp_path / "annotated.h5ad", "--transition", "oracle_transition",
                "-o", tmp_path / "own.csv")  # fmt: skip
    assert again.code == 0, again.err
    assert pd.read_csv(tmp_path / "own.csv").loc[0, "net"] > 0  # a knock-out goes along with itself


def test_levels_are_read_as_they_are_written(fitted: Path, run, tmp_path: Path) -> None:
    done = run("oracle", "simulate", fitted, "--kd", "Up", "--fraction", "0.25", "--oe", "Down=q0.5", "-o",
               tmp_path / "a.zarr")  # fmt: skip
    assert done.code == 0, done.err
    assert oracle.read_prediction(tmp_path / "a.zarr").perturbations[0].label == "Up=x0.75+Down=q0.5"
    assert run("oracle", "simulate", fitted, "--oe", "Up=x1.5", "-o", tmp_path / "b.h5ad").code == 0
    assert oracle.read_prediction(tmp_path / "b.h5ad").perturbations[0].label == "Up=x1.5"


def test_edges_alone(folder: Path, run, tmp_path: Path) -> None:
    path = tmp_path / "net.parquet"
    done = run("oracle", "fit", folder / "cells.h5ad", "--base-grn", folder / "prior.csv", "-o", path)
    assert done.code == 0, done.err
    assert len(Network.from_frame(pd.read_parquet(path))) > 20


def screen(folder: Path, run, out: Path, *more: object):
    files = folder / "cells.h5ad", "--base-network", folder / "prior.csv"
    where = "--groupby", "state", "--basis", "umap", "--pseudotime", "time", "-o", out
    return run("oracle", "screen", *files, *where, "--n-null", 5, "--n-bootstrap", 5, *more)


def test_screen_writes_everything(folder: Path, run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = screen(folder, run, out, "--pairs", "Up+Down", "-j", 1)
    assert done.code == 0, done.err
    table = pd.read_csv(out / "screen.csv")
    assert set(table["gene"]) == {"Up", "Down", "Up+Down"}
    assert {"negative_low", "positive_high", "effect_size", "p", "q", "baseline_correlation"} <= set(table.columns)
    assert (out / "network.parquet").exists()
    assert {
        "ranking_all.png",
        "ranking_late.png",
        "volcano_early.png",
        "heatmap.png",
        "development.png",
        "network_late.png",
        "flow_Up.png",
    } <= {one.name for one in (out / "figures").iterdir()}
    result = anndata.read_h5ad(out / "result.h5ad")
    assert "X_umap" in result.obsm
    assert len(result.uns["oracle_screen"]) == len(table)
    assert run("oracle", "simulate", out / "result.h5ad", "--ko", "Up", "-o", tmp_path / "p.h5ad").code == 0
    assert not list(out.glob("*.jsonl"))
    assert "late: against development" in done.out
    again = screen(folder, run, out)
    assert again.code == 3
    assert "--force" in again.err
    two = tmp_path / "two"
    assert screen(folder, run, two, "--pairs", "Up+Down", "-j", 2).code == 0
    assert (two / "screen.csv").read_bytes() == (out / "screen.csv").read_bytes()
    assert (two / "network.parquet").read_bytes() == (out / "network.parquet").read_bytes()


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("simulate {fitted} --ko Gene1 -o {out}.h5ad", 3, "not a regulator"),
        ("simulate {fitted} --ko Upp -o {out}.h5ad", 3, "closest that can be are Up"),
        ("simulate {fitted} -o {out}.h5ad", 2, "say what to do"),
        ("simulate {fitted} --oe Up=q2 -o {out}.h5ad", 3, "between 0 and 1"),
        ("score {fitted} {folder}/cells.h5ad --time time --annotated x.csv -o {out}.csv", 2, "written to .h5ad"),
        ("screen {folder}/cells.h5ad --base-network {folder}/prior.csv --time time --lineages x -o {out}", 3, "'x'"),
        ("simulate {fitted} --oe Up=much -o {out}.h5ad", 2, "no level"),
        ("simulate {fitted} --ko Up -o {out}.csv", 2, ".h5ad"),
        ("simulate {folder}/cells.h5ad --ko Up -o {out}.h5ad", 4, "no oracle"),
        ("score {fitted} {folder}/cells.h5ad --pseudotime time -o {out}.csv", 4, "no prediction"),
        ("fit {folder}/cells.h5ad --base-network {folder}/prior.csv --no-normalize -o {out}.h5ad", 3, "raw counts"),
        ("fit {folder}/cells.h5ad --base-network {folder}/prior.csv --groupby x -o {out}.h5ad", 3, "no column 'x'"),
        ("fit {folder}/cells.h5ad --base-network {folder}/none.csv -o {out}.h5ad", 3, "does not exist"),
        ("fit {folder}/cells.h5ad --base-network {folder}/prior.csv -o {out}.txt", 2, ".h5ad"),
        ("screen {folder}/cells.h5ad --base-network {folder}/prior.csv -o {out}", 3, "--pseudotime"),
        ("screen {folder}/cells.h5ad --base-network {folder}/prior.csv --pseudotime t -o {out}", 3, "no column 't'"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    line: str, code: int, says: str, folder: Path, fitted: Path, run, tmp_path: Path
) -> None:
    done = run("oracle", *line.format(folder=folder, fitted=fitted, out=tmp_path / "out").split())
    assert done.code == code, done.err
    assert says in done.err
    assert "Traceback" not in done.err


def test_help_lists_the_five(run) -> None:
    done = run("oracle", "--help")
    assert all(name in done.out for name in ("fit", "simulate", "score", "screen", "base-grn"))
    for name in ("fit", "simulate", "score", "screen", "base-grn"):
        assert run("oracle", name, "--help").code == 0
