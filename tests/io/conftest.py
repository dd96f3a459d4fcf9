"""Small data that the tests of `reguloom.io` share."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix


@pytest.fixture
def adata(counts: pd.DataFrame) -> ad.AnnData:
    """Sparse counts with fractions that float32 cannot hold exactly, annotation, an embedding and a layer."""
    values = counts.to_numpy() * np.float32(0.1)
    rng = np.random.default_rng(3)
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical(rng.choice(["HSC", "Ery"], len(counts))), "depth": rng.random(len(counts))},
        index=counts.index,
    )
    made = ad.AnnData(csr_matrix(values), obs=obs, var=pd.DataFrame(index=counts.columns))
    made.layers["counts"] = csr_matrix(counts.to_numpy())
    made.obsm["X_umap"] = rng.random((len(counts), 2)).astype(np.float32)
    return made
