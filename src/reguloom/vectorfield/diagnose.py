"""Diagnostics before belief: what in the velocities and the field can be trusted, each with a null and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import MissingKeyError
from reguloom._random import SeedLike, accepts_seed, child_seed, root_seed
from reguloom.vectorfield import _checks, _checks_counts, _checks_refit
from reguloom.vectorfield._check import Check, Draws
from reguloom.vectorfield._refits import Refits

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.vectorfield.field import VectorField


MAX_CELLS = 10_000
"""Checks look at no more cells than this; the verdict does not change with more."""


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

    root = root_seed(rng)
    seen = _some(field, np.random.default_rng(child_seed(root, "cells")))
    near, _ = nearest(seen.states, min(n_neighbors, len(seen.states) - 1), n_jobs=n_jobs)
    refits = Refits.of(seen, n_jobs)

    def draws(name: str) -> list[np.random.Generator]:
        return [np.random.default_rng(child_seed(root, name, number)) for number in range(n_null)]

    checks = [
        *quick(field),
        _checks.confidence(seen, near, draws("confidence")),
        _checks.reachability(seen, near, draws("reachability")),
        *_checks_refit.held_out(seen, refits, draws("held out")),
        *_checks_refit.halves(seen, refits, draws("halves")),
        _checks.linearity(seen),
    ]
    if field.space.has_genes:
        checks.append(_checks_refit.coexpression(seen))
    checks += [_checks.crossing(seen, near, edge, draws(f"edge {edge[0]} {edge[1]}")) for edge in edges]
    if adata is not None:
        checks += _of_counts(adata, seen, groupby, edges, root, draws)
    return pd.DataFrame([one.row() for one in checks])


def quick(field: VectorField) -> list[Check]:
    """Return the checks that cost nothing; a new field carries those that fail."""
    return [_checks.cell_number(field), _checks.collapse(field)]


def _some(field: VectorField, rng: np.random.Generator) -> VectorField:
    """Return the field with at most 10,000 of its cells."""
    if len(field.cells) <= MAX_CELLS:
        return field
    kept = np.sort(rng.permutation(len(field.cells))[:MAX_CELLS])
    return replace(
        field,
        states=field.states[kept],
        velocities=field.velocities[kept],
        inlier=field.inlier[kept],
        cells=field.cells[kept],
        groups=None if field.groups is None else field.groups[kept],
    )


def _of_counts(
    adata: AnnData,
    seen: VectorField,
    groupby: str | None,
    edges: Sequence[tuple[str, str]],
    root: int,
    draws: Callable[[str], Draws],
) -> list[Check]:
    """Return the checks that need counts, as far as the layers are there."""
    from reguloom.vectorfield.project import LAYERS

    labels = np.zeros(adata.n_obs, dtype=np.int64)
    if groupby is not None:
        if groupby not in adata.obs:
            msg = f"adata.obs has no {groupby!r}; it has {sorted(adata.obs.columns)[:12]}."
            raise MissingKeyError(msg)
        labels = pd.Categorical(adata.obs[groupby]).codes.astype(np.int64)
    checks: list[Check] = []
    if {"spliced", "unspliced"} <= set(adata.layers):
        checks.append(_checks_counts.unspliced_share(adata))
        checks += _checks_counts.thinned(adata, seen, root, draws("thinned"))
    if {"Ms", "Mu"} <= set(adata.layers):
        checks.append(_checks_counts.gene_number(adata))
        checks.append(_checks_counts.permuted_genes(adata, labels, draws("genes")))
    pair = next((one for one in LAYERS if set(one) <= set(adata.layers)), None)
    if pair is not None:
        checks += [
            _checks_counts.directions(adata, seen, one, pair, draws(f"genes {one[0]} {one[1]}")) for one in edges
        ]
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
