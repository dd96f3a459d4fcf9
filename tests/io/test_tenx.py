"""10x matrices: folders of both versions, archives, HDF5 of both versions."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest
from scipy.io import mmwrite
from scipy.sparse import csc_matrix

from reguloom import io
from reguloom._errors import InputError, MissingKeyError

COUNTS = np.array([[0, 1, 2], [3, 0, 0], [0, 0, 4]])  # genes x cells
BARCODES = ["AAAC-1", "AAAG-1", "AAAT-1"]
IDS, SYMBOLS = ["ENSG1", "ENSG2", "AB1"], ["GATA1", "SPI1", "CD3"]
KINDS = ["Gene Expression", "Gene Expression", "Antibody Capture"]


def folder(path: Path, *, version: int) -> Path:
    path.mkdir()
    mmwrite(path / "matrix.mtx", csc_matrix(COUNTS))
    rows = [IDS, SYMBOLS] if version == 2 else [IDS, SYMBOLS, KINDS]
    lines = "".join("\t".join(row) + "\n" for row in zip(*rows, strict=True))
    (path / ("genes.tsv" if version == 2 else "features.tsv")).write_text(lines)
    (path / "barcodes.tsv").write_text("\n".join(BARCODES) + "\n")
    if version == 3:
        for one in list(path.iterdir()):
            with gzip.open(f"{one}.gz", "wb") as handle:
                handle.write(one.read_bytes())
            one.unlink()
    return path


def hdf5(path: Path, *, version: int) -> Path:
    matrix = csc_matrix(COUNTS)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix" if version == 3 else "GRCh38")
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(matrix, name)
        group["shape"] = matrix.shape
        group["barcodes"] = np.array(BARCODES, dtype="S")
        names = ("genes", "gene_names") if version == 2 else ("features/id", "features/name")
        group[names[0]], group[names[1]] = np.array(IDS, dtype="S"), np.array(SYMBOLS, dtype="S")
        if version == 3:
            group["features/feature_type"] = np.array(KINDS, dtype="S")
    return path


def check(adata: ad.AnnData, *, version: int) -> None:
    n_genes = 3 if version == 2 else 2
    assert list(adata.obs_names) == BARCODES
    assert list(adata.var_names) == SYMBOLS[:n_genes]
    assert list(adata.var["gene_ids"]) == IDS[:n_genes]
    assert adata.X.dtype == np.float32
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS.T[:, :n_genes])


@pytest.mark.parametrize("version", [2, 3])
def test_folder_file_archive_and_hdf5_agree(version: int, tmp_path: Path) -> None:
    made = folder(tmp_path / "outs", version=version)
    check(io.read(made), version=version)
    check(io.read(next(made.glob("matrix.mtx*"))), version=version)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(made, "sample/outs/filtered")
    check(io.read(tmp_path / "a.tar.gz"), version=version)
    check(io.read(hdf5(tmp_path / "a.h5", version=version)), version=version)


def test_genes_by_identifier(tmp_path: Path) -> None:
    made = folder(tmp_path / "outs", version=3)
    assert list(io.read(made, gene_attribute="gene_ids").var_names) == IDS[:2]
    with pytest.raises(MissingKeyError, match="gene_ids"):
        io.read(made, gene_attribute="Accession")


def test_parts_that_are_missing_cut_or_do_not_fit(tmp_path: Path) -> None:
    made = folder(tmp_path / "outs", version=2)
    barcodes = (made / "barcodes.tsv").read_text()
    (made / "barcodes.tsv").unlink()
    with pytest.raises(InputError, match=r"barcodes\.tsv"):
        io.read(made)
    (made / "barcodes.tsv").write_text("AAAC-1\n")
    with pytest.raises(InputError, match="1 barcodes"):
        io.read(made)
    (made / "barcodes.tsv").write_text(barcodes)
    text = (made / "matrix.mtx").read_text()
    (made / "matrix.mtx").write_text(text[: len(text) - 8])
    with pytest.raises(InputError, match=r"matrix\.mtx"):
        io.read(made)
    with h5py.File(hdf5(tmp_path / "a.h5", version=3), "r+") as file:
        del file["matrix/indptr"]
    with pytest.raises(InputError, match=r"a\.h5"):
        io.read(tmp_path / "a.h5")


def test_archive_with_two_matrices_or_broken(tmp_path: Path) -> None:
    made = folder(tmp_path / "outs", version=2)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(made, "raw")
        archive.add(made, "filtered")
    with pytest.raises(InputError, match=r"2 matrix\.mtx"):
        io.read(tmp_path / "a.tar.gz")
    whole = (tmp_path / "a.tar.gz").read_bytes()
    (tmp_path / "b.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"b\.tar\.gz"):
        io.read(tmp_path / "b.tar.gz")


@pytest.mark.parametrize(("end", "accepted"), [("", True), ("\r", True), (" 9", True), ("\n\n", True), ("\0", False)])
def test_an_odd_end_of_the_matrix_kills_nothing(tmp_path: Path, end: str, accepted: bool) -> None:
    # scipy's parser takes Python with it on several of these.
    (tmp_path / "matrix.mtx").write_text("%%MatrixMarket matrix coordinate integer general\n2 3 2\n1 1 4\n2 3 1" + end)
    (tmp_path / "barcodes.tsv").write_text("c1\nc2\nc3\n")
    (tmp_path / "genes.tsv").write_text("E1\tGata1\nE2\tSpi1\n")
    if not accepted:
        with pytest.raises(InputError, match="bytes of zero"):
            io.read_10x(tmp_path)
        return
    assert io.read_10x(tmp_path).X.toarray().tolist() == [[4, 0], [0, 0], [0, 1]]
