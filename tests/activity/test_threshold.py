"""The helper that shows how much of a ranking is detected."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from reguloom.activity import derive_auc_threshold


def test_equals_pyscenic(golden):
    found = derive_auc_threshold(golden.expression)
    pd.testing.assert_series_equal(found, golden.derived, rtol=0, atol=1e-12, check_names=False)


def test_sparse_and_dense_agree(counts):
    expected = np.quantile((counts > 0).sum(axis=1) / 40, [0.2, 0.7])
    for matrix in (counts.to_numpy(), sparse.csr_matrix(counts.to_numpy())):
        found = derive_auc_threshold(anndata.AnnData(matrix), quantiles=(0.2, 0.7))
        np.testing.assert_allclose(found, expected)
        assert list(found.index) == [0.2, 0.7]
