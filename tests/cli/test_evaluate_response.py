"""``reguloom evaluate ADATA``: a screen in, a leaderboard out."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluate._screens import screen


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("screen")
    data, expected = screen(n_cells=20)
    adata = anndata.AnnData(data.counts(np.arange(data.n_cells)), obs=data.obs, var=pd.DataFrame(index=data.genes))
    adata.write_h5ad(folder / "screen.h5ad")
    expected.xs("x", level="context").to_csv(folder / "told.csv")
    sets = ["\t".join([f"t{i}", "x", *(f"g{j:02d}" for j in range(12) if (j * 7 + i) % 3)]) for i in range(12)]
    (folder / "go.gmt").write_text("\n".join(sets) + "\n")
    return folder


def test_a_folder_with_everything(folder: Path, run, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    out = folder / "out"
    models = f"linear,mine={folder / 'told.csv'}"
    common = ("--models", models, "--gene-sets", folder / "go.gmt", "--bootstrap", 50)
    kind = ("--split", "unseen-combination", "--n-splits", 1)
    done = run("evaluate", folder / "screen.h5ad", *common, *kind, "-o", out)
    assert done.code == 0, done.err
    assert "mine (" in done.out and "beats every baseline" in done.out
    table = pd.read_csv(out / "leaderboard.csv")
    assert {"model", "metric", "stratum", "value", "low", "high", "ceiling", "informative"} <= set(table)
    assert {"mine", "linear", "additive", "linear (gene sets)", "technical duplicate"} <= set(table["model"])
    assert (out / "headline.txt").read_text().strip() in done.out
    assert {"check", "remark"} <= set(pd.read_csv(out / "diagnostics.csv"))
    assert (out / "figures" / "leaderboard.png").stat().st_size > 10_000
    assert len(list((out / "figures").glob("change_*.png"))) == 3
    again = run("evaluate", folder / "screen.h5ad", "--n-splits", 1, "-o", out)
    assert again.code == 3 and "exists already" in again.err
    same = folder / "same"
    # The figures have been looked at.
    monkeypatch.setattr("reguloom.pipeline._response_work.draw_responses", lambda *_: None)
    done = run("evaluate", "response", folder / "screen.h5ad", *common, "--split", out / "split_0.json", "-o", same)
    assert done.code == 0, done.err
    assert (same / "leaderboard.csv").read_bytes() == (out / "leaderboard.csv").read_bytes()


def test_predictions_of_two_splits_are_refused(folder: Path, run) -> None:  # type: ignore[no-untyped-def]
    done = run("evaluate", folder / "screen.h5ad", "-m", folder / "told.csv", "-o", folder / "none")
    assert done.code == 3 and "n_splits=1" in done.err and len(done.errors) == 1
    done = run("evaluate", folder / "screen.h5ad", "--embedding", "go.gmt", "-o", folder / "none")
    assert done.code == 2 and "NAME=FILE" in done.err
