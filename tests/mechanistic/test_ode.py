"""Models made from rules: their options, their slopes, and what they predict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.mechanistic import BooleanNetwork, Noise, OdeModel
from reguloom.mechanistic.ode_conditions import conditions
from reguloom.mechanistic.ode_kinetics import Kinetics

TOGGLE = BooleanNetwork.from_rules({"Gata1": "not Pu.1", "Pu.1": "not Gata1", "T": "Gata1 or Pu.1"})


@pytest.fixture(scope="module")
def model() -> OdeModel:
    return OdeModel.from_network(TOGGLE)


def test_defaults_are_those_of_the_original(model):
    assert model.kinetics.highest.tolist() == [[2.0] * 3, [20.0] * 3]
    assert set(model.regulation.threshold) == {10.0} and set(model.regulation.hill) == {10.0}
    assert model.start.tolist() == [[1.0] * 3, [10.0] * 3]
    compatible = OdeModel.from_network(TOGGLE, compat="boolode", t_max=5)
    assert compatible.dt == pytest.approx(5 / 499) and compatible.noise == Noise("boolode", strength=10.0)
    assert compatible.n_steps == 499


def test_initial_conditions_and_strengths():
    strengths = pd.DataFrame({"Gene1": ["Pu.1"], "Gene2": ["Gata1"], "Strength": [4.0]})
    network = rl.Network.from_edges(strengths["Gene2"], strengths["Gene1"], strengths["Strength"].to_numpy())
    model = OdeModel.from_network(TOGGLE, initial={"Gata1": 2.0}, strengths=network)
    assert model.start[0].tolist() == [2.0, 0.01, 0.01]
    edges = {
        (model.genes[r], model.genes[t]): k
        for r, t, k in zip(model.regulation.regulator, model.regulation.target, model.regulation.threshold, strict=True)
    }
    assert edges == {("Pu.1", "Gata1"): 10.0, ("Gata1", "Pu.1"): 2.5, ("Gata1", "T"): 10.0, ("Pu.1", "T"): 10.0}


def test_sampled_parameters_stay_within_a_tenth_and_follow_the_seed():
    one, two, other = (OdeModel.from_network(TOGGLE, sample_parameters=0.1, rng=seed) for seed in (1, 1, 2))
    factors = one.kinetics.rates / Kinetics.default("mrna", 3).rates
    assert (np.abs(factors - 1) <= 0.1).all() and factors.std() > 0.01
    assert (one.kinetics.rates == two.kinetics.rates).all() and (one.kinetics.rates != other.kinetics.rates).all()
    same = OdeModel.from_network(TOGGLE, sample_parameters=0.1, identical_parameters=True)
    assert (same.kinetics.rates == same.kinetics.rates[:, :1]).all()


@pytest.mark.parametrize("form", ["factor", "mrna", "spliced"])
def test_jacobian_is_that_of_finite_differences(form):
    model = OdeModel.from_network(TOGGLE, form=form)
    state = np.random.default_rng(0).uniform(0.3, 0.8, (4, *model.start.shape)) * model.kinetics.highest
    step = 1e-6
    for j in range(3):
        up, down = state.copy(), state.copy()
        up[:, -1, j] += step
        down[:, -1, j] -= step
        difference = (model.slopes(up) - model.slopes(down))[:, 0] / (2 * step)
        if form == "factor":  # the factor's own decay is no regulation
            difference[:, j] += model.kinetics.rates[1, j]
        np.testing.assert_allclose(model.jacobian(state)[:, :, j], difference, atol=1e-6)


def test_steady_state_has_no_slope(model):
    top = model.kinetics.highest
    state = (top * np.array([1.0, 0.0, 1.0]))[None]
    np.testing.assert_allclose(model.slopes(state), 0, atol=0.05)


def test_edges_carry_the_signs_of_the_rules(model):
    frame = model.edges().to_frame()
    signs = {(s, t): sign for s, t, sign in frame[["source", "target", "sign"]].itertuples(index=False)}
    assert signs == {("Pu.1", "Gata1"): -1, ("Gata1", "Pu.1"): -1, ("Gata1", "T"): 1, ("Pu.1", "T"): 1}


@pytest.mark.parametrize(
    ("perturbation", "factor", "constant"),
    [
        (rl.Perturbation.knockout("Gata1"), 0.0, 0.0),
        (rl.Perturbation.knockdown("Gata1", 0.3), 0.7, 0.0),
        (rl.Perturbation.overexpress("Gata1"), 0.0, 1.0),
        (rl.Perturbation.overexpress("Gata1", level=0.5), 0.0, 0.25),
        (rl.Perturbation.overexpress("Gata1", fold=3), 3.0, 0.0),
        (rl.Perturbation.overexpress("Gata1", quantile=0.5), 0.0, 0.5),
        (rl.Perturbation(rl.Perturbation.knockout("Gata1").targets, dose=0.25), 0.75, 0.0),
    ],
)
def test_perturbations_change_transcription(model, perturbation, factor, constant):
    scale, add = conditions([perturbation], model.genes, model.kinetics.highest[0], np.full((3, 3), 1.0))
    assert scale[0].tolist() == pytest.approx([factor, 1.0, 1.0])
    assert add[0].tolist() == pytest.approx([constant, 0.0, 0.0])


def test_predicts_as_a_predictor_does(model):
    assert isinstance(model, rl.Predictor)
    assert model.available()["available"].all()
    knockouts = [rl.Perturbation.knockout("Gata1"), rl.Perturbation.knockout("Pu.1"), rl.Perturbation()]
    prediction = model.predict(knockouts, n_cells=60)
    assert prediction.regime == "mechanistic" and prediction.calibrated
    frame = pd.DataFrame(prediction.delta, list(prediction.rows), list(prediction.genes))
    assert frame.loc["Gata1=0", "Gata1"] < -0.5 < 0.5 < frame.loc["Gata1=0", "Pu.1"]
    assert frame.loc["Pu.1=0", "Pu.1"] < -0.5 < 0.5 < frame.loc["Pu.1=0", "Gata1"]
    assert (frame.loc["control"] == 0).all(), "without a perturbation the same noise gives the same cells"
    cells = rl.mechanistic.simulate(model, 20)
    forked = model.predict(knockouts[0], cells)
    assert forked.delta.shape == (20, 3) and (forked.delta[:, 0] <= 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "protein"}, "accepted are factor, mrna, spliced"),
        ({"compat": "dyngen"}, "accepted are boolode"),
        ({"compat": "boolode", "form": "spliced"}, "goes with form='mrna'"),
        ({"initial": {"Nanog": 1}}, "a gene of the network"),
        ({"rates": {"splicing": 1}}, "does not fit the form"),
        ({"dt": 0.5}, "too long"),
        ({"dt": -1}, "0 < dt < t_max"),
        ({"strengths": rl.Network.from_edges(["Gata1"], ["T"], 0.0)}, "above 0"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(rl.InputError, match=message):
        OdeModel.from_network(TOGGLE, **options)


def test_unknown_gene_and_too_many_perturbations_are_refused(model):
    with pytest.raises(rl.InputError, match="Nanog is not in the model"):
        model.predict(rl.Perturbation.knockout("Nanog"))
    with pytest.raises(rl.InputError, match="give one"):
        model.predict([rl.Perturbation.knockout("T")] * 2, rl.mechanistic.simulate(model, 5))
    with pytest.raises(rl.InputError, match="0 to 1"):
        model.predict(rl.Perturbation(rl.Perturbation.knockout("T").targets, dose=2.0))
