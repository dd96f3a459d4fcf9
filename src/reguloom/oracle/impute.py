"""Smoothing of expression over the balanced neighbour graph, as CellOracle prepares its data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.core import Expression
from reguloom.manifold import balanced_neighbors, nearest, smoothing_weights
from reguloom.manifold._blas import one_blas_thread

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy.sparse import csr_array

_MOST_NEIGHBORS = 100
_MOST_SIGHT = 1000
_DOUBLE_UP_TO = 2**27
"""Values above which smoothed expression is kept in single precision, so that large sets fit a laptop."""


def impute(
    adata: AnnData,
    *,
    layer: str | None = None,
    n_neighbors: int | None = None,
    n_pcs: int | None = None,
    balanced: bool = True,
    key_added: str = "imputed",
    n_jobs: int | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Average each cell's expression with that of its neighbours in principal-component space.

    Imputation strengthens correlations within a neighbourhood: use it to see directions, not to test edges.

    Parameters
    ----------
    adata
        Cells; normalised, logarithmic expression.
    layer
        Layer to smooth; ``X`` if left out.
    n_neighbors
        Neighbours of a cell; 2.5 % of the cells, but 100 at most, if left out.
    n_pcs
        Principal components in which neighbours are sought; chosen from the explained variance, 50 at most, if left
        out.
    balanced
        Whether no cell may be a neighbour of too many others (see :func:`reguloom.manifold.balanced_neighbors`).
    key_added
        Layer that is written.
    n_jobs
        Threads; the result does not depend on it.
    copy
        Whether to return a copy.

    Returns
    -------
    Nothing, or the copy; ``adata.layers['imputed']`` is written: ``(n_cells, n_genes)``, float64; float32 if there
    are more than 2**27 values.
    """
    chosen = adata.copy() if copy else adata
    expression = Expression.of(chosen, layer=layer)
    smoothed = smooth(expression, n_neighbors=n_neighbors, n_pcs=n_pcs, balanced=balanced, n_jobs=n_jobs)
    chosen.layers[key_added] = smoothed
    return chosen if copy else None


def smooth(
    expression: Expression,
    *,
    n_neighbors: int | None = None,
    n_pcs: int | None = None,
    balanced: bool = True,
    scores: NDArray[np.float64] | None = None,
    n_jobs: int | None = None,
) -> NDArray[np.float64]:
    """Return smoothed expression, ``(n_cells, n_genes)``; parameters as :func:`impute`.

    `scores` are the principal components, if they are known already.
    """
    weights = neighbor_weights(
        expression, n_neighbors=n_neighbors, n_pcs=n_pcs, balanced=balanced, scores=scores, n_jobs=n_jobs
    )
    return averaged(expression, weights)


def neighbor_weights(
    expression: Expression,
    *,
    n_neighbors: int | None = None,
    n_pcs: int | None = None,
    balanced: bool = True,
    scores: NDArray[np.float64] | None = None,
    n_jobs: int | None = None,
) -> csr_array:
    """Return how much each cell counts in the average of each other, ``(n_cells, n_cells)``, rows summing to 1."""
    n = expression.n_cells
    k = max(1, min(int(0.025 * n), _MOST_NEIGHBORS)) if n_neighbors is None else n_neighbors
    if not 1 <= k < n:
        msg = f"{k} neighbours were asked for and there are {n} cells; accepted are 1 to {n - 1}."
        raise InputError(msg)
    scores = principal_components(expression, n_pcs) if scores is None else scores
    if balanced:
        sight = min(8 * k, max(_MOST_SIGHT, k))
        indices, distances = balanced_neighbors(scores, k, sight=sight, n_jobs=n_jobs)
    else:
        indices, distances = nearest(scores, k, n_jobs=n_jobs)
    return smoothing_weights(indices, distances)


def averaged(expression: Expression, weights: csr_array) -> NDArray[np.float64]:
    """Return the weighted averages of the cells' expression, ``(n_cells, n_genes)``."""
    n = expression.n_cells
    double = n * expression.n_genes <= _DOUBLE_UP_TO
    made = np.empty((n, expression.n_genes), dtype=np.float64 if double else np.float32)
    values = expression.to_csc() if expression.is_sparse else expression.to_dense()
    for start in range(0, expression.n_genes, 256):
        part = values[:, start : start + 256]
        made[:, start : start + 256] = weights @ (part.toarray() if hasattr(part, "toarray") else part)
    return made


def principal_components(expression: Expression, n_pcs: int | None = None) -> NDArray[np.float64]:
    """Return the cells' scores on the first principal components of centred expression, ``(n_cells, n_pcs)``.

    Parameters
    ----------
    expression
        Cells × genes.
    n_pcs
        How many; None keeps those before the explained variance levels off (CellOracle's rule), 50 at most.
    """
    most = min(50, expression.n_cells - 1, expression.n_genes - 1) if n_pcs is None else n_pcs
    if not 1 <= most <= min(expression.n_cells, expression.n_genes):
        msg = (
            f"{most} components were asked for of {expression.n_cells} cells x {expression.n_genes} genes; take fewer."
        )
        raise InputError(msg)
    with one_blas_thread():
        scores, ratio = _by_products(expression, most)
    if n_pcs is None:
        bends = np.flatnonzero(np.diff(np.diff(np.cumsum(ratio)) > 0.002))
        scores = scores[:, : max(2, int(bends[0]) if bends.size else most)]
    return scores


def _leading(products: NDArray[Any], n: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the `n` largest eigenvalues and their vectors, largest first."""
    from scipy.linalg import eigh
    from scipy.sparse.linalg import eigsh

    size = len(products)
    if size < 4 * n:
        values, vectors = eigh(products, subset_by_index=[size - n, size - 1])
    else:
        start = np.cos(np.arange(size) + 1.0)  # any fixed start: the answer does not depend on it, its last digit does
        values, vectors = eigsh(products, k=n, which="LA", v0=start, ncv=min(size, 3 * n + 20), tol=0)
    order = np.argsort(-values, kind="stable")
    return values[order], vectors[:, order]


def _by_products(expression: Expression, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return scores and share of variance from the products of genes, summed over blocks of cells."""
    genes = expression.n_genes
    total, products = np.zeros(genes), np.zeros((genes, genes))
    for _, _, block in expression.blocks():
        dense = (block.toarray() if hasattr(block, "toarray") else np.asarray(block)).astype(np.float64)
        total += dense.sum(axis=0)
        products += dense.T @ dense
    mean = total / expression.n_cells
    products -= expression.n_cells * np.outer(mean, mean)
    values, vectors = _leading(products, n)
    vectors = vectors * np.where(vectors[np.argmax(np.abs(vectors), axis=0), np.arange(n)] < 0, -1.0, 1.0)
    scores = [
        (block.toarray() if hasattr(block, "toarray") else np.asarray(block)).astype(np.float64) @ vectors
        for _, _, block in expression.blocks()
    ]
    return np.concatenate(scores) - mean @ vectors, values / max(np.trace(products), 1e-300)
