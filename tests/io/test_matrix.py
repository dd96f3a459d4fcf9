"""The front door: one matrix through every format."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from reguloom import io
from reguloom._errors import InputError, MissingKeyError

FORMATS = ("a.h5ad", "a.zarr", "a.loom", "a.csv", "a.csv.gz", "a.tsv", "a.tsv.gz")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_matrix(name: str, adata: ad.AnnData, tmp_path: Path) -> None:
    io.write(adata, tmp_path / name)
    back = io.read(tmp_path / name)
    assert list(back.obs_names) == list(adata.obs_names)
    assert list(back.var_names) == list(adata.var_names)
    assert back.X.format == "csr"
    assert back.X.dtype == np.float32
    assert back.X.has_canonical_format
    np.testing.assert_array_equal(back.X.indices, adata.X.indices)
    np.testing.assert_array_equal(back.X.data, adata.X.data)


@pytest.mark.parametrize("name", ["a.h5ad", "a.loom", "a.csv", "a.tsv.gz"])
def test_the_same_data_give_the_same_bytes(name: str, adata: ad.AnnData, tmp_path: Path) -> None:
    io.write(adata, tmp_path / name)
    first = (tmp_path / name).read_bytes()
    io.write(adata, tmp_path / name, force=True)
    assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_replaced_only_with_force(name: str, adata: ad.AnnData, tmp_path: Path) -> None:
    io.write(adata, tmp_path / name)
    with pytest.raises(InputError, match="exists already"):
        io.write(adata, tmp_path / name)
    io.write(adata, tmp_path / name, force=True)
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr", "a.loom"])
def test_a_layer_takes_the_place_of_x(name: str, adata: ad.AnnData, tmp_path: Path) -> None:
    io.write(adata, tmp_path / name)
    back = io.read(tmp_path / name, layer="counts")
    assert (back.X != adata.layers["counts"]).nnz == 0
    with pytest.raises(MissingKeyError, match="spliced"):
        io.read(tmp_path / name, layer="spliced")


def test_raw_takes_the_place_of_x(adata: ad.AnnData, tmp_path: Path) -> None:
    adata.raw = adata.copy()
    small = adata[:, :5].copy()
    small.write_h5ad(tmp_path / "a.h5ad")
    assert io.read(tmp_path / "a.h5ad").n_vars == 5
    assert io.read(tmp_path / "a.h5ad", layer="raw").n_vars == adata.n_vars


def test_backed_stays_on_disk(adata: ad.AnnData, tmp_path: Path) -> None:
    io.write(adata, tmp_path / "a.h5ad")
    back = io.read(tmp_path / "a.h5ad", backed=True)
    assert back.isbacked
    assert not sparse.issparse(back.X)
    io.write(back, tmp_path / "b.csv")
    io.write(back, tmp_path / "b.loom")
    for name in ("b.csv", "b.loom"):
        assert (io.read(tmp_path / name).X != adata.X).nnz == 0
    with pytest.raises(InputError, match="only h5ad"):
        io.read(tmp_path / "b.loom", backed=True)


def test_dense_h5ad_of_doubles_becomes_float32(counts: pd.DataFrame, tmp_path: Path) -> None:
    ad.AnnData(counts.astype(np.float64)).write_h5ad(tmp_path / "a.h5ad")
    back = io.read(tmp_path / "a.h5ad")
    assert isinstance(back.X, np.ndarray)
    assert back.X.dtype == np.float32
    np.testing.assert_array_equal(back.X, counts.to_numpy())


def test_unsorted_indices_and_stored_zeros_are_mended(tmp_path: Path) -> None:
    matrix = sparse.csr_matrix(
        (np.array([2.0, 0.0, 1.0]), np.array([2, 1, 0]), np.array([0, 3, 3])), shape=(2, 3), dtype=np.float64
    )
    ad.AnnData(matrix).write_h5ad(tmp_path / "a.h5ad")
    back = io.read(tmp_path / "a.h5ad")
    assert back.X.indices.tolist() == [0, 2]
    assert back.X.data.tolist() == [1.0, 2.0]


def test_repeated_gene_names_are_kept(tmp_path: Path) -> None:
    made = ad.AnnData(sparse.csr_matrix(np.eye(3, dtype=np.float32)), var=pd.DataFrame(index=["A", "B", "A"]))
    for name in ("a.h5ad", "a.loom", "a.csv"):
        io.write(made, tmp_path / name)
        assert list(io.read(tmp_path / name, transpose=False).var_names) == ["A", "B", "A"]


@pytest.mark.parametrize("name", ["a.loom", "a.h5ad", "a.csv"])
def test_reading_never_holds_the_dense_matrix(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reguloom.io import loom

    n_cells, n_genes = 3000, 2000
    made = ad.AnnData(sparse.random_array((n_cells, n_genes), density=0.01, format="csr", rng=0, dtype=np.float32))
    made.X = sparse.csr_matrix(made.X)
    io.write(made, tmp_path / name)
    monkeypatch.setattr(loom, "_BLOCK_BYTES", 2**20)
    io.read(tmp_path / name)  # imports outside the measurement
    tracemalloc.start()
    back = io.read(tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert back.X.nnz == made.X.nnz
    assert peak < 0.6 * 4 * n_cells * n_genes


def test_truncated_and_foreign_files_say_so(adata: ad.AnnData, tmp_path: Path) -> None:
    for name in ("a.h5ad", "a.loom"):
        io.write(adata, tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / f"cut_{name}").write_bytes(whole[: len(whole) // 2])
        (tmp_path / f"text_{name}").write_text("gene,cell\n1,2\n")
        (tmp_path / f"empty_{name}").touch()
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["table"] = np.ones(3)
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04\0\0")
    (tmp_path / "folder").mkdir()
    cases = {
        "cut_a.h5ad": "cut short",
        "cut_a.loom": "cut short",
        "text_a.h5ad": "cannot be read as HDF5",
        "text_a.loom": "cannot be read as HDF5",
        "empty_a.h5ad": "is empty",
        "empty_a.loom": "is empty",
        "other.h5": "neither h5ad .* loom .* nor 10x .*: it holds",
        "a.xlsx": "accepted are .h5ad, .zarr",
        "folder": "matrix.mtx",
        "none.h5ad": "does not exist",
    }
    for name, words in cases.items():
        with pytest.raises(InputError, match=words) as caught:
            io.read(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)


def test_h5ad_cut_inside_its_data(adata: ad.AnnData, tmp_path: Path) -> None:
    io.write(adata, tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad", "r+") as file:
        del file["X/indptr"]
    with pytest.raises(InputError, match="indptr.*cut short"):
        io.read(tmp_path / "a.h5ad")


def test_unknown_suffix_is_refused_in_writing(adata: ad.AnnData, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="xlsx.*h5ad"):
        io.write(adata, tmp_path / "a.xlsx")


def test_content_counts_more_than_an_hdf5_suffix(adata: ad.AnnData, tmp_path: Path) -> None:
    io.write(adata, tmp_path / "a.loom")
    (tmp_path / "a.loom").rename(tmp_path / "a.h5ad")
    assert (io.read(tmp_path / "a.h5ad").X != adata.X).nnz == 0


def test_real_files_agree(shared: Path) -> None:
    folder = shared / "data" / "scenic"
    loom, tenx = io.read(folder / "expr_mat_small.loom"), io.read(folder / "tenx_small.tar.gz")
    assert loom.shape == tenx.shape == (100, 200)
    assert list(loom.obs_names) == list(tenx.obs_names)
    assert list(loom.var_names) == list(tenx.var_names)
    assert (loom.X != tenx.X).nnz == 0
    assert io.read(folder / "expr_mat.loom").shape == (100, 8146)
    assert io.read(shared / "data" / "paul15" / "paul15.h5ad").shape == (2660, 3004)
