"""Where cells go: all of them integrated at once, with or without noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._errors import ConvergenceWarning, InputError, warn
from reguloom._random import SeedLike, accepts_seed, generator

if TYPE_CHECKING:
    from reguloom.vectorfield.field import VectorField
    from reguloom.vectorfield.perturb import Knockout

# Dormand and Prince (1980), order 5 with an embedded order 4.
_A = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
_MAX_STEPS = 20_000
GUARD = 10.0


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Paths of many cells.

    Parameters
    ----------
    times
        ``(n_times,)``.
    states
        ``(n_starts, n_times, k)``; a path that stopped stays where it was.
    stopped
        Why each path ended: ``time``, ``fixed point`` or ``left the data``.
    """

    times: np.ndarray
    states: np.ndarray
    stopped: np.ndarray


def natural_time(field: VectorField) -> float:
    """Return what a typical cell needs to cross the data at its speed."""
    speed = float(np.median(np.linalg.norm(field(), axis=1)))
    return float(np.linalg.norm(np.ptp(field.states, axis=0))) / max(speed, 1e-300)


def integrate(
    field: VectorField | Knockout,
    starts: np.ndarray,
    *,
    time: float | None = None,
    n_times: int = 50,
    backward: bool = False,
    tol: float = 1e-6,
    guard: float | None = GUARD,
    n_jobs: int | None = None,
) -> Trajectories:
    """Integrate the flow from many states at once (Dormand-Prince, one step size for each).

    Parameters
    ----------
    field
        A field, or a knock-out of one.
    starts
        ``(n_starts, k)``.
    time
        How long; 50 times what a typical cell needs to cross the data if left out.
    n_times
        Equally spaced times at which states are kept, the start among them.
    backward
        Whether to go where cells came from.
    tol
        Error allowed in one step, as a share of the extent of the data.
    guard
        A path ends where the nearest cell is farther than this many spacings of the cells; None lets it go.
    n_jobs
        Number of threads.

    Returns
    -------
    States at the times, and why each path ended.
    """
    base: Any = getattr(field, "field", field)
    x = np.atleast_2d(np.array(starts, dtype=np.float64))
    if n_times < 2 or (time is not None and time <= 0):
        msg = f"time is {time} and n_times {n_times}; time is above 0 and at least 2 times are kept."
        raise InputError(msg)
    total = 50 * natural_time(base) if time is None else float(time)
    sign = -1.0 if backward else 1.0
    times = np.linspace(0.0, total, n_times)
    scale = tol * float(np.linalg.norm(np.ptp(base.states, axis=0)))
    speeds = np.linalg.norm(base(), axis=1)
    still = 1e-5 * float(np.median(speeds))
    step = np.full(len(x), min(total, 1e-2 * natural_time(base)))
    kept, reason = np.empty((len(x), n_times, x.shape[1])), np.full(len(x), "time", dtype=object)
    kept[:, 0] = x
    active = np.ones(len(x), dtype=bool)
    for number in range(1, n_times):
        rows = np.flatnonzero(active)
        if len(rows):
            x[rows], step[rows] = _advance(
                lambda y: sign * field(y, n_jobs=n_jobs), x[rows], step[rows], times[number] - times[number - 1], scale
            )
            _stop(base, field, x, rows, active, reason, still, guard)
        kept[:, number] = x
    return Trajectories(times, kept, reason)


def _stop(
    base: VectorField,
    field: Any,
    x: np.ndarray,
    rows: np.ndarray,
    active: np.ndarray,
    reason: np.ndarray,
    still: float,
    guard: float | None,
) -> None:
    """End the paths that stand still or have left the data."""
    resting = np.linalg.norm(field(x[rows]), axis=1) < still
    outside = np.zeros(len(rows), dtype=bool) if guard is None else base.support(x[rows]) > guard
    reason[rows[resting]], reason[rows[outside]] = "fixed point", "left the data"
    active[rows[resting | outside]] = False


def _advance(
    f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, step: np.ndarray, span: float, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the states after `span` and the step sizes that were good there."""
    x, step = x.copy(), step.copy()
    done = np.zeros(len(x))
    for _ in range(_MAX_STEPS):
        rows = np.flatnonzero(done < span * (1 - 1e-12))
        if not len(rows):
            return x, step
        h = np.minimum(step[rows], span - done[rows])
        slopes: list[np.ndarray] = []
        for weights in _A:
            shift = sum((w * k for w, k in zip(weights, slopes, strict=True)), np.zeros_like(x[rows]))
            slopes.append(f(x[rows] + h[:, None] * shift))
        new = x[rows] + h[:, None] * shift
        error = np.linalg.norm(h[:, None] * sum(w * k for w, k in zip(_ERROR, slopes, strict=True)), axis=1) / scale
        good = error <= 1.0
        x[rows[good]] = new[good]
        done[rows[good]] += h[good]
        step[rows] = h * np.clip(0.9 * np.maximum(error, 1e-10) ** -0.2, 0.2, 5.0)
    warn(f"{len(rows)} paths were cut off after {_MAX_STEPS} steps; allow a larger tol.", ConvergenceWarning)
    return x, step


@accepts_seed
def diffuse(
    field: VectorField | Knockout,
    starts: np.ndarray,
    *,
    time: float,
    diffusion: float,
    n_steps: int = 200,
    n_times: int = 50,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> Trajectories:
    """Integrate the flow with noise: ``dx = f(x) dt + sqrt(2 D) dW`` (Euler-Maruyama).

    Parameters
    ----------
    field
        A field, or a knock-out of one.
    starts
        ``(n_starts, k)``.
    time
        How long.
    diffusion
        D, in squared units of the states per time.
    n_steps
        Steps of equal length.
    n_times
        How many of them are kept, the start among them.
    rng
        Seed.
    n_jobs
        Number of threads.

    Returns
    -------
    States at the times.
    """
    if time <= 0 or diffusion < 0 or n_steps < n_times - 1 or n_times < 2:
        msg = (
            f"time {time}, diffusion {diffusion}, {n_times} of {n_steps} steps: time > 0, diffusion >= 0, steps enough."
        )
        raise InputError(msg)
    random = generator(rng)
    x = np.atleast_2d(np.array(starts, dtype=np.float64))
    dt = time / n_steps
    keep = np.linspace(0, n_steps, n_times).round().astype(int)
    kept = [x.copy()]
    for number in range(1, n_steps + 1):
        x = x + dt * field(x, n_jobs=n_jobs) + np.sqrt(2 * diffusion * dt) * random.normal(size=x.shape)
        if number in keep:
            kept.append(x.copy())
    return Trajectories(keep * dt, np.stack(kept, axis=1), np.full(len(x), "time", dtype=object))
