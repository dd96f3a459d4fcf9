"""Differential geometry of a field: speed, acceleration, curvature, curl, sensitivity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reguloom import _keys
from reguloom._errors import InputError

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.vectorfield.field import VectorField


def acceleration(field: VectorField, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
    """Return ``J f``, how fast velocity changes along the flow, ``(n, k)``.

    Parameters
    ----------
    field
        The field.
    states
        ``(n, k)``; the cells' own if left out.
    n_jobs
        Number of threads.
    """
    return field.directional(field(states, n_jobs=n_jobs), states, n_jobs=n_jobs)


def curvature(field: VectorField, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
    """Return the curvature vector of the flow line through each state, ``(n, k)``: 0 where acceleration is along it.

    ``(a (f.f) - f (f.a)) / |f|^4`` with a = J f; its length is one over the radius of the osculating circle.

    Parameters
    ----------
    field
        The field.
    states
        ``(n, k)``; the cells' own if left out.
    n_jobs
        Number of threads.
    """
    f = field(states, n_jobs=n_jobs)
    a = field.directional(f, states, n_jobs=n_jobs)
    squared = (f * f).sum(axis=1, keepdims=True)
    bent = a * squared - f * (f * a).sum(axis=1, keepdims=True)
    return np.divide(bent, squared**2, out=np.zeros_like(bent), where=squared > 0)


def torsion(field: VectorField, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
    """Return how fast the flow line through each state leaves its plane, ``(n,)``, in three dimensions.

    ``(v x a) . j / |v x a|^2`` with v = f, a = J f and j = J a + H(f, f); 0 where the line is straight.

    Parameters
    ----------
    field
        A field of three components.
    states
        ``(n, 3)``; the cells' own if left out.
    n_jobs
        Number of threads.

    Raises
    ------
    InputError
        If the field has another number of components.
    """
    if field.n_components != 3:
        msg = f"torsion is defined in 3 dimensions and the field has {field.n_components}; fit it on three components."
        raise InputError(msg)
    v = field(states, n_jobs=n_jobs)
    a = field.directional(v, states, n_jobs=n_jobs)
    jerk = field.directional(a, states, n_jobs=n_jobs)
    jerk = jerk + np.einsum("nijl,nj,nl->ni", field.hessian(states, n_jobs=n_jobs), v, v)
    normal = np.cross(v, a)
    squared = (normal**2).sum(axis=1)
    return np.divide((normal * jerk).sum(axis=1), squared, out=np.zeros(len(v)), where=squared > 0)


def curl(field: VectorField, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
    """Return the curl: ``(n,)`` in two dimensions, ``(n, 3)`` in three.

    Parameters
    ----------
    field
        A field of two or three components.
    states
        ``(n, k)``; the cells' own if left out.
    n_jobs
        Number of threads.

    Raises
    ------
    InputError
        If the field has another number of components; its Jacobian's antisymmetric part says the same there.
    """
    k = field.n_components
    if k not in (2, 3):
        msg = f"curl is defined in 2 or 3 dimensions and the field has {k}; use the antisymmetric part of its Jacobian."
        raise InputError(msg)
    jacobian = field.jacobian(states, n_jobs=n_jobs)
    if k == 2:
        return np.asarray(jacobian[:, 1, 0] - jacobian[:, 0, 1])
    pairs = ((2, 1), (0, 2), (1, 0))
    return np.stack([jacobian[:, i, j] - jacobian[:, j, i] for i, j in pairs], axis=1)


def sensitivity(field: VectorField, states: np.ndarray | None = None, *, n_jobs: int | None = None) -> np.ndarray:
    """Return ``(I - J)^-1 diag(1 / diag((I - J)^-1))``, ``(n, k, k)``: the answer to a lasting push, all paths counted.

    Parameters
    ----------
    field
        The field.
    states
        ``(n, k)``; the cells' own if left out.
    n_jobs
        Number of threads.
    """
    jacobian = field.jacobian(states, n_jobs=n_jobs)
    inverse = np.linalg.inv(np.eye(field.n_components) - jacobian)
    return np.asarray(inverse / np.einsum("nii->ni", inverse)[:, None, :])


def geometry(
    adata: AnnData, field: VectorField | None = None, *, key_added: str = _keys.VECTORFIELD, copy: bool = False
) -> AnnData | None:
    """Store what the field does at each cell.

    Parameters
    ----------
    adata
        The cells; those without a finite state get NaN.
    field
        The field; the one stored in ``adata.uns[key_added]`` if left out.
    key_added
        Slot of the field, and beginning of the names that are written.
    copy
        Return a changed copy and leave `adata` as it is.

    Returns
    -------
    The copy, or None.

    Writes
    ------
    ``adata.obs[f'{key_added}_speed']``, ``_divergence``, ``_acceleration``, ``_curvature`` : float64 ``(n_cells,)``
        Lengths, and the divergence. In two dimensions ``_curl`` as well.
    ``adata.obsm[f'velocity_{basis}_field']`` : float64 ``(n_cells, k)``
        The field at the cells.
    """
    from reguloom.vectorfield.field import VectorField as Field
    from reguloom.vectorfield.space import coordinates

    adata = adata.copy() if copy else adata
    field = Field.from_adata(adata, key=key_added) if field is None else field
    states = coordinates(adata, field.space.basis)[:, : field.n_components]
    known = np.isfinite(states).all(axis=1)
    x = states[known]
    found = {
        "speed": np.linalg.norm(field(x), axis=1),
        "divergence": field.divergence(x),
        "acceleration": np.linalg.norm(acceleration(field, x), axis=1),
        "curvature": np.linalg.norm(curvature(field, x), axis=1),
    }
    if field.n_components == 2:
        found["curl"] = curl(field, x)
    for name, values in found.items():
        adata.obs[f"{key_added}_{name}"] = _spread(values, known)
    adata.obsm[f"velocity_{field.space.basis}_field"] = _spread(field(x), known)
    return adata if copy else None


def _spread(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return values at the cells that have them, NaN at the others."""
    full = np.full((len(known), *values.shape[1:]), np.nan)
    full[known] = values
    return full
