"""AnnData's own files, h5ad and zarr, in memory or backed."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._errors import InputError, MissingKeyError
from reguloom._files import atomic_write, check_output, existing
from reguloom._logging import logger
from reguloom.io._sniff import hdf5_errors, matrix_kind

if TYPE_CHECKING:
    from anndata import AnnData


def read_h5ad(path: str | os.PathLike[str], *, layer: str | None = None, backed: bool = False) -> AnnData:
    """Read an h5ad file or a zarr store.

    Parameters
    ----------
    path
        The file, or the folder of the store.
    layer
        Put this layer, or ``"raw"``, in the place of ``X`` (not with `backed`).
    backed
        Leave the matrix on disk (h5ad alone).

    Returns
    -------
    anndata.AnnData
        ``X`` is float32, sparse as CSR or dense as it is stored.

    Raises
    ------
    InputError
        If the file is missing, cut short, or no AnnData.
    MissingKeyError
        If the layer is not there.
    """
    path = existing(path, what="AnnData file")
    if backed and (layer is not None or path.is_dir()):
        what = "a layer in the place of X" if layer is not None else "a zarr store"
        msg = f"{what} cannot be opened backed; leave backed out, or give the layer to the method that uses it."
        raise InputError(msg)
    adata = open_anndata(path, backed=backed)
    if backed:
        return adata
    for matrix in (adata.X, *adata.layers.values()):
        _check_sparse(matrix, path)
    if layer is not None:
        adata = _with_layer(adata, layer, path)
    if adata.X is not None:
        adata.X = as_float32(adata.X)
    elif not layer_names(adata):
        msg = f"{path} has neither X nor a layer; write the matrix into it first."
        raise InputError(msg)
    return adata


def _check_sparse(matrix: Any, path: Path) -> None:
    """Refuse a sparse matrix whose indices lie outside of it: scipy takes them on trust, and would read elsewhere.

    Raises
    ------
    InputError
        If there are such indices.
    """
    from scipy.sparse import issparse

    if not issparse(matrix):
        return
    try:
        matrix.check_format(full_check=True)
    except ValueError as error:
        msg = f"{path} holds a sparse matrix that is damaged ({error}); copy or make the file again."
        raise InputError(msg) from error


def _with_layer(adata: AnnData, layer: str, path: Path) -> AnnData:
    """Return `adata` with a layer, or with ``raw``, in the place of ``X``.

    Raises
    ------
    MissingKeyError
        If it is not there.
    """
    if layer == "raw" and adata.raw is not None:
        raw = adata.raw.to_adata()
        raw.obsm.update(adata.obsm)
        raw.uns.update(adata.uns)
        return raw
    if layer not in adata.layers:
        has_raw = " and raw" if adata.raw is not None else ""
        msg = f"{path} has no layer {layer!r}; it has {layer_names(adata)}{has_raw}, and layer=None reads X."
        raise MissingKeyError(msg)
    adata.X = adata.layers[layer]
    return adata


def open_anndata(path: Path, *, backed: bool = False) -> AnnData:
    """Return an AnnData as it is stored, turning what h5py, zarr and anndata say of a broken one into one sentence.

    Parameters
    ----------
    path
        The file, or the folder of a zarr store.
    backed
        Leave the matrix on disk (h5ad alone).

    Raises
    ------
    InputError
        If it cannot be read.
    """
    from anndata import io as readers
    from anndata._io.specs.registry import IORegistryError

    if not path.is_dir():
        # The list of names tells many a damaged file at once that HDF5 would search for minutes.
        matrix_kind(path)
    try:
        with hdf5_errors(path), warnings.catch_warnings():
            # Repeated gene names are reported once, by the check that every stage runs, with the way to mend them.
            warnings.filterwarnings("ignore", message="(Variable|Observation) names are not unique")
            warnings.filterwarnings("ignore", message=".*older version of anndata")
            if path.is_dir():
                return readers.read_zarr(path)
            return readers.read_h5ad(path, backed="r" if backed else None)
    except (KeyError, ValueError, TypeError, AttributeError, IORegistryError) as error:
        if isinstance(error, InputError):
            raise
        why = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        msg = f"{path} is not a readable AnnData file ({why}); it may be cut short, or written by something else."
        raise InputError(msg) from error


def layer_names(adata: AnnData) -> list[str]:
    """Return the names of the layers; newer AnnData counts ``X`` among them, under the name None."""
    return sorted(name for name in adata.layers if name is not None)


def as_float32(matrix: Any) -> Any:
    """Return a matrix as float32: a sparse one as CSR with sorted indices and no stored zeros, a dense one dense."""
    from scipy.sparse import csr_matrix, issparse

    if not issparse(matrix):
        return np.asarray(matrix).astype(np.float32, copy=False)
    made = csr_matrix(matrix, dtype=np.float32)
    if not made.has_canonical_format:
        made.sum_duplicates()
    if (made.data == 0).any():
        made.eliminate_zeros()
    return made


def write_h5ad(adata: AnnData, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write an h5ad file, never half of one.

    Parameters
    ----------
    adata
        What to write.
    path
        Ends in ``.h5ad``.
    force
        Whether an existing file may be replaced.
    """
    with atomic_write(path, force=force) as temporary:
        adata.write_h5ad(temporary, compression="gzip")


def write_zarr(adata: AnnData, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write a zarr store into a folder beside `path`, then rename it.

    Parameters
    ----------
    adata
        What to write.
    path
        Folder of the store, ending in ``.zarr``.
    force
        Whether an existing store may be replaced.

    Raises
    ------
    InputError
        If there is something at `path` already and `force` is off.
    """
    path = Path(path)
    if path.exists() and not force:
        msg = f"{path} exists already; give --force (force=True) to replace it, or another name."
        raise InputError(msg)
    if path.is_dir() and not any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zmetadata")):
        msg = f"{path} is a folder and no zarr store; give another name."
        raise InputError(msg)
    check_output(path.with_name(f"{path.name}.new"), force=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        adata.write_zarr(folder / path.name)
        if path.is_dir():
            shutil.rmtree(path)
        (folder / path.name).rename(path)
        logger.debug("wrote %s", path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
