"""From cells with velocities to a field: input, choice of smoothness, held-out quality, replicates."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import ConvergenceWarning, InputError, MissingKeyError
from reguloom._logging import logger
from reguloom._random import SeedLike, accepts_seed, child_seed, root_seed
from reguloom.core import Provenance
from reguloom.vectorfield import control_points as points
from reguloom.vectorfield._solver import Features, solve_ridge
from reguloom.vectorfield.field import VectorField
from reguloom.vectorfield.space import StateSpace, coordinates
from reguloom.vectorfield.sparsevfc import SparseVFC, sparsevfc

if TYPE_CHECKING:
    from anndata import AnnData

RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
WIDTHS = (0.1, 0.25, 0.5, 1.0, 2.0)
NO_OUTLIERS = 1e300
"""Spread over such a volume, outliers are never the better explanation."""
TUNING_CELLS, TUNING_CONTROL, TUNING_FOLDS = 2500, 300, 4
HELD_OUT = 0.2


@accepts_seed
def fit(
    adata: AnnData,
    *,
    groupby: str | None = None,
    basis: str = "pca",
    velocity: str | None = None,
    n_components: int | None = None,
    genes: Sequence[str] = (),
    n_control: int | None = None,
    bandwidth: float | None = None,
    ridge: float | None = None,
    outliers: bool | None = None,
    n_bootstrap: int = 0,
    dtype: str = "float64",
    compat: str | None = None,
    device: str | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> VectorField:
    """Fit a continuous field to the velocities of cells.

    Parameters
    ----------
    adata
        With ``obsm['X_<basis>']`` and ``obsm['velocity_<basis>']``. Where the latter is missing and a layer holds
        velocities of genes, they are projected (:func:`reguloom.vectorfield.project`). Cells without a finite
        velocity are left out.
    groupby
        Column of ``obs`` whose groups can be named later (paths, tables, fates).
    basis
        Name of the basis; with the loadings of a PCA the field can be read in genes.
    velocity
        Slot of ``obsm`` with the velocities; ``velocity_<basis>`` if left out.
    n_components
        Use the first components only.
    genes
        Expressed genes outside the PCA to give loadings by least squares, so that they can be asked for.
    n_control
        Number of control points; if left out 5 % of the cells, at least 50 (or half of the cells) and at most 1,500.
    bandwidth, ridge
        beta and lambda; by default those, on a grid around the original's, that predict held-out cells best.
    outliers
        Whether some velocities are taken for outliers. By default whichever predicts held-out cells better: where fast
        cells are rare, a mixture calls them outliers and loses the flow.
    n_bootstrap
        Number of fits to resampled neighbourhoods, which tell how stable a sign is.
    dtype
        ``"float64"`` or ``"float32"`` for the products over the cells.
    compat
        ``"dynamo"``: the constants of Dynamo 1.5.3, 30 iterations and nothing tuned.
    device
        None for numpy, or a device of PyTorch such as ``"auto"`` or ``"cuda"``, as in :func:`sparsevfc`.
    rng
        Seed.
    n_jobs
        Number of threads; changes nothing but the time.

    Returns
    -------
    The field. Its ``report`` holds the inlier share, cosine and R² on held-out cells and what was chosen; its
    ``failed_checks`` whether there are too few cells or the fit has collapsed (:func:`diagnose` checks the rest).

    Raises
    ------
    MissingKeyError
        If a slot is missing.
    InputError
        If too few cells have a velocity.
    """
    states, velocities, space = _inputs(adata, basis, velocity, n_components, genes)
    known = np.isfinite(states).all(axis=1) & np.isfinite(velocities).all(axis=1)
    x, y = states[known], velocities[known]
    if len(x) < 10:
        msg = f"{len(x)} of {len(known)} cells have a state and a velocity; a field needs at least 10."
        raise InputError(msg)
    root = root_seed(rng)
    wanted = n_control or points.default_number(len(x))
    if n_control is None and compat is None:
        wanted = min(wanted, max(10, len(x) // 2))  # with a Gaussian on every cell nothing is left to be noise
    chosen = points.choose(x, y, wanted, rng=root)
    automatic = points.bandwidth(x[chosen])
    choice = Choice(bandwidth or automatic, 3.0 if ridge is None else ridge, outliers is not False)
    if compat is None and None in (bandwidth, ridge, outliers):
        choice = _tune(x, y, automatic, (bandwidth, ridge, outliers), root, n_jobs)
    made = sparsevfc(
        x,
        y,
        bandwidth=choice.bandwidth,
        ridge=choice.ridge,
        damping=choice.damping,
        volume=None if choice.outliers else NO_OUTLIERS,
        control_index=chosen,
        dtype=dtype,
        compat=compat,
        device=device,
        n_jobs=n_jobs,
    )
    report = _report(made, x, y, root) | {"bandwidth_rule": automatic, "outliers": float(choice.outliers)}
    logger.info(
        "field: %d control points, %.0f %% inliers, held-out cosine %.2f",
        len(chosen), 100 * report["inlier_share"], report["cosine_held_out"],
    )  # fmt: skip
    field = VectorField(
        made.control_points,
        made.coefficients,
        made.bandwidth,
        space,
        x,
        y,
        made.inlier,
        pd.Index(adata.obs_names.astype(str))[known],
        groups_of(adata, groupby, known),
        _replicates(made, x, y, n_bootstrap, root),
        report,
        {},
        _provenance(basis, velocity, made, n_bootstrap, compat, root),
    )
    from reguloom.vectorfield.diagnose import quick

    return replace(field, failed_checks={one.name: one.verdict for one in quick(field) if not one.passed})


def _inputs(
    adata: AnnData, basis: str, velocity: str | None, n_components: int | None, genes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, StateSpace]:
    """Return states, velocities and their space."""
    name = basis.removeprefix("X_")
    states = coordinates(adata, basis)
    slot = velocity or f"velocity_{name}"
    if slot in adata.obsm:
        velocities = coordinates(adata, slot, prefix="")
    elif velocity is None:
        from reguloom.vectorfield.project import projected

        velocities = projected(adata, name)
    else:
        msg = f"adata.obsm has no {slot!r}; it has {sorted(adata.obsm)}."
        raise MissingKeyError(msg)
    if velocities.shape != states.shape:
        msg = f"the velocities {slot!r} have shape {velocities.shape} and the states {states.shape}; they must agree."
        raise InputError(msg)
    space = StateSpace.of(adata, basis, genes=genes)
    k = n_components or states.shape[1]
    space = replace(space, loadings=space.loadings[:, :k])
    return np.ascontiguousarray(states[:, :k]), np.ascontiguousarray(velocities[:, :k]), space


def groups_of(adata: AnnData, groupby: str | None, known: np.ndarray) -> pd.Categorical | None:
    """Return the groups of the cells that are used."""
    if groupby is None:
        return None
    if groupby not in adata.obs:
        msg = f"adata.obs has no {groupby!r}; it has {sorted(adata.obs.columns)[:12]}."
        raise MissingKeyError(msg)
    factor = pd.Categorical(adata.obs[groupby][known]).remove_unused_categories()
    return factor.rename_categories([str(name) for name in factor.categories])


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the cosine of the angle between rows, 0 where one of them is 0."""
    size = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.divide((left * right).sum(axis=1), size, out=np.zeros(len(left)), where=size > 0)


def agreement(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the mean of the cosine and of ``1 - |a - b| / (|a| + |b|)`` between rows: 1 if they are equal.

    A cosine does not see that a field has shrunk to nothing, and squares see nothing but outliers. The second term is
    bounded, 0 where one of the two is 0, and at a given angle largest where the lengths are equal.
    """
    size = np.linalg.norm(left, axis=1) + np.linalg.norm(right, axis=1)
    apart = np.linalg.norm(left - right, axis=1)
    close = 1 - np.divide(apart, size, out=np.ones(len(left)), where=size > 0)
    return np.asarray((cosines(left, right) + close) / 2)


@dataclass(frozen=True)
class Choice:
    """How smooth a field is to be, and whether some velocities are outliers."""

    bandwidth: float
    ridge: float
    outliers: bool
    damping: float | None = None


def _tune(
    x: np.ndarray,
    y: np.ndarray,
    automatic: float,
    given: tuple[float | None, float | None, bool | None],
    root: int,
    n_jobs: int | None,
) -> Choice:
    """Return the choice whose field predicts held-out cells best, on at most 2,500 cells."""
    from reguloom.manifold.blocks import block_labels

    rng = np.random.default_rng(child_seed(root, "tune"))
    some = np.sort(rng.permutation(len(x))[:TUNING_CELLS])
    x, y = x[some], y[some]
    chosen = points.choose(x, y, min(TUNING_CONTROL, max(20, len(x) // 4)), rng=root)
    # Neighbours share their noise through smoothing, so whole neighbourhoods are held out.
    fold = block_labels(x, min(40, max(TUNING_FOLDS, len(x) // 10))) % TUNING_FOLDS
    widths = [automatic * factor for factor in WIDTHS] if given[0] is None else [given[0]]
    ridges = RIDGES if given[1] is None else (given[1],)
    scores: dict[Choice, float] = {}
    for mixture in (True, False) if given[2] is None else (given[2],):
        volume = None if mixture else NO_OUTLIERS
        with warnings.catch_warnings():
            # This fit only says which cells are outliers; the field that is returned warns for itself.
            warnings.simplefilter("ignore", ConvergenceWarning)
            first = sparsevfc(x, y, control_index=chosen, bandwidth=automatic, volume=volume, n_jobs=n_jobs)
        for width in widths:
            found = _score(first, x, y, width, ridges, fold, n_jobs)
            # The noise of the first fit goes with the ridge, or another noise would mean another smoothness.
            noise = first.sigma2 / first.scale**2 if given[1] is None else None
            for strength, one in zip(ridges, found, strict=True):
                scores[Choice(width, strength, mixture, None if noise is None else strength * noise)] = one
    best = max(scores, key=lambda one: scores[one])
    logger.debug("held-out cosine %.3f with %s", scores[best], best)
    return best


def _score(
    first: SparseVFC,
    x: np.ndarray,
    y: np.ndarray,
    width: float,
    ridges: Sequence[float],
    fold: np.ndarray,
    n_jobs: int | None,
) -> list[float]:
    """Return the mean held-out agreement for each ridge."""
    features = Features.of(x, x[first.control_index], width, dtype="float64", n_jobs=n_jobs)
    weights = np.maximum(first.inlier, 1e-5)
    noise = first.sigma2 / first.scale**2
    parts = [features.normal_equations(weights * (fold == one), y / first.scale) for one in range(TUNING_FOLDS)]
    gram, moment = sum(part[0] for part in parts), sum(part[1] for part in parts)
    total = np.zeros(len(ridges))
    for one, (own, side) in enumerate(parts):
        for at, strength in enumerate(ridges):
            aimed = features.predict(solve_ridge(gram - own, moment - side, strength * noise))
            total[at] += float(agreement(aimed * first.scale, y)[fold == one].sum())
    return [float(one) for one in total / len(x)]


def _report(made: SparseVFC, x: np.ndarray, y: np.ndarray, root: int) -> dict[str, float]:
    """Return how good the fit is, on its own cells and on cells held out of one more solution."""
    rng = np.random.default_rng(child_seed(root, "held out"))
    out = rng.random(len(x)) < HELD_OUT
    features = made._features
    report = {
        "n_cells": float(len(x)),
        "n_control": float(len(made.control_points)),
        "bandwidth": made.bandwidth,
        "ridge": made.ridge,
        "sigma2": made.sigma2,
        "n_iter": float(made.n_iter),
        "converged": float(made.converged),
        "inlier_share": float((made.inlier > made.theta).mean()),
        "length_ratio": float(np.linalg.norm(made.fitted) / np.linalg.norm(y)),
        "cosine": float(cosines(made.fitted, y).mean()),
        "r2": _r2(made.fitted, y),
        "cosine_held_out": float("nan"),
        "r2_held_out": float("nan"),
    }
    if features is None or not 0 < out.sum() < len(out):
        return report
    weights = np.maximum(made.inlier, 1e-5) * ~out
    damping = made.ridge * made.sigma2 / made.scale**2
    solution = solve_ridge(*features.normal_equations(weights, y / made.scale), damping)
    aimed = features.predict(solution)[out] * made.scale
    return report | {"cosine_held_out": float(cosines(aimed, y[out]).mean()), "r2_held_out": _r2(aimed, y[out])}


def _r2(fitted: np.ndarray, y: np.ndarray) -> float:
    """Return the share of the variance of the velocities that is explained."""
    return float(1 - ((y - fitted) ** 2).sum() / ((y - y.mean(axis=0)) ** 2).sum())


def _replicates(made: SparseVFC, x: np.ndarray, y: np.ndarray, n_bootstrap: int, root: int) -> np.ndarray:
    """Return coefficients of fits to resampled neighbourhoods: neighbours share noise, so they stay together."""
    from reguloom.manifold.blocks import block_labels

    features = made._features
    if not n_bootstrap or features is None:
        return np.empty((0, 0, 0))
    labels = block_labels(x, min(100, max(5, len(x) // 20)))
    n_blocks = int(labels.max()) + 1
    damping = made.ridge * made.sigma2 / made.scale**2
    found = []
    for number in range(n_bootstrap):
        rng = np.random.default_rng(child_seed(root, "bootstrap", number))
        drawn = np.bincount(rng.integers(n_blocks, size=n_blocks), minlength=n_blocks)
        weights = np.maximum(made.inlier, 1e-5) * drawn[labels]
        solution = solve_ridge(*features.normal_equations(weights, y / made.scale), damping)
        found.append(features.coefficients(solution) * made.scale)
    return np.array(found)


def _provenance(
    basis: str, velocity: str | None, made: SparseVFC, n_bootstrap: int, compat: str | None, root: int
) -> Provenance:
    """Return what is needed to fit it again."""
    params = {
        "basis": basis,
        "velocity": velocity or f"velocity_{basis.removeprefix('X_')}",
        "n_control": len(made.control_points),
        "bandwidth": made.bandwidth,
        "ridge": made.ridge,
        "n_bootstrap": n_bootstrap,
        "compat": compat,
    }
    dois = ("10.1016/j.patcog.2013.05.017", "10.1016/j.cell.2021.12.045")
    return Provenance("SparseVFC", params, root, citations=dois)
