"""Grids over an embedding and the averages at their points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reguloom._errors import InputError
from reguloom.manifold import Grid, GridWeights


@pytest.fixture
def places() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(300, 2)) * [3, 1]


def test_average_is_a_weighted_mean(places: np.ndarray) -> None:
    grid = Grid.of(places, 10)
    weights = GridWeights.of(grid, places, n_neighbors=20)
    values = places @ np.array([[1.0, 2.0], [0.5, -1.0]])
    point = 44
    distance = np.linalg.norm(places - grid.points[point], axis=1)
    near = np.argsort(distance)[:20]
    w = np.exp(-0.5 * (distance[near] / (0.8 * grid.step)) ** 2)
    assert np.allclose(weights.average(values)[point], (w[:, None] * values[near]).sum(0) / w.sum())
    assert np.allclose(weights.average(np.ones(300)), 1)


@pytest.mark.parametrize("factor", [1e-3, 2e3])
def test_mass_and_flow_do_not_depend_on_the_units(places: np.ndarray, factor: float) -> None:
    values = np.random.default_rng(6).normal(size=(300, 2))
    small, large = (GridWeights.of(Grid.of(one, 10), one, n_neighbors=20) for one in (places, factor * places))
    assert np.allclose(small.relative_mass, large.relative_mass)
    assert np.allclose(small.average(values), large.average(values))


def test_compat_mass_does_depend_on_them(places: np.ndarray) -> None:
    small, large = (GridWeights.of(Grid.of(one, 10), one, n_neighbors=20, compat=True) for one in (places, 9 * places))
    assert np.allclose(small.mass, 9 * large.mass)


def test_pull_back_is_the_transpose_of_average(places: np.ndarray) -> None:
    rng = np.random.default_rng(7)
    weights = GridWeights.of(Grid.of(places, 10), places, n_neighbors=20, mask=np.arange(300) % 2 == 0)
    field, values = rng.normal(size=(100, 2)), rng.normal(size=(300, 2))
    assert np.isclose((weights.average(values) * field).sum(), (values * weights.pull_back(field, 300)).sum())


def test_gradient_of_a_slope_is_constant(places: np.ndarray) -> None:
    grid = Grid.of(places, 12)
    slope = grid.gradient(2.0 * grid.points[:, 0])
    assert np.allclose(slope, [2.0 * (grid.x[1] - grid.x[0]), 0.0])


def test_flat_and_one_dimensional_embeddings_are_refused() -> None:
    with pytest.raises(InputError, match="two dimensions"):
        Grid.of(np.zeros((5, 3)))
    with pytest.raises(InputError, match="spans"):
        Grid.of(np.zeros((5, 2)))


def test_the_originals_numbers(shared: Path) -> None:
    folder = shared / "golden" / "celloracle" / "paul15"
    golden = np.load(folder / "grid.npz")
    places = np.load(folder / "inputs.npz", allow_pickle=True)["embedding"]
    shift = np.load(folder / "transition.npz")["delta_embedding"]
    grid = Grid.of(places)
    weights = GridWeights.of(grid, places, n_neighbors=100, compat=True)
    assert np.array_equal(grid.points, golden["flow_grid"])
    assert np.abs(weights.mass - golden["total_p_mass"]).max() < 1e-10
    assert np.abs(weights.average(shift) - golden["flow"]).max() < 1e-8
