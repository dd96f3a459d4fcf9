"""Checks of velocities and field, as :func:`reguloom.vectorfield.diagnose` runs them; no counts are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reguloom._errors import InputError
from reguloom.vectorfield._check import Check, Draws
from reguloom.vectorfield.fit import cosines

if TYPE_CHECKING:
    from reguloom.vectorfield.field import VectorField

CELLS, CELLS_PER_COMPONENT = 200, 20


def cell_number(made: VectorField) -> Check:
    """Enough cells for the number of components."""
    n, k = len(made.cells), made.n_components
    return Check(
        "enough cells",
        n,
        max(CELLS, CELLS_PER_COMPONENT * k),
        f"{n} cells for {k} components",
        f"{n} cells are too few for a field of {k} components: its Jacobian, fixed points and paths are guesses",
    )


def collapse(made: VectorField) -> Check:
    """The field is of the size of the velocities, and most cells belong to it."""
    f = made()
    ratio = float(np.linalg.norm(f) / max(float(np.linalg.norm(made.velocities)), 1e-300))
    share = float((made.inlier > 0.5).mean())
    return Check(
        "field and velocities agree in size",
        min(ratio, share),
        0.1,
        f"{share:.0%} inliers, length {ratio:.2f} of the velocities'",
        f"the fit has collapsed or sees mostly noise: {share:.0%} inliers, length {ratio:.2g} of the velocities'",
    )


def confidence(made: VectorField, near: np.ndarray, draws: Draws) -> Check:
    """Neighbours move alike, more than the same velocities dealt out to other cells."""

    def mean(v: np.ndarray) -> float:
        unit = v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-300)
        return float(np.einsum("nkd,nd->nk", unit[near], unit).mean())

    v = made.velocities
    return Check(
        "neighbours move alike",
        mean(v),
        0.1,
        "velocities agree between neighbours (smoothing alone raises this, so it proves little)",
        "velocities of neighbours hardly agree: there is no common flow to fit",
        np.array([mean(v[rng.permutation(len(v))]) for rng in draws]),
    )


def reachability(made: VectorField, near: np.ndarray, draws: Draws) -> Check:
    """Velocities point to where other cells are, not into the void."""
    from reguloom.vectorfield.transition import softmax

    def mean(v: np.ndarray) -> float:
        steps = softmax(made.states, v, near)
        return float(cosines(v, np.asarray(steps @ made.states) - made.states).mean())

    v = made.velocities
    turned = [mean(np.linalg.norm(v, axis=1)[:, None] * _unit(rng.normal(size=v.shape))) for rng in draws]
    return Check(
        "velocities lead to cells",
        mean(v),
        0.0,
        "velocities point along the cells",
        "velocities point off the cells no less than random directions do",
        np.array(turned),
    )


def linearity(made: VectorField) -> Check:
    """The first order holds over the distance to a neighbour."""
    some = np.linspace(0, len(made.states) - 1, min(300, len(made.states))).astype(int)
    x = made.states[some]
    from scipy.spatial import cKDTree

    step = made.states[cKDTree(made.states).query(x, k=2)[1][:, 1]] - x
    value = float(np.median(cosines(made(x + step) - made(x), made.directional(step, x))))
    return Check(
        "linear from cell to cell",
        value,
        0.8,
        f"first order and difference agree between neighbours (cosine {value:.2f})",
        f"the field bends within the distance of neighbours (cosine {value:.2f}): do not read Jacobians",
    )


def crossing(made: VectorField, near: np.ndarray, edge: tuple[str, str], draws: Draws) -> Check:
    """Cells at a border move across it in the known direction."""
    source, sink = ends(made, edge)
    rows = np.flatnonzero(source & sink[near].any(axis=1))
    others = [near[i][sink[near[i]]] for i in rows]

    def mean(v: np.ndarray) -> float:
        found = [
            cosines(made.states[far] - made.states[i], np.tile(v[i], (len(far), 1)))
            for i, far in zip(rows, others, strict=True)
        ]
        return float(np.mean([one.mean() for one in found])) if len(rows) else float("nan")

    v = made.velocities
    value = mean(v)
    return Check(
        f"cells cross from {edge[0]} to {edge[1]}",
        value,
        0.0,
        f"cells at the border move across (cosine {value:.2f})",
        f"cells at the border do not move across (cosine {value:.2f}, {len(rows)} cells): velocity may be reversed",
        np.array([mean(v[rng.permutation(len(v))]) for rng in draws]) if len(rows) else np.empty(0),
    )


def ends(made: VectorField, edge: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return which cells are of the first and of the second group of an edge.

    Raises
    ------
    InputError
        If there are no such groups.
    """
    known = [] if made.groups is None else list(made.groups.categories)
    if made.groups is None or not set(edge) <= set(known):
        msg = f"the edge {edge} names groups that are not there; there are {known or 'none (fit with groupby=)'}."
        raise InputError(msg)
    return np.asarray(made.groups == edge[0]), np.asarray(made.groups == edge[1])


def _unit(v: np.ndarray) -> np.ndarray:
    """Return rows of length 1."""
    return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True))
