"""Potential of a field on the neighbour graph: how far along the flow each cell is (Hodge decomposition)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reguloom._errors import ConvergenceWarning, warn
from reguloom.vectorfield.transition import edge_flow

if TYPE_CHECKING:
    from reguloom.vectorfield.field import VectorField


def potential(field: VectorField, *, n_neighbors: int = 30, n_jobs: int | None = None) -> np.ndarray:
    """Return the potential of each cell, 0 at the start of the flow and rising along it, ``(n_cells,)``.

    The gradient part of the flow along the edges of the neighbour graph, by sparse least squares: memory grows with the
    number of edges, where the original's grows with the square of the number of cells.

    Parameters
    ----------
    field
        The field.
    n_neighbors
        Of the graph.
    n_jobs
        Number of threads.
    """
    from reguloom.manifold import nearest

    near, _ = nearest(field.states, min(n_neighbors, len(field.states) - 1), n_jobs=n_jobs)
    return graph_potential(field.states, field(n_jobs=n_jobs), near)[0]


def graph_potential(states: np.ndarray, velocities: np.ndarray, neighbors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return potential and divergence on a neighbour graph, each ``(n_cells,)``.

    ``E_ij = (v_i + v_j)/2 . u_ij`` along the edge, ``div_i = sum_j E_ij``, and ``L p = -div`` with the graph Laplacian
    (each component of the graph starts at its own 0 only if the graph hangs together).

    Parameters
    ----------
    states, velocities
        ``(n_cells, k)``.
    neighbors
        ``(n_cells, n_neighbors)``.
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import minres

    from reguloom.manifold._blas import one_blas_thread

    flow = edge_flow(states, velocities, neighbors)
    divergence = np.asarray(flow.sum(axis=1)).ravel()
    links = flow.copy()
    links.data[:] = 1.0
    laplacian = diags_array(np.asarray(links.sum(axis=1)).ravel()) - links
    with one_blas_thread():
        found, failed = minres(laplacian, -divergence, rtol=1e-13, maxiter=20 * len(states))
    if failed:
        warn("the potential has not converged; the neighbour graph may be in pieces.", ConvergenceWarning)
    return found - found.min(), divergence
