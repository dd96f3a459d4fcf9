"""The time course: checks, tracks, replicates, sizes that do not follow what rises."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reguloom._errors import InputError, MissingKeyError
from reguloom.temporal import TimeCourse
from reguloom.temporal.timecourse import composition

from .simulated import course


def test_a_table_becomes_a_time_course() -> None:
    table = pd.DataFrame([[1, 2, 3], [4, 0, 6]], index=["a", "b"])
    made = TimeCourse.from_samples(table, [0, 1, 1])
    assert made.likelihood == "nb"
    assert list(made.replicate) == [0, 0, 1]
    assert made.has_replicates
    assert list(made.grid) == [0.0, 1.0]
    assert TimeCourse.from_samples(table + 0.5, [0, 1, 2]).likelihood == "gaussian"


def test_gaps_are_masked() -> None:
    made = TimeCourse.from_samples([[1.0, np.nan, 3.0]], [0, 1, 2], genes=["a"])
    assert made.mask.tolist() == [[True, False, True]]


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        ([[1.5, 2.0]], {"likelihood": "nb"}, "whole counts"),
        ([[-1.0, 2.0]], {"likelihood": "tweedie"}, "negative"),
        ([[1.0, 2.0]], {"likelihood": "cauchy"}, "accepted are nb"),
        ([[1.0, 2.0], [1.0, 2.0]], {"genes": ["a", "a"]}, "more than once"),
        ([[1.0, 2.0]], {"size": [1.0, 0.0]}, "size of 0"),
    ],
)
def test_what_cannot_be_is_refused(values, options, said) -> None:
    with pytest.raises(InputError, match=said):
        TimeCourse.from_samples(values, [0, 1], **{"genes": [f"g{i}" for i in range(len(values))], **options})


def test_genes_and_tracks_are_chosen_by_name() -> None:
    made, _ = course(8, n_tracks=2)
    one = made.select_track("track1").select_genes(["Gene003"])
    assert one.totals.shape == (1, 5)
    assert (one.totals == made.totals[3, 5:]).all()
    with pytest.raises(MissingKeyError, match="Nobody"):
        made.select_genes(["Nobody"])
    with pytest.raises(MissingKeyError, match="track0"):
        made.select_track("other")


def test_sizes_do_not_follow_the_genes_that_rise() -> None:
    rng = np.random.default_rng(0)
    true = np.array([1.0, 2.0, 1.0])
    mean = np.tile(rng.lognormal(5, 1, (300, 1)), 3) * true
    mean[:120, 2] *= 6.0
    counts = rng.poisson(mean).astype(float)
    by_total = counts.sum(axis=0) / counts.sum(axis=0)[0]
    assert by_total[2] > 2.0
    made = composition(counts, by_total)
    assert made / made[0] == pytest.approx(true, rel=0.03)
