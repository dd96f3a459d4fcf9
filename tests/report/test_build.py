"""A report of whatever there is: every panel, sizes, errors."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import random as random_sparse
from tests.report.conftest import FACTORS, NASTY, add_regulons, make_cells

from reguloom import report
from reguloom._errors import InputError, MissingKeyError
from reguloom.oracle import Oracle
from reguloom.report._payload import decode
from reguloom.report.build import limit_bytes
from reguloom.report.sections import network

PANELS = (
    "cells",
    "regulons",
    "specificity",
    "network",
    "knockout",
    "ranking",
    "whatif",
    "temporal",
    "tables",
    "record",
)


def contents(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what a page holds, read as a browser would."""
    text = path.read_text(encoding="utf-8")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    blobs = dict(re.findall(r'<script type="text/plain" id="(b\d+)">([^<]*)</script>', text))
    return json.loads(data[1]), blobs


def test_a_run_fills_every_panel(page: Path) -> None:
    data, _ = contents(page)
    assert [name for name in PANELS if data[name] is None] == []
    assert data["empty"] == []
    assert data["title"] == "A <b>run</b> & more"
    assert {one["name"] for one in data["cells"]["channels"] if one["kind"] == "gene"} >= set(NASTY)
    assert data["temporal"]["modules"] == ["C1", "C2"] and data["temporal"]["counts"]["static"] > 0
    assert data["tables"][0]["baseline"] == [False, True, True]
    assert {"run.log", "network fit", "regulons"} <= {one["where"] for one in data["checks"]}
    assert data["record"]["records"][0]["rows"][0]["params.tfs"] == NASTY[0]
    assert "wall_s" not in data["record"]["records"][0]["rows"][0]  # the same results give the same page
    assert any("Aibar" in line for line in data["record"]["citations"])
    assert any("Kamimoto" in line for line in data["record"]["citations"])


def test_numbers_are_those_of_the_data(page: Path, run_folder: Path) -> None:
    data, blobs = contents(page)
    cells, adata = data["cells"], anndata.read_h5ad(run_folder / "result.h5ad")
    places = np.column_stack([decode(cells[axis], blobs) for axis in "xy"]) / 65535 * cells["span"] + cells["origin"]
    # Cells stand in another order: each has to lie where one of the data lies.
    order = np.array([np.argmin(((adata.obsm["X_umap"] - place) ** 2).sum(axis=1)) for place in places])
    assert sorted(order) == list(range(adata.n_obs))
    assert np.abs(adata.obsm["X_umap"][order] - places).max() < cells["span"] / 65535
    for channel in cells["channels"]:
        codes = decode(channel["values"], blobs)
        again = channel["low"] + codes / 255 * (channel["high"] - channel["low"])
        true = {"regulon": adata.obsm["aucell"], "annotation": adata.obs}.get(channel["kind"], adata.to_df())[
            channel["name"]
        ]
        half = (channel["high"] - channel["low"]) / 510 + 1e-6
        assert np.abs(again - np.clip(true.to_numpy()[order], channel["low"], channel["high"])).max() <= half
    labels = decode(cells["labelings"][0]["codes"], blobs)
    assert [cells["labelings"][0]["names"][i] for i in labels] == adata.obs["cell_type"].astype(str).tolist() or (
        [cells["labelings"][0]["names"][i] for i in labels]
        == adata.obs["cell_type"].astype(str).to_numpy()[order].tolist()
    )
    regulons = data["regulons"]
    members = [regulons["targets"]["genes"][i] for i in decode(regulons["targets"]["members"], blobs)]
    start = regulons["targets"]["start"]
    stored = adata.uns["regulons"]["members"]
    for i, row in enumerate(regulons["rows"]):
        assert set(members[start[i] : start[i + 1]]) == set(stored.loc[stored["regulon"] == row["name"], "gene"])
    scores = pd.DataFrame(
        data["specificity"][0]["scores"], data["specificity"][0]["groups"], data["specificity"][0]["regulons"]
    )
    assert np.allclose(scores, adata.uns["aucell"]["rss_cell_type"].to_numpy(), atol=1e-4)


def test_coefficients_are_those_of_the_oracle(page: Path, fitted: Oracle) -> None:
    data, blobs = contents(page)
    what = data["whatif"]
    for part, coefficients in zip(what["edges"], fitted.coefficients, strict=True):
        source, target, weight = (decode(part[name], blobs) for name in ("source", "target", "weight"))
        made = np.zeros(coefficients.shape)
        where = fitted.genes.get_indexer(what["genes"])
        made[where[source], where[target]] = weight
        assert np.abs(made - coefficients.toarray()).max() < 1e-6
    assert {what["genes"][i] for i in what["regulators"]} == set(fitted.regulators)
    rows = decode(what["cells"], blobs)
    exact = decode(what["exact"], blobs).reshape(len(what["regulators"]), -1).T
    columns = fitted.genes.get_indexer([what["genes"][i] for i in what["regulators"]])
    assert np.abs(exact - fitted.expression[np.ix_(rows, columns)]).max() < 1e-6


def test_the_same_input_gives_the_same_bytes(page: Path, run_folder: Path, tmp_path: Path) -> None:
    again = report.build(run_folder, tmp_path / "again.html", title="A <b>run</b> & more")
    assert again.read_bytes() == page.read_bytes()


def test_an_anndata_alone_and_the_commands_for_the_rest(tmp_path: Path) -> None:
    adata, _, regulons = make_cells(120)
    del adata.obsm["X_umap"]
    data, _ = contents(report.build(adata, tmp_path / "bare.html"))
    assert data["cells"] is None
    assert {one["panel"] for one in data["empty"]} >= {"cells", "regulons", "knockout", "temporal"}
    add_regulons(adata, regulons)
    data, _ = contents(report.build(adata, tmp_path / "activity.html"))
    assert "principal components" in data["cells"]["basis"]
    assert all("reguloom" in one["command"] for one in data["empty"])


def test_an_oracle_in_memory_and_several_sources(run_folder: Path, tmp_path: Path) -> None:
    held = anndata.read_h5ad(run_folder / "oracle" / "result.h5ad")
    data, _ = contents(report.build([run_folder / "result.h5ad", held], tmp_path / "both.html"))
    assert data["regulons"] is not None and data["whatif"] is not None
    assert [flow["gene"] for flow in data["knockout"]["flows"]][:1] != []
    assert set(FACTORS) >= {flow["gene"] for flow in data["knockout"]["flows"]}


def test_a_large_file_stays_on_disk(run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, plain_blobs = contents(report.build(run_folder / "result.h5ad", tmp_path / "plain.html"))
    monkeypatch.setattr("reguloom.report._source._BACKED_FROM", 0)
    data, blobs = contents(report.build(run_folder / "result.h5ad", tmp_path / "backed.html"))
    genes = [{one["name"]: one for one in page["cells"]["channels"]} for page in (plain, data)]
    # Genes that nothing names are not looked for on disk.
    assert set(FACTORS) <= set(genes[1]) <= set(genes[0])
    for name, one in genes[1].items():
        assert np.array_equal(decode(one["values"], blobs), decode(genes[0][name]["values"], plain_blobs))


def test_slots_of_other_programs_are_passed_over(tmp_path: Path) -> None:
    adata, _, _ = make_cells(120)
    adata.uns |= {"aucell": "text", "regulons": "text", "grn": 3, "temporal": "text", "oracle": "text"}
    adata.obsm["aucell"] = np.ones((120, 4))
    adata.var["temporal_module"] = "static"
    data, _ = contents(report.build(adata, tmp_path / "odd.html"))
    assert data["cells"]["n"] == 120
    assert {one["panel"] for one in data["empty"]} >= {"regulons", "specificity", "network", "temporal"}


def test_what_cannot_be_shown_is_refused_or_noted(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        report.build(tmp_path / "none", tmp_path / "r.html")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no result.h5ad"):
        report.build(tmp_path / "empty", tmp_path / "r.html")
    (tmp_path / "text.h5ad").write_text("no")
    with pytest.raises(InputError, match="no h5ad file"):
        report.build(tmp_path / "text.h5ad", tmp_path / "r.html")
    adata, _, _ = make_cells(120)
    with pytest.raises(MissingKeyError, match="no embedding 'tsne'"):
        report.build(adata, tmp_path / "r.html", basis="tsne")
    with pytest.raises(MissingKeyError, match="no column 'kind'"):
        report.build(adata, tmp_path / "r.html", groupby="kind")
    assert not (tmp_path / "r.html").exists()
    report.build(adata, tmp_path / "r.html")
    with pytest.raises(InputError, match="exists already"):
        report.build(adata, tmp_path / "r.html")
    broken = tmp_path / "broken"
    shutil.copytree(run_folder, broken, ignore=shutil.ignore_patterns("oracle", "*.html"))
    (broken / "manifest.json").write_text("{")
    (broken / "leaderboard.csv").write_text("")
    data, _ = contents(report.build(broken, tmp_path / "broken.html"))
    texts = " ".join(one["text"] for one in data["checks"])
    assert "manifest.json is left out" in texts and "leaderboard.csv is left out" in texts


def test_a_graph_keeps_every_factor_within_the_limits() -> None:
    rng = np.random.default_rng(0)
    edges = pd.DataFrame({"source": rng.integers(0, 300, 60_000), "target": rng.integers(300, 9000, 60_000)}).astype(
        str
    )
    edges["weight"], edges["sign"] = rng.random(60_000), 1
    kept = network._strongest(edges)
    genes = set(kept["source"]) | set(kept["target"])
    assert len(genes) <= network.MOST_NODES and len(kept) <= network.MOST_EDGES
    assert set(kept["source"]) == set(edges["source"])
    strongest = edges.sort_values("weight").groupby("source").tail(1)
    assert set(map(tuple, strongest[["source", "target"]].to_numpy())) <= set(
        map(tuple, kept[["source", "target"]].to_numpy())
    )


def big(n_cells: int, n_regulons: int = 300) -> anndata.AnnData:
    """Return many cells with regulons that follow their places, as real ones do, with noise in every value."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 20, n_cells)
    centre = rng.normal(0, 6, (20, 2))
    places = centre[group] + rng.normal(0, 1, (n_cells, 2))
    profile = rng.gamma(0.5, 0.1, (20, n_regulons)).astype(np.float32)
    scores = np.clip(profile[group] + rng.normal(0, 0.03, (n_cells, n_regulons)).astype(np.float32), 0, None)
    adata = anndata.AnnData(random_sparse(n_cells, 400, 0.02, "csr", np.float32, 0))
    adata.var_names = [f"Gene{i}" for i in range(400)]
    adata.obs["cell_type"] = pd.Categorical.from_codes(group, [f"type {i}" for i in range(20)])
    adata.obsm["X_umap"] = places
    adata.obsm["aucell"] = pd.DataFrame(scores, adata.obs_names, [f"Gene{i}(+)" for i in range(n_regulons)])
    adata.uns["aucell"] = {
        "rss_cell_type": pd.DataFrame(profile, [f"type {i}" for i in range(20)], adata.obsm["aucell"].columns)
    }
    return adata


def check_size(n_cells: int, megabytes: float, folder: Path) -> None:
    path = report.build(big(n_cells), folder / "big.html")
    assert path.stat().st_size <= megabytes * 1e6
    data, _ = contents(path)
    cells = data["cells"]
    assert cells["n"] == n_cells
    assert cells["shipped"]["regulon"] >= 15 and cells["left_out"]["regulon"] == 300 - cells["shipped"]["regulon"]
    shown = {one["name"] for one in cells["channels"] if one["kind"] == "regulon"}
    scores = data["specificity"][0]
    first = {scores["regulons"][int(np.argmax(line))] for line in scores["scores"]}
    assert len(first - shown) <= max(0, 20 - cells["shipped"]["regulon"])
    assert any("to keep the file small" in one["text"] for one in data["checks"])


@pytest.mark.slow
def test_a_hundred_thousand_cells_fit_15_mb(tmp_path: Path) -> None:
    assert limit_bytes(100_000) < 15e6
    check_size(100_000, 15.0, tmp_path)


@pytest.mark.slow
def test_a_million_cells_fit_40_mb(tmp_path: Path) -> None:
    check_size(1_000_000, 40.0, tmp_path)
