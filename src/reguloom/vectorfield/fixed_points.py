"""Where the flow stands still: fixed points with their kind, and the curves that part their basins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError

if TYPE_CHECKING:
    from reguloom.vectorfield.field import VectorField

SUPPORT = 5.0
"""Fixed points farther from any cell than this many spacings of the cells are the field's, not the data's."""
_STEPS = 200


@dataclass(frozen=True, eq=False)
class FixedPoints:
    """Fixed points of a field.

    Parameters
    ----------
    states
        ``(n_points, k)``.
    eigenvalues
        Of the Jacobian there, ``(n_points, k)``, complex, largest real part first.
    eigenvectors
        Its columns, ``(n_points, k, k)``, in the same order.
    residual
        Speed that is left, as a share of the cells' median speed, ``(n_points,)``.
    support
        Distance to the nearest cell over the cells' own spacing, ``(n_points,)``.
    nearest
        Name of the nearest cell.
    """

    states: np.ndarray
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    residual: np.ndarray
    support: np.ndarray
    nearest: list[str]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.states)

    @property
    def kind(self) -> list[str]:
        """``stable``, ``saddle`` or ``unstable``, by the signs of the real parts."""
        rises = (self.eigenvalues.real > 0).sum(axis=1)
        k = self.states.shape[1]
        return ["stable" if n == 0 else "unstable" if n == k else "saddle" for n in rises]

    @property
    def rotating(self) -> np.ndarray:
        """Whether the flow turns around the point: some eigenvalue is complex."""
        return np.asarray((np.abs(self.eigenvalues.imag) > 1e-9 * np.abs(self.eigenvalues)).any(axis=1))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per point, without the coordinates."""
        return pd.DataFrame(
            {
                "kind": self.kind,
                "rotating": self.rotating,
                "largest_real_part": self.eigenvalues.real[:, 0] if len(self) else [],
                "n_unstable": (self.eigenvalues.real > 0).sum(axis=1),
                "residual": self.residual,
                "support": self.support,
                "nearest_cell": self.nearest,
            }
        )


def fixed_points(
    field: VectorField,
    *,
    n_starts: int = 500,
    tol: float = 1e-8,
    max_support: float = SUPPORT,
    n_jobs: int | None = None,
) -> FixedPoints:
    """Find the fixed points of a field near the cells.

    Damped Newton (Levenberg-Marquardt) with the exact Jacobian, from control points and slow cells at once; only those
    that converged are kept. The original takes any end of its search, converged or not, and in more than two dimensions
    puts the nearest cell in its place.

    Parameters
    ----------
    field
        The field.
    n_starts
        At most so many starting points.
    tol
        Speed that may be left, as a share of the cells' median speed.
    max_support
        How far from the cells a point may lie, in spacings of the cells.
    n_jobs
        Number of threads.

    Returns
    -------
    The points, those closest to the cells first.
    """
    speed = np.linalg.norm(field(n_jobs=n_jobs), axis=1)
    typical = float(np.median(speed)) or 1.0
    starts = np.vstack([field.states[np.argsort(speed, kind="stable")[: n_starts // 2]], field.control_points])
    found, left = newton(field, starts[:n_starts], typical * tol)
    found = found[(left <= typical * tol) & np.isfinite(found).all(axis=1)]
    support = field.support(found) if len(found) else np.empty(0)
    found, support = found[support <= max_support], support[support <= max_support]
    kept = _distinct(found[np.argsort(support, kind="stable")], 1e-4 * float(np.ptp(field.states, axis=0).max()))
    return described(field, kept, typical)


def newton(field: VectorField, starts: np.ndarray, enough: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where searches from `starts` ended, and the speed that is left there."""
    x, eye = starts.copy(), np.eye(starts.shape[1])
    f = field(x)
    size = np.linalg.norm(f, axis=1)
    damping = np.full(len(x), 1e-3)
    for _ in range(_STEPS):
        open_ = np.flatnonzero((size > enough) & (damping < 1e12))
        if not len(open_):
            break
        jacobian = field.jacobian(x[open_])
        normal = jacobian.transpose(0, 2, 1) @ jacobian
        scale = np.maximum(np.einsum("nii->n", normal) / len(eye), 1e-300)
        normal += (damping[open_] * scale)[:, None, None] * eye
        step = np.linalg.solve(normal, np.einsum("nji,nj->ni", jacobian, f[open_])[:, :, None])[:, :, 0]
        trial = x[open_] - step
        new = field(trial)
        better = np.linalg.norm(new, axis=1) < size[open_]
        won = open_[better]
        x[won], f[won] = trial[better], new[better]
        size[won] = np.linalg.norm(new[better], axis=1)
        damping[won] = np.maximum(damping[won] * 0.2, 1e-15)
        damping[open_[~better]] *= 5.0
    return x, size


def _distinct(points: np.ndarray, apart: float) -> np.ndarray:
    """Return the points without those that are closer to an earlier one than `apart`."""
    kept: list[np.ndarray] = []
    for one in points:
        if all(np.linalg.norm(one - other) > apart for other in kept):
            kept.append(one)
    return np.array(kept).reshape(-1, points.shape[1])


def described(field: VectorField, states: np.ndarray, typical: float) -> FixedPoints:
    """Return points with their eigenvalues and neighbours."""
    k = field.n_components
    if not len(states):
        none = np.empty((0, k))
        return FixedPoints(none, none.astype(complex), np.empty((0, k, k), complex), np.empty(0), np.empty(0), [])
    values, vectors = np.linalg.eig(field.jacobian(states))
    order = np.argsort(-values.real, axis=1, kind="stable")
    values = np.take_along_axis(values, order, 1)
    vectors = np.take_along_axis(vectors, order[:, None, :], 2)
    away = ((states[:, None, :] - field.states[None, :, :]) ** 2).sum(axis=2)
    nearest = [str(field.cells[i]) for i in away.argmin(axis=1)]
    residual = np.linalg.norm(field(states), axis=1) / typical
    return FixedPoints(
        states, values.astype(complex), vectors.astype(complex), residual, field.support(states), nearest
    )


def separatrices(
    field: VectorField, points: FixedPoints, *, length: float | None = None, n_steps: int = 400
) -> list[np.ndarray]:
    """Trace the curves that part the basins: backwards in time from each saddle along its stable directions.

    In two dimensions they are the separatrices; in more they are curves within them.

    Parameters
    ----------
    field
        The field.
    points
        Its fixed points.
    length
        How long a curve may be; twice the extent of the cells if left out.
    n_steps
        Points along a curve.

    Returns
    -------
    One ``(n, k)`` curve for each side of each real stable direction, starting at its saddle.
    """
    extent = float(np.linalg.norm(np.ptp(field.states, axis=0)))
    step = (2 * extent if length is None else length) / n_steps
    curves = []
    for at, kind in enumerate(points.kind):
        if kind != "saddle":
            continue
        for j, value in enumerate(points.eigenvalues[at]):
            if value.real >= 0 or abs(value.imag) > 1e-9 * abs(value):
                continue
            direction = points.eigenvectors[at][:, j].real
            for side in (1.0, -1.0):
                start = points.states[at] + side * 1e-3 * extent * direction / np.linalg.norm(direction)
                curves.append(np.vstack([points.states[at], _trace(field, start, -step, n_steps, 1.5 * extent)]))
    return curves


def _trace(field: VectorField, start: np.ndarray, step: float, n_steps: int, reach: float) -> np.ndarray:
    """Return the flow line through a state at equal steps of length; backwards if `step` is negative."""
    middle = field.states.mean(axis=0)

    def unit(x: np.ndarray) -> np.ndarray:
        f = field(x[None])[0]
        return f / max(float(np.linalg.norm(f)), 1e-300)

    line = [start]
    for _ in range(n_steps):
        x = line[-1]
        a = unit(x)
        b = unit(x + step / 2 * a)
        c = unit(x + step / 2 * b)
        new = x + step / 6 * (a + 2 * b + 2 * c + unit(x + step * c))
        if not np.isfinite(new).all() or np.linalg.norm(new - middle) > reach:
            break
        line.append(new)
    return np.array(line)


def basins(
    field: VectorField, points: FixedPoints, *, time: float | None = None, n_jobs: int | None = None
) -> pd.Series:
    """Return which stable fixed point each cell flows to: its number in `points`, or -1.

    Parameters
    ----------
    field
        The field.
    points
        Its fixed points.
    time
        How long cells may flow; by default 50 times what a typical cell needs to cross the data.
    n_jobs
        Number of threads.

    Raises
    ------
    InputError
        If no point is stable.
    """
    from reguloom.vectorfield.integrate import integrate

    stable = [at for at, kind in enumerate(points.kind) if kind == "stable"]
    if not stable:
        msg = f"none of the {len(points)} fixed points is stable, so no basin can be told."
        raise InputError(msg)
    ends = integrate(field, field.states, time=time, n_times=2, guard=None, n_jobs=n_jobs).states[:, -1]
    away = np.linalg.norm(ends[:, None, :] - points.states[stable][None], axis=2)
    reached = away.min(axis=1) < 0.02 * float(np.linalg.norm(np.ptp(field.states, axis=0)))
    found = np.where(reached, np.array(stable)[away.argmin(axis=1)], -1)
    return pd.Series(found, index=field.cells, name="basin")
