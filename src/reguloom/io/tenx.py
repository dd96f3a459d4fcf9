"""10x Genomics count matrices: the matrix.mtx folder (Cell Ranger 2 and 3), its tar archive, and the .h5 file."""

from __future__ import annotations

import gzip
import os
import tarfile
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom._files import existing, gzip_errors, open_text
from reguloom._logging import logger
from reguloom.io._sniff import existing_file, hdf5_errors

if TYPE_CHECKING:
    import h5py
    from anndata import AnnData
    from scipy.sparse import csr_matrix

_PARTS = ("matrix.mtx", "barcodes.tsv", "features.tsv", "genes.tsv")


def read_10x(path: str | os.PathLike[str], *, gene_attribute: str = "gene_symbols") -> AnnData:
    """Read a 10x matrix: a folder, its ``matrix.mtx``, a ``.tar.gz`` that holds one, or an ``.h5`` file.

    Parameters
    ----------
    path
        The folder or file.
    gene_attribute
        ``"gene_symbols"`` or ``"gene_ids"``: what genes are called.

    Returns
    -------
    anndata.AnnData
        ``X`` is CSR float32, shape ``(n_cells, n_genes)``; ``var`` has ``gene_ids``, ``gene_symbols`` and, since
        Cell Ranger 3, ``feature_types``. Features other than gene expression are left out, and counted in the log.

    Raises
    ------
    InputError
        If a file is missing, cut short, or they do not fit together.
    MissingKeyError
        If `gene_attribute` is neither.
    """
    if gene_attribute not in ("gene_symbols", "gene_ids"):
        msg = f"10x genes have no {gene_attribute!r}; gene_attribute is 'gene_symbols' or 'gene_ids' here."
        raise MissingKeyError(msg)
    path = existing(path, what="10x matrix")
    if path.name.lower().endswith((".tar.gz", ".tgz")):
        return _read_tar(path, gene_attribute)
    if path.is_dir() or ".mtx" in path.name:
        return _read_folder(path if path.is_dir() else path.parent, gene_attribute)
    return _read_h5(path, gene_attribute)


def _read_tar(path: Path, gene_attribute: str) -> AnnData:
    """Unpack the three files that count into a temporary folder, and read that.

    Raises
    ------
    InputError
        If the archive is broken, or holds no matrix or several.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            with gzip_errors(path), tarfile.open(path) as archive:
                members = [one for one in archive if one.isfile() and Path(one.name).name.removesuffix(".gz") in _PARTS]
                parents = sorted({str(Path(one.name).parent) for one in members if "matrix.mtx" in one.name})
                if len(parents) != 1:
                    msg = (
                        f"{path} holds {len(parents)} matrix.mtx; unpack it, and give one of the folders {parents[:4]}."
                    )
                    raise InputError(msg)
                for one in members:
                    if str(Path(one.name).parent) == parents[0]:
                        one.name = Path(one.name).name
                        archive.extract(one, folder, filter="data")
        except tarfile.TarError as error:
            msg = f"{path} is not a readable tar archive ({error}); copy or make it again."
            raise InputError(msg) from error
        return _read_folder(Path(folder), gene_attribute, shown=path)


def _read_folder(folder: Path, gene_attribute: str, *, shown: Path | None = None) -> AnnData:
    """Read matrix, barcodes and features of a folder."""
    from scipy.io import mmread
    from scipy.sparse import csr_matrix

    shown = shown or folder
    matrix_path = _part(folder, shown, "matrix.mtx")
    barcodes = [line[0] for line in _lines(_part(folder, shown, "barcodes.tsv"))]
    features = _lines(_part(folder, shown, "features.tsv", "genes.tsv"))
    try:
        with gzip_errors(matrix_path), _WholeLines(matrix_path) as handle:
            genes_by_cells = mmread(handle)
    except (ValueError, OverflowError) as error:
        msg = f"{matrix_path} is not a readable Matrix Market file ({str(error)[:120]}); it may be cut short."
        raise InputError(msg) from error
    matrix = csr_matrix(genes_by_cells.T, dtype=np.float32)
    var = pd.DataFrame(
        {
            "gene_ids": [line[0] for line in features],
            "gene_symbols": [line[1] if len(line) > 1 else line[0] for line in features],
            "feature_types": [line[2] if len(line) > 2 else "Gene Expression" for line in features],
        }
    )
    return _assemble(matrix, barcodes, var, gene_attribute=gene_attribute, shown=shown)


class _WholeLines:
    """The bytes of a text file, plain or gzipped, whose last line ends as lines do.

    scipy's parser crashes, and Python with it, where the last line has something behind its numbers and no end, as in
    a file that was cut short, and on bytes of zero, as disks leave them where writing stopped.
    """

    def __init__(self, path: Path) -> None:
        self.file: IO[bytes] = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[assignment]
        self.ended = False

    def __enter__(self) -> _WholeLines:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def read(self, size: int = -1) -> bytes:
        """Return up to so many bytes.

        Raises
        ------
        ValueError
            If there is a byte of zero.
        """
        data = self.file.read(size)
        if b"\0" in data:
            msg = "it holds bytes of zero"
            raise ValueError(msg)
        if data or self.ended:
            return data
        self.ended = True
        return b"\n"


def _part(folder: Path, shown: Path, *names: str) -> Path:
    """Return the first of the files that is there, plain or gzipped.

    Raises
    ------
    InputError
        If none is.
    """
    for name in names:
        for candidate in (folder / name, folder / f"{name}.gz"):
            if candidate.exists():
                return existing_file(candidate, what="10x file")
    msg = f"{shown} has no {' or '.join(names)} (or .gz); 10x folders hold matrix.mtx, barcodes.tsv and features.tsv."
    raise InputError(msg)


def _lines(path: Path) -> list[list[str]]:
    """Return the tab-separated fields of each line."""
    with gzip_errors(path), open_text(path) as handle:
        return [line.rstrip("\r\n").split("\t") for line in handle if line.strip()]


def _read_h5(path: Path, gene_attribute: str) -> AnnData:
    """Read the HDF5 file of Cell Ranger 3 (group ``matrix``) or 2 (one group for each genome)."""
    import h5py
    from scipy.sparse import csc_matrix

    with hdf5_errors(path), h5py.File(path, "r") as file:
        group, var = _h5_group(file, path)
        shape = tuple(int(size) for size in group["shape"][()])
        parts = (group["data"][()].astype(np.float32), group["indices"][()], group["indptr"][()])
        barcodes = _h5_text(group["barcodes"])
    try:
        stored = csc_matrix(parts, shape=shape)
        stored.check_format(full_check=True)
        matrix = stored.T.tocsr()
    except ValueError as error:
        msg = f"{path} does not hold a consistent matrix ({str(error)[:100]}); it may be cut short."
        raise InputError(msg) from error
    return _assemble(matrix, barcodes, var, gene_attribute=gene_attribute, shown=path)


def _h5_group(file: h5py.File, path: Path) -> tuple[Any, pd.DataFrame]:
    """Return the group with the matrix, and the table of features.

    Raises
    ------
    InputError
        If there is no such group, or several genomes.
    """
    if "matrix" in file:
        group = file["matrix"]
        features = group["features"]
        table = {"gene_ids": _h5_text(features["id"]), "gene_symbols": _h5_text(features["name"])}
        if len(table["gene_ids"]) != len(table["gene_symbols"]):
            lengths = " and ".join(str(len(column)) for column in table.values())
            msg = f"{path} has {lengths} gene ids and gene names; copy or make the file again."
            raise InputError(msg)
        kinds = _h5_text(features["feature_type"]) if "feature_type" in features else "Gene Expression"
        return group, pd.DataFrame({**table, "feature_types": kinds})
    genomes = [name for name in file if "barcodes" in file[name]]
    if len(genomes) != 1:
        msg = f"{path} holds {len(genomes)} genomes {genomes[:4]}; split it first, so that it holds one."
        raise InputError(msg)
    group = file[genomes[0]]
    table = {"gene_ids": _h5_text(group["genes"]), "gene_symbols": _h5_text(group["gene_names"])}
    return group, pd.DataFrame({**table, "feature_types": "Gene Expression"})


def _h5_text(dataset: h5py.Dataset) -> list[str]:
    """Return a dataset of byte strings as text."""
    return [value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in dataset[()]]


def _assemble(
    matrix: csr_matrix, barcodes: list[str], var: pd.DataFrame, *, gene_attribute: str, shown: Path
) -> AnnData:
    """Return the AnnData of gene-expression features.

    Raises
    ------
    InputError
        If names and matrix differ in length.
    """
    from anndata import AnnData

    if matrix.shape != (len(barcodes), len(var)):
        shape = matrix.shape[::-1]
        msg = f"{shown} has a matrix of {shape}, {len(var)} features and {len(barcodes)} barcodes; they must agree."
        raise InputError(msg)
    var.index = pd.Index(var[gene_attribute].to_numpy())
    var.index.name = None
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    keep = (var["feature_types"] == "Gene Expression").to_numpy()
    if not keep.all() and keep.any():
        logger.info("%d features of %s that are not gene expression were left out", int((~keep).sum()), shown)
        matrix, var = matrix[:, keep], var[keep]
    return AnnData(X=matrix, obs=pd.DataFrame(index=pd.Index(barcodes)), var=var)
