"""Times as people write them."""

from __future__ import annotations

import numpy as np
import pytest

import reguloom as rl
from reguloom.temporal.read_time import Label, parse_label, parse_times


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("30min", 0.5),
        ("3h", 3.0),
        ("2.5 hr", 2.5),
        ("2d", 48.0),
        ("day 2", 48.0),
        ("1w", 168.0),
        ("90 s", 0.025),
        ("4", 4.0),
        ("1,5h", 1.5),
        ("Unstimulated", 0.0),
        ("E10.5", 252.0),
        ("P3", 528.0),
        (12, 12.0),
        (np.float32(0.5), 0.5),
    ],
)
def test_one_time(text, hours):
    assert parse_times([text])[0] == pytest.approx(hours)


def test_units_mix_and_order_stays():
    assert parse_times(["3h", "30min", "1d", "30min"]).tolist() == [3.0, 0.5, 24.0, 0.5]


@pytest.mark.parametrize(("name", "hours"), [("time_min", 0.5), ("Days", 720.0), ("minutes", 0.5), ("time", 30.0)])
def test_bare_numbers_take_the_unit_of_their_name(name, hours):
    assert parse_times([30], name=name)[0] == hours
    assert parse_times([30], unit="min", name=name)[0] == 0.5


def test_labels():
    assert parse_times(["T0", "T1"], labels={"T0": 0, "T1": "24h"}).tolist() == [0.0, 24.0]


@pytest.mark.parametrize(("values", "says"), [(["T1"], "'T1', which says no time"), ([1.0, None], "1 of 2 values")])
def test_what_says_no_time_is_refused(values, says):
    with pytest.raises(rl.InputError, match=says):
        parse_times(values)
    with pytest.raises(rl.InputError, match="accepted are s, min, h, d, w"):
        parse_times([1], unit="fortnight")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("4h", Label(4.0)),
        ("4h.1", Label(4.0, replicate="1")),
        ("LPS_4h_rep2", Label(4.0, "LPS", "2")),
        ("IFNG.3h.2", Label(3.0, "IFNG", "2")),
        ("0h-001", Label(0.0, replicate="001")),
        ("Unstimulated_S15", Label(0.0, "", "15")),
        ("LPS_30min", Label(0.5, "LPS")),
        ("0.5", Label(0.5)),
        ("Adult", None),
        ("T3", None),
        ("GSM123", None),
        ("IRF1", None),
    ],
)
def test_names_of_samples(name, label):
    assert parse_label(name) == label
