"""Blocks of neighbouring cells."""

from __future__ import annotations

import numpy as np
import pytest

from reguloom._errors import InputError
from reguloom.manifold import blocks
from reguloom.manifold.blocks import block_labels


def test_blocks_cover_everything_once_and_stay_small() -> None:
    points = np.random.default_rng(8).normal(size=(203, 2))
    found = blocks(points, 25)
    assert sorted(np.concatenate(found)) == list(range(203))
    assert max(map(len, found)) <= 25
    spread = np.mean([points[one].std(axis=0).mean() for one in found])
    assert spread < 0.4 * points.std(axis=0).mean()


def test_equal_points_are_cut_as_well() -> None:
    assert [len(one) for one in blocks(np.zeros((10, 2)), 5)] == [5, 5]


def test_labels_follow_the_blocks() -> None:
    labels = block_labels(np.arange(40.0)[:, None], 4)
    assert np.array_equal(labels, np.repeat([0, 1, 2, 3], 10))


def test_size_is_checked() -> None:
    with pytest.raises(InputError, match="size"):
        blocks(np.zeros((3, 2)), 0)
