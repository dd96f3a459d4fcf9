"""Fixed points, basins, potential, integration and least-action paths on a world whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import approx_fprime

import reguloom as rl
from reguloom import vectorfield as vf
from reguloom.vectorfield import VectorField
from reguloom.vectorfield.least_action import resample


@pytest.fixture(scope="module")
def flat() -> VectorField:
    """The double well dx/dt = x - x^3, dy/dt = -y, in two dimensions."""
    rng = np.random.default_rng(0)
    x = rng.uniform((-1.6, -1), (1.6, 1), (900, 2))
    v = np.column_stack([x[:, 0] - x[:, 0] ** 3, -x[:, 1]])
    made = vf.sparsevfc(x, v, n_control=150, ridge=1e-4)
    space = vf.StateSpace("umap", pd.Index([]), np.empty((0, 2)), np.empty(0), np.empty(0))
    groups = pd.Categorical(np.where(x[:, 0] > 0, "right", "left"))
    cells = pd.Index([f"c{i}" for i in range(900)])
    return VectorField(made.control_points, made.coefficients, made.bandwidth, space, x, v, made.inlier, cells, groups)


def test_fixed_points_and_their_kinds(flat: VectorField) -> None:
    found = vf.fixed_points(flat, max_support=3)
    table = found.to_frame()
    order = np.argsort(found.states[:, 0])
    assert np.allclose(found.states[order], [[-1, 0], [0, 0], [1, 0]], atol=0.02)
    assert table["kind"].iloc[order].tolist() == ["stable", "saddle", "stable"]
    assert np.allclose(found.eigenvalues[order[1]].real, [1, -1], atol=0.1)
    assert (found.residual < 1e-7).all() and not found.rotating.any()


def test_a_rotation_is_noticed() -> None:
    x = np.random.default_rng(1).normal(size=(400, 2))
    v = x @ np.array([[-0.3, 1.0], [-1.0, -0.3]])
    made = vf.sparsevfc(x, v, n_control=80, ridge=1e-3)
    space = vf.StateSpace("umap", pd.Index([]), np.empty((0, 2)), np.empty(0), np.empty(0))
    field = VectorField(
        made.control_points, made.coefficients, made.bandwidth, space, x, v, made.inlier, pd.Index(map(str, range(400)))
    )
    found = vf.fixed_points(field, max_support=1)
    assert found.rotating[0] and found.kind[0] == "stable"
    assert np.median(vf.curl(field)) == pytest.approx(2.0, abs=0.2) or np.median(vf.curl(field)) == pytest.approx(
        -2.0, abs=0.2
    )
    assert np.median(field.divergence()) == pytest.approx(-0.6, abs=0.15)


def test_separatrices_follow_the_saddles_stable_direction(flat: VectorField) -> None:
    curves = vf.separatrices(flat, vf.fixed_points(flat, max_support=3), length=0.8)
    assert len(curves) == 2
    for curve in curves:
        assert np.abs(curve[:, 0]).max() < 0.05  # the line x = 0 parts the basins
        assert np.abs(curve[-1, 1]) > 0.5


def test_basins(flat: VectorField) -> None:
    points = vf.fixed_points(flat, max_support=3)
    found = vf.basins(flat, points, time=30.0)
    right = int(points.states[:, 0].argmax())
    far = np.abs(flat.states[:, 0]) > 0.1
    assert ((found.to_numpy() == right) == (flat.states[:, 0] > 0))[far].mean() > 0.98


def test_potential_rises_along_the_flow(flat: VectorField) -> None:
    p = vf.potential(flat)
    assert p.min() == 0
    x, y = flat.states.T
    assert np.corrcoef(p, x**2 / 2 - x**4 / 4 - y**2 / 2)[0, 1] > 0.8


def test_integration_agrees_with_scipy(field: VectorField) -> None:
    starts = field.states[:5]
    made = vf.integrate(field, starts, time=6.0, n_times=4, guard=None, tol=1e-8)
    for i, start in enumerate(starts):
        theirs = solve_ivp(lambda t, y: field(y[None])[0], (0, 6), start, rtol=1e-10, atol=1e-12, t_eval=made.times)
        assert np.abs(made.states[i] - theirs.y.T).max() < 1e-5
    back = vf.integrate(field, made.states[:, -1], time=6.0, n_times=2, backward=True, guard=None, tol=1e-9)
    assert np.abs(back.states[:, -1] - starts).max() < 0.05


def test_paths_end_for_a_reason(flat: VectorField) -> None:
    made = vf.integrate(flat, np.array([[0.5, 0.5]]), time=1000.0)
    assert made.stopped[0] == "fixed point"
    assert np.allclose(made.states[0, -1], [1, 0], atol=0.02)
    away = replace(flat, coefficients=np.tile([[1.0, 0.0]], (len(flat.control_points), 1)))
    assert vf.integrate(away, np.array([[0.5, 0.5]]), time=1000.0).stopped[0] == "left the data"
    with pytest.raises(rl.InputError, match="time is -1"):
        vf.integrate(flat, flat.states, time=-1.0)


def test_noise_has_the_size_that_is_asked_for(flat: VectorField) -> None:
    still = replace(flat, coefficients=np.zeros_like(flat.coefficients))
    made = vf.diffuse(still, np.zeros((4000, 2)), time=2.0, diffusion=0.3, n_steps=20, n_times=3)
    assert made.states.shape == (4000, 3, 2)
    assert made.states[:, -1].var() == pytest.approx(2 * 0.3 * 2.0, rel=0.05)
    again = vf.diffuse(still, np.zeros((4000, 2)), time=2.0, diffusion=0.3, n_steps=20, n_times=3, seed=0)
    assert np.array_equal(made.states, again.states)


def test_least_action_downhill_costs_nothing(flat: VectorField) -> None:
    down = flat.least_action(np.array([0.15, 0.0]), np.array([0.95, 0.0]))
    climb = flat.least_action(np.array([0.95, 0.0]), np.array([0.15, 0.0]))
    # For a gradient field the climb costs twice the height over D (Freidlin and Wentzell), downhill is free.
    height = [x**4 / 4 - x**2 / 2 for x in (0.15, 0.95)]
    assert climb.action == pytest.approx(2 * (height[0] - height[1]) / 10, rel=0.1)
    assert down.action < 0.02 * climb.action
    assert down.converged and down.time > 0 and down.length == pytest.approx(0.8, rel=0.05)


def test_the_slope_of_the_action_is_right(flat: VectorField) -> None:
    from reguloom.vectorfield.least_action import action

    path = resample(np.array([[-1.0, 0.0], [0.0, 0.4], [1.0, 0.0]]), 7)

    def cost(inner: np.ndarray) -> float:
        x = np.vstack([path[:1], inner.reshape(-1, 2), path[-1:]])
        return action(x, flat((x[1:] + x[:-1]) / 2))[0]

    best = flat.least_action(path[0], path[-1], n_points=5)
    slope = approx_fprime(best.states[1:-1].ravel(), cost, 1e-6)
    rough = approx_fprime(path[1:-1].ravel(), cost, 1e-6)
    assert np.linalg.norm(slope) < 0.02 * np.linalg.norm(rough)


def test_action_matrix_and_genes_along_a_path(field: VectorField) -> None:
    table, paths = vf.action_matrix(field, n_points=10)
    assert table.loc["A", "A"] == 0 < table.loc["A", "B"]
    path = paths["A", "B"]
    ranks = path.rank_genes()
    assert set(ranks.index[:2]) <= set(field.space.genes)
    assert ranks.loc["G0", "change"] < 0 < ranks.loc["G1", "change"]
    assert path.expression(["G0"]).shape == (12, 1)
    assert path.label == "A → B"


def test_messages(flat: VectorField) -> None:
    with pytest.raises(rl.InputError, match="same state"):
        flat.least_action("c0", "c0")
    with pytest.raises(rl.InputError, match="no groups"):
        vf.action_matrix(replace(flat, groups=None))
    with pytest.raises(rl.InputError, match="no loadings"):
        flat.predict(rl.Perturbation.knockout("G0"))
