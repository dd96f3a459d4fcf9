"""Which genes move: power, calibration, every likelihood, the parts of a course."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reguloom.temporal import TimeCourse, dynamic_genes
from reguloom.temporal._glm import count_density, fit_glm, level_design, natural_spline
from reguloom.temporal.noise import Noise, estimate_noise, moderate
from reguloom.temporal.profile import Profile, merge_replicates
from reguloom.temporal.thinning import thin

from .simulated import course


@pytest.mark.parametrize("likelihood", ["nb", "gaussian"])
def test_moving_genes_are_told_from_static_ones(likelihood: str) -> None:
    data, module = course(200, static=0.5, n_replicates=3, likelihood=likelihood, alpha=0.02)
    table = dynamic_genes(data)
    assert table["dynamic"][module != "static"].mean() > 0.95
    assert table["dynamic"][module == "static"].mean() <= 0.06


@pytest.mark.parametrize("likelihood", ["nb", "gaussian"])
@pytest.mark.parametrize("n_tracks", [1, 2])
def test_flat_data_have_few_dynamic_genes_and_even_p(likelihood: str, n_tracks: int) -> None:
    data, _ = course(600, static=1.0, n_replicates=3, n_tracks=n_tracks, likelihood=likelihood, alpha=0.05)
    table = dynamic_genes(data)
    assert table["dynamic"].mean() <= 0.05
    assert (table["p"] < 0.05).mean() == pytest.approx(0.05, abs=0.03)
    assert stats.kstest(table["p"], "uniform").statistic < 0.12


@pytest.mark.parametrize("likelihood", ["poisson", "tweedie"])
def test_other_likelihoods_find_what_moves(likelihood: str) -> None:
    data, module = course(120, static=0.5, n_replicates=3, alpha=1e-4)
    table = dynamic_genes(replace(data, likelihood=likelihood))
    assert table["dynamic"][module != "static"].mean() > 0.9
    assert table["dynamic"][module == "static"].mean() <= 0.1


def test_one_value_per_time_is_tested_about_a_smooth_course() -> None:
    rng = np.random.default_rng(0)
    hours = np.arange(12.0)
    flat = rng.normal(5, 0.3, (80, 12))
    moving = flat[:40] + 2 * np.tanh(hours / 3)
    data = TimeCourse.from_samples(np.vstack([moving, flat[40:]]), hours, genes=[f"g{i}" for i in range(80)])
    noise = estimate_noise(data)
    table = dynamic_genes(data)
    assert noise.source == "residuals"
    assert table["dynamic"][:40].all()
    assert table["dynamic"][40:].mean() <= 0.1


def test_the_level_of_a_gene_does_not_touch_its_shape() -> None:
    data, _ = course(40)
    one = Profile.of(data, estimate_noise(data))
    shifted = replace(data, likelihood="gaussian", totals=np.log(data.totals + 1))
    noise = Noise(np.zeros(data.totals.shape), np.full(data.totals.shape, 0.01), np.full(40, 50.0), "given")
    low = Profile.of(shifted, noise)
    high = Profile.of(replace(shifted, totals=shifted.totals + 5.0), noise)
    assert high.level - low.level == pytest.approx(np.full((40, 1), 5.0))
    assert high.shape == pytest.approx(low.shape)
    assert np.abs(one.values.sum(axis=2)).max() < 1e-9


def test_replicates_are_put_together() -> None:
    data, _ = course(10, n_replicates=3)
    merged, noise = merge_replicates(data, estimate_noise(data))
    assert merged.totals.shape == (10, 5)
    assert merged.totals.sum() == data.totals.sum()
    assert merged.size == pytest.approx([3.0] * 5)
    assert noise.alpha == pytest.approx(estimate_noise(data).alpha[:, :5] / 3)


def test_dispersion_is_found_again() -> None:
    data, _ = course(400, n_replicates=4, alpha=0.1)
    noise = estimate_noise(data)
    assert noise.source == "replicates"
    assert np.median(noise.alpha) == pytest.approx(0.1, rel=0.2)


def test_variances_are_moderated_towards_each_other() -> None:
    rng = np.random.default_rng(0)
    own = 2.0 * rng.chisquare(3, 2000) / 3
    made, extra = moderate(own, np.full(2000, 3.0))
    assert extra[0] > 30
    assert made.std() < 0.2 * own.std()
    assert made.mean() == pytest.approx(2.0, rel=0.1)


def test_densities_are_those_of_scipy() -> None:
    y, mu = np.array([[0.0, 3.0, 50.0]]), np.array([[0.5, 4.0, 40.0]])
    assert count_density(y, mu, np.zeros((1, 3))) == pytest.approx(stats.poisson.logpmf(y, mu))
    alpha = np.full((1, 3), 0.3)
    expected = stats.nbinom.logpmf(y, 1 / alpha, 1 / (1 + alpha * mu))
    assert count_density(y, mu, alpha) == pytest.approx(expected)


def test_a_constant_has_the_mean_rate() -> None:
    data, _ = course(20)
    poisson = replace(data, likelihood="poisson", size=np.array([1.0, 2.0, 1.0, 3.0, 1.0]))
    noise = Noise(np.zeros(data.totals.shape), np.zeros(data.totals.shape), np.full(20, 10.0), "poisson")
    eta = fit_glm(poisson, noise, level_design(poisson)).eta
    assert eta[:, 0] == pytest.approx(np.log(data.totals.sum(axis=1) / 8.0), abs=1e-6)


def test_the_spline_is_straight_beyond_its_knots() -> None:
    x = np.linspace(0, 1, 9)
    basis = natural_spline(x, 3)
    assert basis.shape == (9, 4)
    assert np.linalg.matrix_rank(basis) == 4
    assert natural_spline(x, 1) == pytest.approx(np.column_stack([np.ones(9), x]))


@pytest.mark.parametrize("likelihood", ["nb", "gaussian"])
def test_the_halves_of_a_split_are_independent(likelihood: str) -> None:
    rng = np.random.default_rng(0)
    shape = (4000, 1)
    alpha = np.full(shape, 0.5)
    values = rng.poisson(40.0 * rng.gamma(2.0, 0.5, shape)) if likelihood == "nb" else rng.normal(3.0, 1.0, shape)
    data = TimeCourse.from_samples(
        values, [0.0], genes=[f"g{i}" for i in range(4000)], size=[1.0], likelihood=likelihood
    )
    noise = Noise(alpha, np.ones(shape), np.full(4000, 10.0), "known")
    (one, one_noise), (other, _) = thin(data, noise, rng, share=0.8)
    assert abs(np.corrcoef(one.totals[:, 0], other.totals[:, 0])[0, 1]) < 0.05
    assert (one.totals / one.size).mean() == pytest.approx((other.totals / other.size).mean(), rel=0.1)
    if likelihood == "nb":
        assert (one.totals + other.totals == data.totals).all()
        mean = one.totals.mean()
        assert one.totals.var() == pytest.approx(mean + one_noise.alpha[0, 0] * mean**2, rel=0.15)
    else:
        assert one.totals.var() == pytest.approx(one_noise.variance[0, 0], rel=0.1)


def test_a_table_of_hours_is_taken() -> None:
    data, _ = course(12, n_replicates=2)
    table = pd.DataFrame(data.totals, index=data.genes, columns=data.times)
    assert list(dynamic_genes(table).index) == list(data.genes)
