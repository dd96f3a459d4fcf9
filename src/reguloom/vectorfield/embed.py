"""From components to a picture: velocities and states of the field on a two-dimensional embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reguloom._errors import InputError
from reguloom.vectorfield.project import tangent
from reguloom.vectorfield.space import coordinates

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.vectorfield.field import VectorField


def on_embedding(
    field: VectorField,
    adata: AnnData,
    velocities: np.ndarray | None = None,
    *,
    basis: str = "umap",
    n_neighbors: int = 30,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Return velocities at the field's cells on an embedding, ``(n_cells, n_dims)``, long ones staying long.

    Each velocity is written as a sum of ways to neighbours, which the embedding then carries. An embedding shows some
    of the flow: what leads off it is lost.

    Parameters
    ----------
    field
        The field.
    adata
        The cells, with ``obsm['X_<basis>']``.
    velocities
        ``(n_cells, k)`` at the field's cells; the field's own if left out.
    basis
        Name of the embedding.
    n_neighbors
        How many neighbours.
    n_jobs
        Number of threads.
    """
    from reguloom.manifold import nearest

    v = field(n_jobs=n_jobs) if velocities is None else np.asarray(velocities, dtype=np.float64)
    if v.shape != field.states.shape:
        msg = f"velocities have shape {v.shape}; give {field.n_components} components for each cell of the field."
        raise InputError(msg)
    places = cell_places(field, adata, basis)
    if basis.removeprefix("X_") == field.space.basis:
        return np.ascontiguousarray(v[:, : places.shape[1]])
    near, _ = nearest(field.states, min(n_neighbors, len(v) - 1), n_jobs=n_jobs)
    return tangent(field.states, v, near, places, n_jobs=n_jobs)


def place(
    field: VectorField, adata: AnnData, states: np.ndarray, *, basis: str = "umap", n_neighbors: int = 5
) -> np.ndarray:
    """Return where states lie on an embedding, ``(n_states, n_dims)``: between their nearest cells.

    Parameters
    ----------
    field
        The field.
    adata
        The cells, with ``obsm['X_<basis>']``.
    states
        ``(n_states, k)``.
    basis
        Name of the embedding.
    n_neighbors
        How many cells.
    """
    from scipy.spatial import cKDTree

    x = np.atleast_2d(states)
    places = cell_places(field, adata, basis)
    if basis.removeprefix("X_") == field.space.basis:
        return np.ascontiguousarray(x[:, : places.shape[1]])
    far, near = cKDTree(field.states).query(x, k=range(1, min(n_neighbors, len(places)) + 1))
    weights = 1.0 / np.maximum(far, 1e-9 * float(np.linalg.norm(np.ptp(field.states, axis=0))))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("nk,nkd->nd", weights, places[near]))


def cell_places(field: VectorField, adata: AnnData, basis: str) -> np.ndarray:
    """Return the first two coordinates of the field's cells on an embedding."""
    rows = adata.obs_names.astype(str).get_indexer(field.cells)
    if (rows < 0).any():
        msg = f"{int((rows < 0).sum())} of the field's cells are not in adata; give the data it was fitted on."
        raise InputError(msg)
    return coordinates(adata, basis)[rows, :2]
