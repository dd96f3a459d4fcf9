"""Fates: the attractor that a cell's trajectory ends in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.mechanistic.sde import Conditions, Noise, integrate

if TYPE_CHECKING:
    from reguloom.mechanistic.ode import OdeModel

OFF, ON, MOVING = 0, 1, 2
SYMBOLS = np.array(["0", "1", "*"])
MOMENTS = 12
"""Moments that are looked at to tell rest from movement."""
TURNOVERS = 25.0
"""How long cells are followed without noise, in times of the slowest turnover."""


@dataclass(frozen=True, eq=False)
class Fates:
    """Where trajectories end.

    Parameters
    ----------
    which
        Row of `table` for each trajectory, ``(n_trajectories,)``.
    table
        One row for each fate, most frequent first: ``pattern`` (0, 1 or ``*`` for each gene whose protein is
        followed; ``*`` keeps moving),
        ``n_trajectories``, ``share``; the index is a name made of the genes that are on.
    """

    which: NDArray[np.int64]
    table: pd.DataFrame

    def take(self, rows: NDArray[np.int64]) -> Fates:
        """Return the fates of some trajectories, `rows` of them, with the same table."""
        return Fates(self.which[rows], self.table)


def endings(
    model: OdeModel,
    state: NDArray[np.float64],
    *,
    conditions: Conditions | None = None,
    n_jobs: int | None = None,
) -> NDArray[np.int8]:
    """Follow states without noise until they rest; return 0 (off), 1 (on) or 2 (still moving) for each gene.

    A gene is on if its regulation is above one half, where its level is above half of the maximum at rest.

    Parameters
    ----------
    model
        The equations.
    state
        ``(n_cells, n_compartments, n_genes)``.
    conditions
        Interventions; they hold throughout.
    n_jobs
        Threads.
    """
    n, _, n_genes = state.shape
    core = model.is_regulator
    core[model.regulation.regulator] = True
    done = Conditions.none(n, n_genes) if conditions is None else conditions
    levels = np.zeros((n, MOMENTS, n_genes))
    if core.any():
        small = model.restricted(core)
        leaving = small.kinetics.leaving
        step = 0.25 / float(leaving.max())
        when = np.round(np.linspace(0.6, 1.0, MOMENTS) * TURNOVERS / float(leaving.min()) / step).astype(np.int64)
        inside = Conditions(done.scale[:, core], done.add[:, core], done.which, np.zeros(n, dtype=np.int64))
        levels[:, :, core] = integrate(
            small, state[:, :, core], when, seed=0, conditions=inside, noise=Noise("none"), dt=step, n_jobs=n_jobs
        )[:, :, -1]
    activity = model.regulation.activity(levels.reshape(n * MOMENTS, n_genes)).reshape(levels.shape)
    changed = done.which >= 0
    scale, add = done.scale[done.which[changed]], done.add[done.which[changed]]
    activity[changed] = scale[:, None] * activity[changed] + add[:, None]
    on = activity > 0.5
    moving = on.any(axis=1) & ~on.all(axis=1)
    return np.where(moving, MOVING, on[:, -1]).astype(np.int8)


def name_fates(patterns: NDArray[np.int8], genes: Sequence[str]) -> Fates:
    """Group endings and name them; of a gene that keeps moving, only that it moves counts.

    Parameters
    ----------
    patterns
        From :func:`endings`, ``(n_trajectories, n_genes)``.
    genes
        Names.
    """
    found, which, counts = np.unique(patterns, axis=0, return_inverse=True, return_counts=True)
    found, group = _merge(found, counts)
    which = group[which.ravel()]
    counts = np.bincount(which, minlength=len(found))
    order = np.argsort(-counts, kind="stable")
    place = np.argsort(order, kind="stable")
    found, counts = found[order], counts[order]
    table = pd.DataFrame(
        {
            "pattern": ["".join(SYMBOLS[row]) for row in found],
            "n_trajectories": counts,
            "share": counts / counts.sum(),
        },
        index=pd.Index(_names(found, genes), name="fate"),
    )
    return Fates(place[which].astype(np.int64), table)


def _merge(patterns: NDArray[np.int8], counts: NDArray[np.int64]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Join patterns that differ only where one of them moves, into the most frequent of them.

    A cycle is seen at a dozen moments, and what is only just touched by it is seen moving in some cells alone.
    """
    kept: list[NDArray[np.int8]] = []
    group = np.zeros(len(patterns), dtype=np.int64)
    for row in np.argsort(-counts, kind="stable"):
        for number, other in enumerate(kept):
            differ = patterns[row] != other
            moves = (patterns[row] == MOVING) | (other == MOVING)
            if not (differ & ~moves).any():
                other[differ] = MOVING
                group[row] = number
                break
        else:
            group[row] = len(kept)
            kept.append(patterns[row].copy())
    return np.array(kept), group


def _names(patterns: NDArray[np.int8], genes: Sequence[str]) -> list[str]:
    """Name each pattern after the genes that are on in few of the others, three at most."""
    on = patterns == ON
    shared = on.sum(axis=0)
    names: list[str] = []
    for row in range(len(patterns)):
        own = [gene for gene in np.flatnonzero(on[row]) if shared[gene] < len(patterns) or len(patterns) == 1]
        chosen = sorted(sorted(own, key=lambda gene: (shared[gene], gene))[:3])
        cycling = bool((patterns[row] == MOVING).any())
        stem = "+".join(str(genes[int(gene)]) for gene in chosen) or ("cycle" if cycling else "off")
        stem = f"{stem}~" if cycling and chosen else stem
        name, number = stem, 1
        while name in names:
            number += 1
            name = f"{stem} ({number})"
        names.append(name)
    return names
