from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom import InputError, mechanistic
from reguloom.core import Perturbation
from reguloom.mechanistic import BooleanNetwork, random_network
from reguloom.mechanistic.fates import proportion_interval

TOGGLE = BooleanNetwork.from_rules({"Gata1": "not Spi1", "Spi1": "not Gata1"})


def chain(network):
    """Solve the absorbing chain of asynchronous updating with dense matrices."""
    states = [dict(zip(network.genes, bits, strict=True)) for bits in itertools.product((0, 1), repeat=len(network))]
    states = [state for state in states if all(state[gene] == value for gene, value in network.fixed.items())]
    place = {tuple(state.values()): i for i, state in enumerate(states)}
    step = np.zeros((len(states), len(states)))
    for i, state in enumerate(states):
        after = network.next_state(state)
        moves = [gene for gene in network.genes if after[gene] != state[gene]]
        for gene in moves:
            step[i, place[tuple((state | {gene: after[gene]}).values())]] += 1 / len(moves)
        if not moves:
            step[i, i] = 1
    found = network.attractors()
    label = np.full(len(states), -1)
    for j, one in enumerate(found):
        for row in one.states.astype(int):
            label[place[tuple(row)]] = j
    transient = np.flatnonzero(label < 0)
    absorbed = np.eye(len(found))[np.maximum(label, 0)]
    absorbed[transient] = 0
    if len(transient):
        inside = step[np.ix_(transient, transient)]
        absorbed[transient] = np.linalg.solve(np.eye(len(transient)) - inside, step[transient] @ absorbed)
    return found, states, absorbed


@pytest.mark.parametrize("seed", range(6))
def test_exact_fates_are_those_of_the_absorbing_chain(seed):
    network = random_network(6, 2, rng=seed).with_fixed({"G3": 0})
    found, states, absorbed = chain(network)
    result = mechanistic.fates(network)
    assert result.method == "exact"
    np.testing.assert_allclose(result.probabilities, absorbed.mean(axis=0), atol=1e-9)
    given = [i for i, state in enumerate(states) if state["G1"] == 1 and state["G5"] == 0]
    started = mechanistic.fates(network, initial={"G1": 1, "G5": 0})
    np.testing.assert_allclose(started.probabilities, absorbed[given].mean(axis=0), atol=1e-9)


def test_walks_agree_with_the_chain():
    network = random_network(8, 2, rng=12)
    exact = mechanistic.fates(network)
    walked = mechanistic.fates(network, method="simulation", n_walks=20_000, confidence=0.999)
    assert (walked.table["lower"] <= exact.probabilities + 1e-12).all()
    assert (walked.table["upper"] >= exact.probabilities - 1e-12).all()
    again = mechanistic.fates(network, method="simulation", n_walks=20_000, confidence=0.999, seed=0)
    pd.testing.assert_frame_equal(walked.table, again.table)


def test_walks_that_do_not_end_are_counted():
    result = mechanistic.fates(TOGGLE, initial={"Gata1": 1, "Spi1": 1}, method="simulation", n_walks=50, max_steps=1)
    assert result.table.loc["undecided", "probability"] == 1.0


def test_synchronous_fates_are_basins():
    network = random_network(7, 2, rng=3)
    found = network.attractors("synchronous")
    result = mechanistic.fates(network, update="synchronous")
    np.testing.assert_allclose(result.probabilities, [one.basin / 128 for one in found])
    parts = [mechanistic.fates(network, update="synchronous", initial={"G2": v}).probabilities for v in (0, 1)]
    np.testing.assert_allclose((parts[0] + parts[1]) / 2, result.probabilities)


def test_intervals():
    low, high = proportion_interval(np.array([0, 5, 10]), 10)
    np.testing.assert_allclose(low, [0, 0.2366, 0.7225], atol=1e-4)  # Wilson, from the literature
    np.testing.assert_allclose(high, [0.2775, 0.7634, 1], atol=1e-4)
    low, high = proportion_interval(np.array([0, 5, 10]), 10, interval="clopper-pearson")
    np.testing.assert_allclose(low, [0, 0.1871, 0.6915], atol=1e-4)
    np.testing.assert_allclose(high, [0.3085, 0.8129, 1], atol=1e-4)
    with pytest.raises(InputError, match="accepted are wilson"):
        proportion_interval(np.array([1]), 2, interval="wald")


def test_predict_and_perturb():
    prediction = TOGGLE.predict([Perturbation.knockout("Gata1"), Perturbation.overexpress("Gata1")])
    assert prediction.regime == "mechanistic"
    assert prediction.calibrated
    np.testing.assert_allclose(prediction.control, [0.5, 0.5])
    np.testing.assert_allclose(prediction.delta, [[-0.5, 0.5], [0.5, -0.5]])
    table = mechanistic.perturb(TOGGLE, Perturbation.knockout("Gata1"))
    assert table[["perturbation", "attractor", "probability"]].to_numpy().tolist() == [
        ["control", "A1", 0.5],
        ["control", "A2", 0.5],
        ["Gata1=0", "A2", 1.0],
    ]
    assert len(mechanistic.perturb(TOGGLE)["perturbation"].unique()) == 5
    both = mechanistic.perturb(TOGGLE, Perturbation.overexpress("Gata1+Spi1"), update="synchronous")
    assert both.iloc[-1][["attractor", "space", "basin"]].tolist() == ["A1", "11", 1]


def test_predict_from_cells():
    cells = pd.DataFrame({"Gata1": [9.0, 0.1, 8.0], "Spi1": [0.0, 7.0, 8.0], "other": [1.0, 2.0, 3.0]})
    adata = rl.core.Expression.of(cells)  # the bridge takes tables as well
    states = mechanistic.binary_states(adata, TOGGLE)
    assert states.to_numpy().tolist() == [[1, 0], [0, 1], [1, 1]]
    np.testing.assert_allclose(mechanistic.cell_fates(TOGGLE, states), [[1, 0], [0, 1], [0.5, 0.5]])
    missing = states.assign(Spi1=np.nan)
    np.testing.assert_allclose(mechanistic.cell_fates(TOGGLE, missing), [[0.75, 0.25], [0.25, 0.75], [0.75, 0.25]])


def test_cells_and_attractors():
    anndata = pytest.importorskip("anndata")
    rng = np.random.default_rng(0)
    network = random_network(9, 2, rng=8)
    found = network.attractors()
    kind = rng.integers(0, len(found), 60)
    values = found.levels().round().to_numpy()[kind] * 4 + rng.normal(1, 0.2, (60, 9))
    frame = pd.DataFrame(values, [f"c{i}" for i in range(60)], list(network.genes))
    adata = anndata.AnnData(frame)
    assert mechanistic.assign_attractors(adata, network, found) is None
    if all(one.size == 1 for one in found):
        assert (adata.obs["attractor"].cat.codes.to_numpy() == kind).mean() > 0.95
    assert adata.obsm["attractor_fates"].shape == (60, len(found))
    np.testing.assert_allclose(adata.obsm["attractor_fates"].sum(axis=1), 1.0)
    prediction = network.predict(Perturbation.knockout("G1"), adata)
    assert prediction.delta.shape == (60, 9)
    with pytest.raises(InputError, match="one at a time"):
        network.predict([Perturbation.knockout("G1"), Perturbation.knockout("G2")], adata)


def test_large_networks_are_walked():
    pytest.importorskip("biobalm")
    ring = BooleanNetwork.from_rules({f"x{i}": f"x{(i + 1) % 24}" for i in range(24)})
    result = mechanistic.fates(ring, n_walks=400, max_steps=200_000, confidence=0.9999)
    assert result.method == "simulation"
    assert result.table.loc["A1", "lower"] < 0.5 < result.table.loc["A1", "upper"]
    with pytest.raises(InputError, match="exact fates go up to 20"):
        mechanistic.fates(ring, method="exact")
