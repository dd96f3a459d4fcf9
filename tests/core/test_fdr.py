"""One correction for many tests: scipy's numbers, and what scipy does not do (gaps, tests that are not shown)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from reguloom import InputError
from reguloom.core.fdr import benjamini_hochberg

P = np.random.default_rng(0).uniform(size=50) ** 3


def test_it_is_scipys():
    assert benjamini_hochberg(P) == pytest.approx(false_discovery_control(P))
    assert benjamini_hochberg([]).size == 0


def test_a_missing_p_value_is_no_test():
    assert benjamini_hochberg([0.01, np.nan, 0.04]) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)


def test_tests_that_are_not_given_count_with_p_of_one():
    padded = false_discovery_control(np.concatenate([P, np.ones(30)]))
    assert benjamini_hochberg(P, n_tests=80) == pytest.approx(padded[:50])


@pytest.mark.parametrize(("p", "n_tests", "says"), [([0.5, 1.5], None, "between 0 and 1"), ([0.1, 0.2], 1, "n_tests")])
def test_what_cannot_be_is_said(p, n_tests, says):
    with pytest.raises(InputError, match=says):
        benjamini_hochberg(p, n_tests=n_tests)
