"""Baselines: planted groups are found, the same bytes every time, warping within its band."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from reguloom.temporal.baselines import BASELINES
from reguloom.temporal.baselines._dtw_kernels import nearest
from reguloom.temporal.baselines.fuzzy import fuzzifier
from reguloom.temporal.baselines.kmeans import kmeans
from reguloom.temporal.consensus import adjusted_rand, consensus, explained, stability
from reguloom.temporal.noise import estimate_noise
from reguloom.temporal.profile import Profile

from .simulated import course


@pytest.fixture(scope="module")
def planted() -> tuple[Profile, np.ndarray]:
    data, module = course(120, n_replicates=2, n_tracks=2)
    return Profile.of(data, estimate_noise(data)), pd.factorize(module)[0]


@pytest.mark.parametrize("name", BASELINES)
def test_each_finds_planted_groups_and_repeats_itself(name: str, planted) -> None:
    profile, module = planted
    label = BASELINES[name](profile, 4, 0)
    assert adjusted_rand(label, module) > (0.5 if name in ("half-time", "dtw") else 0.9)
    with threadpool_limits(1):
        assert (BASELINES[name](profile, 4, 0) == label).all()


@pytest.mark.parametrize("name", BASELINES)
def test_one_group_is_possible(name: str, planted) -> None:
    assert set(BASELINES[name](planted[0], 1, 0)) == {0}


def test_kmeans_reaches_the_optimum_of_well_apart_groups() -> None:
    rng = np.random.default_rng(0)
    centres = 20.0 * np.eye(6)
    points = np.repeat(centres, 15, axis=0) + rng.normal(size=(90, 6))
    assert adjusted_rand(kmeans(points, 6, 3), np.repeat(np.arange(6), 15)) == 1.0
    assert set(kmeans(np.zeros((5, 2)), 2, 0)) <= {0, 1}


def dtw(a: np.ndarray, b: np.ndarray, band: int) -> float:
    """Ten lines of reference."""
    n = len(a)
    cost = np.full((n + 1, n + 1), np.inf)
    cost[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            if abs(i - j) <= band:
                step = min(cost[i - 1, j - 1], cost[i - 1, j], cost[i, j - 1])
                cost[i, j] = ((a[i - 1] - b[j - 1]) ** 2).sum() + step
    return cost[n, n]


def test_the_nearest_centre_under_warping_is_that_of_the_reference() -> None:
    rng = np.random.default_rng(1)
    courses, centres = rng.normal(size=(30, 8, 2)), rng.normal(size=(4, 8, 2))
    expected = [int(np.argmin([dtw(one, centre, 2) for centre in centres])) for one in courses]
    assert list(nearest(courses, centres, 2)) == expected


def test_the_fuzzifier_is_near_one_for_long_courses() -> None:
    assert 1.0 < fuzzifier(3000, 30) < fuzzifier(3000, 5)


def test_agreement_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 4, 200), rng.integers(0, 3, 200)
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other))
    assert adjusted_rand(one, one) == 1.0


def test_a_consensus_sees_through_other_numbers_and_some_noise() -> None:
    rng = np.random.default_rng(0)
    true = np.repeat(np.arange(4), 25)
    made = []
    for _ in range(20):
        one = rng.permutation(4)[true]
        moved = rng.random(100) < 0.2
        one[moved] = rng.integers(0, 4, moved.sum())
        made.append(one)
    share = consensus(made, 4)
    assert share.sum(axis=1) == pytest.approx(np.ones(100))
    assert adjusted_rand(share.argmax(axis=1), true) == 1.0
    assert 0.7 < share.max(axis=1).mean() < 0.95
    assert 0.3 < stability(made) < 0.8


def test_explained_variance() -> None:
    labels = np.array([0, 0, 1, 1])
    assert explained(labels, np.array([1.0, 1.0, 3.0, 3.0])) == pytest.approx(1.0)
    assert explained(labels, np.array([1.0, 3.0, 1.0, 3.0])) == pytest.approx(0.0)
