"""Cells, screens and forks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.mechanistic import BooleanNetwork, Noise, OdeModel, counterfactual, dropout, simulate
from reguloom.mechanistic.ode_fates import MOVING, endings, name_fates
from reguloom.mechanistic.sde import integrate

RULES = {"P": "1", "A": "P and not B", "B": "P and not A", "C": "A", "D": "B and not C"}
KNOCKOUT = rl.Perturbation.knockout


@pytest.fixture(scope="module")
def model() -> OdeModel:
    return OdeModel.from_network(
        BooleanNetwork.from_rules(RULES), form="spliced", initial={"P": 2.0}, noise=Noise(heterogeneity=0.1)
    )


@pytest.fixture(scope="module")
def cells(model):
    return simulate(model, 300, perturbations=[KNOCKOUT("A"), rl.Perturbation.overexpress("A")], rng=1)


def test_slots(cells, model):
    assert cells.shape == (900, 5) and cells.X.dtype == np.float32
    assert {"protein", "unspliced", "velocity", "velocity_unspliced"} == set(cells.layers) - {None}
    assert cells.obs["pseudotime"].between(0, 1).all() and cells.obs["time"].max() <= model.t_max
    assert list(cells.obs["perturbation"].cat.categories) == ["control", "A=0", "A=max"]
    assert cells.obs["trajectory"].is_unique and cells.obs_names.is_unique
    assert len(rl.Network.from_adata(cells)) == 7


def test_fates_are_the_attractors_and_follow_the_perturbation(cells):
    table = pd.crosstab(cells.obs["perturbation"], cells.obs["fate"])
    patterns = cells.uns["fates"]["pattern"]
    assert set(patterns) == {"11010", "10101"}
    a, b = (patterns.index[patterns == text][0] for text in ("11010", "10101"))
    assert table.loc["control", [a, b]].min() > 60
    assert table.loc["A=0", a] == 0 == table.loc["A=max", b]


def test_velocity_is_the_slope_of_what_goes_on(model):
    """A short step without noise moves each cell as its velocity says, perturbed cells and all."""
    quiet = rl.mechanistic.OdeModel.from_network(model.network, form="spliced", initial={"P": 2.0}, noise="none")
    cells = simulate(quiet, 50, perturbations=KNOCKOUT("A"), onset=10.0)
    ahead = quiet.slopes(
        np.stack([np.asarray(cells.layers["unspliced"]), cells.X, cells.layers["protein"]], axis=1).astype(float)
    )
    control = (cells.obs["perturbation"] == "control").to_numpy()
    np.testing.assert_allclose(cells.layers["velocity"], ahead[:, 1], atol=1e-5)
    np.testing.assert_allclose(cells.layers["velocity_unspliced"][control], ahead[control, 0], atol=1e-5)
    late = ~control & (cells.obs["time"] > 10).to_numpy()
    expected = -quiet.kinetics.rates[1, 1] * np.asarray(cells.layers["unspliced"])[late, 1]
    np.testing.assert_allclose(np.asarray(cells.layers["velocity_unspliced"])[late, 1], expected, atol=1e-5)


def test_same_seed_same_bytes_on_any_number_of_threads(model):
    one, two = (simulate(model, 60, perturbations=KNOCKOUT("B"), rng=3, n_jobs=n) for n in (1, 2))
    for slot in ("X", "velocity", "unspliced"):
        a, b = (x.X if slot == "X" else x.layers[slot] for x in (one, two))
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    pd.testing.assert_frame_equal(one.obs, two.obs)
    assert simulate(model, 60, rng=4).X.tobytes() != simulate(model, 60, rng=3).X.tobytes()


def test_onset_and_escape(model):
    late = simulate(model, 200, perturbations=KNOCKOUT("P"), onset=1e3, rng=1)
    assert late[late.obs["perturbation"] == "P=0", "P"].X.mean() > 1.5
    leaky = simulate(model, 400, perturbations=KNOCKOUT("P"), escape=0.4, sampling="end")
    treated = leaky[leaky.obs["perturbation"] == "P=0"]
    assert treated.obs["perturbed"].mean() == pytest.approx(0.6, abs=0.08)
    assert treated[treated.obs["perturbed"], "P"].X.max() < 0.2
    assert treated[~treated.obs["perturbed"], "P"].X.min() > 0.5


def test_several_cells_of_a_trajectory(model):
    cells = simulate(model, 100, cells_per_trajectory=5)
    assert cells.obs["trajectory"].nunique() == 20
    assert cells.obs.groupby("trajectory")["fate"].nunique().max() == 1


def test_counterfactual_forks_the_same_cell(model, cells):
    control = cells[cells.obs["perturbation"] == "control"]
    forked = counterfactual(model, control, KNOCKOUT("A"), duration=20)
    assert list(forked.obs_names) == list(control.obs_names)
    assert (forked.layers["delta"][:, list(RULES).index("A")] <= 1e-6).all()
    np.testing.assert_array_equal(forked.X - forked.layers["control"], forked.layers["delta"])
    nothing = counterfactual(model, control, rl.Perturbation(), duration=20)
    assert (nothing.layers["delta"] == 0).all(), "the two branches share their noise"
    # the control branch is the cell's own future
    state = np.stack([control.layers["unspliced"], control.X, control.layers["protein"]], axis=1).astype(float)
    step = control.obs["step"].to_numpy()
    on = integrate(model, state, (step + 200)[:, None], seed=1, first_step=step,
                   trajectories=control.obs["trajectory"].to_numpy())  # fmt: skip
    np.testing.assert_array_equal(on[:, 0, 1], forked.layers["control"])


def test_a_mask_perturbs_some_cells(model, cells):
    some = cells[:20].copy()
    some.obs["treated"] = np.arange(20) < 10
    delta = counterfactual(model, some, KNOCKOUT("P", mask="treated")).layers["delta"]
    assert np.abs(delta[:10]).max() > 0 == np.abs(delta[10:]).max()


def test_small_knockdown_follows_the_jacobian():
    """Infinitesimal knock-down, noise off: the first move of each target has the sign of the Jacobian's entry."""
    network = BooleanNetwork.from_rules({"A": "not B", "B": "not A", "C": "A", "D": "not A", "E": "A and not B"})
    model = OdeModel.from_network(network, form="spliced", noise=Noise(system_size=200.0))
    cells = simulate(model, 80, rng=2)
    forked = counterfactual(model, cells, rl.Perturbation.knockdown("A", 0.02), duration=3.0)
    state = np.stack([cells.layers["unspliced"], cells.X, cells.layers["protein"]], axis=1).astype(float)
    slope = model.jacobian(state)[:, :, 0]
    delta = forked.layers["delta"]
    for gene in (1, 2, 3):
        told = np.abs(slope[:, gene]) > 1e-4
        assert told.sum() > 40
        assert (np.sign(delta[told, gene]) == -np.sign(slope[told, gene])).mean() > 0.97


def test_cycles_are_one_fate():
    wheel = BooleanNetwork.from_rules({"A": "not C", "B": "not A", "C": "not B", "X": "1"})
    model = OdeModel.from_network(wheel, form="spliced", hill=8)
    cells = simulate(model, 40, sampling="end")
    assert list(cells.uns["fates"]["pattern"]) == ["***1"]
    assert (endings(model, np.repeat(model.start[None] * [[[1, 0.2, 0.5, 1]]], 3, axis=0))[:, :3] == MOVING).all()


def test_fates_that_differ_by_what_moves_are_one():
    fates = name_fates(np.array([[1, 0, 2], [1, 0, 0], [0, 1, 0], [1, 0, 2]], dtype=np.int8), ["A", "B", "C"])
    assert fates.table["pattern"].tolist() == ["10*", "010"] and fates.which.tolist() == [0, 0, 1, 0]


def test_dark_cells_are_drawn_again_as_the_original_does():
    network = BooleanNetwork.from_rules({"A": "A and not B", "B": "B and not A"})
    model = OdeModel.from_network(network, compat="boolode", t_max=6)
    kept = simulate(model, 200, sampling="end")
    assert np.asarray(kept.X).max(axis=1).min() >= 0.2
    assert "off" not in set(kept.obs["fate"])


def test_dropout(cells):
    lost = dropout(cells, quantile=0.5, probability=1.0, copy=True)
    below = np.asarray(cells.X) < np.quantile(cells.X, 0.5, axis=0)
    assert (np.asarray(lost.X)[below] == 0).all() and (np.asarray(lost.X)[~below] == np.asarray(cells.X)[~below]).all()
    assert (lost.layers["before_dropout"] == cells.X).all()
    half = dropout(cells, probability=0.5, copy=True)
    below &= np.asarray(cells.X) > 0
    assert ((np.asarray(half.X) == 0) & below).sum() / below.sum() == pytest.approx(0.5, abs=0.05)
    logistic = dropout(cells, model="logistic", copy=True)
    kept = np.asarray(logistic.X) > 0
    assert np.asarray(cells.X)[kept].mean() > 2 * np.asarray(cells.X)[~kept].mean()
    with pytest.raises(rl.InputError, match="quantile, logistic"):
        dropout(cells, model="zinb")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_cells": 0}, "at least one"),
        ({"onset": -1}, "not negative"),
        ({"escape": 1}, "a share"),
        ({"sampling": "start"}, "uniform and end"),
        ({"hill": 3}, "with a ready model"),
    ],
)
def test_bad_options_are_refused(model, options, message):
    with pytest.raises(rl.InputError, match=message):
        simulate(model, **{"n_cells": 5, **options})


def test_forks_need_whole_unperturbed_cells(model, cells):
    with pytest.raises(rl.InputError, match="perturbed already"):
        counterfactual(model, cells, KNOCKOUT("A"))
    bare = cells[:5].copy()
    del bare.layers["protein"]
    with pytest.raises(rl.MissingKeyError, match="protein"):
        counterfactual(model, bare, KNOCKOUT("A"))
    with pytest.raises(rl.InputError, match="keep them all"):
        counterfactual(model, cells[:5, :3], KNOCKOUT("A"))
    with pytest.raises(rl.MissingKeyError, match="treated"):
        counterfactual(model, cells[:5], KNOCKOUT("A", mask="treated"))
