"""Nearest neighbours, the balanced graph of velocyto, and the weights that smooth expression over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError
from reguloom._threads import map_ordered
from reguloom.manifold._blas import one_blas_thread
from reguloom.manifold._kernels import balance

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_TREE_DIMS = 8
_BLOCK_VALUES = 2**22


def nearest(
    coordinates: ArrayLike, k: int, *, queries: ArrayLike | None = None, n_jobs: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Find the `k` nearest points of each point, or of each query.

    Parameters
    ----------
    coordinates
        Shape ``(n_points, n_dims)``.
    k
        How many.
    queries
        Shape ``(n_queries, n_dims)``; the points themselves if left out, which are then no neighbours of themselves.
    n_jobs
        Threads; the result does not depend on it.

    Returns
    -------
    Positions and Euclidean distances, each of shape ``(n_queries, k)``, nearest first; ties by position.

    Raises
    ------
    InputError
        If there are fewer than `k` other points, or a coordinate is not a number.
    """
    points = np.ascontiguousarray(coordinates, dtype=np.float64)
    asked = points if queries is None else np.ascontiguousarray(queries, dtype=np.float64)
    own = queries is None
    if not np.isfinite(points).all() or not np.isfinite(asked).all():
        msg = "a coordinate is NaN or infinite; every point needs finite coordinates."
        raise InputError(msg)
    if not 1 <= k <= len(points) - own:
        msg = f"{k} neighbours were asked for among {len(points)} points; accepted are 1 to {len(points) - own}."
        raise InputError(msg)
    search = _tree(points) if points.shape[1] <= _TREE_DIMS else _brute(points)
    step = max(1, min(512, _BLOCK_VALUES // len(points))) if points.shape[1] > _TREE_DIMS else 4096
    starts = range(0, len(asked), step)

    def work(start: int) -> tuple[Any, Any]:
        return _ranked(points, asked[start : start + step], search, k, np.arange(start, start + step) if own else None)

    with one_blas_thread():
        parts = list(map_ordered(work, starts, n_jobs))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _tree(points: NDArray[Any]) -> Any:
    """Return a search through a k-d tree: best in few dimensions."""
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    return lambda part, k: tree.query(part, k)[1].reshape(len(part), k)


def _brute(points: NDArray[Any]) -> Any:
    """Return a search by matrix products: best in many dimensions."""
    squares = np.einsum("ij,ij->i", points, points)

    def search(part: NDArray[Any], k: int) -> NDArray[Any]:
        table = squares[None, :] - 2.0 * (part @ points.T)
        return np.argpartition(table, k - 1, axis=1)[:, :k] if k < len(points) else np.argsort(table, axis=1)

    return search


def _ranked(points: Any, part: Any, search: Any, k: int, own: Any) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the candidates of one block by exact distance, then position; a point itself left out."""
    found = search(part, k + (own is not None))
    distance = np.sqrt(((points[found] - part[:, None, :]) ** 2).sum(axis=2))
    if own is not None:
        distance[found == own[: len(part), None]] = -1.0
        lost = (distance >= 0).all(axis=1)  # among many duplicates the point itself may not be found
        distance[lost, np.argmax(distance[lost], axis=1)] = -1.0
    order = np.lexsort((found, distance), axis=1)[:, int(own is not None) :]
    return np.take_along_axis(found, order, 1).astype(np.int32), np.take_along_axis(distance, order, 1)


def balanced_neighbors(
    coordinates: ArrayLike, k: int, *, sight: int | None = None, max_in: int | None = None, n_jobs: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Find up to `k` neighbours of each point such that no point is a neighbour of too many.

    The balanced k-NN graph of velocyto (La Manno et al. 2018): points that occur most often in the lists choose first,
    nearest neighbours first, and skip those that have been chosen `max_in` times.

    Parameters
    ----------
    coordinates
        Shape ``(n_points, n_dims)``.
    k
        Neighbours of a point.
    sight
        How many nearest points are considered; ``8 * k`` if left out.
    max_in
        How often a point may be chosen; ``4 * k`` if left out.
    n_jobs
        Threads.

    Returns
    -------
    Positions and distances, each of shape ``(n_points, k)``; where the sight is exhausted, the point itself at 0.
    """
    points = np.asarray(coordinates, dtype=np.float64)
    n = len(points)
    sight = min(8 * k if sight is None else sight, n - 1)
    indices, distances = nearest(points, sight, n_jobs=n_jobs)
    order = np.argsort(np.bincount(indices.ravel(), minlength=n), kind="stable")[::-1]
    chosen = balance(indices, order, min(k, n - 1), 4 * k if max_in is None else max_in)
    filled, safe = chosen >= 0, np.maximum(chosen, 0)
    own = np.arange(n, dtype=np.int32)[:, None]
    return (
        np.where(filled, np.take_along_axis(indices, safe, 1), own).astype(np.int32),
        np.where(filled, np.take_along_axis(distances, safe, 1), 0.0),
    )


def smoothing_weights(indices: ArrayLike, distances: ArrayLike, *, diagonal: float = 1.0) -> csr_array:
    """Return the matrix that averages each point with its neighbours, ``(n_points, n_points)``, rows summing to 1.

    Parameters
    ----------
    indices, distances
        Of each point's neighbours, shape ``(n_points, k)``; neighbours at distance 0 do not count, as in velocyto.
    diagonal
        Weight of the point itself against 1 for each neighbour.
    """
    from scipy.sparse import csr_array

    indices, distances = np.asarray(indices), np.asarray(distances)
    n, k = indices.shape
    rows = np.concatenate([np.repeat(np.arange(n), k), np.arange(n)])
    columns = np.concatenate([indices.ravel(), np.arange(n)])
    values = np.concatenate([(distances.ravel() > 0).astype(np.float64), np.full(n, diagonal)])
    keep = values > 0
    graph = csr_array((values[keep], (rows[keep], columns[keep])), shape=(n, n))
    graph.sort_indices()
    sums = graph.sum(axis=1)
    graph.data /= np.repeat(np.where(sums > 0, sums, 1.0), np.diff(graph.indptr))
    return graph
