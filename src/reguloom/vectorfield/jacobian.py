"""The Jacobian in genes: who changes whose velocity, by group, without the cells × genes × genes tensor.

``J_gene(target i, regulator j) = q_i' J(x) q_j`` with loadings q. It is linear in J, so a group's mean is that of one
k x k matrix: exact for every pair of genes, at no cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.core import Network
from reguloom.vectorfield import _gaussian
from reguloom.vectorfield._blocks import over_blocks

if TYPE_CHECKING:
    from reguloom.vectorfield.field import VectorField

MAX_ROWS = 20_000_000
EVERYTHING = "all"


def jacobian(
    field: VectorField,
    regulators: Sequence[str],
    targets: Sequence[str] | None = None,
    *,
    spread: bool = False,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Return how each regulator changes the velocity of each target, by group of cells.

    Parameters
    ----------
    field
        A field on a basis with loadings.
    regulators, targets
        Names of genes; targets are the regulators if left out. The order is kept.
    spread
        Also compute the standard deviation over cells and the share of cells with the mean's sign, which needs every
        cell's value (in blocks).
    n_jobs
        Number of threads.

    Returns
    -------
    One row per group (``all`` without groups), regulator and target: ``mean`` of d(velocity of target)/d(regulator) in
    one over time, ``rank`` (1 is the strongest of the group by size), ``sign_stability`` (share of the bootstrap fits
    that agree on the sign; NaN without ``n_bootstrap``) and with `spread` ``sd`` and ``sign_share``.

    Raises
    ------
    MissingKeyError
        If a gene has no loading.
    InputError
        If there would be more than 20 million rows.
    """
    space = field.space
    targets = list(regulators if targets is None else targets)
    left, right = space.vectors(targets), space.vectors(list(regulators))
    means, names = group_means(field, n_jobs=n_jobs)
    if len(names) * len(left) * len(right) > MAX_ROWS:
        msg = f"{len(names)} groups x {len(left)} targets x {len(right)} regulators is too long a table; ask for fewer."
        raise InputError(msg)
    values = np.einsum("ei,gij,rj->gre", left, means, right, optimize=True)
    table = _long(values, names, list(regulators), targets)
    table["rank"] = table.groupby("group", observed=True)["mean"].transform(
        lambda one: one.abs().rank(ascending=False, method="first")
    )
    table["sign_stability"] = _stability(field, values, left, right, n_jobs).ravel()
    if spread:
        deviation, agreeing = _spread(field, values, left, right, names, n_jobs)
        table["sd"], table["sign_share"] = deviation.ravel(), agreeing.ravel()
    return table


def group_means(field: VectorField, *, n_jobs: int | None = None) -> tuple[np.ndarray, list[str]]:
    """Return the mean Jacobian of each group, ``(n_groups, k, k)``, and the names of the groups.

    Parameters
    ----------
    field
        The field.
    n_jobs
        Number of threads.
    """
    codes, names = members(field)
    k = field.n_components
    sums = np.zeros((len(names), k, k))
    arguments = (field.control_points, field.bandwidth, field.coefficients)

    def work(rows: slice) -> np.ndarray:
        found = _gaussian.jacobian(field.states[rows], *arguments).reshape(-1, k * k)
        hot = (codes[rows][None, :] == np.arange(len(names))[:, None]).astype(np.float64)
        return (hot @ found).reshape(len(names), k, k)

    for part in over_blocks(work, len(field.states), width=max(len(field.control_points), k * k), n_jobs=n_jobs):
        sums += part
    return sums / np.bincount(codes[codes >= 0], minlength=len(names))[:, None, None], names


def members(field: VectorField) -> tuple[np.ndarray, list[str]]:
    """Return the group number of each cell and the names; one group where the field has none."""
    if field.groups is None:
        return np.zeros(len(field.cells), dtype=np.int64), [EVERYTHING]
    return field.groups.codes.astype(np.int64), [str(name) for name in field.groups.categories]


def _long(values: np.ndarray, names: list[str], regulators: list[str], targets: list[str]) -> pd.DataFrame:
    """Return groups × regulators × targets as a long table."""
    n_groups, n_regulators, n_targets = values.shape
    return pd.DataFrame(
        {
            "group": pd.Categorical.from_codes(np.repeat(np.arange(n_groups), n_regulators * n_targets), names),
            "regulator": np.tile(np.repeat(np.asarray(regulators, dtype=object), n_targets), n_groups),
            "target": np.tile(np.asarray(targets, dtype=object), n_groups * n_regulators),
            "mean": values.ravel(),
        }
    )


def _stability(
    field: VectorField, values: np.ndarray, left: np.ndarray, right: np.ndarray, n_jobs: int | None
) -> np.ndarray:
    """Return the share of replicates that agree with the sign of each value."""
    if not len(field.replicates):
        return np.full(values.shape, np.nan)
    agreeing = np.zeros(values.shape)
    for coefficients in field.replicates:
        means, _ = group_means(field.with_coefficients(coefficients), n_jobs=n_jobs)
        again = np.einsum("ei,gij,rj->gre", left, means, right, optimize=True)
        agreeing += np.sign(again) == np.sign(values)
    return agreeing / len(field.replicates)


def _spread(
    field: VectorField, values: np.ndarray, left: np.ndarray, right: np.ndarray, names: list[str], n_jobs: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the standard deviation over cells and the share of cells with the mean's sign."""
    codes, _ = members(field)
    squares, agreeing = np.zeros(values.shape), np.zeros(values.shape)
    arguments = (field.control_points, field.bandwidth, field.coefficients)

    def work(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        every = _gaussian.jacobian(field.states[rows], *arguments)
        pairs = np.matmul(np.matmul(right, every.transpose(0, 2, 1)), left.T)
        own, group = pairs[codes[rows] >= 0], codes[rows][codes[rows] >= 0]
        square, same = np.zeros(values.shape), np.zeros(values.shape)
        np.add.at(square, group, (own - values[group]) ** 2)
        np.add.at(same, group, np.sign(own) == np.sign(values[group]))
        return square, same

    for square, same in over_blocks(work, len(field.states), width=left.shape[0] * right.shape[0], n_jobs=n_jobs):
        squares += square
        agreeing += same
    count = np.bincount(codes[codes >= 0], minlength=len(names))[:, None, None]
    return np.sqrt(squares / count), agreeing / count


def cell_jacobian(field: VectorField, pairs: Iterable[tuple[str, str]], *, n_jobs: int | None = None) -> pd.DataFrame:
    """Return d(velocity of target)/d(regulator) in every cell for a few pairs.

    Parameters
    ----------
    field
        A field on a basis with loadings.
    pairs
        ``(regulator, target)``.
    n_jobs
        Number of threads.

    Returns
    -------
    Cells × pairs, columns ``regulator -> target``.
    """
    made = {}
    for regulator, target in pairs:
        direction = np.broadcast_to(field.space.vectors(regulator), field.states.shape)
        made[f"{regulator} -> {target}"] = field.directional(direction, n_jobs=n_jobs) @ field.space.vectors(target)[0]
    return pd.DataFrame(made, index=field.cells)


def network(
    field: VectorField,
    regulators: Sequence[str],
    targets: Sequence[str] | None = None,
    *,
    top: int | None = 100,
    min_sign_stability: float = 0.0,
    n_jobs: int | None = None,
) -> Network:
    """Return the Jacobian's strongest pairs as a network, group by group.

    Parameters
    ----------
    field
        A field on a basis with loadings.
    regulators, targets
        Names of genes; targets are all genes of the basis if left out.
    top
        Edges of each group; None keeps all.
    min_sign_stability
        Least share of bootstrap fits that agree on the sign.
    n_jobs
        Number of threads.

    Returns
    -------
    Edges regulator to target with ``weight`` (size of the mean), ``sign``, ``group``, ``sign_stability``.
    """
    aimed = list(field.space.genes) if targets is None else targets
    table = jacobian(field, regulators, aimed, n_jobs=n_jobs)
    table = table[table["regulator"] != table["target"]]
    if min_sign_stability > 0:
        table = table[table["sign_stability"] >= min_sign_stability]
    table = table.sort_values(["group", "rank"], kind="stable")
    if top is not None:
        table = table.groupby("group", observed=True).head(top)
    edges = pd.DataFrame(
        {
            "source": table["regulator"],
            "target": table["target"],
            "weight": table["mean"].abs(),
            "sign": np.sign(table["mean"]).astype(int),
            "group": table["group"].astype(str),
            "sign_stability": table["sign_stability"],
        }
    )
    return Network.from_frame(edges.reset_index(drop=True))
