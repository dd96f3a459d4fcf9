"""Decision diagrams against the sum over all states of the regulators."""

from __future__ import annotations

import numpy as np
import pytest

import reguloom as rl
from reguloom.mechanistic.hill import ABSENT_EDGE, compile_rules, diagram, signs


def reference(table, theta):
    """The sum over all subsets S of the regulators that are on (Pratapa et al. 2020; Wittmann et al. 2009)."""
    total = 0.0
    for state, value in enumerate(table):
        on = np.array([(state >> i) & 1 for i in range(theta.shape[-1])], dtype=bool)
        total = total + value * np.prod(np.where(on, theta, 1 - theta), axis=-1)
    return total


def one_gene(table, k, **settings):
    return compile_rules([range(k), *[[]] * k], [table, *[np.ones(1)] * k], **settings)


@pytest.mark.parametrize("k", range(7))
def test_interpolation_is_the_sum_over_subsets(k):
    rng = np.random.default_rng(k)
    table, levels = rng.integers(0, 2, 2**k), rng.uniform(0.2, 3.0, (5, k + 1))
    theta = levels[:, :k] ** 3 / (levels[:, :k] ** 3 + 1.3**3)
    regulation = one_gene(table, k, threshold=1.3, hill=3)
    np.testing.assert_allclose(regulation.activity(levels)[:, 0], reference(table, theta), atol=1e-14)


def test_tables_between_zero_and_one_and_broken_hill_coefficients():
    rng = np.random.default_rng(1)
    table, levels = rng.random(8), rng.uniform(0.2, 3.0, (4, 4))
    theta = levels[:, :3] ** 2.5 / (levels[:, :3] ** 2.5 + 1.0)
    np.testing.assert_allclose(one_gene(table, 3, hill=2.5).activity(levels)[:, 0], reference(table, theta))


def test_slopes_are_those_of_finite_differences():
    rng = np.random.default_rng(2)
    regulation = one_gene(rng.integers(0, 2, 32), 5, hill=4)
    levels, step = rng.uniform(0.5, 1.5, (6, 6)), 1e-6
    for i in range(5):
        up, down = levels.copy(), levels.copy()
        up[:, i] += step
        down[:, i] -= step
        difference = (regulation.activity(up) - regulation.activity(down))[:, 0] / (2 * step)
        np.testing.assert_allclose(regulation.slopes(levels)[:, i], difference, atol=1e-7)


def test_corners_of_the_cube_are_the_truth_table():
    table = np.array([0, 1, 1, 0, 1, 0, 0, 1])
    states = (np.arange(8)[:, None] >> np.arange(3)) & 1
    levels = np.concatenate([np.where(states, 1e3, 1e-3), np.ones((8, 1))], axis=1)
    np.testing.assert_allclose(one_gene(table, 3, hill=10).activity(levels)[:, 0], table, atol=1e-12)


def test_twenty_regulators_need_no_million_terms():
    majority = np.array([bin(state).count("1") > 10 for state in range(2**20)])
    edge, *_ = diagram(majority, 20)
    assert len(edge) < 200
    with pytest.raises(rl.InputError, match="21 regulators"):
        diagram(np.zeros(2), 21)


def test_signs_and_redundant_regulators():
    xor, redundant = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 1])
    assert signs(xor, 2) == [0, 0]
    assert signs(redundant, 2) == [1, ABSENT_EDGE]
    assert signs(np.array([1, 0]), 1) == [-1]


def test_part_of_the_rules_answers_as_the_whole_does():
    regulators, tables = [[1, 2], [0], [2], [0, 1]], [[0, 1, 1, 1], [1, 0], [0, 1], [0, 0, 0, 1]]
    whole = compile_rules(regulators, [np.array(table) for table in tables], hill=3)
    part = whole.restricted(np.array([True, True, True, False]))
    levels = np.random.default_rng(0).uniform(0, 2, (5, 4))
    np.testing.assert_array_equal(part.activity(levels[:, :3]), whole.activity(levels)[:, :3])
    with pytest.raises(rl.InputError, match="regulated by one that is left out"):
        whole.restricted(np.array([True, False, True, False]))
