"""When genes answer: exact curves, words, intervals that are honest about the sampling."""

from __future__ import annotations

import numpy as np
import pytest

from reguloom._errors import InputError
from reguloom.temporal import TimeCourse, timing
from reguloom.temporal.timing import bracket, measure

from .simulated import course


def test_a_straight_rise_is_measured_exactly() -> None:
    found = measure(np.array([0.0, 5.0, 10.0]), np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    assert found["onset"] == pytest.approx([2.0, 2.0])
    assert found["half_time"] == pytest.approx([5.0, 5.0])
    assert found["peak"] == pytest.approx([10.0, 10.0])
    assert found["retention"] == pytest.approx([1.0, 1.0])
    assert found["change"] == pytest.approx([2.0, -2.0])
    assert found["duration"] == pytest.approx([5.0, 5.0], abs=0.1)


def test_a_pulse_comes_back() -> None:
    found = measure(np.array([0.0, 1.0, 2.0, 4.0, 8.0]), np.array([[0.0, 4.0, 1.0, 0.0, 0.0]]))
    assert found["peak"] == pytest.approx(1.0)
    assert found["retention"] == pytest.approx(0.0)
    assert found["half_time"] < 1.0
    assert found["duration"] < 2.0


def test_classes_are_those_of_the_modules() -> None:
    data, module = course(80, alpha=1e-4)
    table = timing(data).set_index("gene")
    words = {name: table["class"][module == name].mode()[0] for name in set(module)}
    assert words == {
        "early": "early-sustained", "transient": "early-transient", "late": "late-rising",
        "repressed": "early-repressed",
    }  # fmt: skip
    assert (table["direction"][module == "repressed"] == "down").all()


def test_intervals_hold_the_sampling_times_and_the_truth() -> None:
    data, _ = course(200, n_replicates=2, alpha=0.02, seed=1)
    exact, _ = course(200, alpha=1e-9, seed=1)
    table, true = timing(data), timing(exact)
    low, high = bracket(data.grid, table["half_time"].to_numpy())
    assert (table["half_time_low"] <= low).all()
    assert (table["half_time_high"] >= high).all()
    inside = (true["half_time"] >= table["half_time_low"]) & (true["half_time"] <= table["half_time_high"])
    assert inside.mean() >= 0.9


def test_the_draws_of_a_gene_do_not_depend_on_the_others() -> None:
    data, _ = course(40, alpha=0.05)
    whole = timing(data).set_index("gene")
    values = TimeCourse.from_samples(np.log(data.totals), data.times, genes=list(data.genes), standard_error=np.full(
        data.totals.shape, 0.2))  # fmt: skip
    some = timing(values, genes=["Gene007", "Gene003"]).set_index("gene")
    every = timing(values).set_index("gene")
    assert some.equals(every.loc[["Gene007", "Gene003"]])
    assert timing(data).set_index("gene").equals(whole)


def test_what_cannot_be_measured_is_refused() -> None:
    data, _ = course(8)
    with pytest.raises(InputError, match="at least 2 draws"):
        timing(data, n_draws=1)
    with pytest.raises(InputError, match="two times"):
        timing(data.take_bins(np.array([0])))
