"""The correlation baselines against scipy and against a plain inverse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from reguloom import grn
from reguloom._errors import InputError
from reguloom.core import Expression
from reguloom.grn._input import build_problem
from reguloom.grn.correlation import rank_values
from reguloom.grn.partial_correlation import estimate_shrinkage, shrinkage_sums, standardise


def signed_table(network):
    frame = network.to_frame()
    return pd.Series(
        frame["weight"].to_numpy() * frame["sign"].to_numpy(),
        pd.MultiIndex.from_frame(frame[["source", "target"]].astype(str)),
    )


@pytest.mark.parametrize("shift", [0.0, -1.0])
@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_correlations_are_scipys(world, method, shift):
    cells, tfs = world
    moved = (cells + shift).astype(np.float64)
    found = signed_table(grn.infer(moved, tfs, method=method))
    function = stats.pearsonr if method == "pearson" else stats.spearmanr
    for (source, target), value in found.items():
        assert value == pytest.approx(function(moved[source], moved[target])[0], abs=1e-9)
    assert len(found) > 150


def test_ranks_keep_zeros_unstored():
    column = np.array([0, 3, -1, 0, 0, 3, 7, -5], float)
    ranked = rank_values(sparse.csc_array(column[:, None]))
    assert ranked.nnz == 5
    dense = ranked.toarray().ravel()
    assert dense - dense.min() == pytest.approx(stats.rankdata(column) - 1)


def _estimated(cells, tfs):
    expression = Expression.of(cells)
    problem = build_problem(expression, tfs, targets=None, min_cells=0, min_fraction=0.0, seed=0)
    standard, _ = standardise(problem.regulators.astype(np.float64))
    return estimate_shrinkage(problem, standard)


@pytest.mark.parametrize("shrinkage", [0.0, 0.4, None])
def test_partial_correlation_is_that_of_the_inverse(world, shrinkage):
    cells, tfs = world
    found = signed_table(grn.infer(cells, tfs, method="partial_correlation", shrinkage=shrinkage))
    share = _estimated(cells, tfs) if shrinkage is None else shrinkage
    for target in ("g0", "g7", "TF3"):
        names = [*tfs, target] if target not in tfs else tfs
        matrix = (1 - share) * np.corrcoef(cells[names].to_numpy(np.float64), rowvar=False)
        np.fill_diagonal(matrix, 1.0)
        inverse = np.linalg.inv(matrix)
        partial = -inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
        for i, source in enumerate(tfs):
            if source != target:
                assert found[source, target] == pytest.approx(partial[i, names.index(target)], abs=1e-9)


def test_shrinkage_is_schaefer_and_strimmers():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, 5)) @ rng.normal(size=(5, 5))
    n = len(values)
    z = (values - values.mean(0)) / values.std(0, ddof=1)
    products = z[:, :, None] * z[:, None, :]
    spread = n / (n - 1) ** 3 * ((products - products.mean(0)) ** 2).sum(0)
    correlation = np.corrcoef(values, rowvar=False)
    off = ~np.eye(5, dtype=bool)
    expected = spread[off].sum() / (correlation[off] ** 2).sum()
    standard, _ = standardise(sparse.csc_array(values))
    variance, square = shrinkage_sums(standard, standard, n)
    assert variance / square == pytest.approx(expected, rel=1e-10)


def test_shrinkage_out_of_range_or_too_small_is_refused(world):
    cells, tfs = world
    with pytest.raises(InputError, match="shrinkage"):
        grn.infer(cells, tfs, method="partial_correlation", shrinkage=2.0)
    twin = cells.assign(TF9=cells["TF0"])
    with pytest.raises(InputError, match="inverted"):
        grn.infer(twin, [*tfs, "TF9"], method="partial_correlation", shrinkage=0.0)
