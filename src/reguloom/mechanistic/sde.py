"""Noise and time: trajectories of a continuous model, the same bytes on any number of threads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import GOLDEN, splitmix64
from reguloom._threads import map_ordered

if TYPE_CHECKING:
    from reguloom.mechanistic.ode import OdeModel

NOISES = ("langevin", "sqrt", "boolode", "none")
BLOCK = 32
"""Trajectories in a unit of work."""
N_NORMALS = 4096


@dataclass(frozen=True)
class Noise:
    """How chance enters.

    Parameters
    ----------
    kind
        ``langevin``: the chemical Langevin equation, one term of size ``sqrt(rate / system_size)`` for each reaction
        (Gillespie 2000, J. Chem. Phys. 113:297); ``sqrt``: BoolODE's diffusion ``c sqrt(state)``; ``boolode``: the
        same with BoolODE's increments, whose standard deviation is the time step and not its root, and with steps
        below zero undone; ``none``.
    system_size
        Molecules in one unit of concentration.
    strength
        ``c`` of ``sqrt`` and ``boolode``.
    heterogeneity
        Standard deviation of the log of how fast each regulator is transcribed between cells, for life.
    """

    kind: str = "langevin"
    system_size: float = 20.0
    strength: float = 1.0
    heterogeneity: float = 0.0

    def __post_init__(self) -> None:
        """Check the kind and the sizes."""
        if self.kind not in NOISES:
            msg = f"the noise is {self.kind!r}; accepted are {', '.join(NOISES)}."
            raise InputError(msg)
        if not self.system_size > 0 or self.strength < 0 or self.heterogeneity < 0:
            msg = (
                f"system_size is {self.system_size}, strength {self.strength} and heterogeneity {self.heterogeneity}; "
                "give a size above 0, and no negative number."
            )
            raise InputError(msg)

    def amplitude(self, dt: float) -> float:
        """Return what the kernels multiply an increment of variance 1 by in a step of `dt`."""
        if self.kind == "langevin":
            return float(np.sqrt(dt / self.system_size))
        return self.strength * dt if self.kind == "boolode" else self.strength * float(np.sqrt(dt))

    @property
    def code(self) -> int:
        """Number of the kind in the kernels."""
        return {"none": 0, "langevin": 1}.get(self.kind, 2)


@dataclass(frozen=True, eq=False)
class Conditions:
    """What is done to each trajectory, and from which step.

    Parameters
    ----------
    scale, add
        Change of transcription in each condition, ``(n_conditions, n_genes)``.
    which
        Condition of each trajectory, -1 for none, ``(n_trajectories,)``.
    onset
        First step at which it holds, ``(n_trajectories,)``.
    """

    scale: NDArray[np.float64]
    add: NDArray[np.float64]
    which: NDArray[np.int64]
    onset: NDArray[np.int64]

    @classmethod
    def none(cls, n_trajectories: int, n_genes: int) -> Conditions:
        """Return that nothing is done."""
        zero = np.zeros(n_trajectories, dtype=np.int64)
        return cls(np.ones((1, n_genes)), np.zeros((1, n_genes)), zero - 1, zero)


def integrate(
    model: OdeModel,
    state: NDArray[np.float64],
    when: NDArray[np.int64],
    *,
    seed: int,
    trajectories: NDArray[np.int64] | None = None,
    first_step: NDArray[np.int64] | int = 0,
    conditions: Conditions | None = None,
    noise: Noise | None = None,
    dt: float | None = None,
    n_jobs: int | None = None,
) -> NDArray[np.float64]:
    """Follow trajectories and return their states after the asked number of steps.

    Parameters
    ----------
    model
        The equations.
    state
        Where each trajectory starts, ``(n_trajectories, n_compartments, n_genes)``; left as it is.
    when
        Steps, ascending in each row, ``(n_trajectories, n_snapshots)`` or ``(n_snapshots,)`` for all alike.
    seed
        Seed of the noise; with the number of a trajectory and of a step it decides every increment.
    trajectories
        Numbers of the trajectories; 0, 1, ... if left out.
    first_step
        Steps that were done already.
    conditions
        Interventions.
    noise, dt
        The model's own if left out.
    n_jobs
        Threads; changes nothing but the time.

    Returns
    -------
    ``(n_trajectories, n_snapshots, n_compartments, n_genes)``, float64.
    """
    n, n_compartments, n_genes = state.shape
    when = np.broadcast_to(np.atleast_2d(np.asarray(when, dtype=np.int64)), (n, np.shape(when)[-1]))
    numbers = np.arange(n) if trajectories is None else np.asarray(trajectories)
    first = np.broadcast_to(np.asarray(first_step, dtype=np.int64), n)
    done = Conditions.none(n, n_genes) if conditions is None else conditions
    out = np.empty((n, when.shape[1], n_compartments, n_genes))
    chosen, step = noise or model.noise, model.dt if dt is None else dt

    def work(start: int) -> None:
        rows = slice(start, start + BLOCK)
        _run(model, out[rows], state[rows].astype(np.float64), keys(seed, numbers[rows]), when[rows], first[rows],
             done.which[rows], done.onset[rows], done.scale, done.add, noise=chosen, dt=step)  # fmt: skip

    for _ in map_ordered(work, range(0, n, BLOCK), n_jobs):
        pass
    return out


def _run(
    model: OdeModel,
    out: NDArray[np.float64],
    state: NDArray[np.float64],
    key: NDArray[np.uint64],
    *rows: NDArray[np.generic],
    noise: Noise,
    dt: float,
) -> None:
    """Hand one block of trajectories to the kernel."""
    from reguloom.mechanistic import _ode_kernels as kernels

    kernels.simulate(
        out,
        state,
        key,
        *(np.array(one, order="C") for one in rows),  # a copy: numba compiles anew for what cannot be written to
        capacities(key, model, noise),
        np.ascontiguousarray(model.kinetics.rates),
        model.numbers,
        model.makes_protein,
        float(dt),
        noise.code,
        noise.amplitude(dt),
        noise.kind == "boolode",
        increments(),
        *model.regulation.arrays,
    )


def keys(seed: int, trajectories: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the key of each trajectory's noise: SplitMix64 of the seed and the trajectory's number."""
    root = splitmix64(np.array([seed], dtype=np.uint64) + GOLDEN)
    return splitmix64(root + (np.asarray(trajectories).astype(np.uint64) + np.uint64(1)) * GOLDEN)


def capacities(key: NDArray[np.uint64], model: OdeModel, noise: Noise) -> NDArray[np.float64]:
    """Return how fast each cell transcribes each gene, relative to the mean, ``(n_trajectories, n_genes)``.

    Parameters
    ----------
    key
        Of each trajectory.
    model
        The equations; only what makes protein differs between cells.
    noise
        Holds the heterogeneity.
    """
    result = np.ones((len(key), len(model.genes)))
    if noise.heterogeneity > 0:
        bits = splitmix64(splitmix64(key)[:, None] + model.numbers[model.makes_protein] * GOLDEN)
        normal = increments()[(bits & np.uint64(N_NORMALS - 1)).astype(np.int64)]
        result[:, model.makes_protein] = np.exp(noise.heterogeneity * normal - 0.5 * noise.heterogeneity**2)
    return result


@lru_cache(maxsize=1)
def increments() -> NDArray[np.float64]:
    """Return 4,096 quantiles of the normal distribution with mean 0 and variance 1."""
    from scipy.special import ndtri

    values = ndtri((np.arange(N_NORMALS) + 0.5) / N_NORMALS)
    values = (values - values[::-1]) / 2
    result: NDArray[np.float64] = values / np.sqrt(np.mean(values**2))
    return result
