"""Smoothed counts: means over neighbours of spliced and unspliced transcripts, and what comes before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._errors import InputError, MissingKeyError
from reguloom._random import SeedLike, accepts_seed, root_seed
from reguloom.core import Expression

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy.sparse import csr_array

SPLICED, UNSPLICED = "spliced", "unspliced"


@accepts_seed
def prepare(
    adata: AnnData,
    *,
    n_genes: int = 2000,
    min_cells: int = 3,
    n_components: int = 30,
    n_neighbors: int = 30,
    rng: SeedLike = 0,
    copy: bool = False,
) -> AnnData | None:
    """From spliced and unspliced counts to what :func:`velocity` needs: normalised, variable genes, PCA, moments.

    For data that no other pipeline has prepared. `adata` keeps the chosen genes only.

    Parameters
    ----------
    adata
        With ``layers['spliced']`` and ``layers['unspliced']`` as counts.
    n_genes
        How many genes to keep: those whose counts vary most beyond what their mean explains.
    min_cells
        A gene is kept if at least as many cells have both spliced and unspliced counts of it.
    n_components, n_neighbors
        Of the PCA and of the smoothing; fewer where there are too few cells.
    rng
        Seed of the PCA.
    copy
        Return a changed copy and leave `adata` as it is.

    Returns
    -------
    The copy, or None.

    Writes
    ------
    ``adata.X`` : float64 ``(n_cells, n_genes)``
        ``log(1 + spliced)`` after normalisation.
    ``adata.obsm['X_pca']``, ``adata.varm['PCs']``, ``adata.uns['pca_mean']``
        PCA of ``X``.
    ``adata.layers['Ms']``, ``['Mu']`` : float64 ``(n_cells, n_genes)``
        Means over neighbours of the normalised counts.
    """
    adata = adata.copy() if copy else adata
    spliced, unspliced = (_counts(adata, name) for name in (SPLICED, UNSPLICED))
    both = np.minimum((spliced > 0).sum(axis=0), (unspliced > 0).sum(axis=0)).ravel()
    kept = np.flatnonzero(np.asarray(both) >= min_cells)
    if len(kept) < 2:
        msg = f"{len(kept)} genes have spliced and unspliced counts in at least {min_cells} cells; lower min_cells."
        raise InputError(msg)
    total = capture(spliced, unspliced)
    normal, unspliced = normalised(spliced, total), normalised(unspliced, total)
    chosen = np.sort(kept[np.argsort(-_dispersion(normal[:, kept]), kind="stable")[:n_genes]])
    adata._inplace_subset_var(chosen)
    adata.X = np.log1p(normal[:, chosen].toarray())
    pca(adata, n_components=n_components, rng=rng)
    moments(adata, n_neighbors=n_neighbors, spliced=normal[:, chosen], unspliced=unspliced[:, chosen])
    return adata if copy else None


@accepts_seed
def pca(adata: AnnData, *, n_components: int = 30, rng: SeedLike = 0, copy: bool = False) -> AnnData | None:
    """Store a PCA of ``X`` together with the mean that was taken off, without which it cannot be read in genes.

    Parameters
    ----------
    adata
        The cells, ``X`` on a logarithmic scale.
    n_components
        How many; fewer where there are too few cells or genes.
    rng
        Seed of the solver's start.
    copy
        Return a changed copy and leave `adata` as it is.

    Returns
    -------
    The copy, or None.

    Writes
    ------
    ``adata.obsm['X_pca']``, ``adata.varm['PCs']``, ``adata.uns['pca_mean']``
        Scores, loadings and the means of the genes.
    """
    from scipy.linalg import svd
    from scipy.sparse.linalg import svds

    from reguloom.manifold._blas import one_blas_thread

    adata = adata.copy() if copy else adata
    values = Expression.of(adata).to_dense()
    mean = values.mean(axis=0)
    k = min(n_components, min(values.shape) - 1)
    with one_blas_thread():
        if min(values.shape) <= 500:
            u, s, vt = svd(values - mean, full_matrices=False)
        else:
            start = np.random.default_rng(root_seed(rng)).normal(size=min(values.shape))
            u, s, vt = svds(values - mean, k=k, v0=start)
            u, s, vt = u[:, ::-1], s[::-1], vt[::-1]
    sign = np.sign(vt[np.arange(k), np.abs(vt[:k]).argmax(axis=1)])
    adata.obsm["X_pca"] = np.ascontiguousarray(u[:, :k] * s[:k] * sign)
    adata.varm["PCs"] = np.ascontiguousarray((vt[:k] * sign[:, None]).T)
    adata.uns["pca_mean"] = mean
    return adata if copy else None


def moments(
    adata: AnnData,
    *,
    basis: str = "pca",
    n_neighbors: int = 30,
    spliced: Any = None,
    unspliced: Any = None,
    n_jobs: int | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Smooth spliced and unspliced counts over nearest neighbours.

    Parameters
    ----------
    adata
        With ``obsm['X_<basis>']`` and the layers ``spliced`` and ``unspliced``.
    basis
        Where neighbours are near.
    n_neighbors
        How many, the cell itself among them.
    spliced, unspliced
        Normalised values in place of the layers', which are scaled here by what was captured of each cell, spliced and
        unspliced together.
    n_jobs
        Number of threads.
    copy
        Return a changed copy and leave `adata` as it is.

    Returns
    -------
    The copy, or None.

    Writes
    ------
    ``adata.layers['Ms']``, ``adata.layers['Mu']`` : float64 ``(n_cells, n_genes)``
        Means over neighbours.
    """
    adata = adata.copy() if copy else adata
    graph = smoothing(adata, basis, n_neighbors, n_jobs)
    own = normalised_pair(adata) if spliced is None or unspliced is None else (spliced, unspliced)
    for name, given, found in (("Ms", spliced, own[0]), ("Mu", unspliced, own[1])):
        values = found if given is None else given
        adata.layers[name] = np.asarray((graph @ values).todense() if hasattr(values, "indptr") else graph @ values)
    return adata if copy else None


def smoothing(adata: AnnData, basis: str, n_neighbors: int, n_jobs: int | None = None) -> csr_array:
    """Return the matrix that averages each cell with its neighbours."""
    from reguloom.manifold import nearest, smoothing_weights
    from reguloom.vectorfield.space import coordinates

    places = coordinates(adata, basis)
    k = min(n_neighbors - 1, len(places) - 1)
    return smoothing_weights(*nearest(places, k, n_jobs=n_jobs))


def _counts(adata: AnnData, name: str) -> csr_array:
    """Return a layer as CSR."""
    if name not in adata.layers:
        found = sorted(key for key in adata.layers if key is not None)
        msg = f"adata.layers has no {name!r}; it has {found}, and velocity needs spliced and unspliced counts."
        raise MissingKeyError(msg)
    return Expression.of(adata, layer=name).to_csr().astype(np.float64)


def capture(spliced: csr_array, unspliced: csr_array) -> np.ndarray:
    """Return the total of each cell, spliced and unspliced together: one cell was captured once.

    A total of unspliced counts alone would be a few dozen molecules, noisy and part of the dynamics, and dividing by it
    takes away what a wave of transcription adds.
    """
    return np.asarray(spliced.sum(axis=1) + unspliced.sum(axis=1), dtype=np.float64).ravel()


def normalised(counts: csr_array, total: np.ndarray) -> csr_array:
    """Return counts scaled to the median of the cells' totals."""
    from scipy.sparse import csr_array, diags_array

    middle = np.median(total[total > 0]) if (total > 0).any() else 1.0
    return csr_array(diags_array(np.divide(middle, total, out=np.zeros_like(total), where=total > 0)) @ counts)


def normalised_pair(adata: AnnData) -> tuple[csr_array, csr_array]:
    """Return spliced and unspliced counts, both scaled by what was captured of each cell."""
    spliced, unspliced = (_counts(adata, name) for name in (SPLICED, UNSPLICED))
    total = capture(spliced, unspliced)
    return normalised(spliced, total), normalised(unspliced, total)


def _dispersion(values: csr_array) -> np.ndarray:
    """Return variance over what a smooth curve through log mean and log variance expects."""
    mean = np.asarray(values.mean(axis=0)).ravel()
    variance = np.asarray(values.multiply(values).mean(axis=0)).ravel() - mean**2
    x, y = np.log(np.maximum(mean, 1e-12)), np.log(np.maximum(variance, 1e-12))
    return np.asarray(y - np.polyval(np.polyfit(x, y, 2 if len(x) > 3 else 1), x))
