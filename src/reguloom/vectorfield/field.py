"""The fitted field: an object that can be called, differentiated, perturbed, integrated and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom import _keys
from reguloom._errors import InputError, MissingKeyError
from reguloom.core import Perturbation, Provenance
from reguloom.vectorfield import _gaussian
from reguloom.vectorfield._blocks import stacked
from reguloom.vectorfield.space import StateSpace

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.vectorfield.least_action import Path
    from reguloom.vectorfield.perturb import FieldPrediction


@dataclass(frozen=True, eq=False)
class VectorField:
    """A continuous velocity field ``f(x) = sum_m exp(-beta |x - z_m|^2) C_m`` over states of cells.

    Parameters
    ----------
    control_points
        Centres z, ``(n_control, k)``.
    coefficients
        C, ``(n_control, k)``, in units of the velocities.
    bandwidth
        beta.
    space
        The basis, with loadings if it has them.
    states
        The cells that it was fitted on, ``(n_cells, k)``.
    velocities
        Their velocities, ``(n_cells, k)``.
    inlier
        Probability that a cell's velocity belongs to the field, ``(n_cells,)``.
    cells
        Their names.
    groups
        Group of each cell, or None.
    replicates
        Coefficients of fits to resampled cells, ``(n_bootstrap, n_control, k)``; empty if there are none.
    report
        How good the fit is: numbers by name.
    failed_checks
        What :func:`~reguloom.vectorfield.diagnose` found that cannot be trusted: check → words. Predictions carry it.
    provenance
        How the field was made.
    """

    control_points: np.ndarray
    coefficients: np.ndarray
    bandwidth: float
    space: StateSpace
    states: np.ndarray
    velocities: np.ndarray
    inlier: np.ndarray
    cells: pd.Index
    groups: pd.Categorical | None = None
    replicates: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0)))
    report: Mapping[str, float] = field(default_factory=dict)
    failed_checks: Mapping[str, str] = field(default_factory=dict)
    provenance: Provenance | None = None

    def __repr__(self) -> str:
        """Say the size and how good the fit is."""
        cosine = self.report.get("cosine_held_out", self.report.get("cosine", float("nan")))
        return (
            f"VectorField({len(self.cells)} cells, {self.n_components} components of {self.space.basis!r}, "
            f"{len(self.control_points)} control points, cosine {cosine:.2f})"
        )

    @property
    def n_components(self) -> int:
        """Number of components of a state."""
        return int(self.control_points.shape[1])

    def __call__(self, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
        """Return the velocity at states (the cells' own if left out), ``(n, k)``."""
        return self._over(_gaussian.values, states, len(self.control_points), n_jobs)

    def jacobian(self, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
        """Return ``df_i/dx_j`` at states, ``(n, k, k)``.

        Parameters
        ----------
        states
            ``(n, k)``; the cells' own if left out.
        n_jobs
            Number of threads.
        """
        width = max(len(self.control_points), self.n_components**2)
        return self._over(_gaussian.jacobian, states, width, n_jobs)

    def hessian(self, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
        """Return ``d2f_i/dx_j dx_l`` at states, ``(n, k, k, k)``.

        Parameters
        ----------
        states
            ``(n, k)``; the cells' own if left out.
        n_jobs
            Number of threads.
        """
        return self._over(_gaussian.hessian, states, len(self.control_points) * self.n_components**2, n_jobs)

    def divergence(self, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
        """Return the trace of the Jacobian at states, ``(n,)``: above 0 flow spreads, below 0 it gathers.

        Parameters
        ----------
        states
            ``(n, k)``; the cells' own if left out.
        n_jobs
            Number of threads.
        """
        return self._over(_gaussian.divergence, states, len(self.control_points), n_jobs)

    def laplacian(self, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
        """Return ``sum_j d2f_i/dx_j^2`` at states, ``(n, k)``: how far the field differs from its mean nearby.

        Parameters
        ----------
        states
            ``(n, k)``; the cells' own if left out.
        n_jobs
            Number of threads.
        """
        return self._over(_gaussian.laplacian, states, len(self.control_points), n_jobs)

    def directional(
        self, directions: np.ndarray, states: np.ndarray | None = None, *, n_jobs: int | None = None
    ) -> np.ndarray:
        """Return ``J(x) v`` for one direction per state, ``(n, k)``, without making the Jacobian.

        Parameters
        ----------
        directions
            ``(n, k)``.
        states
            ``(n, k)``; the cells' own if left out.
        n_jobs
            Number of threads.
        """
        x = self._states(states)
        v = np.ascontiguousarray(directions, dtype=np.float64)
        if v.shape != x.shape:
            msg = f"directions have shape {v.shape} and states {x.shape}; give one direction for each state."
            raise InputError(msg)
        arguments = (self.control_points, self.bandwidth, self.coefficients)
        return stacked(
            lambda rows: _gaussian.directional(x[rows], *arguments, v[rows]),
            len(x),
            width=len(self.control_points),
            n_jobs=n_jobs,
        )

    def with_coefficients(self, coefficients: np.ndarray) -> VectorField:
        """Return the same field with other `coefficients`, such as those of a replicate."""
        return replace(self, coefficients=coefficients)

    def support(self, states: np.ndarray) -> np.ndarray:
        """Return how close states are to the cells: distance to the nearest cell over the cells' own, ``(n,)``.

        Parameters
        ----------
        states
            ``(n, k)``.
        """
        from scipy.spatial import cKDTree

        tree = cKDTree(self.states)
        own = tree.query(self.states, k=2)[0][:, 1]
        return np.asarray(tree.query(self._states(states))[0] / max(float(np.quantile(own, 0.95)), 1e-300))

    def predict(
        self,
        perturbations: Perturbation | Sequence[Perturbation],
        adata: AnnData | None = None,
        *,
        mode: str = "difference",
        clip: bool = True,
        n_jobs: int | None = None,
    ) -> FieldPrediction:
        """Return what perturbations do to the flow; see :func:`reguloom.vectorfield.predict`.

        Parameters
        ----------
        perturbations
            One (rows are cells), or several (rows are perturbations, means over the cells).
        adata
            Other cells in the same basis.
        mode
            ``"difference"``, ``"first_order"`` or ``"knockout"``.
        clip
            Whether a cell's level of a gene stays within what was observed.
        n_jobs
            Number of threads.
        """
        from reguloom.vectorfield.perturb import predict

        return predict(self, perturbations, adata, mode=mode, clip=clip, n_jobs=n_jobs)

    def available(self) -> pd.DataFrame:
        """Return which genes can be perturbed, and for each that cannot, why; index genes."""
        from reguloom.vectorfield.perturb import available

        return available(self)

    def least_action(self, start: Any, end: Any, **options: Any) -> Path:
        """Return the most likely path between two states; see :func:`reguloom.vectorfield.least_action`.

        Parameters
        ----------
        start, end
            Names of cells or of groups, or states.
        options
            Of :func:`reguloom.vectorfield.least_action`.
        """
        from reguloom.vectorfield.least_action import least_action

        return least_action(self, start, end, **options)

    def state_of(self, what: Any) -> np.ndarray:
        """Return the state of a cell, of a group (its cell closest to the mean), or a state itself, ``(k,)``.

        Parameters
        ----------
        what
            Name of a cell or a group, or an array.

        Raises
        ------
        MissingKeyError
            If there is no such cell or group.
        """
        if not isinstance(what, str):
            state = np.asarray(what, dtype=np.float64).ravel()
            if state.shape != (self.n_components,):
                msg = f"a state has {self.n_components} numbers here, not {state.size}; or give a cell or a group."
                raise InputError(msg)
            return state
        if self.groups is not None and what in self.groups.categories:
            members = self.states[np.asarray(self.groups == what)]
            return members[((members - members.mean(axis=0)) ** 2).sum(axis=1).argmin()]
        if what in self.cells:
            return self.states[int(self.cells.get_loc(what))]
        known = [] if self.groups is None else list(self.groups.categories)
        msg = f"there is no group or cell {what!r}; groups are {known or 'none (fit with groupby=)'}."
        raise MissingKeyError(msg)

    def to_adata(self, adata: AnnData, *, key_added: str = _keys.VECTORFIELD) -> None:
        """Store the field in `adata`, in arrays, numbers and text that every file format holds.

        Parameters
        ----------
        adata
            The cells that it was fitted on.
        key_added
            Slot to write.

        Writes
        ------
        ``adata.uns[key_added]`` : dict
            Control points, coefficients, space, states, report, failed checks and provenance.
        """
        from reguloom.vectorfield.storage import to_uns

        adata.uns[key_added] = to_uns(self)

    @classmethod
    def from_adata(cls, adata: AnnData, *, key: str = _keys.VECTORFIELD) -> VectorField:
        """Return the field that :meth:`to_adata` stored.

        Parameters
        ----------
        adata
            The cells.
        key
            Slot of ``uns``.
        """
        from reguloom.vectorfield.storage import from_uns

        if key not in adata.uns:
            msg = f"adata.uns has no {key!r}; run vectorfield.fit and field.to_adata(adata) first."
            raise MissingKeyError(msg)
        return from_uns(adata.uns[key])

    @classmethod
    def from_dynamo(cls, adata: AnnData, basis: str = "pca") -> VectorField:
        """Return the field that Dynamo stored in ``adata.uns['VecFld_<basis>']``.

        Parameters
        ----------
        adata
            As Dynamo left it.
        basis
            Which one.
        """
        from reguloom.vectorfield.storage import from_dynamo

        return from_dynamo(adata, basis)

    def _states(self, states: np.ndarray | None) -> np.ndarray:
        """Return states as a matrix, or say what is wrong with them."""
        if states is None:
            return self.states
        x = np.atleast_2d(np.ascontiguousarray(states, dtype=np.float64))
        if x.ndim != 2 or x.shape[1] != self.n_components:
            msg = f"states have shape {np.shape(states)}; the field takes {self.n_components} components per state."
            raise InputError(msg)
        return x

    def _over(self, function: Any, states: np.ndarray | None, width: int, n_jobs: int | None) -> np.ndarray:
        """Return `function` at states, block by block."""
        x = self._states(states)
        arguments = (self.control_points, self.bandwidth, self.coefficients)
        return stacked(lambda rows: function(x[rows], *arguments), len(x), width=width, n_jobs=n_jobs)
