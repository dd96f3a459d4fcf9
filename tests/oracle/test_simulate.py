"""Propagation of a shift, by hand and as the original does it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from reguloom.oracle.simulate import out_of_range, propagate, responses

CHAIN = csr_array(np.array([[0, 2.0, 0, 0], [0, 0, 0.5, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))


def run(values: list[float], coefficients: csr_array = CHAIN, **options) -> tuple[np.ndarray, np.ndarray]:
    return propagate(np.array([values]), {0: np.zeros(1)}, [coefficients], np.zeros(1, dtype=int), **options)


def test_a_knock_out_runs_down_a_chain() -> None:
    assert run([1.0, 9.0, 9.0, 9.0], n_propagation=1)[0].tolist() == [[-1.0, -2.0, 0.0, 0.0]]
    assert run([1.0, 9.0, 9.0, 9.0], n_propagation=2)[0].tolist() == [[-1.0, -2.0, -1.0, 0.0]]


def test_each_round_replaces_the_last() -> None:
    """Feedback of the last gene on the second: the second answers the round before, and nothing is summed up."""
    loop = CHAIN.toarray()
    loop[2, 1] = 4.0
    assert run([1.0, 90.0, 90.0, 9.0], csr_array(loop), n_propagation=3)[0].tolist() == [[-1.0, -6.0, -1.0, 0.0]]


def test_expression_does_not_fall_below_zero() -> None:
    shift, growth = run([1.0, 0.5, 9.0, 9.0], n_propagation=2)
    assert shift.tolist() == [[-1.0, -0.5, -0.25, 0.0]]
    assert growth.tolist() == [1.0, 1.5, 1.75]


def test_genes_are_pinned_by_name_and_by_value_as_the_original() -> None:
    """A gene that is 0 already: feedback switches it on under the original's rule, and never under ours."""
    loop = csr_array(np.array([[0, 1.0, 0], [0, 0, 0], [1.0, 0, 0]]))
    levels = {0: np.zeros(1), 2: np.full(1, 2.0)}
    values = np.array([[0.0, 1.0, 1.0]])
    ours, _ = propagate(values, levels, [loop], np.zeros(1, dtype=int))
    theirs, _ = propagate(values, levels, [loop], np.zeros(1, dtype=int), pin="value")
    assert ours.tolist() == [[0.0, 0.0, 1.0]]
    assert theirs.tolist() == [[1.0, 1.0, 1.0]]


def test_groups_have_their_own_coefficients_and_threads_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.random((90, 4)) + [1, 9, 9, 9], rng.integers(0, 2, 90)
    both = [CHAIN, csr_array(CHAIN * -1.0)]
    one, _ = propagate(values, {0: np.zeros(90)}, both, groups, n_jobs=1)
    two, _ = propagate(values, {0: np.zeros(90)}, both, groups, n_jobs=2)
    assert one.tobytes() == two.tobytes()
    assert np.allclose(one[:, 1], np.where(groups == 0, -2, 2) * values[:, 0])


def test_responses_are_the_shift_per_unit() -> None:
    assert responses(CHAIN, [0, 1]).tolist() == [[1.0, 2.0, 1.0, 0.0], [0.0, 1.0, 0.5, 0.0]]


def test_out_of_range() -> None:
    values, limits = np.array([[1.0, 1.0], [2.0, 1.0]]), (np.zeros(2), np.array([2.0, 1.0]))
    farthest, share = out_of_range(values, np.array([[2.0, 0.0], [0.0, 0.0]]), limits)
    assert farthest.tolist() == [0.5, 0.0]
    assert share.tolist() == [0.5, 0.0]


@pytest.mark.parametrize("pin", ["gene", "value"])
def test_the_originals_knock_out(golden: Path, pin: str) -> None:
    values = np.load(golden / "pca_knn.npz", allow_pickle=True)["imputed_balanced"]
    inputs, simulated = np.load(golden / "inputs.npz", allow_pickle=True), np.load(golden / "simulated.npz")
    table = np.load(golden / "coef_per_cluster.npz")
    labels = inputs["cluster"].astype(str)
    names = sorted(set(labels))
    groups = np.searchsorted(names, labels)
    coefficients = [csr_array(table[name]) for name in names]
    gene = list(inputs["genes"].astype(str)).index("Gata1")
    shift, _ = propagate(values, {gene: np.zeros(len(values))}, coefficients, groups, pin=pin)
    assert np.abs(shift - simulated["delta_X_first_ko"]).max() < 1e-8
    limits = values.min(axis=0), values.max(axis=0)
    level = np.full(len(values), 3.0483406131917787)
    raised, _ = propagate(values, {gene: level}, coefficients, groups, pin=pin, clip=True, limits=limits)
    assert np.abs(values + raised - simulated["Gata1_OE_3.0483406131917787_clip"]).max() < 1e-6  # stored as float32
