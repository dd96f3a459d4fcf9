"""Likelihoods against scipy, and the expected logarithm against the sum over all counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

torch = pytest.importorskip("torch", reason="the extra deep is not installed")

from reguloom.response._torch.likelihood import (  # noqa: E402
    expected_log1p,
    gauss_log_likelihood,
    nb_log_likelihood,
)

MEANS, THETAS = np.array([0.05, 0.7, 3.0, 40.0]), np.array([0.3, 1.0, 8.0, 200.0])


def test_negative_binomial_is_scipys() -> None:
    counts, mean, theta = (one.ravel() for one in np.meshgrid(np.arange(30.0), MEANS, THETAS))
    found = nb_log_likelihood(*(torch.tensor(one) for one in (counts, mean, theta))).numpy()
    assert np.allclose(found, stats.nbinom.logpmf(counts, theta, theta / (theta + mean)), atol=1e-8)


def test_gauss_is_scipys() -> None:
    x, mean, variance = np.array([0.1, 2.0]), np.array([0.0, 3.0]), np.array([0.5, 2.0])
    found = gauss_log_likelihood(*(torch.tensor(one) for one in (x, mean, variance))).numpy()
    assert np.allclose(found, stats.norm.logpdf(x, mean, np.sqrt(variance)))


@pytest.mark.parametrize("scale", [0.2, 1.0, 4.0])
def test_expected_logarithm_is_the_sum_over_counts(scale: float) -> None:
    mean, theta = (one.ravel() for one in np.meshgrid(MEANS, THETAS))
    k = np.arange(20_000)[:, None]
    wanted = (np.log1p(scale * k) * stats.nbinom.pmf(k, theta, theta / (theta + mean))).sum(axis=0)
    found = expected_log1p(torch.tensor(mean), torch.tensor(theta), torch.tensor(scale)).numpy()
    few = mean < 10
    assert np.allclose(found[few], wanted[few], atol=0.02)
    # With many counts the tail is taken at its mean; still closer than the logarithm of the mean.
    assert (np.abs(found - wanted) <= np.abs(np.log1p(scale * mean) - wanted) + 1e-9).all()
