"""Neighbours, the balanced graph and its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from reguloom._errors import InputError
from reguloom.manifold import balanced_neighbors, nearest, smoothing_weights


@pytest.mark.parametrize("n_dims", [2, 20])
def test_nearest_equals_sorting_all_distances(n_dims: int) -> None:
    points = np.random.default_rng(0).normal(size=(80, n_dims))
    indices, distances = nearest(points, 7)
    table = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(table, np.inf)
    assert np.array_equal(indices, np.argsort(table, axis=1, kind="stable")[:, :7])
    assert np.allclose(distances, np.sort(table, axis=1)[:, :7], atol=1e-12)


@pytest.mark.parametrize("n_dims", [2, 12])
def test_nearest_of_duplicates_never_returns_the_point_itself(n_dims: int) -> None:
    points = np.zeros((9, n_dims))
    indices, distances = nearest(points, 4)
    assert (distances == 0).all()
    assert all(i not in row for i, row in enumerate(indices))


def test_nearest_does_not_depend_on_threads() -> None:
    points = np.random.default_rng(1).normal(size=(700, 12))
    one, two = nearest(points, 9, n_jobs=1), nearest(points, 9, n_jobs=2)
    assert one[0].tobytes() == two[0].tobytes()
    assert one[1].tobytes() == two[1].tobytes()


def test_nearest_refuses_too_many_and_missing_values() -> None:
    with pytest.raises(InputError, match="10 neighbours"):
        nearest(np.zeros((10, 2)), 10)
    with pytest.raises(InputError, match="finite"):
        nearest(np.array([[0.0, np.nan], [1, 1], [2, 2]]), 1)


def reference(points: np.ndarray, k: int, sight: int, max_in: int) -> list[list[int]]:
    """The balanced graph by the rule: sought-after cells choose first, nearest first, full ones are skipped."""
    order = [np.argsort(np.linalg.norm(points - p, axis=1), kind="stable")[1 : sight + 1].tolist() for p in points]
    often = np.bincount(np.ravel(order), minlength=len(points))
    taken, chosen = np.zeros(len(points), dtype=int), [[] for _ in points]
    for i in np.argsort(often, kind="stable")[::-1]:
        for j in order[i]:
            if len(chosen[i]) < k and taken[j] < max_in:
                chosen[i].append(j)
                taken[j] += 1
        chosen[i] += [i] * (k - len(chosen[i]))
    return chosen


@pytest.mark.parametrize("max_in", [3, 5, 40])
def test_balanced_equals_the_rule(max_in: int) -> None:
    points = np.random.default_rng(2).normal(size=(60, 3))
    indices, _ = balanced_neighbors(points, 5, sight=20, max_in=max_in)
    assert indices.tolist() == reference(points, 5, 20, max_in)
    counts = np.bincount(indices[indices != np.arange(60)[:, None]], minlength=60)
    assert counts.max() <= max_in


def test_weights_average_over_true_neighbours_alone() -> None:
    weights = smoothing_weights(np.array([[1, 2], [0, 1], [2, 0]]), np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]]))
    assert np.allclose(weights.toarray(), [[0.5, 0.5, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]])


def test_balanced_graph_of_the_original(shared: Path) -> None:
    folder = shared / "golden" / "celloracle" / "paul15"
    golden = np.load(folder / "pca_knn.npz", allow_pickle=True)
    weights = smoothing_weights(*balanced_neighbors(golden["pcs"], 10))
    theirs = csr_array((golden["w_data"], golden["w_indices"], golden["w_indptr"]), shape=weights.shape)
    assert abs(weights - theirs).max() < 1e-12
    counts = np.log1p(np.load(folder / "inputs.npz", allow_pickle=True)["norm_counts"])  # float32, as there
    assert np.abs(weights @ counts.astype(np.float64) - golden["imputed_balanced"]).max() < 1e-8
