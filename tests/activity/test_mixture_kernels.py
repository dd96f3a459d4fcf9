"""The mixture against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from reguloom.activity import _mixture_kernels
from reguloom.activity.binarize import _two_fit_better


def samples() -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [
        np.concatenate([rng.normal(0.1, 0.02, 150), rng.normal(0.4, 0.05, 80)]),
        np.concatenate([np.zeros(60), rng.gamma(2, 0.03, 90)]),
        rng.normal(0.2, 0.03, 120),
    ]


@pytest.mark.parametrize("values", samples(), ids=["two", "zeros", "one"])
def test_equals_scikit_learn_from_its_best_start(values):
    distinct, counts = np.unique(values, return_counts=True)
    parameters, fit = _mixture_kernels.fit_two_normals(distinct, counts.astype(float))
    models = [GaussianMixture(2, random_state=seed).fit(values[:, None]) for seed in range(5)]
    distances = []
    for model in models:
        order = model.means_.ravel().argsort()
        theirs = np.c_[model.weights_, model.means_.ravel(), model.covariances_.ravel()][order]
        distances.append(abs(theirs - parameters).max() + abs(model.score(values[:, None]) - fit))
    assert min(distances) < 1e-6


@pytest.mark.parametrize("values", samples(), ids=["two", "zeros", "one"])
def test_choice_by_bic_is_that_of_scikit_learn(values):
    one, two = (GaussianMixture(n, random_state=0).fit(values[:, None]).bic(values[:, None]) for n in (1, 2))
    assert _two_fit_better(values) == (two <= one)


def test_best_split_is_the_best_of_all():
    rng = np.random.default_rng(0)
    x, counts = np.sort(rng.random(12)), rng.integers(1, 9, 12).astype(float)

    def within(at: int) -> float:
        return sum(np.cov(x[part], fweights=counts[part].astype(int), ddof=0) * counts[part].sum()
                   for part in (slice(0, at), slice(at, None)))  # fmt: skip

    assert _mixture_kernels.best_split(x, counts) == min(range(1, 12), key=within)
