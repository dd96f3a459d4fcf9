"""From velocities to steps between cells: kernels of the original, and one that is a proper Markov chain.

- ``"pearson"``, ``"cosine"``: how well the way to each neighbour (two steps) agrees with the velocity; the original's
  matrix, which has negative entries and rows that do not sum to 1. Good for arrows, not for chains.
- ``"fp"``: Fokker-Planck rates on the graph, with the original's diffusion of 50, next to which any drift vanishes.
- ``"softmax"``: probabilities ``softmax(scale * correlation)`` over direct neighbours, the scale set by the data
  (CellRank's kernel). The one to use for anything Markovian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reguloom._errors import InputError
from reguloom._threads import map_ordered

if TYPE_CHECKING:
    from scipy.sparse import csr_array

METHODS = ("pearson", "cosine", "fp", "softmax")
_SHARP = 0.1
_CELLS = 256


def transition(
    states: np.ndarray,
    velocities: np.ndarray,
    neighbors: np.ndarray,
    *,
    method: str = "softmax",
    scale: float | None = None,
    diffusion: float = 50.0,
    n_jobs: int | None = None,
) -> csr_array:
    """Return the steps from each cell to its neighbours.

    Parameters
    ----------
    states, velocities
        ``(n_cells, k)``, in genes or components.
    neighbors
        Nearest cells of each cell, itself not among them, ``(n_cells, n_neighbors)``.
    method
        ``"pearson"``, ``"cosine"``, ``"fp"`` or ``"softmax"``.
    scale
        Sharpness of the softmax; one over the median size of the correlations if left out.
    diffusion
        Of ``"fp"``.
    n_jobs
        Number of threads.

    Returns
    -------
    ``(n_cells, n_cells)``, row i holding the steps from cell i.
    """
    if method not in METHODS:
        msg = f"the transition kernel is {method!r}; accepted are {', '.join(METHODS)}."
        raise InputError(msg)
    if method == "fp":
        return fokker_planck(states, velocities, neighbors, diffusion=diffusion)
    if method == "softmax":
        return softmax(states, velocities, neighbors, scale=scale, n_jobs=n_jobs)
    return agreement(states, velocities, two_steps(neighbors), centred=method == "pearson", n_jobs=n_jobs)


def signed_root(values: np.ndarray) -> np.ndarray:
    """Return ``sign(x) sqrt|x|``."""
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def two_steps(neighbors: np.ndarray) -> csr_array:
    """Return, per cell, itself, its neighbours and theirs, as a matrix of ones with sorted columns."""
    from scipy.sparse import csr_array, eye_array

    n, k = neighbors.shape
    once = csr_array((np.ones(n * k), neighbors.ravel(), np.arange(n + 1) * k), shape=(n, n)) + eye_array(n)
    found = csr_array(once @ once)
    found.data[:] = 1.0
    found.sort_indices()
    return found


def agreement(
    states: np.ndarray, velocities: np.ndarray, graph: csr_array, *, centred: bool, n_jobs: int | None = None
) -> csr_array:
    """Return the original's correlation (`centred`) or cosine kernel over the stored pairs of `graph`."""
    n = len(states)
    made = graph.copy()
    made.data = np.concatenate(
        list(
            map_ordered(
                lambda start: _agree(states, velocities, graph, range(start, min(start + _CELLS, n)), centred),
                range(0, n, _CELLS),
                n_jobs,
            )
        )
    )
    diagonal = _self_confidence(made)
    rows = np.repeat(np.arange(n), np.diff(made.indptr))
    own = made.indices == rows
    made.data[own] = diagonal[rows[own]]
    values = np.sign(made.data) * np.expm1(np.abs(made.data) / _SHARP)
    still = ~np.any(velocities != 0, axis=1) | (velocities.sum(axis=1) == 0)
    values[still[rows]] = 0.0
    total = np.bincount(rows, np.abs(values), minlength=n)
    values[own] = 0.0
    made.data = values / np.where(total > 0, total, 1.0)[rows]
    made.eliminate_zeros()
    return made


def _agree(states: np.ndarray, velocities: np.ndarray, graph: csr_array, cells: range, centred: bool) -> np.ndarray:
    """Return correlation or cosine between the way to each neighbour and the velocity, for a few cells."""
    found = []
    for i in cells:
        near = graph.indices[graph.indptr[i] : graph.indptr[i + 1]]
        way, speed = signed_root(states[near] - states[i]), signed_root(velocities[i])
        found.append(_cosine(way, speed, centred))
    return np.concatenate(found)


def _cosine(way: np.ndarray, speed: np.ndarray, centred: bool) -> np.ndarray:
    """Return the cosine of each row with a vector, after centring both if asked; 0 where there is none."""
    if centred:
        way, speed = way - way.mean(axis=1, keepdims=True), speed - speed.mean()
    size = np.sqrt((way * way).sum(axis=1)) * np.sqrt(speed @ speed)
    return np.divide(way @ speed, size, out=np.zeros(len(way)), where=size > 0)


def _self_confidence(graph: csr_array) -> np.ndarray:
    """Return how likely each cell stays: high where no neighbour agrees with its velocity."""
    best = np.maximum.reduceat(np.append(graph.data, 0.0), graph.indptr[:-1])
    best = np.maximum(best, 0.0)
    return np.asarray(np.clip(np.percentile(best, 98) - best, 0, 1))


def fokker_planck(
    states: np.ndarray, velocities: np.ndarray, neighbors: np.ndarray, *, diffusion: float = 50.0
) -> csr_array:
    """Return the Fokker-Planck kernel: rates ``max(E_ij, 0) / 2 + diffusion`` over the symmetric graph, per row.

    Parameters
    ----------
    states, velocities
        ``(n_cells, k)``.
    neighbors
        ``(n_cells, n_neighbors)``.
    diffusion
        The original's 50 leaves every probability within about 1 % of even.
    """
    flow = edge_flow(states, velocities, neighbors)
    flow.data = 0.5 * np.maximum(signed_root(flow.data), 0) + diffusion
    rows = np.repeat(np.arange(len(states)), np.diff(flow.indptr))
    flow.data /= np.bincount(rows, flow.data, minlength=len(states))[rows]
    return flow


def edge_flow(states: np.ndarray, velocities: np.ndarray, neighbors: np.ndarray) -> csr_array:
    """Return ``E_ij = (V_i + V_j)/2 . u_ij`` on the symmetric neighbour graph, u_ij the unit vector from i to j.

    Parameters
    ----------
    states, velocities
        ``(n_cells, k)``.
    neighbors
        ``(n_cells, n_neighbors)``.
    """
    from scipy.sparse import csr_array

    n, k = neighbors.shape
    graph = csr_array((np.ones(n * k), neighbors.ravel(), np.arange(n + 1) * k), shape=(n, n))
    graph = csr_array(graph + graph.T)
    graph.setdiag(0)
    graph.eliminate_zeros()
    graph.sort_indices()
    rows = np.repeat(np.arange(n), np.diff(graph.indptr))
    way = states[graph.indices] - states[rows]
    length = np.sqrt((way * way).sum(axis=1))
    way = np.divide(way, length[:, None], out=np.zeros_like(way), where=length[:, None] > 0)
    graph.data = 0.5 * ((velocities[rows] + velocities[graph.indices]) * way).sum(axis=1)
    return graph


def softmax(
    states: np.ndarray,
    velocities: np.ndarray,
    neighbors: np.ndarray,
    *,
    scale: float | None = None,
    n_jobs: int | None = None,
) -> csr_array:
    """Return probabilities ``softmax(scale * correlation)`` over direct neighbours; every row sums to 1.

    Parameters
    ----------
    states, velocities
        ``(n_cells, k)``.
    neighbors
        ``(n_cells, n_neighbors)``.
    scale
        Sharpness; one over the median size of the correlations if left out.
    n_jobs
        Number of threads.
    """
    from scipy.sparse import csr_array

    n, k = neighbors.shape
    centred = states.shape[1] > 50  # components have no common offset to take away, genes do

    def work(start: int) -> np.ndarray:
        rows = slice(start, min(start + _CELLS, n))
        way = states[neighbors[rows]] - states[rows, None, :]
        speed = velocities[rows]
        if centred:
            way, speed = way - way.mean(axis=2, keepdims=True), speed - speed.mean(axis=1, keepdims=True)
        size = np.sqrt((way * way).sum(axis=2)) * np.sqrt((speed * speed).sum(axis=1))[:, None]
        return np.divide(np.einsum("nkd,nd->nk", way, speed), size, out=np.zeros(size.shape), where=size > 0)

    found = np.concatenate(list(map_ordered(work, range(0, n, _CELLS), n_jobs)))
    typical = float(np.median(np.abs(found)))
    sharp = scale if scale is not None else 1.0 / max(typical, 1e-3)
    weights = np.exp(sharp * (found - found.max(axis=1, keepdims=True)))
    weights /= weights.sum(axis=1, keepdims=True)
    made = csr_array((weights.ravel(), neighbors.ravel(), np.arange(n + 1) * k), shape=(n, n))
    made.sort_indices()
    return made


def displacement(steps: csr_array, embedding: np.ndarray) -> np.ndarray:
    """Return the arrow that the steps make on an embedding, ``(n_cells, n_dims)``.

    ``sum_j (T_ij - mean_j T_ij) (e_j - e_i) / |e_j - e_i|``: the mean takes away what uneven density would add.

    Parameters
    ----------
    steps
        From :func:`transition`.
    embedding
        ``(n_cells, n_dims)``.
    """
    n = len(embedding)
    rows = np.repeat(np.arange(n), np.diff(steps.indptr))
    way = embedding[steps.indices] - embedding[rows]
    length = np.sqrt((way * way).sum(axis=1))[:, None]
    way = np.divide(way, length, out=np.zeros_like(way), where=length > 0)
    count = np.diff(steps.indptr)
    mean = np.bincount(rows, steps.data, minlength=n) / np.maximum(count, 1)
    pull = (steps.data - mean[rows])[:, None] * way
    return np.column_stack([np.bincount(rows, column, minlength=n) for column in pull.T])
