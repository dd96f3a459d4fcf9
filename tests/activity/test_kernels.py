"""Kernels of AUCell against ten lines of numpy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from reguloom.activity import _kernels


@pytest.mark.parametrize("n", [1, 2, 63, 1000])
@pytest.mark.parametrize("kind", ["counts", "float32", "float64", "same"])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_sort_is_stable_and_ascending(n, kind, share):
    rng = np.random.default_rng(n)
    values = {
        "counts": rng.poisson(3, n).astype(float),
        "float32": rng.random(n).astype(np.float32).astype(float),
        "float64": rng.random(n),
        "same": np.full(n, 2.5),
    }[kind]
    keys, places, n_top = values.view(np.uint64).copy(), np.arange(n), int(np.ceil(share * n))
    differing = np.bitwise_or.reduce(keys ^ keys[0])
    spare, spare_places = np.empty_like(keys), np.empty_like(places)
    side = _kernels.sort_top(keys, places, n, n_top, differing, spare, spare_places)
    found = (places, spare_places)[side][:n_top]
    assert (found == np.argsort(values, kind="stable")[:n_top]).all()


def test_lowest_bit():
    words = [1, 2, 3, 2**31, 2**63, 2**64 - 1, 12]
    assert [_kernels._lowest_bit(np.uint64(word)) for word in words] == [0, 1, 0, 31, 63, 0, 2]


@pytest.mark.parametrize("depth", [1, 5, 40, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_equal_full_ranks(depth, dtype, weighted):
    rng = np.random.default_rng(depth)
    dense = rng.poisson(0.5, (30, 100)).astype(dtype) * rng.choice([1, -1], (30, 100), p=[0.8, 0.2])
    dense[:, 0] = 1
    members = sparse.random_array((100, 7), density=0.2, rng=1, format="csr")
    if not weighted:
        members.data[:] = 1
    denominators = rng.random(7) + 1
    order = rng.permutation(100)
    ranks = np.empty((30, 100), int)
    for cell, values in enumerate(dense):
        ranks[cell, order[np.argsort(-values[order], kind="stable")]] = np.arange(100)
    expected = np.maximum(0, depth - ranks) @ members.toarray() / denominators
    block = sparse.csr_array(dense)
    scores, n_detected = np.full((30, 7), np.nan), np.empty(30, np.int64)
    memberships = (members.indptr.astype(np.uint32), members.indices.astype(np.uint32))
    weights = members.data if weighted else np.empty(0)
    cells = (block.data.astype(dtype), block.indices.astype(np.int32), block.indptr.astype(np.int64))
    seeds = np.zeros(0, np.uint64)
    _kernels.score_cells(
        *cells, depth, _kernels.TIES_FIXED, seeds, order, *memberships, weights, denominators, scores, n_detected
    )
    np.testing.assert_allclose(scores, expected, rtol=1e-12)
    assert (n_detected == (dense != 0).sum(axis=1)).all()


def test_shuffle_is_a_permutation_and_follows_the_seed():
    place_of, gene_at = np.empty(50, np.int64), np.empty(50, np.int64)
    orders = []
    for seed in (1, 1, 2):
        _kernels.shuffle_places(seed, place_of, gene_at)
        assert (np.sort(gene_at) == np.arange(50)).all()
        assert (place_of[gene_at] == np.arange(50)).all()
        orders.append(gene_at.copy())
    assert (orders[0] == orders[1]).all()
    assert (orders[0] != orders[2]).any()
