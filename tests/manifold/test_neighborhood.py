"""Correlation of a change with the way to each neighbour, transition probabilities and shifts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reguloom._errors import InputError
from reguloom.manifold import Neighborhood
from reguloom.manifold._kernels import linear_shift


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    delta = rng.normal(size=(150, 30)) * (rng.random((150, 30)) < 0.3)
    delta[0] = 0
    return rng.random((150, 30)), rng.normal(size=(150, 2)), delta


def by_hand(values: np.ndarray, delta: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Pearson's correlation, pair by pair; 1 where it is not defined."""
    made = np.ones(indices.shape)
    for i, row in enumerate(indices):
        for s, j in enumerate(row):
            if delta[i].std() > 0:
                made[i, s] = np.corrcoef(delta[i], values[j] - values[i])[0, 1]
    return made


def test_correlations_transitions_and_shift(data: tuple[np.ndarray, ...]) -> None:
    values, places, delta = data
    near = Neighborhood.of(values, places, n_neighbors=12)
    r = by_hand(values, delta, near.indices)
    assert np.abs(near.correlations(delta) - r).max() < 1e-10
    p = np.exp(r / 0.05) / np.exp(r / 0.05).sum(axis=1, keepdims=True)
    assert np.abs(near.transitions(delta) - p).max() < 1e-9
    step = places[near.indices] - places[:, None]
    unit = step / np.linalg.norm(step, axis=2, keepdims=True)
    shift = (p[..., None] * unit).sum(axis=1) - unit.mean(axis=1)
    assert np.abs(near.shift(delta) - shift).max() < 1e-9
    assert np.allclose(near.shift(delta)[0], 0)


def test_shift_tells_direction_and_not_size(data: tuple[np.ndarray, ...]) -> None:
    values, places, delta = data
    near = Neighborhood.of(values, places, n_neighbors=12)
    assert np.allclose(near.shift(delta), near.shift(7.0 * delta), atol=1e-9)


def test_bytes_do_not_depend_on_threads(data: tuple[np.ndarray, ...]) -> None:
    values, places, delta = data
    made = [Neighborhood.of(values, places, n_neighbors=12, n_jobs=n).shift(delta, n_jobs=n).tobytes() for n in (1, 2)]
    assert made[0] == made[1]


def test_sampling_keeps_near_ones_likelier_and_is_seeded(data: tuple[np.ndarray, ...]) -> None:
    values, places, _ = data
    whole = Neighborhood.of(values, places, n_neighbors=100)
    part = Neighborhood.of(values, places, n_neighbors=100, sampled_fraction=0.3, rng=1)
    assert part.indices.shape == (150, 30)
    assert all(set(a) <= set(b) and len(set(a)) == 30 for a, b in zip(part.indices, whole.indices, strict=True))
    rank = np.array([np.flatnonzero(np.isin(b, a)).mean() for a, b in zip(part.indices, whole.indices, strict=True)])
    assert rank.mean() < 45  # 49.5 if all were as likely
    again = Neighborhood.of(values, places, n_neighbors=100, sampled_fraction=0.3, seed=1)
    assert np.array_equal(part.indices, again.indices)


@pytest.mark.parametrize("n_parts", [1, 3])
def test_linear_shift_equals_the_long_way(data: tuple[np.ndarray, ...], n_parts: int) -> None:
    values, places, _ = data
    rng = np.random.default_rng(4)
    groups, answer = rng.integers(0, 2, 150), rng.normal(size=(2, n_parts, 30))
    factor = rng.normal(size=(150, n_parts))
    factor[7] = 0.0
    near = Neighborhood.of(values, places, n_neighbors=12)
    change = np.einsum("np,npg->ng", factor, answer[groups])
    centred = answer - answer.mean(axis=2, keepdims=True)
    size = np.linalg.norm(change - change.mean(axis=1, keepdims=True), axis=1, keepdims=True)
    weights = np.divide(factor, size, out=np.zeros_like(factor), where=size > 0)
    out = np.empty((150, 2))
    linear_shift(
        np.einsum("ng,kpg->kpn", values, centred), groups, weights, near.indices, near.distances, near.units,
        near.units.mean(axis=1), 0.05, out,
    )  # fmt: skip
    expected = near.shift(change)
    expected[7] = 0.0
    assert np.abs(out - expected).max() < 1e-9


def test_wrong_shapes_are_refused(data: tuple[np.ndarray, ...]) -> None:
    values, places, delta = data
    with pytest.raises(InputError, match="150 cells and the embedding 149"):
        Neighborhood.of(values, places[:-1])
    with pytest.raises(InputError, match="must agree"):
        Neighborhood.of(values, places).shift(delta[:, :5])


def test_the_originals_numbers(shared: Path) -> None:
    folder = shared / "golden" / "celloracle" / "paul15"
    golden = np.load(folder / "transition.npz")
    values = np.load(folder / "pca_knn.npz", allow_pickle=True)["imputed_balanced"]
    places = np.load(folder / "inputs.npz", allow_pickle=True)["embedding"]
    delta = np.load(folder / "simulated.npz")["delta_X_first_ko"]
    near = Neighborhood.of(values, places, n_neighbors=101)
    order, theirs = np.argsort(near.indices, axis=1), np.argsort(golden["knn_indices"], axis=1)
    assert np.array_equal(np.sort(near.indices, axis=1), np.sort(golden["knn_indices"], axis=1))

    def same(ours: np.ndarray, name: str) -> bool:
        return bool(
            np.abs(np.take_along_axis(ours, order, 1) - np.take_along_axis(golden[name], theirs, 1)).max() < 1e-8
        )

    assert same(near.correlations(delta), "corr_at_knn")
    assert same(near.transitions(delta), "tp_at_knn")
    assert np.abs(near.shift(delta) - golden["delta_embedding"]).max() < 1e-8
