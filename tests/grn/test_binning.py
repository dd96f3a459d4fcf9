"""Bins: exact up to 255 values, quantiles above, and lists that leave the most frequent bin out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from reguloom.grn._binning import MAX_DISTINCT, bin_regulators


def columns(*values):
    return sparse.csc_array(np.array(values, np.float32).T)


@pytest.mark.parametrize("n_distinct", [1, 2, 254, 255])
def test_few_values_have_a_bin_each(n_distinct):
    values = np.random.default_rng(0).permutation(np.repeat(np.arange(n_distinct), 3)).astype(np.float32)
    binned = bin_regulators(columns(values))
    assert binned.n_bins[0] == n_distinct
    assert np.array_equal(binned.bins[0], values)
    assert np.array_equal(binned.lower[0, :n_distinct], np.arange(n_distinct))


def test_many_values_fall_into_even_bins_and_zero_keeps_its_own():
    rng = np.random.default_rng(1)
    values = np.where(rng.random(5000) < 0.6, 0, rng.lognormal(size=5000)).astype(np.float32)
    binned = bin_regulators(columns(values))
    sizes = np.bincount(binned.bins[0])
    assert 200 < binned.n_bins[0] <= MAX_DISTINCT
    assert binned.default[0] == 0
    assert np.array_equal(binned.bins[0] == 0, values == 0)
    assert sizes[1:].max() < 4 * np.median(sizes[1:])
    order = np.argsort(values, kind="stable")
    assert (np.diff(binned.bins[0][order].astype(int)) >= 0).all()


def test_values_closer_than_scikit_learn_tells_apart_share_a_bin():
    binned = bin_regulators(columns([0.0, 1.0, 1.0 + 5e-8, 2.0]))
    assert binned.bins[0].tolist() == [0, 1, 1, 2]


def test_lists_hold_the_other_cells_in_order():
    values = [3.0, 0.0, -1.0, 0.0, 3.0, 1.0, 0.0]
    binned = bin_regulators(columns(values))
    assert binned.default[0] == 1
    assert binned.order.tolist() == [2, 5, 0, 4]
    assert binned.codes.tolist() == [0, 2, 3, 3]
    assert binned.ends[0, :4].tolist() == [1, 1, 2, 4]


def test_dense_columns_without_zeros_and_empty_columns():
    rng = np.random.default_rng(2)
    binned = bin_regulators(columns(rng.normal(size=1000), np.zeros(1000)))
    assert binned.n_bins[0] == MAX_DISTINCT or binned.n_bins[0] > 200
    assert binned.n_bins[1] == 1
    assert binned.start[2] == binned.start[1]


def test_many_cells_need_wider_numbers():
    values = np.zeros(70_000, np.float32)
    values[-3:] = 1
    binned = bin_regulators(columns(values))
    assert binned.order.dtype == np.uint32
    assert binned.order.tolist() == [69_997, 69_998, 69_999]
