"""What-if: bounded by default, first order by name, checks in words, fates with a null, screens as products."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.vectorfield.conftest import Toggle

import reguloom as rl
from reguloom import vectorfield as vf
from reguloom.vectorfield import VectorField

knockout, up = rl.Perturbation.knockout, rl.Perturbation.overexpress


def test_a_field_is_a_predictor(field: VectorField) -> None:
    assert isinstance(field, rl.Predictor)
    made = field.predict(knockout("G0"))
    assert made.regime == "vector-field" and not made.calibrated
    assert made.delta.shape == (len(field.cells), 12)
    assert np.allclose(np.asarray(made.delta), made.delta_state @ field.space.loadings.T)
    assert np.allclose(made.embed(field.space.loadings), made.delta_state, atol=1e-9)
    stored = made.to_anndata()
    assert stored.shape == (600, 12)
    assert np.array_equal(stored.obs["angle"], made.cells["angle"])
    assert set(field.available().columns) == {"available", "reason", "weight"}


def test_the_difference_is_exact_and_bounded(field: VectorField) -> None:
    made = field.predict(knockout("G0"))
    level = np.clip(field.space.reconstruct(field.states, "G0")[:, 0], 0, None)
    moved = field.states - level[:, None] * field.space.vectors("G0")
    assert np.allclose(made.delta_state, field(moved) - field())
    with pytest.warns(rl.ValidityWarning, match="observed"):
        far = field.predict(up("G0", level=100.0))
    with pytest.warns(rl.ValidityWarning, match="observed"):
        linear = field.predict(up("G0", level=100.0), mode="first_order")
    assert np.abs(far.delta_state).max() <= np.abs(field()).max() * 1.01  # all that is left is -f(x)
    assert np.abs(linear.delta_state).max() > 20 * np.abs(far.delta_state).max()
    assert {"beyond the observed range", "outside the cells"} <= set(far.checks)
    assert "not linear" in linear.checks and "not linear" not in far.checks


def test_small_doses_are_linear(field: VectorField) -> None:
    made = field.predict(rl.Perturbation.knockdown("G5", 0.05))
    assert made.cells["linear_validity"].median() > 0.99
    big = field.predict(up("G0", level="max"))
    assert big.cells["linear_validity"].median() < made.cells["linear_validity"].median()


def test_signs_are_those_of_the_world(field: VectorField, toggle: Toggle) -> None:
    x = toggle.adata.X
    off = x.copy()
    off[:, 0] = 0
    truth = (toggle.velocity(off) - toggle.velocity(x))[:, 1]
    made = np.asarray(field.predict(knockout("G0")).delta)[:, 1]
    strong = np.abs(truth) > 0.5
    assert (np.sign(made[strong]) == np.sign(truth[strong])).mean() > 0.9


def test_a_cell_without_the_transcript_does_not_answer(field: VectorField) -> None:
    silent = field.space.reconstruct(field.states, "G2")[:, 0] <= 0
    assert silent.any()
    assert np.abs(field.predict(knockout("G2")).delta_state[silent]).max() == 0
    assert np.abs(field.predict(knockout("G2"), clip=False).delta_state[silent]).max() > 0


def test_several_perturbations_give_means(field: VectorField) -> None:
    asked = [knockout("G0"), up("G1"), knockout("G0+G1")]
    made = field.predict(asked)
    assert list(made.rows) == [one.label for one in asked]
    assert np.allclose(made.delta_state[0], field.predict(asked[0]).delta_state.mean(axis=0))
    assert np.asarray(made.delta).shape == (3, 12)


def test_a_mask_leaves_the_others(field: VectorField, toggle: Toggle) -> None:
    adata = toggle.adata.copy()
    adata.obs["treated"] = np.arange(adata.n_obs) < 100
    made = field.predict(knockout("G0", mask="treated"), adata)
    assert np.abs(made.delta_state[100:]).max() == 0 < np.abs(made.delta_state[:100]).max()
    with pytest.raises(rl.MissingKeyError, match="treated"):
        field.predict(knockout("G0", mask="treated"))


def test_a_knockout_can_be_integrated(field: VectorField) -> None:
    made = vf.Knockout(field, ["G0"], rate=3.0)
    starts = field.states[np.asarray(field.groups == "A")][:20]
    before = vf.integrate(field, starts, time=20.0)
    after = vf.integrate(made, starts, time=20.0)
    level = [field.space.reconstruct(one.states[:, -1], ["G0", "G1"]).mean(axis=0) for one in (before, after)]
    assert level[0][0] > 3 and level[0][1] < 1  # stays where it was
    assert level[1][0] < 2 < level[1][1]  # the other gene takes over
    x, eps = field.states[:3], 1e-6
    for j in range(3):
        step = np.eye(12)[j] * eps
        assert np.allclose((made(x + step) - made(x - step)) / (2 * eps), made.jacobian(x)[:, :, j], atol=1e-5)


def test_genes_outside_the_basis_can_be_added(toggle: Toggle) -> None:
    adata = toggle.adata.copy()
    adata.varm["PCs"][11] = 0
    without = vf.fit(adata, n_control=60)
    assert "G11" not in without.space.genes
    with pytest.raises(rl.MissingKeyError, match=r"fit\(genes"):
        without.predict(knockout("G11"))
    made = vf.fit(adata, n_control=60, genes=["G11"])
    assert np.corrcoef(made.space.reconstruct(made.states, "G11")[:, 0], adata.X[:, 11])[0, 1] > 0.99


def test_failed_diagnostics_travel_with_predictions(field: VectorField) -> None:
    table = pd.DataFrame({"check": ["a", "b"], "passed": [False, True], "verdict": ["not so", "fine"]})
    assert vf.checked(field, table).predict(knockout("G0")).checks["a"] == "not so"


def test_fates_change_as_the_world_says(field: VectorField) -> None:
    known = vf.fates(field, terminal=["A", "B"])
    assert np.allclose(known.probabilities.sum(axis=1), 1, atol=1e-6)
    codes = field.groups.codes
    assert known.probabilities[codes == 0, 0].mean() > 0.7
    table = vf.fate_change(field, knockout("G0"), reference=known, mode="knockout", n_null=19)
    row = table[(table["group"] == "A") & (table["fate"] == "B")].iloc[0]
    assert row["change"] > 0.02
    assert (table.groupby("group", observed=True)["change"].sum().abs() < 1e-6).all()
    assert ((table["p"] >= 1 / 20) & (table["fdr"] >= table["p"] - 1e-12)).all()
    again = vf.fate_change(field, knockout("G0"), reference=known, mode="knockout", n_null=19, n_jobs=1)
    pd.testing.assert_frame_equal(table, again)


def test_the_screen_is_the_first_order_of_every_gene(field: VectorField) -> None:
    table = vf.screen(field).set_index(["group", "gene"])
    speed = np.linalg.norm(field(), axis=1)
    for gene in ("G0", "G7"):
        made = field.predict(knockout(gene), mode="first_order").delta_state
        own = np.asarray(field.groups == "A")
        expected = np.linalg.norm(made[own], axis=1).mean() / speed[own].mean()
        assert table.loc[("A", gene), "effect"] == pytest.approx(expected, rel=1e-9)
        along = ((made * field()).sum(axis=1) / speed)[own].mean() / speed[own].mean()
        assert table.loc[("A", gene), "along"] == pytest.approx(along, rel=1e-9, abs=1e-12)
    assert table.loc["A"]["rank"].idxmin() in ("G0", "G1")
    assert table["linear_validity"].between(-1, 1).all()


def test_dose_response(field: VectorField) -> None:
    table = vf.dose_response(field, "G0", n_levels=5)
    assert len(table) == 5 * 2
    assert (table["cosine"] <= 1 + 1e-9).all()
    near = table[table["group"] == "B"].set_index("level")["difference"]
    assert near.iloc[-1] > near.iloc[1]


def test_jacobian_tables(field: VectorField) -> None:
    table = vf.jacobian(field, ["G0", "G1"], ["G0", "G1", "G4"], spread=True)
    assert list(table.columns[:4]) == ["group", "regulator", "target", "mean"]
    one = table[(table["group"] == "B") & (table["regulator"] == "G0") & (table["target"] == "G1")].iloc[0]
    cells = vf.cell_jacobian(field, [("G0", "G1")]).to_numpy()[np.asarray(field.groups == "B"), 0]
    assert one["mean"] == pytest.approx(cells.mean())
    assert one["sd"] == pytest.approx(cells.std())
    assert one["mean"] < 0 and one["sign_stability"] == 1
    edges = vf.network(field, ["G0", "G1"], top=3).to_frame()
    assert len(edges) == 6 and set(edges["group"]) == {"A", "B"}


def test_rankings(field: VectorField) -> None:
    for by in ("velocity", "acceleration", "curvature", "divergence"):
        table = vf.rank_genes(field, by=by)
        assert (table.groupby("group", observed=True)["rank"].max() == 12).all()
    values = field() @ field.space.loadings.T
    own = np.asarray(field.groups == "B")
    row = vf.rank_genes(field, by="velocity").set_index(["group", "gene"]).loc[("B", "G3")]
    assert row["mean"] == pytest.approx(values[own, 3].mean())
    assert row["sd"] == pytest.approx(values[own, 3].std())
    found = vf.loops(field, ["G0", "G1", "G2"])
    assert (found.groupby("group", observed=True).first()[["gene", "other"]].to_numpy() == ["G0", "G1"]).all()
    assert set(vf.rank_regulators(field, ["G0", "G1", "G6"]).query("rank <= 2")["gene"]) == {"G0", "G1"}
