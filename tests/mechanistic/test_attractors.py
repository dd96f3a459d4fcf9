from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from reguloom import InputError, MissingDependencyError, mechanistic
from reguloom.mechanistic import BooleanNetwork, _kernels, _solvers, _spaces, random_network
from reguloom.mechanistic._program import compile_network
from reguloom.mechanistic.attractors import Limits
from reguloom.mechanistic.synchronous import successor_map

TOGGLE = BooleanNetwork.from_rules({"Gata1": "not Spi1", "Spi1": "not Gata1"})
CYCLE = BooleanNetwork.from_rules({"a": "!c", "b": "a", "c": "b"})


def all_states(network):
    return [
        dict(zip(network.free, bits, strict=True)) | network.fixed
        for bits in itertools.product((0, 1), repeat=len(network.free))
    ]


def text(state, network):
    return "".join(str(state[gene]) for gene in network.genes)


def brute_synchronous(network):
    """Follow every state; return cycle -> number of states that end there."""
    basins = {}
    for state in all_states(network):
        seen = []
        while text(state, network) not in seen:
            seen.append(text(state, network))
            state = network.next_state(state)
        cycle = frozenset(seen[seen.index(text(state, network)) :])
        basins[cycle] = basins.get(cycle, 0) + 1
    return basins


def brute_asynchronous(network):
    """Return the terminal strongly connected sets by reachability."""

    def next_states(state):
        after = network.next_state(state)
        return [state | {gene: after[gene]} for gene in network.genes if after[gene] != state[gene]]

    reach = {}
    for state in all_states(network):
        found, waiting = {text(state, network)}, [state]
        while waiting:
            for one in next_states(waiting.pop()):
                if text(one, network) not in found:
                    found.add(text(one, network))
                    waiting.append(one)
        reach[text(state, network)] = frozenset(found)
    return {found for found in reach.values() if all(reach[one] == found for one in found)}


def brute_trap_spaces(network):
    """Return the minimal trap spaces: try every space."""
    traps = []
    for letters in itertools.product("01*", repeat=len(network.genes)):
        inside = [
            state
            for state in all_states(network)
            if all(a in ("*", b) for a, b in zip(letters, text(state, network), strict=True))
        ]
        if inside and all(
            all(a in ("*", b) for a, b in zip(letters, text(network.next_state(state), network), strict=True))
            for state in inside
        ):
            traps.append("".join(letters))
    return {
        one
        for one in traps
        if not any(other != one and all(a in ("*", b) for a, b in zip(one, other, strict=True)) for other in traps)
    }


NETWORKS = [random_network(6, [0, 1, 2, 3, 2, 4], rng=seed) for seed in range(6)] + [
    random_network(5, 2, rng=seed).with_fixed({"G2": 1}) for seed in range(6, 9)
]


@pytest.mark.parametrize("network", NETWORKS)
def test_against_brute_force(network):
    found = network.attractors("synchronous")
    assert {frozenset(one.texts): one.basin for one in found} == brute_synchronous(network)
    assert sum(one.basin for one in found) == found.n_states
    for one in found:  # states stand in the order of the cycle
        states = [dict(zip(network.genes, map(int, state), strict=True)) for state in one.texts]
        for before, after in itertools.pairwise([*states, states[0]]):
            assert network.next_state(before) == after
    found = network.attractors()
    assert {frozenset(one.texts) for one in found} == brute_asynchronous(network)
    assert {one.space for one in network.attractors("most-permissive")} == brute_trap_spaces(network)
    points = {text(state, network) for state in all_states(network) if network.next_state(state) == state}
    assert {one.space for one in mechanistic.fixed_points(network)} == points


def test_followers_are_left_out_and_filled_in():
    rules = {f"x{i}": f"x{(i + 1) % 4}" for i in range(4)} | {f"y{i}": f"!x{i % 4}" for i in range(20)}
    rules["z"] = "y0 & y1"
    found = BooleanNetwork.from_rules(rules).attractors("synchronous", max_attractors=100)
    assert sum(one.basin for one in found) == 1 << 25
    cycle = max(found, key=lambda one: one.size)
    network = BooleanNetwork.from_rules(rules)
    states = [dict(zip(network.genes, map(int, state), strict=True)) for state in cycle.texts]
    for before, after in itertools.pairwise([*states, states[0]]):
        assert network.next_state(before) == after


def test_successors_of_few_and_many_genes():
    for n in (1, 3, 6, 7, 11):
        network = random_network(n, min(n, 3), rng=n)
        after = successor_map(compile_network(network), n)
        for code in range(0, 1 << n, max(1, (1 << n) // 37)):
            state = {gene: code >> i & 1 for i, gene in enumerate(network.genes)}
            expected = network.next_state(state)
            assert after[code] == sum(expected[gene] << i for i, gene in enumerate(network.genes))
    network = random_network(18, 3, rng=1)
    one, two = (successor_map(compile_network(network), 18, n_jobs) for n_jobs in (1, 2))
    assert np.array_equal(one, two)


def test_basins_of_a_map():
    rng = np.random.default_rng(0)
    after = rng.integers(0, 500, 500).astype(np.uint32)
    starts, sizes = _kernels.basins(after, np.zeros(500, dtype=np.uint16), 1000)
    ends = np.arange(500)
    for _ in range(500):
        ends = after[ends]
    cycles = {}
    for start, size in zip(starts, sizes, strict=True):
        cycle = {int(start)}
        state = int(after[start])
        while state != start:
            cycle.add(state)
            state = int(after[state])
        assert size == np.isin(ends, list(cycle)).sum()
        cycles[start] = size
    assert sum(cycles.values()) == 500
    few, _ = _kernels.basins(after, np.zeros(500, dtype=np.uint16), max(0, len(starts) - 1))
    assert not len(few)


def test_results_as_tables_and_json():
    found = CYCLE.attractors("synchronous")
    assert [one.size for one in found] == [2, 6]
    table = found.to_frame()
    assert table["basin"].tolist() == [2, 6]
    assert table["basin_share"].tolist() == [0.25, 0.75]
    assert found.levels().loc["A2"].tolist() == [0.5, 0.5, 0.5]
    made = json.loads(found.to_json())
    assert made["genes"] == ["a", "b", "c"]
    assert made["complete"] is True
    assert made["attractors"][0] == {"states": ["010", "101"], "space": "***", "size": 2, "basin": 2}
    many = CYCLE.attractors("synchronous", max_states=3)
    assert many[1].states is None
    assert json.loads(many.to_json())["attractors"][1]["states"] is None
    assert TOGGLE.attractors().name_of({"Gata1": 1, "Spi1": 0}) == "A1"
    assert TOGGLE.attractors().name_of("11") is None


def test_too_many_attractors_are_refused_and_the_inputs_named():
    free = BooleanNetwork.from_rules({f"in{i}": f"in{i}" for i in range(12)} | {"x": "in0"})
    for update in ("synchronous", "asynchronous", "most-permissive"):
        with pytest.raises(InputError, match="fix its inputs .*in0, in1"):
            free.attractors(update, max_attractors=1000)
    assert len(free.attractors(fixed={f"in{i}": 0 for i in range(10)})) == 4
    with pytest.raises(InputError, match="4,096 fixed points"):
        mechanistic.fixed_points(free, max_attractors=1000)


def test_large_synchronous_networks_are_sampled_on_request():
    large = random_network(40, 2, rng=3)
    with pytest.raises(InputError, match="up to 26; .*n_samples"):
        large.attractors("synchronous")
    found = large.attractors("synchronous", n_samples=200)
    assert not found.complete
    assert sum(one.basin for one in found) == 200
    for one in found:
        states = [dict(zip(large.genes, map(int, state), strict=True)) for state in one.texts]
        for before, after in itertools.pairwise([*states, states[0]]):
            assert large.next_state(before) == after
    assert found.to_json() == large.attractors("synchronous", n_samples=200, seed=0).to_json()


def test_sampling_finds_what_enumeration_finds():
    network = random_network(9, 3, rng=5)
    exact, sampled = network.attractors("synchronous"), network.attractors("synchronous", n_samples=2000)
    assert {frozenset(one.texts) for one in exact} == {frozenset(one.texts) for one in sampled}


def test_solvers_agree_with_the_explicit_search():
    pytest.importorskip("biobalm")
    network = random_network(14, 3, rng=2).with_fixed({"G1": 1})
    known = _spaces.percolated(network)
    expected = {frozenset(one.texts) for one in network.attractors()}
    found = _solvers.attractors(network, known, Limits())
    assert {frozenset(one.texts) for one in found} == expected
    spaces = {_spaces.text_of(space, network.genes) for space in _solvers.minimal_trap_spaces(network, known, Limits())}
    assert spaces == {one.space for one in network.attractors("most-permissive")}
    points = {one.space for one in _solvers.fixed_points(network, known, Limits())}
    assert points == {one.space for one in mechanistic.fixed_points(network)}


def test_a_regulator_without_effect_does_not_stop_the_solvers():
    pytest.importorskip("biobalm")
    network = BooleanNetwork.from_rules({f"x{i}": f"x{(i + 1) % 22} & (x3 | !x3)" for i in range(22)})
    assert sorted(one.space for one in network.attractors()) == ["0" * 22, "1" * 22]


@pytest.mark.filterwarnings("ignore::reguloom.ConvergenceWarning")
def test_when_time_is_up_the_trap_spaces_are_returned(monkeypatch):
    pytest.importorskip("biobalm")
    monkeypatch.setattr(_solvers, "attractors", lambda *_: None)
    network = BooleanNetwork.from_rules({f"x{i}": f"x{(i + 1) % 22}" for i in range(22)})
    found = network.attractors()
    assert not found.complete
    assert "most-permissive" in found.note
    assert sorted(one.space for one in found) == ["0" * 22, "1" * 22]


def test_a_solver_that_hangs_is_stopped():
    pytest.importorskip("biobalm")
    network = BooleanNetwork.from_rules({f"x{i}": f"x{(i + 1) % 22}" for i in range(22)})
    with pytest.raises(InputError, match=r"within 0.001 s; fix some genes .*or raise time_limit"):
        mechanistic.fixed_points(BooleanNetwork.from_rules({f"x{i}": f"x{(i + 1) % 30}" for i in range(30)}),
                                 time_limit=0.001)  # fmt: skip
    assert _solvers.attractors(network, {}, Limits(time_limit=0.001)) is None


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    network = BooleanNetwork.from_rules({f"x{i}": f"x{(i + 1) % 22}" for i in range(22)})
    with pytest.raises(MissingDependencyError, match=r"reguloom\[boolean\]"):
        network.attractors()


def test_constants_make_large_networks_small():
    rules = {f"x{i}": f"x{i + 1}" for i in range(60)} | {"x60": "1"}
    (one,) = BooleanNetwork.from_rules(rules).attractors()
    assert one.space == "1" * 61


def test_temporal_attractors():
    delayed = mechanistic.from_text("targets, factors\na, !a[-2]\n")
    (one,) = delayed.attractors("temporal")  # 0 0 1 1 0 0 ...
    assert one.size == 4
    assert one.basin == 4
    assert one.states.sum() == 2
    with pytest.raises(InputError, match="update='temporal'"):
        delayed.attractors()
    settled = mechanistic.from_text("targets, factors\na, timelt(5) | (a & b)\nb, 1\n").attractors("temporal")
    assert {one.space for one in settled} == {"01", "11"}


def test_unknown_scheme():
    with pytest.raises(InputError, match="accepted are asynchronous"):
        TOGGLE.attractors("random")


def ring(n, seed):
    """Return a random network in which every gene regulates another, so that none can be left out."""
    draws = np.random.default_rng(seed)
    rules = {f"x{i}": f"x{(i + 1) % n} {draws.choice(['&', '|', '^'])} !x{draws.integers(n)}" for i in range(n)}
    return BooleanNetwork.from_rules(rules, genes=[f"x{i}" for i in range(n)])


def test_speed_of_a_million_states():
    import time

    network = ring(20, 20)
    network.attractors("synchronous")
    start = time.perf_counter()
    network.attractors("synchronous")
    assert time.perf_counter() - start < 0.5
    network = ring(16, 16)
    network.attractors()
    start = time.perf_counter()
    network.attractors()
    assert time.perf_counter() - start < 2.0


@pytest.mark.slow
def test_speed_of_sixteen_million_states():
    import time

    network = ring(24, 24)
    network.attractors("synchronous")
    start = time.perf_counter()
    network.attractors("synchronous")
    assert time.perf_counter() - start < 3.0
