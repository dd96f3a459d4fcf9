"""``reguloom response``: a screen goes in, a model comes out, and answers."""

from __future__ import annotations

import json

import anndata
import numpy as np
import pandas as pd
import pytest

TINY = {
    "gears": ["--set", "hidden=8"],
    "cpa": ["--set", "hidden=16", "--set", "n_latent=8", "--set", "likelihood=gauss"],
    "scgen": ["--set", "hidden=16", "--set", "n_latent=4", "--set", "n_layers=1"],
    "latent-additive": ["--set", "hidden=16", "--members", "2"],
}


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    """A small screen on disk: two genes, their pair, another gene, and controls."""
    rng = np.random.default_rng(0)
    labels = ["ctrl", "A+ctrl", "ctrl+B", "A+B", "C+ctrl"]
    shift = {label: 0.8 * rng.normal(size=12) * (rng.random(12) < 0.5) for label in labels[1:]}
    names = np.repeat(labels, 40)
    values = 1.5 + 0.3 * rng.normal(size=(200, 12)) + np.stack([shift.get(name, np.zeros(12)) for name in names])
    obs = pd.DataFrame({"condition": names}, index=[f"c{i}" for i in range(200)])
    genes = [*"ABC", *(f"g{i}" for i in range(9))]
    adata = anndata.AnnData(np.clip(values, 0, None).astype(np.float32), obs=obs, var=pd.DataFrame(index=genes))
    path = tmp_path_factory.mktemp("response") / "screen.h5ad"
    adata.write_h5ad(path)
    return path


@pytest.mark.parametrize("model", TINY)
def test_every_learned_model_is_trained_asked_and_scored(run, screen, tmp_path, model) -> None:
    pytest.importorskip("torch", reason="the extra deep is not installed")
    folder = tmp_path / "model"
    done = run("response", "train", screen, "--model", model, *TINY[model], "--max-epochs", 2, "-o", folder)
    assert done.code == 0, done.err
    for name in ("model.safetensors", "model.json", "history.csv", "figures/training.png", "last.safetensors"):
        assert (folder / name).exists()
    assert json.loads((folder / "model.json").read_text())["model"] == model
    assert len(pd.read_csv(folder / "history.csv")) == (4 if model == "latent-additive" else 2)

    done = run("response", "predict", folder, "-p", "A+B", "C", "Z", "-o", tmp_path / "p.h5ad")
    assert done.code == 0
    assert "check Z: source" in done.err
    made = anndata.read_h5ad(tmp_path / "p.h5ad")
    assert made.obs_names.tolist() == ["A+B", "C", "Z"]
    assert made.obs["source"].tolist() == ["trained", "trained", "mean"]
    done = run("response", "predict", folder, "-p", "A+B")
    table = pd.read_csv(pd.io.common.StringIO(done.out), index_col=0)
    assert np.allclose(table.loc["A+B"], made["A+B"].X, atol=1e-5)

    done = run("response", "interactions", folder, "--pair", "B+A", "-o", tmp_path / "i.csv")
    assert done.code == 0
    assert pd.read_csv(tmp_path / "i.csv", index_col=0).index.tolist() == ["A+B"]

    refused = run("response", "train", screen, "--model", model, *TINY[model], "-o", folder)
    assert refused.code == 3
    assert "--resume" in refused.err
    assert run("response", "train", screen, "--model", model, *TINY[model], "--max-epochs", 3, "-o", folder,
               "--resume").code == 0  # fmt: skip
    assert len(pd.read_csv(folder / "history.csv")) == (6 if model == "latent-additive" else 3)
    assert run("response", "train", screen, "--model", model, *TINY[model], "--max-epochs", 1, "-o", folder,
               "--force").code == 0  # fmt: skip
    assert len(pd.read_csv(folder / "history.csv")) == (2 if model == "latent-additive" else 1)


def test_the_linear_model_needs_nothing_and_asks_its_own_test_part(run, screen, tmp_path) -> None:
    folder = tmp_path / "linear"
    done = run("response", "train", screen, "--model", "linear", "--split", "simulation", "-o", folder)
    assert done.code == 0, done.err
    assert {"model.npz", "model.json", "split.json"} <= {path.name for path in folder.iterdir()}
    done = run("response", "predict", folder, "--test", "--delta", "-o", tmp_path / "p.tsv")
    assert done.code == 0
    test = [unit[0] for unit in json.loads((folder / "split.json").read_text())["test"]]
    assert pd.read_csv(tmp_path / "p.tsv", sep="\t", index_col=0).index.tolist() == test
    # The split file makes the same model again.
    again = tmp_path / "again"
    assert (
        run("response", "train", screen, "--model", "linear", "--split", folder / "split.json", "-o", again).code == 0
    )
    assert run("response", "predict", again, "-p", "A").out == run("response", "predict", folder, "-p", "A").out


def test_the_linear_model_can_know_genes_by_their_terms(run, screen, tmp_path) -> None:
    terms = tmp_path / "go.gmt"
    terms.write_text("t1\tx\tA\tB\tNEW\nt2\tx\tB\tC\nt3\tx\tA\tC\tNEW\n")
    given = ("response", "train", screen, "--model", "linear", "--set", "n_dims=2")
    for name, more in (("plain", ()), ("terms", ("--annotation", terms))):
        done = run(*given, *more, "-o", tmp_path / name)
        assert done.code == 0, done.err
    plain, known = (run("response", "predict", tmp_path / name, "-p", "NEW") for name in ("plain", "terms"))
    assert "check NEW" in plain.err and "check NEW" not in known.err
    assert plain.out != known.out


def test_one_row_for_each_cell(run, screen, tmp_path) -> None:
    pytest.importorskip("torch", reason="the extra deep is not installed")
    folder = tmp_path / "model"
    run("response", "train", screen, "--model", "scgen", *TINY["scgen"], "--max-epochs", 1, "-o", folder)
    out = tmp_path / "cells.h5ad"
    assert run("response", "predict", folder, "-p", "A", "--cells", "--adata", screen, "-o", out).code == 0
    assert anndata.read_h5ad(out).obs_names.tolist() == [f"c{i}" for i in range(40)]
    assert run("response", "predict", folder, "-p", "A", "B", "--cells").code == 2
    assert run("response", "predict", folder, "--test").code == 3
