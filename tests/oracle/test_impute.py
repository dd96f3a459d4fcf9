"""Imputation over neighbouring cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA

from reguloom import oracle
from reguloom._errors import InputError
from reguloom.core import Expression
from reguloom.manifold import balanced_neighbors, smoothing_weights
from reguloom.oracle.impute import principal_components


@pytest.mark.parametrize("n_genes", [30, 260])
def test_components_equal_scikit_learn(n_genes: int) -> None:
    values = np.random.default_rng(0).gamma(1.0, size=(80, n_genes))
    data = Expression.of(pd.DataFrame(values, columns=[f"G{i}" for i in range(n_genes)]))
    ours, theirs = principal_components(data, 8), PCA(8, svd_solver="full").fit_transform(values)
    assert np.abs(np.abs(ours) - np.abs(theirs)).max() < 1e-8


def test_it_writes_the_average_over_neighbours(world) -> None:
    adata = world[0].copy()
    assert oracle.impute(adata, n_neighbors=6, n_pcs=5) is None
    weights = smoothing_weights(*balanced_neighbors(principal_components(Expression.of(adata), 5), 6))
    assert np.allclose(adata.layers["imputed"], weights @ np.asarray(adata.X))
    copied = oracle.impute(world[0], n_neighbors=3, n_pcs=5, balanced=False, key_added="smooth", copy=True)
    assert not world[0].layers
    assert copied.layers["smooth"].var() > adata.layers["imputed"].var()


def test_sparse_and_dense_agree(world) -> None:
    adata = world[0].copy()
    oracle.impute(adata, n_neighbors=6)
    other = world[0].copy()
    other.X = csr_matrix(other.X)
    oracle.impute(other, n_neighbors=6)
    assert np.allclose(adata.layers["imputed"], other.layers["imputed"])


def test_too_many_neighbours_are_refused(world) -> None:
    with pytest.raises(InputError, match="240 cells"):
        oracle.impute(world[0], n_neighbors=240)
