"""How many modules there are, how they are numbered, and what is said where there is nothing to tell apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from reguloom import temporal
from reguloom.temporal import numbering
from reguloom.temporal.consensus import LEAST_PROBABILITY, assigned, joined
from reguloom.temporal.selection import number_table, refused

from .simulated import course


def test_modules_are_numbered_by_the_half_time_that_is_shown() -> None:
    # One late gene moves the mean of the first module past the second, not its median.
    half = np.array([1.0, 1.0, 30.0, 2.0, 2.0, 2.0, 0.0])
    share = np.array([[0.1, 0.9]] * 3 + [[0.9, 0.1]] * 3 + [[0.45, 0.45]])
    ordered = numbering.by_half_time(share, half)
    genes = pd.Index([f"g{i}" for i in range(7)])
    membership, labels = numbering.named(ordered, genes)
    timing = pd.DataFrame({"half_time": half, "onset": half / 2, "class": "late"}, index=genes)
    table = numbering.summary(labels, list(membership.columns), timing, [])
    assert list(labels[:3]) == ["C1"] * 3
    assert labels[6] == "unassigned"
    assert list(table["half_time"]) == [1.0, 2.0]
    assert table["half_time"].is_monotonic_increasing


def dealt_out(n: int = 40) -> np.ndarray:
    """Return memberships of a sound module and of one whose genes groupings deal out over three names at random."""
    share = np.zeros((n, 4))
    share[::2, 0] = 1.0
    share[1::2, 1:] = np.random.default_rng(0).multinomial(60, [1 / 3] * 3, size=n // 2) / 60
    return share


def test_modules_that_are_not_told_apart_are_joined() -> None:
    share = dealt_out()
    assert (share.max(axis=1) < LEAST_PROBABILITY).sum() >= 15
    made = joined(share)
    assert made.shape == (40, 2)
    assert made.sum(axis=1) == pytest.approx(1.0)
    assert (made.max(axis=1) >= LEAST_PROBABILITY).all()
    assert len(set(made.argmax(axis=1)[::2])) == len(set(made.argmax(axis=1)[1::2])) == 1


def test_sound_modules_stay_as_they_are() -> None:
    share = np.repeat(np.eye(3), 5, axis=0) * 0.7 + 0.1
    assert joined(share) is share
    assert assigned(share).tolist() == [1.0, 1.0, 1.0]


def test_a_number_that_the_consensus_does_not_hold_is_not_chosen() -> None:
    value = {1: -3.0, 2: -2.0, 3: -1.0, 4: -1.1, 5: -1.2, 6: -1.3}
    spread = np.linspace(-0.01, 0.01, 40)

    class Folds:
        def __len__(self) -> int:
            return 2

        def score(self, number: int, labels: np.ndarray) -> np.ndarray:
            return value[int(labels.max()) + 1] + spread

    looked_at = []

    def shares(k: int) -> np.ndarray:
        looked_at.append(k)
        return dealt_out() if k == 3 else np.eye(k)[np.arange(40) % k]

    table = number_table(Folds(), lambda _, k: np.arange(40) % k, shares, 12)
    # After 3, which is the best, three numbers bring nothing; 4 is the best of the others.
    assert list(table["n_modules"]) == [1, 2, 3, 4, 5, 6]
    assert looked_at == [3, 4]
    assert refused(table) == [3]
    assert int(table.loc[table["chosen"], "n_modules"].iloc[0]) == 4


def test_the_number_that_is_chosen_is_the_number_that_there_is() -> None:
    data, _ = course(60, n_replicates=2, alpha=0.3, amplitude=0.8, seed=1)
    result = temporal.fit(data, method="kmeans", fdr=0.3)
    assert len(result.names) == int(result.selection.loc[result.selection["chosen"], "n_modules"].iloc[0])
    grouped = result.genes["probability"].notna()
    assert (result.modules[grouped] == "unassigned").mean() <= 0.25
    assert len(result.benchmark["n_modules"].unique()) <= 2


def test_a_number_that_was_asked_for_and_is_not_there_is_said() -> None:
    data, module = course(160, n_replicates=2, seed=2)
    late = data.select_genes((module == "late").to_numpy())
    result = temporal.fit(late, method="kmeans", n_modules=12)
    assert len(result.names) < 12
    assert any(f"12 modules were asked for; repeated groupings tell {len(result.names)}" in one for one in result.notes)


def test_one_module_is_said_in_words() -> None:
    data, module = course(160, n_replicates=2, seed=2)
    late = data.select_genes((module == "late").to_numpy())
    result = temporal.fit(late, method="kmeans")
    assert result.names == ["C1"]
    assert any("one module" in note for note in result.notes)


def test_few_cells_are_said_to_be_too_small_however_they_come() -> None:
    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"hours": np.repeat([0.0, 3.0, 6.0, 12.0], 20)}, index=[f"c{i}" for i in range(80)])
    counts = rng.poisson(5.0, (80, 15)).astype(np.float32)
    few = AnnData(counts, obs=obs, var=pd.DataFrame(index=list("abcdefghijklmno")))
    result = temporal.fit(few, time="hours", method="kmeans")
    assert sum("too small to conclude" in note for note in result.notes) == 1
    read = temporal.as_course(few, time="hours")
    assert sum("too small to conclude" in note for note in read.notes) == 1
    more = pd.concat([obs] * 5).set_axis([f"c{i}" for i in range(400)])
    many = temporal.bin_cells(AnnData(np.tile(few.X, (5, 1)), obs=more, var=few.var), time="hours")
    assert not any("too small" in note for note in many.notes)
