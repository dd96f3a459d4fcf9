"""Noise and time steps: against plain numpy, against theory, and the same bytes however the work is cut."""

from __future__ import annotations

import numpy as np
import pytest

import reguloom as rl
from reguloom.mechanistic import BooleanNetwork, Noise, OdeModel
from reguloom.mechanistic import sde as sde_module
from reguloom.mechanistic.sde import Conditions, increments, integrate, keys

TOGGLE = BooleanNetwork.from_rules({"A": "not B", "B": "not A", "C": "A and not B"})
U64 = np.uint64


def mix(z):
    with np.errstate(over="ignore"):
        z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


def draws(key, step, gene):
    """Four increments of one gene at one step."""
    golden = U64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        bits = mix(mix(key + U64(step + 1) * golden) + U64(gene + 1) * golden)
    return [increments()[int((bits >> U64(12 * i)) & U64(4095))] for i in range(4)]


def start(model, n):
    return np.repeat(model.start[None], n, axis=0)


def reference_spliced(model, n_steps, key):
    """Ten lines of numpy: Euler-Maruyama of u, s, p with one noise term for each reaction."""
    (u, s, p), (a, b, g, made_of, d) = model.start.copy(), model.kinetics.rates
    dt, size = model.dt, np.sqrt(model.dt / model.noise.system_size)
    for step in range(n_steps):
        f = model.regulation.activity(p[None])[0]
        n = np.array([draws(key, step, gene) for gene in range(len(u))]).T
        made = dt * a * f + size * np.sqrt(a * f) * n[0]
        matured = dt * b * u + size * np.sqrt(b * u) * n[1]
        lost = dt * g * s + size * np.sqrt(g * s) * n[2]
        p_new = p + dt * (made_of * s - d * p) + size * np.sqrt(made_of * s + d * p) * n[3]
        u, s, p = np.maximum(u + made - matured, 0), np.maximum(s + matured - lost, 0), np.maximum(p_new, 0)
    return np.stack([u, s, p])


def reference_boolode(model, n_steps, key):
    """The original's step: increments of standard deviation dt, steps below zero undone."""
    (x, p), (m, l_x, r, l_p) = model.start.copy(), model.kinetics.rates
    for step in range(n_steps):
        f = model.regulation.activity(p[None])[0]
        n = np.array([draws(key, step, gene) for gene in range(len(x))]).T * model.dt
        x_new = x + model.dt * (m * f - l_x * x) + 10.0 * np.sqrt(x) * n[0]
        p_new = p + model.dt * (r * x - l_p * p) + 10.0 * np.sqrt(p) * n[1]
        x, p = np.where(x_new >= 0, x_new, x), np.where(p_new >= 0, p_new, p)
    return np.stack([x, p])


@pytest.mark.parametrize(
    ("options", "reference"),
    [({"form": "spliced", "hill": 3}, reference_spliced), ({"compat": "boolode", "t_max": 4}, reference_boolode)],
)
def test_kernel_follows_the_reference(options, reference):
    model = OdeModel.from_network(TOGGLE, **options)
    ours = integrate(model, start(model, 3), np.array([40]), seed=5)[:, 0]
    for trajectory in range(3):
        expected = reference(model, 40, keys(5, np.arange(3))[trajectory])
        np.testing.assert_allclose(ours[trajectory], expected, rtol=1e-10, atol=1e-12)


def test_increments_have_mean_zero_and_variance_one():
    values = increments()
    assert abs(values.mean()) < 1e-15
    assert np.mean(values**2) == pytest.approx(1.0)
    assert np.mean(values**4) == pytest.approx(3.0, rel=0.01)


def test_noise_of_one_gene_is_that_of_the_chemical_langevin_equation():
    model = OdeModel.from_network(BooleanNetwork.from_rules({"A": "1"}), form="spliced")
    cells = integrate(model, start(model, 4000), np.array([600]), seed=1)[:, 0]
    mean = model.kinetics.highest[1, 0]
    assert cells[:, 1].mean() == pytest.approx(mean, rel=0.02)
    # birth and death: Poisson, variance = mean / system size
    assert cells[:, 1].var() == pytest.approx(mean / model.noise.system_size, rel=0.08)


@pytest.mark.parametrize(("kind", "constant"), [("langevin", True), ("sqrt", True), ("boolode", False)])
def test_spread_does_not_depend_on_the_step_except_in_the_original(kind, constant):
    spread = []
    for dt in (0.02, 0.005):
        model = OdeModel.from_network(BooleanNetwork.from_rules({"A": "1"}), noise=kind, dt=dt, t_max=4)
        spread.append(integrate(model, start(model, 3000), np.array([model.n_steps]), seed=2)[:, 0, 0, 0].std())
    assert bool(abs(spread[0] / spread[1] - 1.0) < 0.12) is constant


def test_same_bytes_for_any_threads_and_blocks(monkeypatch):
    model = OdeModel.from_network(TOGGLE, form="spliced", noise=Noise(heterogeneity=0.3))
    when = np.array([3, 50])
    one = integrate(model, start(model, 70), when, seed=9, n_jobs=1)
    two = integrate(model, start(model, 70), when, seed=9, n_jobs=2)
    monkeypatch.setattr(sde_module, "BLOCK", 7)
    cut = integrate(model, start(model, 70), when, seed=9, n_jobs=2)
    assert one.tobytes() == two.tobytes() == cut.tobytes()
    some = integrate(model, start(model, 2), when, seed=9, trajectories=np.array([69, 4]))
    assert some[0].tobytes() == one[69].tobytes() and some[1].tobytes() == one[4].tobytes()
    assert integrate(model, start(model, 70), when, seed=10).tobytes() != one.tobytes()


def test_a_trajectory_can_be_interrupted():
    model = OdeModel.from_network(TOGGLE)
    through = integrate(model, start(model, 5), np.array([20, 60]), seed=4)
    on = integrate(model, through[:, 0], np.array([60]), seed=4, first_step=20)
    assert on[:, 0].tobytes() == through[:, 1].tobytes()


def test_part_of_a_model_draws_the_same_noise():
    model = OdeModel.from_network(TOGGLE)
    keep = np.array([True, True, False])
    whole = integrate(model, start(model, 4), np.array([50]), seed=4)
    part = model.restricted(keep)
    assert integrate(part, start(part, 4), np.array([50]), seed=4).tobytes() == whole[..., keep].tobytes()


def test_interventions_hold_from_their_onset():
    model = OdeModel.from_network(BooleanNetwork.from_rules({"A": "1"}), noise="none", t_max=10)
    done = Conditions(np.zeros((1, 1)), np.zeros((1, 1)), np.array([0, -1]), np.array([500, 0]))
    cells = integrate(model, start(model, 2), np.array([500, 1000]), seed=0, conditions=done)[:, :, 0, 0]
    assert cells[0, 0] == cells[1, 0] == pytest.approx(2.0)
    assert cells[1, 1] == pytest.approx(2.0) and cells[0, 1] < 1e-6


def test_bad_noise_is_refused():
    with pytest.raises(rl.InputError, match="accepted are langevin"):
        Noise("gauss")
    with pytest.raises(rl.InputError, match="above 0"):
        Noise(system_size=0)
