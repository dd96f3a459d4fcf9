"""Against dynamo-release 1.5.3: its numbers where it is right, and each of its confirmed defects done right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.sparse import csr_array
from tests.vectorfield.conftest import Dynamo, relative

import reguloom as rl
from reguloom import vectorfield as vf
from reguloom.vectorfield import VectorField
from reguloom.vectorfield.least_action import action
from reguloom.vectorfield.potential import graph_potential
from reguloom.vectorfield.sparsevfc import sparsevfc

up = rl.Perturbation.overexpress


@pytest.mark.parametrize("n_control", [50, 100, 300])
def test_the_field_equals_the_well_conditioned_reference(dynamo: Dynamo, n_control: int) -> None:
    golden, inputs = dynamo(f"sparsevfc_M{n_control}_it100_scipylstsq"), dynamo("inputs")
    made = sparsevfc(inputs["X_pca"], inputs["V_pca"], n_control=n_control, max_iter=100, compat="dynamo")
    assert np.array_equal(made.control_points, golden["X_ctrl"])
    assert made.bandwidth == golden["beta"]
    assert relative(made.fitted, golden["V"]) < 1e-8
    assert np.abs(made.inlier - golden["P"][:, 0]).max() < 1e-8
    assert np.array_equal(made.inliers, golden["VFCIndex"])
    assert made.n_iter == golden["iteration"] + 1
    assert made.sigma2 == pytest.approx(float(golden["sigma2"]), rel=1e-8)


def test_the_originals_solver_is_not_reproducible_at_300(dynamo: Dynamo) -> None:
    theirs, reference = dynamo("sparsevfc_M300_it100"), dynamo("sparsevfc_M300_it100_scipylstsq")
    assert relative(theirs["V"], reference["V"]) > 1e-3


def test_defaults_of_fit_under_compat(dynamo: Dynamo) -> None:
    golden, made = dynamo("sparsevfc_M_default_it30"), vf.fit(dynamo.adata, compat="dynamo")
    assert np.array_equal(made.control_points, golden["X_ctrl"])
    assert relative(made(), golden["V"]) < 1e-6  # their own solver is that far from the exact solution


def test_calculus(dynamo: Dynamo, original: VectorField) -> None:
    golden, x = dynamo("calculus"), original.states
    assert relative(np.moveaxis(original.jacobian(x[:50]), 0, 2), golden["J_first50"]) < 1e-10
    assert relative(original.hessian(x[:5]), golden["H_first5"]) < 1e-10
    assert relative(original.divergence(), golden["div"]) < 1e-10
    assert relative(vf.acceleration(original), golden["acc"]) < 1e-10
    assert relative(vf.curvature(original), golden["curv"]) < 1e-10


def test_jacobian_in_genes(dynamo: Dynamo, original: VectorField) -> None:
    golden = dynamo("jacobian_gene")
    pairs = [(str(r), str(e)) for e in golden["eff"] for r in golden["reg"]]
    made = vf.cell_jacobian(original, pairs).to_numpy().T.reshape(golden["J"].shape)
    assert relative(made, golden["J"]) < 1e-6  # theirs is float32
    table = vf.jacobian(original, list(golden["reg"]), list(golden["eff"]))
    wide = table.pivot(index="target", columns="regulator", values="mean").loc[golden["eff"], golden["reg"]]
    assert relative(wide.to_numpy(), made.mean(axis=2)) < 1e-10


@pytest.mark.filterwarnings("ignore::reguloom.ValidityWarning")
@pytest.mark.parametrize(("name", "mode"), [("up", "first_order"), ("zero", "first_order"), ("fx", "difference")])
def test_perturbation(dynamo: Dynamo, original: VectorField, name: str, mode: str) -> None:
    golden = dynamo(f"perturb_g0_{name}")
    made = original.predict(up("g0", level=float(golden["expr"][0])), mode=mode, clip=False)
    assert relative(made.delta_state, golden["delta_Y"]) < 1e-10
    others = np.arange(1, len(made.genes))  # the original sets the perturbed gene itself to 0 in this layer
    assert relative(np.asarray(made.delta)[:20, others], golden["layer_first20"][:, others]) < 1e-10


def test_knockout(dynamo: Dynamo, original: VectorField) -> None:
    made = vf.Knockout(original, ["g0"], signed=False)
    assert relative(made(), dynamo("KO_g0")["velocity_pca_KO"]) < 1e-10


@pytest.mark.parametrize("method", ["pearson", "cosine", "fp"])
def test_kernels(dynamo: Dynamo, method: str) -> None:
    golden, inputs = dynamo(f"kernel_{method}"), dynamo("inputs")
    near = dynamo("neighbors")["indices"][:, 1:]
    made = vf.transition(inputs["X_pca"], inputs["V_pca"], near, method=method)
    theirs = csr_array((golden["data"], golden["indices"], golden["indptr"]), shape=golden["shape"])
    assert abs(made - theirs).max() < 1e-10
    assert np.abs(vf.displacement(made, inputs["X_umap"]) - golden["V_emb"]).max() < 1e-10


def test_potential(dynamo: Dynamo, original: VectorField) -> None:
    golden = dynamo("ddhodge")
    near = rl.manifold.nearest(original.states, 30)[0]
    made, divergence = graph_potential(original.states, original(), near)
    assert np.abs(made - golden["potential"]).max() < 1e-10
    assert np.abs(divergence - golden["div"]).max() < 1e-10
    assert np.corrcoef(made, dynamo("inputs")["global_time"])[0, 1] > 0.9


def test_helmholtz_kernel(dynamo: Dynamo) -> None:
    golden = dynamo("div_cur_free_kernel")
    for made, name in zip(vf.helmholtz_kernel(golden["x"], golden["y"]), ("G", "df", "cf"), strict=True):
        assert np.abs(made - golden[name]).max() < 1e-12


def test_least_action_is_not_above_the_originals(dynamo: Dynamo, original: VectorField) -> None:
    golden = dynamo("lap")
    path = golden["path"]
    theirs, _ = action(path, original((path[1:] + path[:-1]) / 2), dt=float(golden["dt"]))
    assert theirs == pytest.approx(float(golden["action"]), rel=1e-10)
    made = original.least_action(golden["start"], golden["end"], n_points=len(path) - 2)
    assert made.action <= theirs
    assert original.support(made.states).max() < 2.5  # and it stays with the cells


def test_church(shared: Path) -> None:
    data = loadmat(shared / "data/velocity/sparsevfc/church.mat")
    x, y = (_normed(data[name].astype(float)) for name in "XY")
    correct = set(data["CorrectIndex"].ravel() - 1)
    for seed in range(20):
        made = sparsevfc(x, y - x, n_control=16, bandwidth=0.1, volume=10.0, compat="dynamo", max_iter=500, rng=seed)
        found = set(made.inliers)
        assert len(found & correct) / len(found) >= 0.983
        assert len(found & correct) / len(correct) >= 0.855


def _normed(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=0)
    return centred / np.sqrt((centred**2).sum() / len(centred))


# ------------------------------------------------------------------------------------ defects of the original, mended


def test_levels_stay_with_their_genes(dynamo: Dynamo, original: VectorField) -> None:
    """The original sorts the genes and not the levels: g5=1, g0=-7 became g0=1, g5=-7."""
    golden = dynamo("perturb_g0_g5_order")
    asked = up("g5", level=1.0) | up("g0", level=-7.0)
    swapped = up("g0", level=1.0) | up("g5", level=-7.0)
    with pytest.warns(rl.ValidityWarning, match="g0 to -7"):
        made = original.predict(asked, mode="first_order", clip=False)
    with pytest.warns(rl.ValidityWarning, match="g5 to -7"):
        theirs = original.predict(swapped, mode="first_order", clip=False)
    assert relative(theirs.delta_state, golden["delta_Y"]) < 1e-10
    assert relative(made.delta_state, golden["delta_Y"]) > 0.1
    parts = [
        original.directional(np.broadcast_to(original.space.vectors(g), original.states.shape)) for g in ("g5", "g0")
    ]
    now = original.space.reconstruct(original.states, ["g5", "g0"])
    expected = sum((level - now[:, [i]]) * part for i, (level, part) in enumerate(zip((1.0, -7.0), parts, strict=True)))
    assert relative(made.delta_state, expected) < 1e-10


def test_a_collapse_is_said_aloud(dynamo: Dynamo) -> None:
    inputs, golden = dynamo("inputs"), dynamo("sparsevfc_unscaled_collapse")
    assert len(golden["VFCIndex"]) == 0
    with pytest.warns(rl.ValidityWarning, match="collapsed"):
        made = sparsevfc(inputs["X_pca"], inputs["V_pca_unscaled"], compat="dynamo")
    assert made.n_iter == golden["iteration"] + 1


def test_units_of_velocity_do_not_matter(dynamo: Dynamo) -> None:
    inputs = dynamo("inputs")
    one = sparsevfc(inputs["X_pca"], inputs["V_pca_unscaled"])
    other = sparsevfc(inputs["X_pca"], inputs["V_pca_unscaled"] * 1e-3)
    assert relative(other.fitted * 1e3, one.fitted) < 1e-9
    assert (one.inlier > 0.75).mean() > 0.3


def test_control_points_are_rows_of_the_data(dynamo: Dynamo) -> None:
    """The original's index counts the sorted unique states."""
    inputs = dynamo("inputs")
    made = sparsevfc(inputs["X_pca"], inputs["V_pca"], compat="dynamo")
    assert np.array_equal(inputs["X_pca"][made.control_index], made.control_points)
    theirs = dynamo("sparsevfc_M_default_it30")
    assert not np.array_equal(inputs["X_pca"][theirs["ctrl_idx"]], theirs["X_ctrl"])


def test_other_seeds_give_other_fits(dynamo: Dynamo) -> None:
    """The original's restarts ignore their seeds."""
    inputs = dynamo("inputs")
    first, second = (sparsevfc(inputs["X_pca"], inputs["V_pca"], rng=seed) for seed in (0, 1))
    assert not np.array_equal(first.control_index, second.control_index)
    assert not np.array_equal(first.fitted, second.fitted)


def test_ranking_twice_gives_the_same(original: VectorField) -> None:
    """The original's group means overwrite the Jacobian that they were computed from."""
    first = vf.rank_regulators(original, ["g0", "g1", "g5"])
    assert first.equals(vf.rank_regulators(original, ["g0", "g1", "g5"]))


def test_parallel_acceleration_has_no_curvature() -> None:
    """One of the original's formulas gives |a||v|/|v|^3 instead of 0."""
    x = np.linspace(-1, 1, 7)[:, None] * np.array([[1.0, 2.0]])
    made = sparsevfc(x, x * 0.5, n_control=7, compat="dynamo", volume=1e6, ridge=1e-6)
    line = vf.VectorField(
        made.control_points, made.coefficients, made.bandwidth, _plain_space(), x, x, np.ones(7), _names(7)
    )
    # On the axis of a point-symmetric field velocity and acceleration are parallel.
    assert np.abs(vf.curvature(line, x[4:6])).max() < 1e-6 * np.abs(vf.acceleration(line, x[4:6])).max() + 1e-9


def _plain_space() -> vf.StateSpace:
    import pandas as pd

    return vf.StateSpace("umap", pd.Index([]), np.empty((0, 2)), np.empty(0), np.empty(0))


def _names(n: int) -> object:
    import pandas as pd

    return pd.Index([f"c{i}" for i in range(n)])


def test_fixed_points_are_points_where_the_flow_stands_still(dynamo: Dynamo, original: VectorField) -> None:
    """In more than two dimensions the original puts the nearest cell in the place of a fixed point."""
    from dataclasses import replace

    golden = dynamo("topography_umap")
    made = replace(
        original,
        control_points=golden["X_ctrl"],
        coefficients=golden["C"],
        bandwidth=float(golden["beta"]),
        states=golden["X"],
        velocities=golden["V"],
    )
    found = vf.fixed_points(made, max_support=10.0)
    assert np.abs(found.states - golden["Xss"]).max(axis=1).min() < 1e-5
    assert (np.linalg.norm(made(found.states), axis=1) < 1e-7 * np.median(np.linalg.norm(made(), axis=1))).all()


def test_transitions_of_a_chain_are_probabilities(dynamo: Dynamo) -> None:
    """The original walks on a matrix with negative entries."""
    inputs = dynamo("inputs")
    near = dynamo("neighbors")["indices"][:, 1:]
    chain = vf.transition(inputs["X_pca"], inputs["V_pca"], near)
    assert chain.data.min() >= 0
    assert np.allclose(chain.sum(axis=1), 1)
    assert vf.transition(inputs["X_pca"], inputs["V_pca"], near, method="pearson").data.min() < -0.1


def test_three_dimensional_curl_has_three_numbers(original: VectorField, dynamo: Dynamo) -> None:
    """The original stores a (n, 3, 3) array."""
    from dataclasses import replace

    golden = dynamo("topography_umap")
    made = replace(
        original, control_points=golden["X_ctrl"], coefficients=golden["C"], bandwidth=0.3255, states=golden["X"]
    )
    jacobian = made.jacobian()
    assert np.allclose(vf.curl(made)[:, 2], jacobian[:, 1, 0] - jacobian[:, 0, 1])


def test_reading_the_field_of_the_original(original: VectorField, dynamo: Dynamo) -> None:
    assert relative(original(), dynamo("sparsevfc_M_default_it30")["V"]) < 1e-12
    assert list(original.space.genes[:2]) == ["g0", "g1"]
    with pytest.raises(rl.MissingKeyError, match="VecFld_umap"):
        VectorField.from_dynamo(dynamo.adata, "umap")
