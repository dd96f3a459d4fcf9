"""Velocities of genes as velocities in a basis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reguloom._errors import InputError, MissingKeyError
from reguloom._threads import map_ordered
from reguloom.core import Expression
from reguloom.vectorfield.space import StateSpace, coordinates
from reguloom.vectorfield.transition import displacement, transition

if TYPE_CHECKING:
    from anndata import AnnData

LAYERS = (
    ("velocity", "Ms"),
    ("velocity_S", "M_s"),
    ("velocity_T", "M_t"),
    ("velocity_N", "M_n"),
    ("velocity", "total"),
)
"""Velocity layers with the counts beside them: scVelo's and veloVI's, Dynamo's, and those of labelling."""
COUNTS = ("Ms", "M_s", "M_t", "total", "spliced")
GENES = ("velocity_genes", "use_for_transition", "use_for_dynamics")
METHODS = ("linear", "tangent", "pearson", "cosine", "fp", "softmax")
_CELLS = 64


def project(
    adata: AnnData,
    *,
    layer: str | None = None,
    basis: str = "pca",
    method: str | None = None,
    n_neighbors: int = 30,
    ridge: float = 0.1,
    key_added: str | None = None,
    n_jobs: int | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Store velocities in the components of a basis.

    Parameters
    ----------
    adata
        With a layer of velocities and one of smoothed counts (scVelo's, veloVI's or Dynamo's names).
    layer
        Layer of velocities, if it has another name; counts are then ``Ms``, ``M_s``, ``M_t``, ``total`` or ``spliced``.
    basis
        Name of the basis.
    method
        ``"linear"`` (loadings; for a PCA of logarithms, by the chain rule): exact, noise and all. ``"tangent"``
        (Chen et al. 2025): the velocity as a sum of ways to neighbours, carried over to any basis with its length.
        ``"pearson"``, ``"cosine"``, ``"fp"``: the original's kernels, direction alone. ``"softmax"``: expected step of
        a Markov chain. If left out, ``"linear"`` where the basis has loadings, else ``"tangent"``.
    n_neighbors
        For all but ``"linear"``.
    ridge
        Of ``"tangent"``, as a share of the mean squared distance to a neighbour.
    key_added
        Slot to write; ``velocity_<basis>`` if left out.
    n_jobs
        Number of threads.
    copy
        Return a changed copy and leave `adata` as it is.

    Returns
    -------
    The copy, or None.

    Writes
    ------
    ``adata.obsm[f'velocity_{basis}']`` : float64 ``(n_cells, k)``
        Velocities; NaN for cells without.

    Raises
    ------
    MissingKeyError
        If no layer of velocities is found.
    """
    adata = adata.copy() if copy else adata
    name = basis.removeprefix("X_")
    found = projected(adata, name, layer=layer, method=method, n_neighbors=n_neighbors, ridge=ridge, n_jobs=n_jobs)
    adata.obsm[key_added or f"velocity_{name}"] = found
    return adata if copy else None


def projected(
    adata: AnnData,
    basis: str,
    *,
    layer: str | None = None,
    method: str | None = None,
    n_neighbors: int = 30,
    ridge: float = 0.1,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Return velocities in a basis, ``(n_cells, k)``; the options are those of :func:`project`."""
    method = method or ("linear" if StateSpace.of(adata, basis).has_genes else "tangent")
    if method not in METHODS:
        msg = f"the projection is {method!r}; accepted are {', '.join(METHODS)}."
        raise InputError(msg)
    counts, speeds, genes = gene_velocities(adata, layer)
    places = coordinates(adata, basis)
    if method == "linear":
        return _linear(adata, basis, counts, speeds, genes)
    neighbors = _neighbors(adata, places, n_neighbors, n_jobs)
    if is_logarithmic(adata, counts, genes):  # ways and velocities in the space that the basis is of
        counts, speeds = np.log1p(np.maximum(counts, 0)), speeds / (1.0 + np.maximum(counts, 0))
    if method == "tangent":
        return tangent(counts, speeds, neighbors, places, ridge=ridge, n_jobs=n_jobs)
    return displacement(transition(counts, speeds, neighbors, method=method, n_jobs=n_jobs), places)


def gene_velocities(adata: AnnData, layer: str | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return smoothed counts, velocities, and the positions of the genes that have them.

    Raises
    ------
    MissingKeyError
        If there are none.
    InputError
        If fewer than two genes have a velocity.
    """
    pairs = LAYERS if layer is None else tuple((layer, one) for one in COUNTS)
    pair = next((one for one in pairs if one[0] in adata.layers and one[1] in adata.layers), None)
    if pair is None:
        found = sorted(key for key in adata.layers if key is not None)
        asked = repr(layer) if layer else "'velocity' with 'Ms' (or Dynamo's 'velocity_S' with 'M_s')"
        msg = (
            f"adata.layers has no velocities: {asked} was looked for among {found}; run vectorfield.velocity on "
            "spliced and unspliced counts, or store velocities in obsm['velocity_<basis>']."
        )
        raise MissingKeyError(msg)
    speeds = Expression.of(adata, layer=pair[0]).to_dense()
    usable = np.isfinite(speeds).all(axis=0)
    column = next((name for name in GENES if name in adata.var), None)
    if column is not None and (usable & np.asarray(adata.var[column], dtype=bool)).sum() >= 2:
        usable &= np.asarray(adata.var[column], dtype=bool)
    if usable.sum() < 2:
        msg = f"{usable.sum()} genes have a finite velocity in layers[{pair[0]!r}]; at least 2 are needed."
        raise InputError(msg)
    genes = np.flatnonzero(usable)
    return Expression.of(adata, layer=pair[1]).select_genes(genes).to_dense(), speeds[:, genes], genes


def tangent(
    counts: np.ndarray,
    speeds: np.ndarray,
    neighbors: np.ndarray,
    places: np.ndarray,
    *,
    ridge: float = 0.1,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Return velocities carried from genes to a basis through the ways to neighbours, ``(n_cells, k)``.

    For each cell ``phi = (D D' + r I)^-1 D v`` with the rows of D the ways to its neighbours in genes; the velocity in
    the basis is ``phi`` times the same ways there. Chen et al., Nat Commun 16:7784 (2025), in closed form.

    Parameters
    ----------
    counts, speeds
        Smoothed counts and velocities, ``(n_cells, n_genes)``.
    neighbors
        ``(n_cells, n_neighbors)``.
    places
        Coordinates in the basis, ``(n_cells, k)``.
    ridge
        r, as a share of the mean squared way.
    n_jobs
        Number of threads.
    """
    from reguloom.manifold._blas import one_blas_thread

    n, k = neighbors.shape
    width = max(1, min(_CELLS, (1 << 23) // max(k * counts.shape[1], 1)))

    def work(start: int) -> np.ndarray:
        rows = slice(start, min(start + width, n))
        ways = counts[neighbors[rows]] - counts[rows, None, :]
        gram = ways @ ways.transpose(0, 2, 1)
        size = np.einsum("nkk->n", gram) / k
        gram += (np.maximum(size, 1e-300) * ridge)[:, None, None] * np.eye(k)
        aimed = np.einsum("nkg,ng->nk", ways, np.nan_to_num(speeds[rows]))
        phi = np.linalg.solve(gram, aimed[:, :, None])[:, :, 0]
        return np.einsum("nk,nkd->nd", phi, places[neighbors[rows]] - places[rows, None, :])

    with one_blas_thread():
        return np.concatenate(list(map_ordered(work, range(0, n, width), n_jobs)))


def _linear(adata: AnnData, basis: str, counts: np.ndarray, speeds: np.ndarray, genes: np.ndarray) -> np.ndarray:
    """Return velocities through the loadings, by the chain rule where the PCA is of logarithms."""
    space = StateSpace.of(adata, basis)
    space.need_genes()
    names = adata.var_names[genes].astype(str)
    at = space.genes.get_indexer(names)
    rate = speeds[:, at >= 0]
    if is_logarithmic(adata, counts, genes):
        rate = rate / (1.0 + np.maximum(counts[:, at >= 0], 0))
    return np.asarray(rate @ space.loadings[at[at >= 0]])


def is_logarithmic(adata: AnnData, counts: np.ndarray, genes: np.ndarray) -> bool:
    """Tell whether X is logarithms of the counts: said so by scanpy, or closer to them than to the counts.

    Parameters
    ----------
    adata
        The cells.
    counts
        Smoothed counts of some genes, ``(n_cells, n_genes)``.
    genes
        Their positions.
    """
    if "log1p" in adata.uns:
        return True
    if adata.X is None:
        return False
    rows = np.arange(min(500, adata.n_obs))
    values, same = Expression.of(adata).select_cells(rows).select_genes(genes).to_dense(), counts[rows]
    return bool(np.abs(values - np.log1p(np.maximum(same, 0))).mean() < np.abs(values - same).mean())


def _neighbors(adata: AnnData, places: np.ndarray, n_neighbors: int, n_jobs: int | None) -> np.ndarray:
    """Return nearest cells, in the PCA where there is one."""
    from reguloom.manifold import nearest

    near = coordinates(adata, "pca") if "X_pca" in adata.obsm else places
    return nearest(near, min(n_neighbors, len(near) - 1), n_jobs=n_jobs)[0]
