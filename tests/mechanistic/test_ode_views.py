"""Time courses, and the plane of two genes."""

from __future__ import annotations

import numpy as np
import pytest

import reguloom as rl
from reguloom.mechanistic import BooleanNetwork, OdeModel, phase_plane, time_courses

TOGGLE = OdeModel.from_network(BooleanNetwork.from_rules({"A": "not B", "B": "not A", "C": "A"}), hill=4)


def test_a_toggle_rests_in_three_places_two_of_them_stable():
    plane = phase_plane(TOGGLE, ["A", "B"])
    assert plane.stable.tolist().count(True) == 2 and len(plane.rests) == 3
    middle = plane.rests[~plane.stable][0]
    np.testing.assert_allclose(middle, [0.5, 0.5], atol=1e-6)
    # away from the diagonal the levels go to the nearer of the two
    assert plane.dx[10, 40] > 0 > plane.dy[40, 50]


def test_a_knockout_leaves_one():
    plane = phase_plane(TOGGLE, ["A", "B"], perturbation=rl.Perturbation.knockout("A"))
    assert plane.stable.tolist() == [True]
    np.testing.assert_allclose(plane.rests[0], [0.0, 1.0], atol=1e-6)


@pytest.mark.parametrize("genes", [["A"], ["A", "A"], ["A", "Z"]])
def test_two_genes_are_needed(genes):
    with pytest.raises(rl.InputError, match="give two genes"):
        phase_plane(TOGGLE, genes)


def test_time_courses_share_their_noise_until_the_onset():
    free = time_courses(TOGGLE, 6, n_times=20, rng=3)
    held = time_courses(TOGGLE, 6, n_times=20, rng=3, perturbation=rl.Perturbation.knockout("A"), onset=4.0)
    assert free.shape == (120, 6) and list(free.columns) == ["trajectory", "time", "fate", "A", "B", "C"]
    before = (free["time"] <= 4.0).to_numpy()
    np.testing.assert_array_equal(free.loc[before, "A"], held.loc[before, "A"])
    assert held.loc[held["time"] > 7, "A"].max() < 0.01
