"""Every regulator at once: what its perturbation would do to the flow of each group, as matrix products.

To first order a gene changes velocity by ``d J q`` (d its change of level). Its size needs ``q' (J'J) q`` and its
agreement with the flow ``(J'f) . q``: two products over all cells and all genes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.vectorfield import _gaussian
from reguloom.vectorfield._blocks import over_blocks
from reguloom.vectorfield.jacobian import members

if TYPE_CHECKING:
    from reguloom.vectorfield.field import VectorField

KINDS = ("knockout", "max")
VALIDITY_CELLS = 200


def screen(
    field: VectorField,
    genes: Sequence[str] | None = None,
    *,
    kind: str = "knockout",
    validity: bool = True,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Rank genes by what perturbing each would do to the flow of each group, to first order.

    Parameters
    ----------
    field
        A field on a basis with loadings.
    genes
        Names, such as the transcription factors; all genes of the basis if left out.
    kind
        ``"knockout"`` (to 0) or ``"max"`` (to the highest level seen).
    validity
        Also compare with the exact difference in 200 cells, gene by gene.
    n_jobs
        Number of threads.

    Returns
    -------
    One row per group and gene: ``effect`` (mean length of the change over the mean speed), ``alignment`` (mean cosine
    of change and flow: below 0 it works against the flow), ``along`` (mean change of speed along the flow, over the
    mean speed), ``linear_validity`` and ``rank`` by effect.
    """
    if kind not in KINDS:
        msg = f"the screen perturbs by {kind!r}; accepted are {', '.join(KINDS)}."
        raise InputError(msg)
    names = list(field.space.genes) if genes is None else list(genes)
    rows = field.space.positions(names)
    q = field.space.loadings[rows]
    codes, groups = members(field)
    sums, speed = _sums(field, q, rows, kind, codes, len(groups), n_jobs)
    count = np.bincount(codes[codes >= 0], minlength=len(groups))[:, None]
    typical = np.maximum(speed[:, None] / count, 1e-300)
    table = pd.DataFrame(
        {
            "group": pd.Categorical.from_codes(np.repeat(np.arange(len(groups)), len(names)), groups),
            "gene": np.tile(np.asarray(names, dtype=object), len(groups)),
            "effect": (sums[0] / count / typical).ravel(),
            "alignment": (sums[1] / count).ravel(),
            "along": (sums[2] / count / typical).ravel(),
        }
    )
    if validity:
        table["linear_validity"] = np.tile(_validity(field, q, rows, kind, n_jobs), len(groups))
    ranks = table["effect"].groupby(table["group"], observed=True).rank(ascending=False, method="first")
    return table.assign(rank=ranks.astype(int)).sort_values(["group", "rank"], kind="stable").reset_index(drop=True)


def _levels(field: VectorField, states: np.ndarray, rows: np.ndarray, kind: str) -> np.ndarray:
    """Return how much each gene's level changes in each cell, ``(n_cells, n_genes)``."""
    top = np.nan_to_num(field.space.maximum[rows], nan=np.inf)
    level = states @ field.space.loadings[rows].T
    level += field.space.mean[rows]
    np.clip(level, 0.0, top, out=level)
    if kind == "knockout":
        return np.negative(level, out=level)
    finite = np.where(np.isfinite(top), top, level.max(axis=0))
    return np.subtract(finite, level, out=level)


def _sums(
    field: VectorField,
    q: np.ndarray,
    rows: np.ndarray,
    kind: str,
    codes: np.ndarray,
    n_groups: int,
    n_jobs: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return sums over the cells of each group, ``(3, n_groups, n_genes)``, and of the speed."""
    k = field.n_components
    upper = np.triu_indices(k)
    twice = np.where(upper[0] == upper[1], 1.0, 2.0)
    pairs = (q[:, upper[0]] * q[:, upper[1]] * twice).T
    arguments = (field.control_points, field.bandwidth, field.coefficients)

    def work(part: slice) -> tuple[np.ndarray, np.ndarray]:
        x = field.states[part]
        f, jacobian = _gaussian.values(x, *arguments), _gaussian.jacobian(x, *arguments)
        squares = np.matmul(jacobian.transpose(0, 2, 1), jacobian)[:, upper[0], upper[1]]
        size = squares @ pairs
        np.maximum(size, 0.0, out=size)
        np.sqrt(size, out=size)
        speed = np.linalg.norm(f, axis=1)
        unit = f / np.maximum(speed, 1e-300)[:, None]
        along = np.einsum("nij,ni->nj", jacobian, unit) @ q.T
        level = _levels(field, x, rows, kind)
        turn = np.divide(along, size, out=np.zeros_like(along), where=size > 0)
        turn *= np.sign(level)
        hot = (codes[part][None, :] == np.arange(n_groups)[:, None]).astype(np.float64)
        along *= level
        size *= np.abs(level)
        return np.stack([hot @ size, hot @ turn, hot @ along]), hot @ speed

    total, speeds = np.zeros((3, n_groups, len(q))), np.zeros(n_groups)
    width = max(len(field.control_points), k * k, len(q))
    for part, speed in over_blocks(work, len(field.states), width=width, n_jobs=n_jobs):
        total += part
        speeds += speed
    return total, speeds


def _validity(field: VectorField, q: np.ndarray, rows: np.ndarray, kind: str, n_jobs: int | None) -> np.ndarray:
    """Return for each gene the median cosine between first order and exact difference, in some cells."""
    some = np.linspace(0, len(field.states) - 1, min(VALIDITY_CELLS, len(field.states))).astype(int)
    x = field.states[some]
    level, before = _levels(field, x, rows, kind), field(x)
    jacobian = field.jacobian(x)

    def one(gene: int) -> float:
        step = level[:, gene, None] * q[gene]
        moved = np.linalg.norm(step, axis=1) > 0
        exact = _gaussian.values(x + step, field.control_points, field.bandwidth, field.coefficients) - before
        linear = np.einsum("nij,nj->ni", jacobian, step)
        size = np.linalg.norm(exact, axis=1) * np.linalg.norm(linear, axis=1)
        cosine = np.divide((exact * linear).sum(axis=1), size, out=np.ones(len(x)), where=size > 0)
        return float(np.median(cosine[moved])) if moved.any() else float("nan")

    from reguloom._threads import map_ordered
    from reguloom.manifold._blas import one_blas_thread

    with one_blas_thread():
        return np.array(list(map_ordered(one, range(len(rows)), n_jobs)))
