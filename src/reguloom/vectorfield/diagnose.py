"""Diagnostics before belief: what in the velocities and the field can be trusted, each with a null and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import MissingKeyError
from reguloom._random import SeedLike, accepts_seed, child_seed, root_seed
from reguloom.vectorfield import _checks
from reguloom.vectorfield._checks import Check

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.vectorfield.field import VectorField


@accepts_seed
def diagnose(
    field: VectorField,
    adata: AnnData | None = None,
    *,
    groupby: str | None = None,
    edges: Sequence[tuple[str, str]] = (),
    n_null: int = 20,
    n_neighbors: int = 30,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Check what can be believed.

    Parameters
    ----------
    field
        The field.
    adata
        The cells with their counts, for the checks of counts and genes; these are left out without it.
    groupby
        Column of ``obs`` within which genes are permuted.
    edges
        Transitions between groups that are known to happen, ``(from, to)``: velocities are checked to cross that way.
    n_null
        How often each null is drawn.
    n_neighbors
        Neighbours of a cell.
    rng
        Seed of the nulls.
    n_jobs
        Number of threads.

    Returns
    -------
    One row per check: ``check``, ``value``, ``null`` (mean under the null), ``null_sd``, ``z``, ``threshold``,
    ``passed``, ``verdict`` in words. :func:`checked` lets a field's predictions carry the failed ones.
    """
    from reguloom.manifold import nearest

    near, _ = nearest(field.states, min(n_neighbors, len(field.states) - 1), n_jobs=n_jobs)
    root = root_seed(rng)

    def draws(name: str) -> list[np.random.Generator]:
        return [np.random.default_rng(child_seed(root, name, number)) for number in range(n_null)]

    checks = [
        _checks.cell_number(field),
        _checks.collapse(field),
        _checks.confidence(field, near, draws("confidence")),
        _checks.reachability(field, near, draws("reachability")),
        _checks.held_out(field, draws("held out")),
        _checks.halves(field, draws("halves")),
        _checks.linearity(field),
    ]
    if edges:
        checks += [_checks.crossing(field, near, edge, draws(f"edge {edge[0]} {edge[1]}")) for edge in edges]
    if adata is not None:
        checks += _of_counts(adata, groupby, draws)
    return pd.DataFrame([one.row() for one in checks])


def _of_counts(adata: AnnData, groupby: str | None, draws: Callable[[str], list[np.random.Generator]]) -> list[Check]:
    """Return the checks that need counts, as far as the layers are there."""
    labels = np.zeros(adata.n_obs, dtype=np.int64)
    if groupby is not None:
        if groupby not in adata.obs:
            msg = f"adata.obs has no {groupby!r}; it has {sorted(adata.obs.columns)[:12]}."
            raise MissingKeyError(msg)
        labels = pd.Categorical(adata.obs[groupby]).codes.astype(np.int64)
    checks = []
    if {"spliced", "unspliced"} <= set(adata.layers):
        checks.append(_checks.unspliced_share(adata))
    if {"Ms", "Mu"} <= set(adata.layers):
        checks.append(_checks.gene_number(adata))
        checks.append(_checks.permuted_genes(adata, labels, draws("genes")))
    return checks


def checked(field: VectorField, table: pd.DataFrame) -> VectorField:
    """Return the field with the failed checks of :func:`diagnose`, which its predictions then carry.

    Parameters
    ----------
    field
        The field.
    table
        From :func:`diagnose`.
    """
    failed = table[~table["passed"].astype(bool)]
    return replace(field, failed_checks=dict(zip(failed["check"], failed["verdict"], strict=True)))
