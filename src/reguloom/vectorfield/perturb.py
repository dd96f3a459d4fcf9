"""What a perturbation does to the flow.

A perturbation of gene g by d units moves a cell's state by ``d q_g``, q_g being the gene's loadings. Three questions:

- ``"difference"`` (default): ``f(x + d q_g) - f(x)``, how velocity changes at the place where the cell then is. The
  field dies out away from the cells, so the answer is bounded.
- ``"first_order"``: ``d J(x) q_g``, its linearisation (Dynamo's ``j_delta_x``), which grows without bound with d.
- ``"knockout"``: the gene's transcript decays on top of the flow, ``-k |x_g|`` for perturbed genes, as a change of the
  dynamics that can be integrated (Dynamo's ``KO``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError, warn
from reguloom.core import Perturbation, Prediction, Provenance
from reguloom.vectorfield.lowrank import LowRank

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.vectorfield.field import VectorField

MODES = ("difference", "first_order", "knockout")
OUTSIDE = 3.0
"""Times the cells' own spacing beyond which a state counts as outside the data."""
LINEAR = 0.8
"""Cosine between first-order and exact change below which a cell's answer is not linear."""


@dataclass(frozen=True, eq=False)
class FieldPrediction(Prediction):
    """A predicted change of velocity, in genes and in the field's own components.

    Parameters
    ----------
    delta, control, rows, genes, perturbations, regime, checks, provenance, obs, layers
        As in :class:`reguloom.core.Prediction`; `delta` is the change of velocity of each gene (expression per unit of
        time), kept as a product of two thin matrices; `control` is the expression that the states stand for.
    delta_state
        Change of velocity in components, ``(n_rows, k)``.
    moved
        States after the perturbation, ``(n_cells, k)``; empty if rows are perturbations.
    cells
        Per cell: ``angle`` between velocity before and after (degrees), ``speed_ratio``, ``linear_validity`` (cosine of
        first-order and exact change) and ``support`` (distance to the nearest cell over the cells' own).
    """

    delta_state: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    moved: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)


def predict(
    field: VectorField,
    perturbations: Perturbation | Sequence[Perturbation],
    adata: AnnData | None = None,
    *,
    mode: str = "difference",
    clip: bool = True,
    n_jobs: int | None = None,
) -> FieldPrediction:
    """Return what perturbations do to the flow.

    Parameters
    ----------
    field
        A field on a basis with loadings.
    perturbations
        One: rows of the prediction are cells. Several: rows are perturbations, means over their cells.
    adata
        Other cells in the same basis; those of the fit if left out. Needed for perturbations with a mask.
    mode
        ``"difference"``, ``"first_order"`` or ``"knockout"``.
    clip
        Whether the level that a cell's state has of a gene is taken to lie between 0 and the largest observed, so that
        a cell without the transcript does not answer to its knock-out; the original does not do so.
    n_jobs
        Number of threads.

    Returns
    -------
    The change of velocity, with what speaks against believing it in ``checks``.

    Raises
    ------
    MissingKeyError
        If a gene has no loading.
    InputError
        If the mode is none of these.
    """
    if mode not in MODES:
        msg = f"the mode is {mode!r}; accepted are {', '.join(MODES)}."
        raise InputError(msg)
    single = isinstance(perturbations, Perturbation)
    asked: list[Perturbation] = [perturbations] if isinstance(perturbations, Perturbation) else list(perturbations)
    if not asked:
        msg = "the list of perturbations is empty; give at least one."
        raise InputError(msg)
    states, names = _states(field, adata)
    made = [_one(field, one, states, names, adata, mode, clip, n_jobs) for one in asked]
    if single:
        return made[0]
    means = np.array([_mean(one, adata, one.perturbations[0]) for one in made])
    level = field.space.reconstruct(states).mean(axis=0)
    table = pd.DataFrame({one.perturbations[0].label: one.cells.mean() for one in made}).T
    checks = {f"{one.perturbations[0].label}: {name}": text for one in made for name, text in one.checks.items()}
    return replace(
        made[0],
        delta=LowRank(means, field.space.loadings),
        control=level,
        rows=pd.Index([one.label for one in asked]),
        perturbations=asked,
        checks=checks,
        delta_state=means,
        moved=np.empty((0, field.n_components)),
        cells=table,
        obs=table,
    )


def _mean(made: FieldPrediction, adata: AnnData | None, perturbation: Perturbation) -> np.ndarray:
    """Return the mean change over the cells that are perturbed."""
    if perturbation.mask is None or adata is None:
        return np.asarray(made.delta_state.mean(axis=0))
    cells = np.asarray(adata.obs[perturbation.mask], dtype=bool)
    return np.asarray(made.delta_state[cells].mean(axis=0))


def _one(
    field: VectorField,
    perturbation: Perturbation,
    states: np.ndarray,
    names: pd.Index,
    adata: AnnData | None,
    mode: str,
    clip: bool,
    n_jobs: int | None,
) -> FieldPrediction:
    """Return the answer to one perturbation."""
    moved, checks = shifted(field, perturbation, states, adata, clip=clip)
    before = field(states, n_jobs=n_jobs)
    exact = field(moved, n_jobs=n_jobs) - before
    linear = field.directional(moved - states, states, n_jobs=n_jobs)
    change = {"difference": exact, "first_order": linear}.get(mode)
    if change is None:
        change = Knockout(field, perturbation.genes, signed=clip).pull(states)
    validity = _cosine(linear, exact)
    support = field.support(moved)
    cells = pd.DataFrame(
        {
            "angle": np.degrees(np.arccos(np.clip(_cosine(before, before + change), -1, 1))),
            "speed_ratio": np.linalg.norm(before + change, axis=1) / np.maximum(np.linalg.norm(before, axis=1), 1e-300),
            "linear_validity": validity,
            "support": support,
        },
        index=names,
    )
    checks |= _doubts(mode, moved - states, validity, support)
    return FieldPrediction(
        delta=LowRank(change, field.space.loadings),
        control=LowRank(states, field.space.loadings, field.space.mean),
        rows=names,
        genes=field.space.genes,
        perturbations=[perturbation],
        regime="vector-field",
        checks={**field.failed_checks, **checks},
        provenance=Provenance("vectorfield.predict", {"mode": mode, "clip": clip, **perturbation.to_dict()}),
        delta_state=change,
        moved=moved,
        cells=cells,
        obs=cells,
    )


def shifted(
    field: VectorField,
    perturbation: Perturbation,
    states: np.ndarray,
    adata: AnnData | None = None,
    *,
    clip: bool = True,
) -> tuple[np.ndarray, dict[str, str]]:
    """Return the states with the genes set to their new levels, ``(n_cells, k)``, and what failed on the way.

    Parameters
    ----------
    field
        A field on a basis with loadings.
    perturbation
        Genes and levels. Each gene goes with its own level, in whatever order they are named.
    states
        ``(n_cells, k)``.
    adata
        Where a mask is looked up.
    clip
        Keep levels between 0 and the largest observed.
    """
    space, checks = field.space, {}
    moved = states.copy()
    outside = []
    for gene, target in perturbation.targets.items():
        row = space.positions(gene)[0]
        level = states @ space.loadings[row] + space.mean[row]
        top = space.maximum[row] if np.isfinite(space.maximum[row]) else level.max()
        now = np.clip(level, 0.0, max(top, 0.0)) if clip else level
        new = np.full_like(now, top) if target.mode == "max" else target.level(now)
        slack = 0.05 * max(top, 1e-12)
        if new.size and (new.min() < -slack or new.max() > top + slack):
            outside.append(f"{gene} to {new.min() if new.min() < -slack else new.max():.3g} (observed 0 to {top:.3g})")
        moved += (new - now)[:, None] * space.loadings[row]
    if outside:
        checks["beyond the observed range"] = f"a gene is set where no cell was seen: {', '.join(outside)}"
        warn(f"{checks['beyond the observed range']}; the field says nothing there, so give a level within it.")
    if perturbation.mask is not None:
        moved = np.where(_mask(adata, perturbation.mask)[:, None], moved, states)
    return moved, checks


def _doubts(mode: str, step: np.ndarray, validity: np.ndarray, support: np.ndarray) -> dict[str, str]:
    """Return what speaks against the answer, in words."""
    moved = np.linalg.norm(step, axis=1) > 0
    checks = {}
    if not moved.any():
        checks["no cell is moved"] = "every cell is at the new level already, or the gene has no weight in the basis"
        return checks
    far = float((support[moved] > OUTSIDE).mean())
    if far > 0.1:
        checks["outside the cells"] = f"{far:.0%} of the perturbed states lie farther from any cell than cells do"
    curved = float((validity[moved] < LINEAR).mean())
    if mode == "first_order" and curved > 0.25:
        checks["not linear"] = f"for {curved:.0%} of the cells the first order points away from the exact difference"
    return checks


def _mask(adata: AnnData | None, mask: str) -> np.ndarray:
    """Return which cells are perturbed."""
    if adata is None or mask not in adata.obs:
        msg = f"the perturbation is of the cells in obs[{mask!r}]; give an adata with that column."
        raise MissingKeyError(msg)
    return np.asarray(adata.obs[mask], dtype=bool)


def _states(field: VectorField, adata: AnnData | None) -> tuple[np.ndarray, pd.Index]:
    """Return the states to perturb and their names."""
    field.space.need_genes()
    if adata is None:
        return field.states, field.cells
    from reguloom.vectorfield.space import coordinates

    states = coordinates(adata, field.space.basis)[:, : field.n_components]
    if not np.isfinite(states).all():
        msg = f"obsm['X_{field.space.basis}'] holds NaN; leave those cells out."
        raise InputError(msg)
    return np.ascontiguousarray(states), pd.Index(adata.obs_names.astype(str))


def _cosine(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the cosine between rows; 1 where one of them is 0, for then nothing has turned."""
    size = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.divide((left * right).sum(axis=1), size, out=np.ones(len(left)), where=size > 0)


@dataclass(frozen=True, eq=False)
class Knockout:
    """A field in which transcripts of some genes decay on top of the flow: ``f(x) - rate |x_g| q_g``.

    It can be called, differentiated and integrated like the field itself.

    Parameters
    ----------
    field
        The unperturbed field.
    genes
        Genes that are knocked out.
    rate
        First-order decay, in one over the unit of time.
    signed
        Whether the decay stops at 0; the original takes the absolute value of what the state says of the gene, which
        pushes genes that the reconstruction puts below 0 further down.
    """

    field: VectorField
    genes: Sequence[str]
    rate: float = 1.0
    signed: bool = True

    def pull(self, states: np.ndarray) -> np.ndarray:
        """Return what the knock-out adds to the velocity at `states`, ``(n, k)``."""
        rows = self.field.space.positions(list(self.genes))
        level = self.field.space.reconstruct(states)[:, rows]
        level = np.maximum(level, 0.0) if self.signed else np.abs(level)
        return -self.rate * level @ self.field.space.loadings[rows]

    def __call__(self, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
        """Return the velocity at states, ``(n, k)``."""
        x = self.field.states if states is None else np.atleast_2d(states)
        return self.field(x, n_jobs=n_jobs) + self.pull(x)

    def jacobian(self, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
        """Return ``J - Q' diag(rate sign) Q``, ``(n, k, k)``.

        Parameters
        ----------
        states
            ``(n, k)``; the cells' own if left out.
        n_jobs
            Number of threads.
        """
        x = self.field.states if states is None else np.atleast_2d(states)
        rows = self.field.space.positions(list(self.genes))
        level = self.field.space.reconstruct(x)[:, rows]
        slope = (level > 0).astype(float) if self.signed else np.sign(level)
        q = self.field.space.loadings[rows]
        return self.field.jacobian(x, n_jobs=n_jobs) - self.rate * np.einsum("gi,ng,gj->nij", q, slope, q)


def available(field: VectorField) -> pd.DataFrame:
    """Return which genes can be perturbed, and for each that cannot, why.

    Parameters
    ----------
    field
        The field.

    Returns
    -------
    Index genes; columns ``available``, ``reason``, ``weight`` (length of the gene's loadings: how much the basis sees).
    """
    space = field.space
    space.need_genes()
    weight = np.linalg.norm(space.loadings, axis=1)
    silent = np.nan_to_num(space.maximum, nan=1.0) <= 0
    weak = weight < 1e-3
    reason = np.where(silent, "not expressed in any cell", np.where(weak, "no weight in the basis", ""))
    table: dict[str, Any] = {"available": ~(silent | weak), "reason": reason, "weight": weight}
    return pd.DataFrame(table, index=space.genes.rename("gene"))
