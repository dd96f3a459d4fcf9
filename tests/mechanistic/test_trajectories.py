from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from reguloom import ConvergenceWarning, InputError, mechanistic
from reguloom.mechanistic import BooleanNetwork, random_network
from reguloom.mechanistic._program import tabulate
from reguloom.mechanistic._walk_kernels import next_value

NETWORK = random_network(7, [1, 2, 3, 2, 1, 3, 2], rng=6)
# Shmulevich's example, as its functions are published
PBN = mechanistic.from_text(
    """targets, factors, probabilities
x1, (x1 | x2 | x3) & (!x1 | x2 | x3), 0.6
x1, (x1 | x2 | x3) & (x1 | !x2 | !x3) & (!x1 | x2 | x3), 0.4
x2, (x1 | x2 | x3) & (x1 | !x2 | !x3) & (!x1 | !x2 | x3), 1
x3, (!x1 & x2 & x3) | (x1 & !x2 & x3) | (x1 & x2 & !x3) | (x1 & x2 & x3), 0.5
x3, x1 & x2 & x3, 0.5
"""
)


def walks(table):
    for _, walk in table.groupby(level="trajectory"):
        yield [dict(zip(table.columns, map(int, row), strict=True)) for row in walk.to_numpy()]


def test_synchronous_walks_follow_the_rules():
    table = mechanistic.trajectories(NETWORK, update="synchronous", n_trajectories=20, n_steps=8)
    assert table.shape == (180, 7)
    for walk in walks(table):
        for before, after in itertools.pairwise(walk):
            assert NETWORK.next_state(before) == after


def test_asynchronous_walks_change_one_gene_at_a_time():
    table = mechanistic.trajectories(NETWORK, n_trajectories=20, n_steps=30, initial={"G2": 1})
    moved = 0
    for walk in walks(table):
        assert walk[0]["G2"] == 1
        for before, after in itertools.pairwise(walk):
            changed = [gene for gene in NETWORK.genes if before[gene] != after[gene]]
            assert len(changed) <= 1
            assert all(NETWORK.next_state(before)[gene] == after[gene] for gene in changed)
            moved += len(changed)
    assert moved
    pd.testing.assert_frame_equal(
        table, mechanistic.trajectories(NETWORK, n_trajectories=20, n_steps=30, initial={"G2": 1}, seed=0)
    )
    other = mechanistic.trajectories(NETWORK, n_trajectories=20, n_steps=30, initial={"G2": 1}, rng=1)
    assert not table.equals(other)
    only = mechanistic.trajectories(NETWORK, probabilities=dict.fromkeys(NETWORK.genes[1:], 0.0), n_trajectories=5)
    assert (only.groupby(level="trajectory")[list(NETWORK.genes[1:])].nunique() == 1).all().all()


def test_continuous_time_has_exponential_waits():
    decay = BooleanNetwork.from_rules({"a": "a & !a"})  # off at rate 1, for ever
    times = [0.0, 0.5, 1.0, 2.0]
    table = mechanistic.trajectories(
        decay, update="continuous-time", initial={"a": 1}, times=times, n_trajectories=4000
    )
    np.testing.assert_allclose(table.groupby(level="time")["a"].mean(), np.exp(-np.array(times)), atol=0.03)
    fast = mechanistic.trajectories(
        decay, update="continuous-time", initial={"a": 1}, times=times, n_trajectories=4000, rates={"a": (1.0, 3.0)}
    )
    np.testing.assert_allclose(fast.groupby(level="time")["a"].mean(), np.exp(-3 * np.array(times)), atol=0.03)


def test_time_and_delays():
    network = mechanistic.from_text("targets, factors\na, timelt(3) | b[-2]\nb, a\n")
    (walk,) = walks(
        mechanistic.trajectories(network, update="temporal", initial={"a": 0, "b": 0}, n_trajectories=1, n_steps=6)
    )
    # a: steps 1 and 2 by the clock, then b two steps before
    assert [state["a"] for state in walk] == [0, 1, 1, 0, 1, 1, 0]
    assert [state["b"] for state in walk] == [0, 0, 1, 1, 0, 1, 1]


def test_probabilistic_walks_and_their_chain():
    matrix = mechanistic.transition_matrix(PBN).toarray()
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    start = {"x1": 0, "x2": 1, "x3": 1}
    table = mechanistic.trajectories(PBN, update="probabilistic", initial=start, n_trajectories=20_000, n_steps=1)
    after = table.xs(1, level="step")
    codes = (after.to_numpy() * [1, 2, 4]).sum(axis=1)
    np.testing.assert_allclose(np.bincount(codes, minlength=8) / 20_000, matrix[6], atol=0.02)
    # what BoolNet prints for 011: 000 and 001 with 0.2, 100 and 101 with 0.3
    np.testing.assert_allclose(matrix[6], [0.2, 0.3, 0, 0, 0.2, 0.3, 0, 0])


def test_markov_simulation_gives_boolnets_distribution():
    table = mechanistic.markov_simulation(PBN)
    assert dict(zip(table["state"], table["probability"].round(2), strict=True)) == {"111": 0.85, "000": 0.15}
    assert [one.space for one in PBN.attractors("probabilistic")] == ["111", "000"]
    given = mechanistic.markov_simulation(PBN, initial={"x1": 1, "x2": 1, "x3": 1})
    assert given["state"].tolist() == ["111"]
    noisy = mechanistic.markov_simulation(PBN, noise=0.01, cutoff=0)
    matrix = mechanistic.transition_matrix(PBN, noise=0.01).toarray()
    order = [int(state[::-1], 2) for state in noisy["state"]]
    now = np.zeros(8)
    now[order] = noisy["probability"]
    np.testing.assert_allclose(now @ matrix, now, atol=1e-9)


def test_a_chain_that_cycles_is_averaged_and_says_so():
    with pytest.warns(ConvergenceWarning, match="still moved"):
        table = mechanistic.markov_simulation(BooleanNetwork.from_rules({"a": "!a"}), initial={"a": 0})
    assert table["probability"].tolist() == [0.5, 0.5]


def test_schemes_are_checked():
    with pytest.raises(InputError, match="accepted are"):
        mechanistic.trajectories(NETWORK, update="most-permissive")
    with pytest.raises(InputError, match="use 'probabilistic'"):
        mechanistic.trajectories(PBN)
    with pytest.raises(InputError, match="use 'temporal'"):
        mechanistic.trajectories(mechanistic.from_text("targets, factors\na, a[-2]\n"))


def test_large_rules_are_walked_by_their_diagram():
    names = [f"x{i}" for i in range(24)]
    network = BooleanNetwork.from_rules(
        {"g": " | ".join(f"({a} & !{b})" for a, b in zip(names, names[1:], strict=False))}
    )
    tables = tabulate(network)
    rng = np.random.default_rng(0)
    for state in rng.integers(0, 2, (200, 25), dtype=np.uint8):
        expected = network.expression("g").evaluate(dict(zip(network.genes, state.astype(bool), strict=True)))
        assert next_value(0, state, *tables.arrays) == expected


def test_transition_table():
    table = mechanistic.transition_table(NETWORK)
    found = NETWORK.attractors("synchronous")
    assert table["attractor"].value_counts().to_dict() == {
        name: one.basin for name, one in zip(found.names, found, strict=True)
    }
    follow = table.set_index("state")
    steps = follow["steps"]
    moving = table[table["steps"] > 0]
    assert (steps[moving["next_state"]].to_numpy() == moving["steps"] - 1).all()
    assert (follow.loc[table["next_state"], "attractor"].to_numpy() == table["attractor"]).all()
