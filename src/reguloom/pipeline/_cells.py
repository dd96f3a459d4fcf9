"""The first stage of a run: the cells, chosen and prepared once, so that every later stage takes the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reguloom._errors import InputError
from reguloom._logging import logger

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.pipeline.config import InputSection

COUNTS = "counts"
PCA = "X_pca"


def read_cells(options: InputSection, *, backed: bool = False) -> AnnData:
    """Read the matrix that a run is given, its values left on disk if `backed` and the format allows it."""
    from reguloom import io

    on_disk = backed and options.layer is None and options.expression.suffix == ".h5ad"
    return io.read(
        options.expression,
        layer=options.layer,
        transpose="auto" if options.transpose is None else options.transpose,
        cell_attribute=options.cell_id_attribute,
        gene_attribute=options.gene_attribute,
        backed=on_disk,
    )


def prepare_cells(options: InputSection, output: Path) -> None:
    """Read, choose and normalise cells as `options` say, add a PCA if it is asked for and missing, and write them."""
    from reguloom import io

    adata = _choose(read_cells(options), options)
    if options.normalize:
        _normalize(adata)
    if options.basis in ("pca", PCA) and PCA not in adata.obsm:
        _add_pca(adata)
    io.write(adata, output, force=True)


def find_basis(adata: AnnData, name: str | None) -> str | None:
    """Return the slot of ``obsm`` that `name` stands for, with or without ``X_``; None if it is not there."""
    for slot in (name, f"X_{name}"):
        if slot is not None and slot in adata.obsm:
            return slot
    return None


def _choose(adata: AnnData, options: InputSection) -> AnnData:
    """Return the cells with enough genes, and of these the genes in enough cells."""
    if not options.min_genes and not options.min_cells:
        return adata
    detected = _detected(adata, axis=1) >= options.min_genes
    adata = adata[detected].copy()
    expressed = _detected(adata, axis=0) >= options.min_cells
    logger.info("%d cells and %d genes are kept", adata.n_obs, int(expressed.sum()))
    if not adata.n_obs or not expressed.any():
        msg = (
            f"{adata.n_obs} cells detect at least {options.min_genes} genes, and {int(expressed.sum())} genes are "
            f"detected in at least {options.min_cells} of them; lower input.min_genes or input.min_cells."
        )
        raise InputError(msg)
    return adata[:, expressed].copy()


def _detected(adata: AnnData, *, axis: int) -> np.ndarray:
    """Return how many values along an axis are other than 0."""
    return np.asarray((adata.X != 0).sum(axis=axis)).ravel()


def _normalize(adata: AnnData) -> None:
    """Scale counts to the median library size and take ``log1p``; the counts stay as a layer."""
    from scipy.sparse import csr_matrix

    from reguloom.core import Expression
    from reguloom.oracle._input import take_expression

    made = take_expression(Expression.of(adata), layer=None, mask_var=None, normalize=True)
    adata.layers[COUNTS] = adata.X
    adata.X = csr_matrix(made.to_csr().astype(np.float32))


def _add_pca(adata: AnnData) -> None:
    """Add principal components of the normalised, logarithmic values."""
    from reguloom.core import Expression
    from reguloom.oracle._input import take_expression
    from reguloom.oracle.impute import principal_components

    expression = take_expression(Expression.of(adata), layer=None, mask_var=None, normalize="auto")
    adata.obsm[PCA] = principal_components(expression, min(30, adata.n_obs - 1, adata.n_vars - 1))
