"""The dip against linear programming on its definition, and its p-values against known ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from reguloom.activity._dip import dip_test, p_value
from reguloom.activity._dip_kernels import dip_sorted, simulate_dips


def dip_by_definition(values):
    """Smallest sup-distance from the empirical distribution to one that is convex, then concave, over every mode."""
    x, counts = np.unique(values, return_counts=True)
    above = np.cumsum(counts) / len(values)
    below = above - counts / len(values)
    return min(_distance(x, below, above, mode) for mode in range(len(x)))


def _distance(x, below, above, mode):
    """Unknowns: the height at each value (at the mode: before its atom), the height after the atom, the distance."""
    m = len(x)
    rows, bounds = [], []

    def at_most(terms, bound):
        row = np.zeros(m + 2)
        for place, factor in terms:
            row[place] += factor
        rows.append(row)
        bounds.append(bound)

    for i in range(m):
        heights = [(i, below[i]), (m, above[i])] if i == mode else [(i, below[i]), (i, above[i])]
        for place, target in heights:
            at_most([(place, 1), (m + 1, -1)], target)
            at_most([(place, -1), (m + 1, -1)], -target)
    at_most([(mode, 1), (m, -1)], 0)
    for i in range(m - 1):
        at_most([(m if i == mode else i, 1), (i + 1, -1)], 0)
    for i in range(1, m - 1):
        left, right = 1 / (x[i] - x[i - 1]), 1 / (x[i + 1] - x[i])
        if i < mode:
            at_most([(i, left + right), (i - 1, -left), (i + 1, -right)], 0)
        elif i > mode:
            at_most([(i, -left - right), (m if i - 1 == mode else i - 1, left), (i + 1, right)], 0)
    cost = np.zeros(m + 2)
    cost[-1] = 1
    found = linprog(cost, A_ub=np.array(rows), b_ub=bounds, bounds=[(None, None)] * (m + 2))
    return found.fun if found.status == 0 else np.inf


@pytest.mark.parametrize("seed", range(24))
def test_dip_is_the_smallest_distance(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 14))
    values = [
        rng.normal(size=n),
        np.round(rng.normal(size=n), 1),
        np.concatenate([np.zeros(n // 2), rng.gamma(1, 1, n - n // 2)]),
        np.concatenate([rng.normal(size=n // 2), rng.normal(5, 1, n - n // 2)]),
    ][seed % 4]
    values = np.sort(values)
    assert dip_sorted(values) == pytest.approx(dip_by_definition(values), abs=1e-8)


def test_two_points_masses_have_the_largest_dip():
    assert dip_sorted(np.repeat([0.0, 1.0], 50)) == pytest.approx(0.25)


@pytest.mark.parametrize("n", [40, 300])
def test_table_agrees_with_fresh_simulations_between_its_sizes(n):
    dips = simulate_dips(n, 4000, 99)
    p_values = np.array([p_value(dip, n) for dip in dips])
    for level in (0.05, 0.5):
        assert (p_values <= level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 4000))


def test_p_value_falls_with_the_dip_and_stays_a_probability():
    p_values = [p_value(dip, n=500_000) for dip in np.linspace(0, 0.01, 50)]
    assert p_values[0] == 1
    assert (np.diff(p_values) <= 0).all()
    assert min(p_values) >= 0


def test_unimodal_and_bimodal_samples_are_told_apart():
    rng = np.random.default_rng(0)
    assert dip_test(rng.normal(size=500))[1] > 0.5
    assert dip_test(np.concatenate([rng.normal(size=250), rng.normal(5, 1, 250)]))[1] < 0.001


def test_heap_of_zeros_is_a_mode_of_its_own():
    values = np.concatenate([np.zeros(60), np.sort(np.random.default_rng(0).exponential(size=40))])
    assert dip_sorted(values) < 0.1
    dip, p = dip_test(values)
    assert dip == 0.3
    assert p < 0.001


def test_constant_sample():
    assert dip_test(np.full(10, 0.2)) == (0.0, 1.0)
