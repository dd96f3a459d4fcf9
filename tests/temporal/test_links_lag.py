"""The lag of a peak before its gene: planted ones are found, chance has none, too few times are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.sparse import csr_matrix

from reguloom._errors import InputError
from reguloom.temporal.links import links
from reguloom.temporal.links_lag import lags, mean_courses

HOURS = np.array([0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 18.0, 24.0])


def rise(hours: np.ndarray, half: float) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-0.8 * (hours - half)))


def test_planted_lags_are_found_in_each_group_at_its_own_level() -> None:
    gene = np.stack([rise(HOURS, 6.0), 3.0 + rise(HOURS, 8.0)])
    peaks = np.stack([np.column_stack([rise(HOURS, half - lag) for lag in (0.0, 2.0, 4.0)]) for half in (6.0, 8.0)])
    found, r = lags(gene, peaks, HOURS)
    assert found == pytest.approx([0.0, 2.0, 4.0], abs=0.5)
    assert (r > 0.95).all()


def test_a_group_without_a_time_and_a_flat_peak_do_no_harm() -> None:
    gene = np.stack([rise(HOURS, 6.0), np.full(len(HOURS), np.nan)])
    gene[0, 4] = np.nan
    peaks = np.stack([np.column_stack([rise(HOURS, 3.0), np.ones(len(HOURS))])] * 2)
    peaks[0, 4] = np.nan
    found, r = lags(gene, peaks, HOURS)
    assert found[0] == pytest.approx(3.0, abs=0.5)
    assert np.isnan(found[1]) and np.isnan(r[1])


def test_mean_courses_are_sums_over_the_cells_of_a_time_and_need_eight_times() -> None:
    counts = csr_matrix(np.arange(1.0, 65.0).reshape(32, 2))
    time, group = np.tile(np.arange(8.0), 4), np.repeat([0, 1], 16)
    made = mean_courses(counts, time, group)
    assert made.shape == (2, 8, 2)
    sums = np.array([counts.toarray()[(time == 3) & (group == one)].sum(axis=0) for one in (0, 1)])
    ratio = np.expm1(made[:, 3])
    assert ratio[:, 0] / ratio[:, 1] == pytest.approx(sums[:, 0] / sums[:, 1])
    with pytest.raises(InputError, match="needs at least 8"):
        mean_courses(counts, np.minimum(time, 6.0), group)


def test_links_tell_the_lag_of_each_pair() -> None:
    rng = np.random.default_rng(0)
    time = np.repeat(HOURS, 40)
    gene, early = 2.0 + 20.0 * rise(time, 8.0), 2.0 + 20.0 * rise(time, 5.0)
    flat = np.full((len(time), 30), 8.0)
    cells = [f"c{number}" for number in range(len(time))]
    rna = AnnData(csr_matrix(rng.poisson(np.column_stack([gene, flat]))), obs=pd.DataFrame({"time": time}, index=cells))
    rna.var_names = ["G", *(f"g{number}" for number in range(30))]
    atac = AnnData(csr_matrix(rng.poisson(np.column_stack([early, flat]))), obs=pd.DataFrame(index=cells))
    atac.var_names = ["chr1:1000-1500", *(f"chr2:{number}000-{number}500" for number in range(1, 31))]
    places = pd.DataFrame({"chrom": ["chr1"], "start": [5000], "end": [9000], "strand": ["+"]}, index=["G"])
    with pytest.warns(UserWarning, match="too small"):
        table = links(rna, atac, places, lag=True, n_metacells=60, n_neighbors=10)
    assert table["peak"].tolist() == ["chr1:1000-1500"]
    assert table["lag"].iloc[0] == pytest.approx(3.0, abs=0.6)
    assert table["r_lag"].iloc[0] > 0.9
