from __future__ import annotations

from reguloom.core import Regulons
from reguloom.datasets import toy


def test_toy_is_small_and_complete():
    adata = toy()
    assert adata.shape == (100, 60)
    assert adata.obs["cell_type"].nunique() == 3
    assert adata.obsm["X_umap"].shape == (100, 2)
    assert len(Regulons.from_adata(adata)) >= 6


def test_toy_depends_on_the_seed_alone():
    assert (toy(rng=1).X != toy(random_state=1).X).nnz == 0
    assert (toy(rng=1).X != toy(rng=2).X).nnz > 0


def test_toy_survives_a_file(tmp_path):
    import anndata

    adata = toy()
    adata.write_h5ad(tmp_path / "toy.h5ad")
    again = anndata.read_h5ad(tmp_path / "toy.h5ad")
    assert Regulons.from_adata(again) == Regulons.from_adata(adata)
