"""Numbers come back from text within what a byte can tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reguloom._errors import InputError
from reguloom.report._payload import KINDS, Payload, decode, quantise


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("n", [0, 1, 1000])
def test_arrays_come_back(kind: str, n: int) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 100, n).astype(KINDS[kind])
    payload = Payload()
    references = [payload.add(values, kind)]
    if kind.startswith("u"):
        references.append(payload.add(values, kind, delta=True))
    for reference in references:
        again = decode(reference, payload.blobs)
        assert again.dtype == KINDS[kind]
        assert np.array_equal(again, values)
    assert payload.size == sum(map(len, payload.blobs.values()))


#: A busy machine is slow at making inputs; that tells nothing of what is tested.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@patient
@given(st.lists(st.integers(0, 2**16 - 1), max_size=50))
def test_differences_wrap_around(values: list[int]) -> None:
    payload = Payload()
    reference = payload.add(values, "u2", delta=True)
    assert decode(reference, payload.blobs).tolist() == values


@patient
@given(
    st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=40),
    st.sampled_from(["u1", "u2"]),
)
def test_a_value_is_within_half_a_step(values: list[float], kind: str) -> None:
    codes, low, high = quantise(values, kind)
    steps = 255 if kind == "u1" else 65535
    again = low + codes / steps * (high - low)
    assert np.abs(again - np.array(values)).max() <= (high - low) / (2 * steps) * (1 + 1e-6) + 1e-9


def test_what_is_no_number_counts_as_the_lowest_and_bounds_hold() -> None:
    codes, low, high = quantise([np.nan, np.inf, -np.inf, 1.0, 3.0], "u1")
    assert (low, high) == (1.0, 3.0)
    assert codes.tolist() == [0, 255, 0, 0, 255]
    codes, low, high = quantise([0.0, 5.0, 20.0], "u1", low=0.0, high=10.0)
    assert codes.tolist() == [0, 128, 255]
    assert quantise([2.0, 2.0], "u1")[0].tolist() == [0, 0]
    assert quantise([np.nan], "u2")[0].tolist() == [0]


def test_a_damaged_part_is_told() -> None:
    payload = Payload()
    reference = payload.add([1, 2, 3], "u2")
    with pytest.raises(InputError, match="damaged"):
        decode({**reference, "n": 4}, payload.blobs)
