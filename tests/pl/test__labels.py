from __future__ import annotations

import numpy as np
import pytest

from reguloom.pl._labels import push_apart, spread


def test_labels_that_do_not_conflict_stay():
    assert spread([1.0, 5.0, 3.0], 1.0, 0.0, 10.0).tolist() == [1.0, 5.0, 3.0]


def test_conflicts_are_solved_around_their_middle():
    np.testing.assert_allclose(spread([5.0, 5.0, 5.0], 1.0, 0.0, 10.0), [4.0, 5.0, 6.0])


@pytest.mark.parametrize("seed", range(5))
def test_gap_order_and_limits_hold(seed):
    rng = np.random.default_rng(seed)
    wanted = rng.random(20) * 10
    place = spread(wanted, 0.4, 0.0, 10.0)
    assert (np.diff(np.sort(place)) >= 0.4 - 1e-9).all()
    assert place.min() >= -1e-9 and place.max() <= 10 + 1e-9
    assert (np.argsort(place) == np.argsort(wanted)).all()


def test_too_many_labels_are_spaced_evenly():
    np.testing.assert_allclose(np.diff(spread(np.zeros(11), 3.0, 0.0, 10.0)), 1.0)


def test_boxes_are_pushed_off_each_other_and_off_fixed_ones():
    boxes = np.array([[0, 0, 4, 1], [1, 0.2, 5, 1.2], [0.5, -0.1, 4.5, 0.9]], dtype=float)
    fixed = np.array([[2, 0.3, 3, 0.6]])
    moved = boxes + np.tile(push_apart(boxes, np.zeros((3, 2)), fixed=fixed), 2)
    everything = np.vstack([moved, fixed])
    for i in range(4):
        for j in range(i):
            overlap = np.minimum(everything[i, 2:], everything[j, 2:]) - np.maximum(
                everything[i, :2], everything[j, :2]
            )
            assert (overlap < 0.1).any()
