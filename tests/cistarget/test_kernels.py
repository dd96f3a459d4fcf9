"""Each compiled loop against a few lines of numpy."""

from __future__ import annotations

import numpy as np
import pytest

from reguloom.cistarget import _kernels
from reguloom.cistarget._membership import Membership
from reguloom.cistarget.recovery import area_under_curve, leading_edges, moments


@pytest.fixture(scope="module")
def problem(world):
    genes = list(world.ranks.columns)
    membership = Membership.of(world.modules, genes)
    columns = [genes.index(gene) for gene in membership.genes]
    ranks = np.ascontiguousarray(world.ranks.to_numpy()[:, columns])
    order = np.full((len(ranks), 150), -1, dtype=np.int16)
    assert _kernels.invert(ranks, 0, order) == -1
    return ranks, order, membership


def curves(ranks, membership, module, depth, weighted):
    """Recovery curves of one module in all motifs, the plain way."""
    entries = membership.entries(module)
    weights = membership.weights[entries] if weighted else np.ones(entries.stop - entries.start)
    found = ranks[:, membership.columns[entries], None] <= np.arange(depth)
    return (weights[:, None] * found).sum(axis=1)


def test_invert_is_the_inverse_ranking(problem):
    ranks, order, _ = problem
    for motif, rank in ((0, 0), (3, 7), (79, 149)):
        genes = np.flatnonzero(ranks[motif] == rank)
        assert order[motif, rank] == (genes[0] if len(genes) else -1)


def test_invert_finds_two_genes_of_one_rank():
    ranks = np.array([[0, 1, 2], [2, 0, 2]], dtype=np.int16)
    assert _kernels.invert(ranks, 0, np.full((2, 3), -1, dtype=np.int16)) == 1


@pytest.mark.parametrize("weighted", [False, True])
def test_area_under_curve(problem, weighted):
    ranks, order, membership = problem
    which, cutoff = np.array([2, 0, 3]), 19
    ours = area_under_curve(order, membership, which, cutoff=cutoff, weighted=weighted, n_jobs=2)
    for row, module in zip(ours, which, strict=True):
        entries = membership.entries(module)
        weights = membership.weights[entries] if weighted else np.ones(entries.stop - entries.start)
        clipped = np.maximum(0, cutoff - ranks[:, membership.columns[entries]].astype(int))
        np.testing.assert_allclose(row, clipped @ weights / ((cutoff + 1) * weights.sum()), rtol=1e-13)


@pytest.mark.parametrize("weighted", [False, True])
def test_moments_of_the_curves(problem, weighted):
    ranks, order, membership = problem
    mean, sd = moments(order, membership, np.array([1, 3]), weighted=weighted)
    for row, module in enumerate((1, 3)):
        plain = curves(ranks, membership, module, 150, weighted)
        np.testing.assert_allclose(mean[row], plain.mean(axis=0), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(sd[row], plain.std(axis=0), rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
def test_leading_edges(problem, weighted):
    ranks, order, membership = problem
    modules, motifs = np.array([0, 0, 1, 3]), np.array([3, 40, 10, 24])
    for (rank, genes), module, motif in zip(
        leading_edges(order, membership, modules, motifs, weighted=weighted), modules, motifs, strict=True
    ):
        plain = curves(ranks, membership, module, 150, weighted)
        expected = int(np.argmax(plain[motif] - plain.mean(axis=0) - 2 * plain.std(axis=0)))
        columns = membership.columns[membership.entries(module)]
        inside = columns[ranks[motif, columns] <= expected]
        assert rank == expected
        assert genes.tolist() == inside[np.argsort(ranks[motif, inside])].tolist()
