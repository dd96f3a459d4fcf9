"""Cells into bins: sums, variances, replicates, pseudotime, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from reguloom._errors import InputError, MissingKeyError, ValidityWarning
from reguloom.temporal import bin_cells


@pytest.fixture
def cells() -> AnnData:
    rng = np.random.default_rng(0)
    n = 360
    obs = pd.DataFrame(
        {
            "hours": np.repeat(["0h", "30min", "3h"], n // 3), "donor": np.tile(["d1", "d2"], n // 2),
            "kind": np.tile(["a", "a", "b"], n // 3), "pseudo": rng.random(n),
        },
        index=[f"c{i}" for i in range(n)],
    )  # fmt: skip
    counts = rng.poisson(2.0, (n, 12)).astype(np.float32)
    return AnnData(counts, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(12)]))


def test_counts_are_summed_by_track_time_and_batch(cells: AnnData) -> None:
    made = bin_cells(cells, time="hours", groupby="kind", batch="donor")
    assert made.n_bins == 2 * 3 * 2
    assert list(made.grid) == [0.0, 0.5, 3.0]
    assert made.n_cells.sum() == cells.n_obs
    assert made.totals.sum() == cells.X.sum()
    one = (cells.obs["hours"] == "3h") & (cells.obs["donor"] == "d2") & (cells.obs["kind"] == "b")
    row = made.bins.query("time == 3 and replicate == 1 and track == 'b'").index[0]
    assert (made.totals[:, row] == cells.X[one.to_numpy()].sum(axis=0)).all()


def test_the_variance_of_a_bin_is_that_between_its_cells(cells: AnnData) -> None:
    cells.obs["one"] = 1.0
    made = bin_cells(cells, time="hours", size_factors="one")
    inside = (cells.obs["hours"] == "3h").to_numpy()
    assert made.variance[:, 2] == pytest.approx(inside.sum() * cells.X[inside].var(axis=0, ddof=1), rel=1e-5)


def test_values_that_are_no_counts_become_means_with_their_errors(cells: AnnData) -> None:
    cells.X = np.log1p(cells.X)
    made = bin_cells(cells, time="hours")
    inside = (cells.obs["hours"] == "30min").to_numpy()
    assert made.likelihood == "gaussian"
    assert made.totals[:, 1] == pytest.approx(cells.X[inside].mean(axis=0), rel=1e-5)
    expected = cells.X[inside].std(axis=0, ddof=1) / np.sqrt(inside.sum())
    assert made.standard_error[:, 1] == pytest.approx(expected, rel=1e-4)


def test_pseudotime_is_cut_where_asked_for(cells: AnnData) -> None:
    with pytest.raises(InputError, match="pseudotime"):
        bin_cells(cells, time="pseudo")
    made = bin_cells(cells, time="pseudo", n_bins=6)
    assert made.n_bins == 6
    assert set(made.n_cells) == {60}
    assert (np.diff(made.times) > 0).all()
    assert any("pseudotime" in note for note in made.notes)


def test_cell_types_are_not_pooled_unasked(cells: AnnData) -> None:
    cells.obs["cell_type"] = cells.obs["kind"]
    with pytest.raises(InputError, match="groupby='cell_type'"):
        bin_cells(cells, time="hours")
    assert any("pooled" in note for note in bin_cells(cells, time="hours", pool=True).notes)


def test_batches_that_are_times_are_refused(cells: AnnData) -> None:
    cells.obs["run"] = cells.obs["hours"]
    with pytest.raises(InputError, match="cannot be told from a course"):
        bin_cells(cells, time="hours", batch="run")
    with pytest.warns(ValidityWarning, match="cannot be told"):
        assert bin_cells(cells, time="hours", batch="run", accept_aliasing=True).notes


def test_what_is_missing_is_named(cells: AnnData) -> None:
    with pytest.raises(MissingKeyError, match="'days'"):
        bin_cells(cells, time="days")
    cells.obs["same"] = 4.0
    with pytest.raises(InputError, match="one time"):
        bin_cells(cells, time="same")
    with pytest.raises(InputError, match="layer of raw counts"):
        cells.X = cells.X + 0.5
        bin_cells(cells, time="hours", likelihood="nb")


def test_small_samples_are_kept_and_said(cells: AnnData) -> None:
    few = cells[np.r_[0:6, 120:360]]
    made = bin_cells(few, time="hours")
    assert list(made.n_cells) == [6, 120, 120]
    assert any("fewer than 10 cells" in note for note in made.notes)
