"""Perturbation scores: the original's inner products, direction apart from size, lineages and bins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from reguloom import oracle
from reguloom._errors import InputError
from reguloom.core import Perturbation, Prediction

KO = Perturbation.knockout("Tf0")


def test_knocking_out_the_driver_of_a_branch_goes_against_it(model, world, field) -> None:
    score = oracle.perturbation_score(
        model.predict(KO), field, lineages=world[0].obs["state"].astype(str), n_neighbors=40
    )
    table = score.table.set_index("lineage")
    assert table.loc["a", "net"] < -0.3
    assert table.loc["a", "net"] < table.loc["b", "net"]
    assert table.loc["a", "effect_size"] > 3 * table.loc["b", "effect_size"]
    assert list(score.table["lineage"]) == ["all", "a", "b", "stem"]


def test_it_tells_direction_and_size_apart(model, field) -> None:
    prediction = model.predict(KO)
    double = Prediction(
        2 * prediction.delta, prediction.control, prediction.rows, prediction.genes, [KO], "local-linear"
    )
    one, two = (oracle.perturbation_score(which, field, n_neighbors=40).table.iloc[0] for which in (prediction, double))
    assert one["net"] == pytest.approx(two["net"], abs=1e-9)
    assert two["effect_size"] == pytest.approx(2 * one["effect_size"])


def test_tables_agree_with_each_other(model, field) -> None:
    score = oracle.perturbation_score(model.predict(KO), field, n_neighbors=40)
    inside = score.grid[score.grid["kept"]]
    row = score.table.iloc[0]
    assert row["negative"] == pytest.approx(-np.minimum(inside["inner_product"], 0).mean())
    assert row["net"] == pytest.approx(inside["inner_product"].mean())
    assert (score.bins["n_points"] * score.bins["negative"]).sum() == pytest.approx(row["negative"] * row["n_points"])
    assert score.cells.shape[0] == 240
    assert "negative" in repr(score)


@pytest.mark.parametrize("factor", [1e-2, 2e3])
def test_scores_do_not_depend_on_the_units_of_the_embedding(model, world, field, factor: float) -> None:
    adata = world[0].copy()
    adata.obsm["X_umap"] = factor * adata.obsm["X_umap"]
    other = oracle.development(adata, pseudotime="time", n_neighbors=40, n_grid=20)
    prediction = model.predict(KO)
    one, two = (oracle.perturbation_score(prediction, which, n_neighbors=40).table for which in (field, other))
    pd.testing.assert_frame_equal(one, two, rtol=1e-5)


def test_the_originals_inner_product(golden: Path) -> None:
    inputs, grid = np.load(golden / "inputs.npz", allow_pickle=True), np.load(golden / "grid.npz")
    values = np.load(golden / "pca_knn.npz", allow_pickle=True)["imputed_balanced"]
    delta = np.load(golden / "simulated.npz")["delta_X_first_ko"]
    names = [str(i) for i in range(401)]
    adata = AnnData(np.zeros((401, 1)), obs=pd.DataFrame({"pt": inputs["pseudotime"]}, index=names))
    adata.obsm["X_draw"] = inputs["embedding"]
    mass = np.sort(grid["total_p_mass"])
    field = oracle.development(
        adata, pseudotime="pt", basis="draw", degree=5, n_neighbors=100, compat="celloracle", min_mass=mass[800]
    )
    genes = pd.Index(inputs["genes"].astype(str))
    prediction = Prediction(delta, values, pd.Index(names), genes, [Perturbation.knockout("Gata1")], "local-linear")
    score = oracle.perturbation_score(prediction, field, n_neighbors=101)
    assert np.abs(score.grid["inner_product"] - grid["inner_product"]).max() < 1e-8
    theirs = pd.read_csv(golden / "inner_product_df.csv")["score"]
    assert score.grid["kept"].sum() == len(theirs)
    assert score.table["negative"].iloc[0] == pytest.approx(-np.minimum(theirs, 0).sum(), abs=1e-8)
    assert score.table["positive"].iloc[0] == pytest.approx(np.maximum(theirs, 0).sum(), abs=1e-8)


def test_scoring_needs_a_field_and_the_same_cells(model, field, world) -> None:
    with pytest.raises(InputError, match=r"oracle\.development"):
        oracle.perturbation_score(model.predict(KO), None)
    with pytest.raises(InputError, match="not a list"):
        oracle.perturbation_score(model.predict([KO]), field)
    with pytest.raises(InputError, match="at least 30"):
        oracle.perturbation_score(model.predict(KO), field, lineages={"few": np.arange(240) < 5})
    with pytest.raises(InputError, match="masks or labels"):
        oracle.perturbation_score(model.predict(KO), field, lineages={"odd": np.ones(3, bool)})


def test_a_dose_series_ends_where_the_knock_out_is(model, field) -> None:
    table = oracle.dose_response(model, field, "Tf0", n_doses=3)
    knocked = oracle.perturbation_score(model.predict(KO), field).table
    assert table["level"].tolist() == pytest.approx([0, table["level"].max() / 2, model.limits[1][0]])
    assert table["net"].iloc[0] == pytest.approx(knocked["net"].iloc[0])
    assert table["net"].iloc[0] < table["net"].iloc[-1]
