"""The front door for expression matrices: any format in, AnnData out, and back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reguloom._errors import InputError, MissingKeyError
from reguloom._files import existing
from reguloom._logging import logger
from reguloom.io._sniff import matrix_kind, suffix_of
from reguloom.io.h5ad import read_h5ad, write_h5ad, write_zarr
from reguloom.io.loom import read_loom
from reguloom.io.scope import write_scope_loom
from reguloom.io.tenx import read_10x
from reguloom.io.text import read_text, write_text

if TYPE_CHECKING:
    from anndata import AnnData


def read(
    path: str | os.PathLike[str],
    *,
    layer: str | None = None,
    transpose: Literal["auto"] | bool = "auto",
    backed: bool = False,
    cell_attribute: str = "CellID",
    gene_attribute: str = "Gene",
) -> AnnData:
    """Read an expression matrix of any of the field's formats.

    The same data gives the same float32 values, in the same order of cells and genes, whichever format it comes
    in. Sparse data stays sparse from the disk to the result.

    Parameters
    ----------
    path
        ``.h5ad``; a ``.zarr`` folder; ``.loom``; a 10x ``.h5``, a folder with ``matrix.mtx`` or its ``.tar.gz``;
        ``.csv``, ``.tsv`` or ``.txt`` (also ``.gz``). HDF5 files are told apart by their content.
    layer
        Layer to put in the place of ``X`` (h5ad, zarr, loom).
    transpose
        For csv and tsv: ``False`` if rows are cells, ``True`` if rows are genes, ``"auto"`` to decide by the names.
        The binary formats say which way round they are.
    backed
        Leave the matrix of an h5ad file on disk.
    cell_attribute, gene_attribute
        Attributes of a loom file that name cells and genes; for 10x, `gene_attribute` may be ``"gene_ids"``.

    Returns
    -------
    anndata.AnnData
        Shape ``(n_cells, n_genes)``; ``X`` is float32.

    Raises
    ------
    InputError
        If the file is missing, empty, cut short, or of another kind.
    MissingKeyError
        If the layer or an attribute is not there.
    """
    path = existing(path, what="expression matrix")
    kind = matrix_kind(path)
    if backed and kind != "h5ad":
        msg = f"{path} is {kind}, and only h5ad can be opened backed; `reguloom convert` makes one."
        raise InputError(msg)
    match kind:
        case "h5ad" | "zarr":
            adata = read_h5ad(path, layer=layer, backed=backed)
        case "loom":
            adata = read_loom(path, layer=layer, cell_attribute=cell_attribute, gene_attribute=gene_attribute)
        case _:
            _refuse_layer(path, layer)
            names = "gene_symbols" if gene_attribute == "Gene" else gene_attribute
            adata = read_text(path, transpose=transpose) if kind == "text" else read_10x(path, gene_attribute=names)
    logger.info("%s (%s): %d cells x %d genes", path.name, kind, adata.n_obs, adata.n_vars)
    return adata


def _refuse_layer(path: Path, layer: str | None) -> None:
    """Refuse a layer of a format that has none.

    Raises
    ------
    MissingKeyError
        If one is asked for.
    """
    if layer is not None:
        msg = f"{path} has no layers, so layer={layer!r} is not there; leave layer out."
        raise MissingKeyError(msg)


def write(adata: AnnData, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write an AnnData in the format that the suffix names.

    Parameters
    ----------
    adata
        What to write.
    path
        ``.h5ad`` and ``.zarr`` hold everything; ``.loom`` the matrix, layers, annotation and two-dimensional
        embeddings, for SCope and pySCENIC; ``.csv`` and ``.tsv`` (also ``.gz``) the matrix, cells in rows.
    force
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If the suffix is not known, or the file cannot be written.
    """
    path = Path(path)
    match suffix_of(path):
        case ".h5ad":
            write_h5ad(adata, path, force=force)
        case ".zarr":
            write_zarr(adata, path, force=force)
        case ".loom":
            write_scope_loom(adata, path, force=force)
        case ".csv" | ".tsv" | ".txt":
            write_text(adata, path, force=force)
        case suffix:
            msg = f"{path} has the suffix {suffix!r}; a matrix is written to .h5ad, .zarr, .loom, .csv, .tsv(.gz)."
            raise InputError(msg)
