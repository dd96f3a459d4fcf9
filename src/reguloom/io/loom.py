"""Loom files (specification 2 and 3), read with h5py: genes × cells on disk, cells × genes sparse in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom.io._sniff import existing_file, hdf5_errors
from reguloom.io.scope import unpack_scope

if TYPE_CHECKING:
    import h5py
    from anndata import AnnData
    from scipy.sparse import csr_matrix

_BLOCK_BYTES = 64 * 2**20


def read_loom(
    path: str | os.PathLike[str],
    *,
    layer: str | None = None,
    cell_attribute: str = "CellID",
    gene_attribute: str = "Gene",
) -> AnnData:
    """Read a loom file.

    The matrix is read in blocks into a sparse one and never held dense. Column attributes become ``obs`` and row
    attributes ``var`` (text decoded); attributes with more than one dimension go to ``obsm`` and ``varm``, and
    tables such as SCope's ``RegulonsAUC`` there as DataFrames. Global attributes are in ``uns['loom']``.

    Parameters
    ----------
    path
        The file.
    layer
        Read this layer as ``X``; by default the main matrix, with every layer in ``layers``.
    cell_attribute
        Column attribute that names the cells.
    gene_attribute
        Row attribute that names the genes.

    Returns
    -------
    anndata.AnnData
        ``X`` is CSR float32, shape ``(n_cells, n_genes)``.

    Raises
    ------
    InputError
        If the file is missing, cut short or no loom file.
    MissingKeyError
        If an attribute or the layer is not there.
    """
    import h5py
    from anndata import AnnData

    path = existing_file(path, what="loom file")
    with hdf5_errors(path), h5py.File(path, "r") as file:
        _check_groups(file, path)
        obs, obsm = _attributes(file["col_attrs"], cell_attribute, f"column attribute of {path}")
        var, varm = _attributes(file["row_attrs"], gene_attribute, f"row attribute of {path}")
        shape = (len(var), len(obs))
        matrix = file["matrix"] if layer is None else _layer(file, layer)
        adata = AnnData(X=_transposed(matrix, shape, path), obs=obs, var=var, obsm=obsm, varm=varm)
        if layer is None:
            for name, values in file.get("layers", {}).items():
                adata.layers[name] = _transposed(values, shape, path)
        adata.uns["loom"] = _globals(file)
    unpack_scope(adata)
    return adata


def _check_groups(file: h5py.File, path: Path) -> None:
    """Refuse an HDF5 file that is no loom file.

    Raises
    ------
    InputError
        If a group is missing.
    """
    missing = [name for name in ("matrix", "row_attrs", "col_attrs") if name not in file]
    if missing:
        msg = f"{path} is no loom file: it lacks {missing} and has {sorted(file)[:8]}."
        raise InputError(msg)


def _layer(file: h5py.File, layer: str) -> h5py.Dataset:
    """Return a layer.

    Raises
    ------
    MissingKeyError
        If it is not there.
    """
    layers = file.get("layers", {})
    if layer not in layers:
        msg = f"the loom file has no layer {layer!r}; it has {sorted(layers)}, and layer=None reads the main matrix."
        raise MissingKeyError(msg)
    return layers[layer]


def _transposed(dataset: h5py.Dataset, shape: tuple[int, int], path: Path) -> csr_matrix:
    """Return a genes × cells dataset as cells × genes CSR float32, read some genes at a time."""
    from scipy.sparse import csr_matrix, vstack

    if dataset.shape != shape:
        msg = (
            f"{dataset.name} of {path} has shape {dataset.shape}, and there are {shape[0]} genes and {shape[1]} cells."
        )
        raise InputError(msg)
    per_chunk = dataset.chunks[0] if dataset.chunks else 1
    rows = max(1, _BLOCK_BYTES // max(1, shape[1] * dataset.dtype.itemsize))
    rows = max(per_chunk, rows // per_chunk * per_chunk)
    blocks = [
        csr_matrix(dataset[start : start + rows].astype(np.float32, copy=False)) for start in range(0, shape[0], rows)
    ]
    if not blocks:
        return csr_matrix(shape[::-1], dtype=np.float32)
    return vstack(blocks, format="csr").T.tocsr()


def _attributes(group: h5py.Group, names: str, what: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the one-dimensional attributes as a table named by one of them, and the others by name.

    Raises
    ------
    MissingKeyError
        If the attribute that should give the names is not there.
    InputError
        If an attribute is longer or shorter than the names.
    """
    if names not in group:
        option = "cell_attribute= (--cell_id_attribute)" if "column" in what else "gene_attribute= (--gene_attribute)"
        msg = f"{names!r} is no {what}; it has {sorted(group)}, so name one with {option}."
        raise MissingKeyError(msg)
    index = pd.Index(_decoded(group[names][()]).astype(str).astype(object))
    columns: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, dataset in group.items():
        if name == names:
            continue
        values = _decoded(dataset[()])
        if values.shape[:1] != (len(index),):
            msg = f"the {what} {name!r} has shape {values.shape}, and there are {len(index)} names."
            raise InputError(msg)
        if values.dtype.names:
            others[name] = pd.DataFrame({field: values[field] for field in values.dtype.names}, index=index)
        elif values.ndim == 1 or values.shape[1:] == (1,):
            columns[name] = values.ravel()
        elif values.ndim > 1 and values.shape[1]:
            others[name] = values
    return pd.DataFrame(columns, index=index), others


def _decoded(values: Any) -> Any:
    """Return an array with its byte strings decoded; SCopeLoomR and loompy 2 escape what is not ASCII."""
    values = np.asarray(values)
    if values.dtype.names or values.dtype.kind in "biufU":
        return values
    flat = [_text(value) for value in values.ravel()]
    return np.array(flat, dtype=object).reshape(values.shape)


def _text(value: Any) -> str:
    """Return a byte string or text as text, with loompy 2's XML escapes undone."""
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    if "&#" not in text:
        return text
    import html

    return html.unescape(text)


def _globals(file: h5py.File) -> dict[str, Any]:
    """Return the global attributes as text and numbers: in ``/attrs`` since specification 3, on the root before."""
    found: dict[str, Any] = {name.replace("/", "_"): _plain(value) for name, value in file.attrs.items()}
    if "attrs" in file:
        found |= {name: _plain(dataset[()]) for name, dataset in file["attrs"].items()}
    return found


def _plain(value: Any) -> Any:
    """Return a global attribute as text, a number or an array."""
    value = np.asarray(value)
    if value.dtype.kind in "SO" or value.dtype.kind == "U":
        value = _decoded(value)
        return str(value.ravel()[0]) if value.size == 1 else [str(one) for one in value.ravel()]
    return value.item() if value.ndim == 0 or value.size == 1 else value
