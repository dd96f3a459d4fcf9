"""Does a perturbation change where cells end? Fate probabilities before and after, the ends held fixed.

Walks over the neighbour graph follow the field (softmax of the agreement with it). Terminal cells are chosen once, from
the unperturbed field, so that a perturbation can move cells between fates but not redefine them. The null perturbs
every cell by as much in the direction of random genes: what any push of that size would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom._progress import track
from reguloom._random import SeedLike, accepts_seed, child_seed, root_seed
from reguloom.core import Perturbation
from reguloom.core.fdr import benjamini_hochberg
from reguloom.vectorfield.jacobian import members
from reguloom.vectorfield.perturb import Knockout, shifted
from reguloom.vectorfield.potential import graph_potential
from reguloom.vectorfield.transition import softmax

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from reguloom.vectorfield.field import VectorField

N_TERMINAL = 30


@dataclass(frozen=True, eq=False)
class Fates:
    """Fate probabilities under the unperturbed field.

    Parameters
    ----------
    probabilities
        ``(n_cells, n_fates)``.
    names
        Terminal groups.
    terminal
        Fate of the terminal cells, -1 for others, ``(n_cells,)``.
    neighbors
        ``(n_cells, n_neighbors)``.
    scale
        Sharpness of the walk, kept for perturbed fields.
    """

    probabilities: np.ndarray
    names: list[str]
    terminal: np.ndarray
    neighbors: np.ndarray
    scale: float

    def to_frame(self, cells: pd.Index) -> pd.DataFrame:
        """Return cells × fates, for `cells` by name."""
        return pd.DataFrame(self.probabilities, index=cells, columns=self.names)


def fates(
    field: VectorField,
    *,
    terminal: Sequence[str] | None = None,
    n_neighbors: int = 30,
    n_terminal: int = N_TERMINAL,
    n_jobs: int | None = None,
) -> Fates:
    """Return where cells go under the field.

    Parameters
    ----------
    field
        A field fitted with ``groupby``.
    terminal
        Groups in which walks end; late ones into which more flows than out of them if left out.
    n_neighbors
        Of the graph.
    n_terminal
        Terminal cells of each group: those farthest along the flow.
    n_jobs
        Number of threads.

    Raises
    ------
    InputError
        If the field has no groups, or nothing is terminal.
    MissingKeyError
        If a group is not there.
    """
    from reguloom.manifold import nearest
    from reguloom.manifold.absorption import absorption_probabilities

    if field.groups is None:
        msg = "the field has no groups; fit it with groupby=."
        raise InputError(msg)
    near, _ = nearest(field.states, min(n_neighbors, len(field.states) - 1), n_jobs=n_jobs)
    velocity = field(n_jobs=n_jobs)
    scale = _sharpness(field.states, velocity, near)
    steps = softmax(field.states, velocity, near, scale=scale, n_jobs=n_jobs)
    codes, groups = members(field)
    late, _ = graph_potential(field.states, velocity, near)
    names = _terminal_groups(steps, codes, groups, late) if terminal is None else [str(one) for one in terminal]
    missing = [one for one in names if one not in groups]
    if missing or not names:
        msg = f"terminal groups are {names or 'none'}; name some of {groups}."
        raise MissingKeyError(msg)
    ends = np.full(len(codes), -1, dtype=np.int64)
    for number, name in enumerate(names):
        own = np.flatnonzero(codes == groups.index(name))
        ends[own[np.argsort(-late[own], kind="stable")[: max(1, min(n_terminal, len(own) // 2))]]] = number
    return Fates(absorption_probabilities(steps, ends), names, ends, near, scale)


def _sharpness(states: np.ndarray, velocity: np.ndarray, near: np.ndarray) -> float:
    """Return one over the median agreement of a velocity with a way to a neighbour."""
    some = np.arange(0, len(states), max(1, len(states) // 2000))
    way = states[near[some]] - states[some, None, :]
    size = np.linalg.norm(way, axis=2) * np.linalg.norm(velocity[some], axis=1)[:, None]
    found = np.divide(np.einsum("nkd,nd->nk", way, velocity[some]), size, out=np.zeros_like(size), where=size > 0)
    return 1.0 / max(float(np.median(np.abs(found))), 1e-3)


def _terminal_groups(steps: csr_array, codes: np.ndarray, groups: list[str], late: np.ndarray) -> list[str]:
    """Return the groups in the later half of the flow into which more flows than out of them."""
    hot = np.equal.outer(codes, np.arange(len(groups))).astype(float)
    flux = hot.T @ (steps @ hot)
    np.fill_diagonal(flux, 0.0)
    gain = (flux.sum(axis=0) - flux.sum(axis=1)) / np.maximum(flux.sum(axis=0) + flux.sum(axis=1), 1e-300)
    when = np.array([late[codes == number].mean() for number in range(len(groups))])
    ends = (gain > 0.05) & (when >= np.median(when))
    return [name for name, one in zip(groups, ends, strict=True) if one] or [groups[int(when.argmax())]]


@accepts_seed
def fate_change(
    field: VectorField,
    perturbation: Perturbation,
    *,
    reference: Fates | None = None,
    mode: str = "difference",
    clip: bool = True,
    n_null: int = 50,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Return how a perturbation changes the fates of each group of cells, with a p-value.

    Parameters
    ----------
    field
        A field fitted with ``groupby``.
    perturbation
        Genes and levels.
    reference
        From :func:`fates`, if the terminal groups are not to be found by the flow.
    mode, clip
        As :func:`predict`.
    n_null
        Random directions; the smallest p-value is ``1 / (n_null + 1)``.
    rng
        Seed of the directions.
    n_jobs
        Number of threads.

    Returns
    -------
    One row per group and fate: ``before``, ``after``, ``change``, ``null_sd``, ``p``, ``fdr`` (Benjamini-Hochberg over
    the table). Cells that are terminal themselves do not count.
    """
    known = fates(field, n_jobs=n_jobs) if reference is None else reference
    moved, _ = shifted(field, perturbation, field.states, clip=clip)
    step = moved - field.states
    change = _velocity_change(field, step, mode, perturbation, clip, n_jobs)
    observed = _group_change(field, known, change, n_jobs)
    root = root_seed(rng)
    null = []
    for number in track(range(n_null), n_null, "fate null"):
        random = np.random.default_rng(child_seed(root, "fate", number))
        turned = _random_direction(field, step, change, mode, random, n_jobs)
        null.append(_group_change(field, known, turned, n_jobs)[1])
    before, delta = observed
    spread = np.array(null).reshape(n_null, *delta.shape)
    p = (1 + (np.abs(spread) >= np.abs(delta) - 1e-12).sum(axis=0)) / (1 + n_null)
    _, groups = members(field)
    table = pd.DataFrame(
        {
            "group": pd.Categorical(np.repeat(groups, len(known.names)), categories=groups),
            "fate": np.tile(known.names, len(groups)),
            "before": before.ravel(),
            "after": (before + delta).ravel(),
            "change": delta.ravel(),
            "null_sd": spread.std(axis=0).ravel() if n_null else np.nan,
            "p": p.ravel() if n_null else np.nan,
        }
    ).dropna(subset=["before"])
    table["fdr"] = benjamini_hochberg(table["p"].to_numpy())
    return table.reset_index(drop=True)


def _velocity_change(
    field: VectorField, step: np.ndarray, mode: str, perturbation: Perturbation, clip: bool, n_jobs: int | None
) -> np.ndarray:
    """Return the change of velocity under a mode."""
    if mode == "knockout":
        return Knockout(field, perturbation.genes, signed=clip).pull(field.states)
    if mode == "first_order":
        return field.directional(step, n_jobs=n_jobs)
    if mode != "difference":
        msg = f"the mode is {mode!r}; accepted are difference, first_order, knockout."
        raise InputError(msg)
    return field(field.states + step, n_jobs=n_jobs) - field(n_jobs=n_jobs)


def _random_direction(
    field: VectorField,
    step: np.ndarray,
    change: np.ndarray,
    mode: str,
    random: np.random.Generator,
    n_jobs: int | None,
) -> np.ndarray:
    """Return the change of velocity if every cell is pushed as far in the direction of another, random gene."""
    loadings = field.space.loadings
    usable = np.flatnonzero(np.linalg.norm(loadings, axis=1) > 1e-6)
    q = loadings[random.choice(usable)]
    unit = q / np.linalg.norm(q) * random.choice([-1.0, 1.0])
    if mode == "knockout":
        return np.linalg.norm(change, axis=1)[:, None] * unit
    pushed = np.linalg.norm(step, axis=1)[:, None] * unit
    if mode == "first_order":
        return field.directional(pushed, n_jobs=n_jobs)
    return field(field.states + pushed, n_jobs=n_jobs) - field(n_jobs=n_jobs)


def _group_change(
    field: VectorField, known: Fates, change: np.ndarray, n_jobs: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean fate probabilities of each group's cells on the way, and how they change; NaN for empty groups."""
    from reguloom.manifold.absorption import absorption_probabilities

    velocity = field(n_jobs=n_jobs) + change
    steps = softmax(field.states, velocity, known.neighbors, scale=known.scale, n_jobs=n_jobs)
    after = absorption_probabilities(steps, known.terminal)
    codes, groups = members(field)
    way = known.terminal < 0
    before, delta = (np.full((len(groups), len(known.names)), np.nan) for _ in range(2))
    for number in range(len(groups)):
        own = way & (codes == number)
        if own.any():
            before[number] = known.probabilities[own].mean(axis=0)
            delta[number] = (after - known.probabilities)[own].mean(axis=0)
    return before, delta
