"""What the values are is found by looking."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.temporal.read_scores import check_scores


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(3)
    level = rng.gamma(0.5, 1.0, 300)
    return pd.DataFrame(rng.poisson(level * rng.lognormal(0, 0.4, (120, 1))).astype(float))


def _smoothed(counts):
    return sum(np.roll(counts.to_numpy(), i, axis=0) for i in range(40)) / 40 * 0.37


@pytest.mark.parametrize(
    ("change", "kind", "likelihood"),
    [
        (lambda x: x, "counts", "nb"),
        (lambda x: x.div(x.sum(axis=1), axis=0) * 1e4, "scaled", "gaussian"),
        (lambda x: x.div(x.sum(axis=1), axis=0), "scaled", "gaussian"),
        (lambda x: np.log1p(x.div(x.sum(axis=1), axis=0) * 1e4), "log", "gaussian"),
        (lambda x: np.log2(1 + x.div(x.sum(axis=1), axis=0) * 1e4), "log", "gaussian"),
        (lambda x: x * 0.83, "weighted", "gaussian"),
        (lambda x: x - x.mean(), "signed", "gaussian"),
    ],
)
def test_kinds(counts, change, kind, likelihood):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = check_scores(change(counts))
    assert (found.kind, found.likelihood) == (kind, likelihood)
    assert f"{found.zeros:.0%} zeros" in str(found)


def test_smoothed_scores_are_warned_of(counts):
    loud = counts.loc[:, counts.sum() > 5]
    loud = pd.concat([loud, loud + 1], axis=1).set_axis(range(2 * loud.shape[1]), axis=1)
    with pytest.warns(rl.ValidityWarning, match="too sure"):
        found = check_scores(pd.DataFrame(_smoothed(loud)))
    assert found.kind == "smoothed"


def test_few_genes_without_zeros_are_no_crime(counts):
    """qPCR of single cells has none."""
    assert check_scores(counts.iloc[:, :45] * 0.7 + 1).kind == "weighted"
