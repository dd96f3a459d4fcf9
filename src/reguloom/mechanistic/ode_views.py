"""What figures of a continuous model show: levels over time, and the plane of two genes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, root_seed
from reguloom.core import Perturbation
from reguloom.mechanistic.ode import OdeModel
from reguloom.mechanistic.ode_conditions import conditions
from reguloom.mechanistic.ode_fates import endings, name_fates
from reguloom.mechanistic.sde import Conditions, integrate

RELAXATIONS = 400
"""Steps that bring the other genes into balance with the two that are shown."""


@dataclass(frozen=True, eq=False)
class PhasePlane:
    """Levels of two genes, and where they go.

    Parameters
    ----------
    genes
        The two, x first.
    x, y
        Levels of the grid, in shares of the maximum, ``(n,)`` each.
    dx, dy
        Change at each point, ``(n, n)``, rows along y; 0 on the gene's nullcline.
    rests
        Points where the whole model rests, ``(n_rests, 2)``.
    stable
        Whether it stays there, ``(n_rests,)``.
    """

    genes: tuple[str, str]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    dx: NDArray[np.float64]
    dy: NDArray[np.float64]
    rests: NDArray[np.float64]
    stable: NDArray[np.bool_]


def phase_plane(
    model: OdeModel,
    genes: Sequence[str],
    *,
    perturbation: Perturbation | None = None,
    n: int = 61,
) -> PhasePlane:
    """Return the plane of two genes, every other gene in balance with them.

    Levels are those that regulate, and mRNA is taken to follow at once: ``dp/dt ~ F(p) - p`` in shares of the
    maximum. The other genes start from the model's initial state; if they have a choice, that state decides.

    Parameters
    ----------
    model
        The equations.
    genes
        Two names.
    perturbation
        What is done.
    n
        Points along each axis.

    Returns
    -------
    PhasePlane
        The grid with its changes, and the points of rest.

    Raises
    ------
    InputError
        If there are not two genes of the model.

    Examples
    --------
    >>> import reguloom as rl
    >>> toggle = rl.mechanistic.BooleanNetwork.from_rules({"A": "not B", "B": "not A"})
    >>> plane = rl.mechanistic.phase_plane(rl.mechanistic.OdeModel.from_network(toggle, hill=4), ["A", "B"])
    >>> int(plane.stable.sum())
    2
    """
    names = [str(gene) for gene in genes]
    if len(names) != 2 or len(set(names)) != 2 or not set(names) <= set(model.genes):
        known = ", ".join(model.genes[:8])
        msg = f"the plane of {', '.join(names)} was asked for; give two genes of the model, such as {known}."
        raise InputError(msg)
    i, j = (model.genes.index(name) for name in names)
    axis = np.linspace(0.0, 1.05, n)
    grid_x, grid_y = np.meshgrid(axis, axis)
    level = np.tile(model.start[-1] / model.kinetics.highest[-1], (n * n, 1))
    level[:, i], level[:, j] = grid_x.ravel(), grid_y.ravel()
    free = np.ones(len(model.genes), dtype=bool)
    free[[i, j]] = False
    for _ in range(RELAXATIONS if free.any() else 0):
        level[:, free] += 0.2 * (_target(model, level, perturbation)[:, free] - level[:, free])
    change = _target(model, level, perturbation) - level
    rests, stable = _rests(model, level, perturbation, i, j)
    return PhasePlane(
        (names[0], names[1]), axis, axis, change[:, i].reshape(n, n), change[:, j].reshape(n, n), rests, stable
    )


def _target(model: OdeModel, level: NDArray[np.float64], perturbation: Perturbation | None) -> NDArray[np.float64]:
    """Return where every level goes, in shares of the maximum."""
    activity = model.regulation.activity(level * model.kinetics.highest[-1])
    if perturbation is None:
        return activity
    scale, add = conditions([perturbation], model.genes, model.kinetics.highest[model.mrna_index])
    return scale * activity + add


def _rests(
    model: OdeModel, level: NDArray[np.float64], perturbation: Perturbation | None, i: int, j: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Find points of rest by Newton's method from the points of the grid that change least."""
    change = _target(model, level, perturbation) - level
    start = level[np.argsort(np.linalg.norm(change, axis=1), kind="stable")[: max(40, len(level) // 20)]]
    found: list[NDArray[np.float64]] = []
    kept: list[bool] = []
    for point in start:
        at, slope = _newton(model, point, perturbation)
        if at is None or any(np.abs(at - other).max() < 1e-3 for other in found):
            continue
        found.append(at)
        kept.append(bool(np.linalg.eigvals(slope).real.max() < 0))
    points = np.array([[at[i], at[j]] for at in found]).reshape(-1, 2)
    return points, np.array(kept, dtype=bool)


def _newton(
    model: OdeModel, point: NDArray[np.float64], perturbation: Perturbation | None
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    """Return the point of rest near `point`, or None, and the Jacobian there."""
    at, n, step = point.copy(), len(point), 1e-6
    slope = -np.eye(n)
    for _ in range(40):
        around = np.concatenate([at[None], at + step * np.eye(n)])
        change = _target(model, np.maximum(around, 0.0), perturbation) - around
        slope = ((change[1:] - change[0]) / step).T
        move = np.linalg.lstsq(slope, -change[0], rcond=None)[0]
        at = np.clip(at + move * min(1.0, 0.2 / max(np.abs(move).max(), 1e-12)), 0.0, 1.2)
        if np.abs(move).max() < 1e-10:
            break
    rest = _target(model, at[None], perturbation)[0] - at
    return (at if np.abs(rest).max() < 1e-6 else None), slope


@accepts_seed
def time_courses(
    model: OdeModel,
    n_trajectories: int = 30,
    *,
    perturbation: Perturbation | None = None,
    onset: float = 0.0,
    n_times: int = 150,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Return mRNA of whole trajectories.

    Parameters
    ----------
    model
        The equations.
    n_trajectories
        How many.
    perturbation, onset
        What is done, and from when; the noise is that of the unperturbed trajectories of the same seed.
    n_times
        Moments, evenly spread.
    rng
        Seed.
    n_jobs
        Threads.

    Returns
    -------
    pandas.DataFrame
        One row for each moment of each trajectory: ``trajectory``, ``time``, ``fate``, then the genes.
    """
    when = np.unique(np.round(np.linspace(0, model.n_steps, n_times)).astype(np.int64))
    zero = np.zeros(n_trajectories, dtype=np.int64)
    done = None
    if perturbation is not None:
        scale, add = conditions([perturbation], model.genes, model.kinetics.highest[model.mrna_index])
        done = Conditions(scale, add, zero, zero + round(onset / model.dt))
    start = np.repeat(model.start[None], n_trajectories, axis=0)
    states = integrate(model, start, when, seed=root_seed(rng), conditions=done, n_jobs=n_jobs)
    fates = name_fates(endings(model, states[:, -1], conditions=done, n_jobs=n_jobs), model.genes)
    n = len(when)
    frame = pd.DataFrame(states[:, :, model.mrna_index].reshape(n_trajectories * n, -1), columns=list(model.genes))
    fate = pd.Categorical.from_codes(np.repeat(fates.which, n), fates.table.index)
    frame.insert(0, "fate", fate)
    frame.insert(0, "time", np.tile(when * model.dt, n_trajectories))
    frame.insert(0, "trajectory", np.repeat(np.arange(n_trajectories), n))
    return frame
