"""The boosting kernels against plain numpy and against scikit-learn's own trees."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import GradientBoostingRegressor

from reguloom.grn import _kernels as kernels
from reguloom.grn._binning import bin_regulators

SHIFT = 10


def fixed(residual: np.ndarray, inside: np.ndarray, scale: float) -> np.ndarray:
    packed = np.zeros(residual.size, np.int64)
    kernels.pack(residual, packed, scale, SHIFT)
    return np.where(inside, packed, 0)


def expression(rng, n_cells=300, n_genes=9):
    values = rng.poisson(rng.gamma(0.6, 2.0, n_genes), (n_cells, n_genes)).astype(np.float32)
    values[:, 1] = rng.normal(size=n_cells)  # continuous and negative: quantile bins, default bin anywhere
    values[:, 2] = 1.0  # constant
    values[:, 3] = -values[:, 3]  # zeros come last
    return values


def best_split_numpy(columns, residual, inside):
    """Every split of every column, by its definition; gain is w_l w_r (mean_l - mean_r)^2."""
    best = (-1.0, -1, 0.0)
    for feature in range(columns.shape[1]):
        for threshold in np.unique(columns[inside, feature])[:-1]:
            left = residual[inside & (columns[:, feature] <= threshold)]
            right = residual[inside & (columns[:, feature] > threshold)]
            gain = left.size * right.size * (left.mean() - right.mean()) ** 2
            if gain > best[0] * (1 + 1e-9):
                best = (gain, feature, threshold)
    return best


@pytest.mark.parametrize("share_inside", [0.9, 0.3, 0.02])
def test_best_split_is_the_best_of_all(share_inside):
    rng = np.random.default_rng(0)
    columns = np.delete(expression(rng), 1, axis=1)
    binned = bin_regulators(sparse.csc_array(columns))
    work = kernels.workspace(binned)
    for _ in range(20):
        inside = rng.random(columns.shape[0]) < share_inside
        residual = rng.normal(size=columns.shape[0]) + columns[:, rng.integers(columns.shape[1])]
        packed = fixed(residual, inside, 2.0**30)
        features = np.arange(columns.shape[1])
        state = np.array([1], np.uint64)
        found = kernels.best_split(*(binned, features, features.size, work, packed, packed.sum(), SHIFT, state))
        gain, feature, threshold = best_split_numpy(columns, residual, inside)
        assert found[2] / 2.0**60 == pytest.approx(gain, rel=1e-6)
        goes_left = binned.bins[found[0]] <= found[1]
        assert found[3] == packed[goes_left].sum()
        if share_inside > 0.1:  # among a handful of cells several regulators split alike
            assert found[0] == feature
            assert np.array_equal(goes_left[inside], (columns[:, feature] <= threshold)[inside])


def test_list_and_histogram_give_the_same_bits():
    rng = np.random.default_rng(1)
    columns = expression(rng, 500)
    binned = bin_regulators(sparse.csc_array(columns))
    packed = fixed(rng.normal(size=500), rng.random(500) < 0.5, 2.0**30)
    cells = np.flatnonzero(packed).astype(binned.order.dtype)
    left, tables = np.zeros((2, 256), np.int64), np.zeros(3 * kernels.FEW_BINS, np.int64)
    for k in range(columns.shape[1]):
        listed = slice(binned.start[k], binned.start[k + 1])
        n_bins = binned.n_bins[k]
        kernels.prefix_left(
            *(packed, binned.order[listed], binned.codes[listed], binned.ends[k], n_bins),
            *(binned.default[k], packed.sum(), left[0]),
        )
        kernels.histogram_left(packed, cells, binned.bins[k], n_bins, tables, left[1])
        expected = [packed[binned.bins[k] <= b].sum() for b in range(n_bins)]
        assert left[0, :n_bins].tolist() == left[1, :n_bins].tolist() == expected


def test_the_threshold_lies_halfway_to_the_next_value_in_the_node():
    columns = np.array([[0.0, 1.0, 2.0, 3.0, 10.0, 10.0]], np.float32).T
    binned = bin_regulators(sparse.csc_array(columns))
    inside = np.array([True, False, False, False, True, True])
    packed = fixed(np.array([1.0, 0, 0, 0, -1.0, -1.0]), inside, 2.0**20)
    work = kernels.workspace(binned)
    features, state = np.arange(1), np.array([1], np.uint64)
    _, last_left, _, _ = kernels.best_split(binned, features, 1, work, packed, packed.sum(), SHIFT, state)
    assert last_left == 3  # halfway between 0 and 10: 1, 2 and 3, which are not in the node, go left


def test_regulators_are_drawn_until_one_varies():
    columns = np.zeros((20, 50), np.float32)
    columns[:10, 17] = 1.0
    binned = bin_regulators(sparse.csc_array(columns))
    packed = fixed(np.arange(20.0), np.ones(20, bool), 2.0**20)
    work = kernels.workspace(binned)
    for seed in range(20):
        state = np.array([seed], np.uint64)
        found = kernels.best_split(binned, np.arange(50), 5, work, packed, packed.sum(), SHIFT, state)
        assert found[0] == 17


def test_random_below_is_uniform_and_reproducible():
    draws = [kernels.random_below(np.array([seed], np.uint64), 10) for seed in range(20_000)]
    state = np.array([5], np.uint64)
    chain = np.array([kernels.random_below(state, 7) for _ in range(20_000)])
    assert np.bincount(chain, minlength=7) == pytest.approx(20_000 / 7, rel=0.07)
    assert min(draws) == 0
    assert max(draws) == 9


@pytest.mark.parametrize("depth", [1, 3])
def test_boosting_without_chance_is_scikit_learns(depth):
    rng = np.random.default_rng(2)
    columns = expression(rng, 250, 7)
    columns[:, 1] = np.round(columns[:, 1], 2)[rng.integers(0, 200, 250)]  # at most 200 values: every split is there
    target = columns[:, 0] * 1.5 + columns[:, 4] * (columns[:, 5] > 1) + rng.normal(size=250)
    model = GradientBoostingRegressor(n_estimators=60, learning_rate=0.05, max_depth=depth, random_state=0)
    model.fit(columns, target)
    trees = [tree.tree_.compute_feature_importances(normalize=False) for tree in model.estimators_[:, 0]]
    binned = bin_regulators(sparse.csc_array(columns))
    residual, importance = target - target.mean(), np.zeros(7)
    n_trees = kernels.boost(
        *(binned, kernels.workspace(binned), residual, np.arange(7), 7, 60, 0.05, 250, depth, 25),
        *(np.uint64(1), importance),
    )
    assert n_trees == 60
    assert target - residual == pytest.approx(model.predict(columns), abs=1e-6)
    # Deep nodes hold few cells, which several regulators split alike: which of them gets the credit is left to chance.
    assert importance / 250 == pytest.approx(np.sum(trees, axis=0), rel=1e-6 if depth == 1 else 0.02)


def test_boosting_stops_when_the_out_of_bag_loss_rises():
    rng = np.random.default_rng(4)
    columns = expression(rng)
    binned = bin_regulators(sparse.csc_array(columns))
    features = np.arange(columns.shape[1])

    def trees(target, seed, window=25):
        importance = np.zeros(features.size)
        return kernels.boost(
            *(binned, kernels.workspace(binned), target - target.mean(), features.copy(), 2, 2000, 0.01, 270, 3),
            *(window, np.uint64(seed), importance),
        )

    noise = [trees(rng.normal(size=300), seed) for seed in range(8)]
    signal = [trees(columns[:, 0] + 0.3 * rng.normal(size=300), seed) for seed in range(8)]
    assert min(noise) >= 25
    assert np.median(noise) < 80 < np.median(signal)
    assert trees(rng.normal(size=300), 0, window=0) == 2000


def test_sums_stay_exact_for_heavy_tails():
    rng = np.random.default_rng(5)
    columns = expression(rng, 400)
    binned = bin_regulators(sparse.csc_array(columns))
    for scale in (1e-6, 1.0, 1e9):
        target = scale * (columns[:, 0] + (np.arange(400) == 7) * 1e4)
        importance = np.zeros(columns.shape[1])
        kernels.boost(
            *(binned, kernels.workspace(binned), target - target.mean(), np.arange(9), 3, 30, 0.1, 360, 3, 25),
            *(np.uint64(3), importance),
        )
        assert np.isfinite(importance).all()
        assert (importance >= 0).all()
        share = importance / importance.sum()
        if scale == 1e-6:
            first = share
        assert share == pytest.approx(first, rel=1e-3, abs=1e-6)
