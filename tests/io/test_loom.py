"""The loom reader, on files made by hand in both versions of the format."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest

from reguloom import io
from reguloom._errors import InputError, MissingKeyError
from reguloom.io import loom

VALUES = np.array([[0, 1, 2], [3, 0, 0.1]])  # genes x cells


def make(path: Path, *, version: int) -> Path:
    """Write a loom file as loompy 2 (bytes, attributes on the root) or loompy 3 (text, /attrs) does."""
    with h5py.File(path, "w") as file:
        file.create_dataset("matrix", data=VALUES, chunks=(1, 2), compression="gzip")
        file.create_dataset("layers/spliced", data=VALUES.astype(np.int32) * 2)
        for group in ("row_attrs", "col_attrs", "row_edges", "col_edges"):
            file.create_group(group)
        names = {"row_attrs/Gene": ["Gata1", "Spi1"], "col_attrs/CellID": ["c1", "c2", "c3"]}
        text = h5py.string_dtype("utf-8") if version == 3 else "S10"
        for name, values in names.items():
            file.create_dataset(name, data=np.array(values, dtype=text if version == 2 else object), dtype=text)
        file["col_attrs/Cluster"] = np.array([b"HSC", b"&#233;ry", b"HSC"])
        file["col_attrs/n"] = np.array([1, 2, 3])
        file["col_attrs/flat"] = np.array([[1], [2], [3]])
        file["col_attrs/pca"] = np.arange(6.0).reshape(3, 2)
        file["row_attrs/Accession"] = np.array([b"ENS1", b"ENS2"])
        if version == 3:
            file.create_dataset("attrs/title", data="a title", dtype=text)
        else:
            file.attrs["title"] = np.bytes_("a title")
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_both_versions(version: int, tmp_path: Path) -> None:
    adata = io.read_loom(make(tmp_path / "a.loom", version=version))
    assert list(adata.obs_names) == ["c1", "c2", "c3"]
    assert list(adata.var_names) == ["Gata1", "Spi1"]
    np.testing.assert_array_equal(adata.X.toarray(), VALUES.T.astype(np.float32))
    np.testing.assert_array_equal(adata.layers["spliced"].toarray(), VALUES.T.astype(np.int32) * 2)
    assert list(adata.obs["Cluster"]) == ["HSC", "éry", "HSC"]
    assert list(adata.obs["n"]) == [1, 2, 3]
    assert list(adata.obs["flat"]) == [1, 2, 3]
    assert list(adata.var["Accession"]) == ["ENS1", "ENS2"]
    assert adata.obsm["pca"].shape == (3, 2)
    assert adata.uns["loom"]["title"] == "a title"


def test_what_was_read_can_be_stored(tmp_path: Path) -> None:
    adata = io.read_loom(make(tmp_path / "a.loom", version=3))
    io.write(adata, tmp_path / "a.h5ad")
    io.write(adata, tmp_path / "a.zarr")
    assert ad.read_h5ad(tmp_path / "a.h5ad").uns["loom"]["title"] == "a title"


def test_names_may_come_from_another_attribute(tmp_path: Path) -> None:
    path = make(tmp_path / "a.loom", version=2)
    assert list(io.read(path, gene_attribute="Accession").var_names) == ["ENS1", "ENS2"]
    with pytest.raises(MissingKeyError, match=r"Barcode.*CellID.*--cell_id_attribute"):
        io.read(path, cell_attribute="Barcode")
    with pytest.raises(MissingKeyError, match=r"Symbol.*Accession.*--gene_attribute"):
        io.read(path, gene_attribute="Symbol")


def test_blocks_of_genes_make_one_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).poisson(0.5, (57, 23))
    with h5py.File(tmp_path / "a.loom", "w") as file:
        file.create_dataset("matrix", data=values, chunks=(5, 23))
        file["row_attrs/Gene"] = np.array([f"g{i}".encode() for i in range(57)])
        file["col_attrs/CellID"] = np.array([f"c{i}".encode() for i in range(23)])
    monkeypatch.setattr(loom, "_BLOCK_BYTES", 1000)
    adata = io.read_loom(tmp_path / "a.loom")
    np.testing.assert_array_equal(adata.X.toarray(), values.T)
    assert adata.X.has_sorted_indices


def test_wrong_shapes_and_missing_groups(tmp_path: Path) -> None:
    path = make(tmp_path / "a.loom", version=3)
    with h5py.File(path, "r+") as file:
        del file["col_attrs/CellID"]
        file["col_attrs/CellID"] = np.array([b"c1", b"c2"])
    with pytest.raises(InputError):
        io.read_loom(path)
    with h5py.File(path, "r+") as file:
        del file["row_attrs"]
    with pytest.raises(InputError, match="row_attrs"):
        io.read_loom(path)
