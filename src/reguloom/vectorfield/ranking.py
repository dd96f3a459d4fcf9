"""Which genes stand out, by group: in velocity, acceleration, curvature, divergence, or as regulators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.vectorfield.geometry import acceleration, curvature
from reguloom.vectorfield.jacobian import group_means, members

if TYPE_CHECKING:
    from reguloom.vectorfield.field import VectorField

BY = ("velocity", "acceleration", "curvature", "divergence")


def rank_genes(
    field: VectorField, *, by: str = "acceleration", absolute: bool = True, n_jobs: int | None = None
) -> pd.DataFrame:
    """Rank genes in each group by what the field does to them.

    Parameters
    ----------
    field
        A field on a basis with loadings.
    by
        ``"velocity"``, ``"acceleration"``, ``"curvature"`` (group means in genes) or ``"divergence"`` (the gene's own
        entry on the diagonal of the Jacobian: above 0 it feeds on itself).
    absolute
        Whether the largest by size come first, whatever their sign.
    n_jobs
        Number of threads.

    Returns
    -------
    ``group``, ``gene``, ``mean``, ``sd`` over cells (NaN for the divergence) and ``rank``, sorted by group and rank.
    """
    field.space.need_genes()
    if by not in BY:
        msg = f"genes are ranked by {by!r}; accepted are {', '.join(BY)}."
        raise InputError(msg)
    loadings = field.space.loadings
    if by == "divergence":
        means, names = group_means(field, n_jobs=n_jobs)
        mean = np.einsum("ei,gij,ej->ge", loadings, means, loadings, optimize=True)
        return _ranked(mean, np.full(mean.shape, np.nan), names, field.space.genes, absolute)
    if by == "velocity":
        vectors = field(n_jobs=n_jobs)
    else:
        vectors = (acceleration if by == "acceleration" else curvature)(field, n_jobs=n_jobs)
    codes, names = members(field)
    groups = [vectors[codes == code] for code in range(len(names))]
    mean = np.array([one.mean(axis=0) @ loadings.T for one in groups])
    # var(q'v) = q' cov(v) q
    spread = [np.einsum("ei,ij,ej->e", loadings, np.atleast_2d(np.cov(one.T, ddof=0)), loadings) for one in groups]
    return _ranked(mean, np.sqrt(np.maximum(np.array(spread), 0)), names, field.space.genes, absolute)


def rank_regulators(
    field: VectorField,
    regulators: Sequence[str],
    targets: Sequence[str] | None = None,
    *,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Rank regulators in each group by how strongly they change the velocities of all targets.

    Parameters
    ----------
    field
        A field on a basis with loadings.
    regulators
        Names of genes.
    targets
        Names of genes; all genes of the basis if left out.
    n_jobs
        Number of threads.

    Returns
    -------
    ``group``, ``gene``, ``mean`` (signed, over the targets), ``strength`` (root mean square over them) and ``rank`` by
    strength.
    """
    left = field.space.vectors(list(field.space.genes) if targets is None else list(targets))
    right = field.space.vectors(list(regulators))
    means, names = group_means(field, n_jobs=n_jobs)
    moved = np.einsum("gij,rj->gri", means, right, optimize=True)
    mean = moved @ left.mean(axis=0)
    strength = np.sqrt(np.maximum(np.einsum("gri,ij,grj->gr", moved, left.T @ left / len(left), moved), 0))
    table = pd.DataFrame(
        {
            "group": pd.Categorical.from_codes(np.repeat(np.arange(len(names)), len(right)), names),
            "gene": np.tile(np.asarray(list(regulators), dtype=object), len(names)),
            "mean": mean.ravel(),
            "strength": strength.ravel(),
        }
    )
    return _with_rank(table, table["strength"])


def loops(field: VectorField, genes: Sequence[str], *, kind: str = "switch", n_jobs: int | None = None) -> pd.DataFrame:
    """Rank pairs of genes that regulate each other.

    Parameters
    ----------
    field
        A field on a basis with loadings.
    genes
        Names of genes.
    kind
        ``"switch"`` (each represses the other) or ``"mutual"`` (each activates the other).
    n_jobs
        Number of threads.

    Returns
    -------
    ``group``, ``gene``, ``other``, ``strength`` (product of the two entries) and ``rank``.
    """
    if kind not in ("switch", "mutual"):
        msg = f"the kind of loop is {kind!r}; accepted are 'switch' and 'mutual'."
        raise InputError(msg)
    q = field.space.vectors(list(genes))
    means, names = group_means(field, n_jobs=n_jobs)
    entries = np.einsum("ei,gij,rj->ger", q, means, q, optimize=True) * (-1 if kind == "switch" else 1)
    first, second = np.triu_indices(len(q), 1)
    forth, back = entries[:, first, second], entries[:, second, first]
    both = (forth > 0) & (back > 0)
    group, pair = np.nonzero(both)
    labels = np.asarray(list(genes), dtype=object)
    table = pd.DataFrame(
        {
            "group": pd.Categorical.from_codes(group, names),
            "gene": labels[first[pair]],
            "other": labels[second[pair]],
            "strength": (forth * back)[both],
        }
    )
    return _with_rank(table, table["strength"])


def _ranked(mean: np.ndarray, spread: np.ndarray, names: list[str], genes: pd.Index, absolute: bool) -> pd.DataFrame:
    """Return groups × genes as a long table, ranked."""
    table = pd.DataFrame(
        {
            "group": pd.Categorical.from_codes(np.repeat(np.arange(len(names)), len(genes)), names),
            "gene": np.tile(genes.to_numpy(dtype=object), len(names)),
            "mean": mean.ravel(),
            "sd": spread.ravel(),
        }
    )
    return _with_rank(table, table["mean"].abs() if absolute else table["mean"])


def _with_rank(table: pd.DataFrame, by: pd.Series) -> pd.DataFrame:
    """Return the table with ranks within groups, sorted by them."""
    made = table.assign(rank=by.groupby(table["group"], observed=True).rank(ascending=False, method="first"))
    made["rank"] = made["rank"].astype(int)
    return made.sort_values(["group", "rank"], kind="stable").reset_index(drop=True)
