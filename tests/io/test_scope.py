"""The SCope dialect of loom, written and read back."""

from __future__ import annotations

import json
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest

from reguloom import io
from reguloom._errors import InputError, MissingKeyError
from reguloom.core import Regulon, Regulons


@pytest.fixture
def regulons() -> Regulons:
    return Regulons(
        [
            Regulon("Gene1", 1, ("Gene2", "Gene3"), (1.0, 2.0), motifs=("m__1",)),
            Regulon("Gene4", -1, ("Gene5", "absent"), (1.0, 2.0)),
        ]
    )


@pytest.fixture
def auc(adata: ad.AnnData, regulons: Regulons) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).random((adata.n_obs, 2)), adata.obs_names, regulons.names)


def test_layout_is_scopes(adata: ad.AnnData, regulons: Regulons, auc: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "a.loom"
    adata.obsm["X_pca"] = np.ones((adata.n_obs, 5))
    thresholds = {"Gene1(+)": 0.25}
    io.write_scope_loom(adata, path, regulons=regulons, auc=auc, thresholds=thresholds, title="T", genome="mm10")
    with h5py.File(path) as file:
        assert file["matrix"].shape == adata.shape[::-1]
        assert file["matrix"].compression == "gzip"
        assert file["row_attrs/Regulons"].dtype.names == ("Gene1_(+)", "Gene4_(-)")
        assert file["row_attrs/Regulons"].dtype["Gene1_(+)"].kind == "i"
        np.testing.assert_array_equal(np.flatnonzero(file["row_attrs/Regulons"]["Gene1_(+)"]), [2, 3])
        np.testing.assert_array_equal(file["col_attrs/RegulonsAUC"]["Gene4_(-)"], auc["Gene4(-)"])
        assert file["col_attrs/Embedding"].dtype.names == ("_X", "_Y")
        assert file["col_attrs/Embeddings_X"].dtype.names == ("-1", "0")
        np.testing.assert_array_equal(file["col_attrs/Embeddings_Y"]["-1"], adata.obsm["X_umap"][:, 1])
        np.testing.assert_array_equal(file["col_attrs/ClusterID"], adata.obs["cell_type"].cat.codes)
        np.testing.assert_array_equal(file["col_attrs/Clusterings"]["0"], adata.obs["cell_type"].cat.codes)
        np.testing.assert_array_equal(file["col_attrs/nGene"], (adata.X > 0).sum(axis=1).A1)
        np.testing.assert_allclose(file["col_attrs/nUMI"], adata.X.sum(axis=1).A1, rtol=1e-6)
        found = {name: value[()].decode() for name, value in file["attrs"].items()}
    described = json.loads(found.pop("MetaData"))
    assert found == {
        "LOOM_SPEC_VERSION": "3.0.0", "title": "T", "Genome": "mm10",
        "SCopeTreeL1": "", "SCopeTreeL2": "", "SCopeTreeL3": "",
    }  # fmt: skip
    assert described["embeddings"] == [{"id": -1, "name": "UMAP"}, {"id": 0, "name": "PCA"}]
    assert described["annotations"] == [{"name": "cell_type", "values": ["Ery", "HSC"]}]
    assert described["clusterings"][0]["clusters"][1] == {"id": 1, "description": "HSC"}
    assert described["regulonThresholds"] == [
        {
            "regulon": "Gene1_(+)",
            "defaultThresholdValue": 0.25,
            "defaultThresholdName": "gaussian_mixture_split",
            "allThresholds": {"gaussian_mixture_split": 0.25},
            "motifData": "m__1.png",
        }
    ]


def test_everything_comes_back(adata: ad.AnnData, regulons: Regulons, auc: pd.DataFrame, tmp_path: Path) -> None:
    io.write_scope_loom(adata, tmp_path / "a.loom", regulons=regulons, auc=auc)
    back = io.read(tmp_path / "a.loom")
    assert (back.X != adata.X).nnz == 0
    assert (back.layers["counts"] != adata.layers["counts"]).nnz == 0
    pd.testing.assert_frame_equal(back.obsm["aucell"], auc)
    np.testing.assert_array_equal(back.obsm["X_umap"], adata.obsm["X_umap"])
    assert list(back.obs["cell_type"]) == list(adata.obs["cell_type"])
    assert back.obs["cell_type"].dtype == "category"
    np.testing.assert_array_equal(back.obs["depth"], adata.obs["depth"])
    assert back.varm["regulons"]["Gene1(+)"].sum() == 2
    io.write(back, tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(io.read(tmp_path / "a.h5ad").obsm["aucell"], auc)


def test_the_slots_of_the_pipeline_are_found(
    adata: ad.AnnData, regulons: Regulons, auc: pd.DataFrame, tmp_path: Path
) -> None:
    adata.obsm["aucell"] = auc
    regulons.to_adata(adata)
    io.write(adata, tmp_path / "a.loom")
    back = io.read(tmp_path / "a.loom")
    assert list(back.obsm["aucell"]) == regulons.names
    assert list(back.varm["regulons"]) == regulons.names


def test_same_bytes(adata: ad.AnnData, regulons: Regulons, auc: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("a.loom", "b.loom"):
        io.write_scope_loom(adata, tmp_path / name, regulons=regulons, auc=auc, thresholds=pd.Series({"Gene1(+)": 0.1}))
    assert (tmp_path / "a.loom").read_bytes() == (tmp_path / "b.loom").read_bytes()


def test_rows_of_the_activity_are_matched_by_name(adata: ad.AnnData, auc: pd.DataFrame, tmp_path: Path) -> None:
    io.write_scope_loom(adata, tmp_path / "a.loom", auc=auc.iloc[::-1])
    pd.testing.assert_frame_equal(io.read(tmp_path / "a.loom").obsm["aucell"], auc)
    with pytest.raises(InputError, match="59 rows and there are 60 cells"):
        io.write_scope_loom(adata, tmp_path / "b.loom", auc=auc.iloc[1:])
    assert not (tmp_path / "b.loom").exists()


def test_names_can_be_kept(adata: ad.AnnData, auc: pd.DataFrame, tmp_path: Path) -> None:
    io.write_scope_loom(adata, tmp_path / "a.loom", auc=auc, rename=None)
    with h5py.File(tmp_path / "a.loom") as file:
        assert file["col_attrs/RegulonsAUC"].dtype.names == ("Gene1(+)", "Gene4(-)")


def test_wrong_names_are_refused(adata: ad.AnnData, tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError, match="X_tsne.*X_umap"):
        io.write_scope_loom(adata, tmp_path / "a.loom", embeddings=["X_tsne"])
    with pytest.raises(MissingKeyError, match="louvain.*cell_type"):
        io.write_scope_loom(adata, tmp_path / "a.loom", clusterings=["louvain"])
    with pytest.raises(InputError, match="threshold"):
        io.write_scope_loom(adata, tmp_path / "a.loom", thresholds=pd.DataFrame({"x": [1.0]}))


def test_compressed_metadata_of_older_files(adata: ad.AnnData, tmp_path: Path) -> None:
    import base64
    import zlib

    path = tmp_path / "a.loom"
    io.write_scope_loom(adata, path)
    with h5py.File(path, "r+") as file:
        text = file["attrs/MetaData"][()]
        del file["attrs/MetaData"]
        file["attrs/MetaData"] = base64.b64encode(zlib.compress(text)).decode()
    assert "X_umap" in io.read(path).obsm
    assert io.read(path).obs["cell_type"].dtype == "category"


def test_too_many_regulons_are_refused(adata: ad.AnnData, tmp_path: Path) -> None:
    names = [f"A long name of a regulon {i}(+)" for i in range(3000)]
    auc = pd.DataFrame(np.zeros((adata.n_obs, 3000)), adata.obs_names, names)
    with pytest.raises(InputError, match="3000 columns"):
        io.write_scope_loom(adata, tmp_path / "a.loom", auc=auc)
    assert list(tmp_path.iterdir()) == []
