"""Least-action paths: the most likely way between two states under the flow and noise (Freidlin-Wentzell).

For a path of points at equal times, with midpoint velocities f, the action is

    S = dt/(2D) sum_k |(x_{k+1} - x_k)/dt - f(mid_k)|^2 .

For a given path the best time step has a closed form, ``dt = sqrt(sum |dx|^2 / sum |f|^2)``, and with it

    S = (1/D) ( sqrt(sum |dx|^2 sum |f|^2) - sum dx . f ) ,

a function of the path alone that is minimised directly; the original alternates between the two.

Away from the cells a fitted field dies out, and a path that leaves the data and takes forever costs nothing: the exact
minimum is meaningless. Points of the path are therefore held within reach of the cells (`guard`), by a penalty that is
no part of the action that is reported, and the path may not take much longer than its first guess (`patience`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import ConvergenceWarning, InputError, warn
from reguloom._logging import logger
from reguloom.vectorfield import _gaussian
from reguloom.vectorfield.space import StateSpace

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from reguloom.vectorfield.field import VectorField


@dataclass(frozen=True, eq=False)
class Path:
    """A least-action path.

    Parameters
    ----------
    states
        ``(n_points, k)``, both ends included.
    dt
        Time between points.
    action
        The lower, the likelier.
    converged
        Whether the optimiser was satisfied.
    space
        The basis.
    label
        What it leads from and to.
    """

    states: np.ndarray
    dt: float
    action: float
    converged: bool
    space: StateSpace
    label: str = ""

    @property
    def time(self) -> float:
        """How long the path takes."""
        return self.dt * (len(self.states) - 1)

    @property
    def length(self) -> float:
        """Length of the path."""
        return float(np.linalg.norm(np.diff(self.states, axis=0), axis=1).sum())

    def expression(self, genes: Sequence[str] | None = None) -> pd.DataFrame:
        """Return expression along the path, times x genes.

        Parameters
        ----------
        genes
            Names; all genes of the basis if left out.
        """
        names = list(self.space.genes) if genes is None else list(genes)
        times = pd.Index(np.arange(len(self.states)) * self.dt, name="time")
        return pd.DataFrame(self.space.reconstruct(self.states, names), index=times, columns=names)

    def rank_genes(self, genes: Sequence[str] | None = None) -> pd.DataFrame:
        """Rank genes by how far they move along the path (mean squared displacement from its start).

        Parameters
        ----------
        genes
            Names, such as the transcription factors; all genes of the basis if left out.

        Returns
        -------
        Index genes; ``displacement``, ``change`` (end minus start), ``peak`` (share of the path at which the gene is
        farthest from its start) and ``rank``.
        """
        values = self.expression(genes)
        moved = values.to_numpy() - values.to_numpy()[0]
        table = pd.DataFrame(
            {
                "displacement": (moved**2).mean(axis=0),
                "change": moved[-1],
                "peak": np.abs(moved).argmax(axis=0) / (len(moved) - 1),
            },
            index=pd.Index(values.columns, name="gene"),
        ).sort_values("displacement", ascending=False, kind="stable")
        return table.assign(rank=np.arange(1, len(table) + 1))


def least_action(
    field: VectorField,
    start: Any,
    end: Any,
    *,
    n_points: int = 25,
    diffusion: float = 10.0,
    n_neighbors: int = 30,
    guard: float = 2.0,
    patience: float = 2.0,
    max_iter: int = 500,
) -> Path:
    """Return the path of least action between two states.

    Two beginnings are tried, along the cells (shortest path over the neighbour graph) and straight, and the better end
    is returned; where the graph does not connect the two, the straight one alone.

    Parameters
    ----------
    field
        The field.
    start, end
        Names of cells or groups (the cell closest to the group's mean), or states.
    n_points
        Points between the ends; the original's 25.
    diffusion
        D; scales the action.
    n_neighbors
        Of the graph.
    guard
        How far from the nearest cell the path may go, in spacings of the cells.
    patience
        How long it may take, over the best time of its first guess.
    max_iter
        Most iterations of L-BFGS.

    Raises
    ------
    InputError
        If both ends are the same state.
    """
    first, last = field.state_of(start), field.state_of(end)
    if np.allclose(first, last, rtol=0, atol=1e-12):
        msg = "both ends of the path are the same state; name two that differ."
        raise InputError(msg)
    label = f"{start if isinstance(start, str) else 'start'} → {end if isinstance(end, str) else 'end'}"
    ways = [np.vstack([first, last])]
    along = _along_cells(field, first, last, _graph(field, n_neighbors))
    if along is None:
        logger.info("no path over the cells leads from one end to the other; the straight line is the beginning")
    else:
        ways.append(along)
    fence = Fence.of(field, guard)
    found = [_minimise(field, resample(way, n_points + 2), diffusion, fence, patience, max_iter, label) for way in ways]
    best = min(found, key=lambda one: (max(float(fence.excess(one.states).max()) - 0.1, 0.0), one.action))
    if not best.converged:
        warn(f"the path {label} had not settled after {max_iter} iterations; raise max_iter.", ConvergenceWarning)
    return best


@dataclass(frozen=True)
class Fence:
    """Holds a path to where cells are.

    Parameters
    ----------
    tree
        Of the cells.
    reach
        Distance to the nearest cell that is free.
    """

    tree: Any
    reach: float

    @classmethod
    def of(cls, field: VectorField, guard: float) -> Fence:
        """Return the fence at `guard` spacings of the cells."""
        from scipy.spatial import cKDTree

        tree = cKDTree(field.states)
        spacing = float(np.quantile(tree.query(field.states, k=2)[0][:, 1], 0.95))
        return cls(tree, guard * max(spacing, 1e-300))

    def excess(self, states: np.ndarray) -> np.ndarray:
        """Return how far beyond reach `states` are, in units of the reach."""
        return np.maximum(self.tree.query(states)[0] / self.reach - 1.0, 0.0)

    def penalty(self, states: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the sum of squared excesses of `states` and its slope."""
        far, near = self.tree.query(states)
        over = np.maximum(far / self.reach - 1.0, 0.0)
        away = (states - self.tree.data[near]) / np.maximum(far, 1e-300)[:, None]
        return float((over**2).sum()), 2 * over[:, None] * away / self.reach


def action(
    states: np.ndarray, velocities: np.ndarray, *, dt: float | None = None, diffusion: float = 10.0
) -> tuple[float, float]:
    """Return the action of a path and its time step (the best one if left out).

    Parameters
    ----------
    states
        ``(n_points, k)``.
    velocities
        The field at the midpoints, ``(n_points - 1, k)``.
    dt
        Time between points.
    diffusion
        D.
    """
    step = np.diff(states, axis=0)
    if dt is None:
        dt = float(np.sqrt((step**2).sum() / max(float((velocities**2).sum()), 1e-300)))
    return float(dt / (2 * diffusion) * ((step / dt - velocities) ** 2).sum()), dt


def resample(way: np.ndarray, n_points: int) -> np.ndarray:
    """Return points at equal distances along a polygon, its ends included."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(way, axis=0), axis=1))])
    at = np.linspace(0.0, lengths[-1], n_points)
    return np.column_stack([np.interp(at, lengths, column) for column in way.T])


def _minimise(
    field: VectorField,
    way: np.ndarray,
    diffusion: float,
    fence: Fence,
    patience: float,
    max_iter: int,
    label: str,
) -> Path:
    """Return the path of least action near a first guess."""
    from scipy.optimize import minimize

    k = field.n_components
    arguments = (field.control_points, field.bandwidth, field.coefficients)
    longest = patience * action(way, field((way[1:] + way[:-1]) / 2))[1]

    def cost(inner: np.ndarray) -> tuple[float, np.ndarray]:
        x = np.vstack([way[:1], inner.reshape(-1, k), way[-1:]])
        step, middle = np.diff(x, axis=0), (x[1:] + x[:-1]) / 2
        lengths, found = float((step**2).sum()), [0.0]

        def weigh(f: np.ndarray) -> np.ndarray:
            found[0] = min(float(np.sqrt(lengths / max(float((f**2).sum()), 1e-300))), longest)
            return f * found[0] - step

        f, by_flow = _gaussian.values_and_transposed(middle, *arguments, weigh)
        dt = found[0]
        left = step / dt - f
        slope = left[:-1] - left[1:] + (by_flow[:-1] + by_flow[1:]) / 2
        return float(dt / 2 * (left**2).sum()) / diffusion, slope.ravel() / diffusion

    scale = max(cost(way[1:-1].ravel())[0], 1e-300)

    def scaled(inner: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = cost(inner)
        outside, push = fence.penalty(inner.reshape(-1, k))
        return value / scale + outside, slope / scale + push.ravel()

    options = {"maxiter": max_iter, "maxcor": 30, "ftol": 1e-9, "gtol": 1e-8}
    done = minimize(scaled, way[1:-1].ravel(), jac=True, method="L-BFGS-B", options=options)
    states = np.vstack([way[:1], done.x.reshape(-1, k), way[-1:]])
    velocities = field((states[1:] + states[:-1]) / 2)
    dt = min(action(states, velocities)[1], longest)
    value, _ = action(states, velocities, dt=dt, diffusion=diffusion)
    return Path(states, dt, value, bool(done.success), field.space, label)


def _graph(field: VectorField, n_neighbors: int) -> csr_array:
    """Return the neighbour graph with distances."""
    from scipy.sparse import csr_array

    from reguloom.manifold import nearest

    n = len(field.states)
    near, far = nearest(field.states, min(n_neighbors, n - 1))
    # Squared lengths prefer many short steps, which keep to the cells.
    return csr_array((far.ravel() ** 2 + 1e-12, near.ravel(), np.arange(n + 1) * near.shape[1]), shape=(n, n))


def _along_cells(field: VectorField, first: np.ndarray, last: np.ndarray, graph: csr_array) -> np.ndarray | None:
    """Return the shortest way over the cells, or None if there is none."""
    from scipy.sparse.csgraph import dijkstra

    source, sink = (int(((field.states - one) ** 2).sum(axis=1).argmin()) for one in (first, last))
    distance, before = dijkstra(graph, directed=False, indices=source, return_predecessors=True)
    if not np.isfinite(distance[sink]) or source == sink:
        return None
    way = [sink]
    while way[-1] != source:
        way.append(int(before[way[-1]]))
    return np.vstack([first, field.states[way[::-1]], last])


def action_matrix(
    field: VectorField,
    groups: Sequence[str] | None = None,
    *,
    n_points: int = 25,
    diffusion: float = 10.0,
    n_jobs: int | None = None,
) -> tuple[pd.DataFrame, dict[tuple[str, str], Path]]:
    """Return the least action between each two groups of cells: which conversions the flow makes easy.

    Parameters
    ----------
    field
        A field fitted with ``groupby``.
    groups
        Names; all if left out.
    n_points, diffusion
        Of :func:`least_action`.
    n_jobs
        Number of threads.

    Returns
    -------
    Table of groups x groups (row leads to column, 0 on the diagonal), and the paths.

    Raises
    ------
    InputError
        If the field has no groups.
    """
    from reguloom._progress import track
    from reguloom._threads import map_ordered

    if field.groups is None:
        msg = "the field has no groups; fit it with groupby=."
        raise InputError(msg)
    names = [str(one) for one in field.groups.categories] if groups is None else list(groups)
    pairs = [(a, b) for a in names for b in names if a != b]

    def work(pair: tuple[str, str]) -> Path:
        return least_action(field, *pair, n_points=n_points, diffusion=diffusion)

    paths = dict(zip(pairs, track(map_ordered(work, pairs, n_jobs), len(pairs), "least-action paths"), strict=True))
    table = pd.DataFrame(0.0, index=pd.Index(names, name="from"), columns=pd.Index(names, name="to"))
    for (a, b), path in paths.items():
        table.loc[a, b] = path.action
    return table, paths
