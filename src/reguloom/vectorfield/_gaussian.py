"""The field's own mathematics: a sum of Gaussians and its derivatives, in closed form.

::

    f(x)          =  sum_m k_m(x) C_m                   k_m(x) = exp(-beta |x - z_m|^2)
    J_ij = df_i/dx_j        =  -2 beta sum_m k_m C_mi (x - z_m)_j
    H_ijl = d2f_i/dx_j dx_l =  -2 beta sum_m k_m C_mi (delta_jl - 2 beta (x - z_m)_j (x - z_m)_l)

Each sum is one matrix product over the control points; no loop over cells.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def kernel(x: np.ndarray, z: np.ndarray, beta: float) -> np.ndarray:
    """Return ``exp(-beta |x - z|^2)``, ``(n_x, n_z)``."""
    squared = (x * x).sum(axis=1)[:, None] + (z * z).sum(axis=1)[None, :]
    squared -= 2.0 * (x @ z.T)
    np.maximum(squared, 0.0, out=squared)
    squared *= -beta
    return np.exp(squared, out=squared)


def values(x: np.ndarray, z: np.ndarray, beta: float, coefficients: np.ndarray) -> np.ndarray:
    """Return the field, ``(n, k)``."""
    return kernel(x, z, beta) @ coefficients


def jacobian(x: np.ndarray, z: np.ndarray, beta: float, coefficients: np.ndarray) -> np.ndarray:
    """Return the Jacobian, ``(n, k, k)``, entry ``[:, i, j]`` being df_i/dx_j."""
    # About the middle of the control points, so that the two terms do not cancel.
    middle = z.mean(axis=0)
    near = kernel(x, z, beta)
    outer = (coefficients[:, :, None] * (z - middle)[:, None, :]).reshape(len(z), -1)
    k = coefficients.shape[1]
    moved = (near @ coefficients)[:, :, None] * (x - middle)[:, None, :]
    moved -= (near @ outer).reshape(len(x), k, x.shape[1])
    moved *= -2.0 * beta
    return moved


def directional(
    x: np.ndarray, z: np.ndarray, beta: float, coefficients: np.ndarray, directions: np.ndarray
) -> np.ndarray:
    """Return ``J(x) v`` for one direction per state, ``(n, k)``, without making J."""
    near = kernel(x, z, beta)
    near *= (x * directions).sum(axis=1)[:, None] - directions @ z.T
    return -2.0 * beta * (near @ coefficients)


def values_and_transposed(
    x: np.ndarray, z: np.ndarray, beta: float, coefficients: np.ndarray, weigh: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the field f and ``J(x)' w`` with w = `weigh` (f), each ``(n, k)``, without making J."""
    near = kernel(x, z, beta)
    f = near @ coefficients
    near *= weigh(f) @ coefficients.T
    return f, -2.0 * beta * (near.sum(axis=1)[:, None] * x - near @ z)


def divergence(x: np.ndarray, z: np.ndarray, beta: float, coefficients: np.ndarray) -> np.ndarray:
    """Return the trace of the Jacobian, ``(n,)``."""
    near = kernel(x, z, beta)
    own = (coefficients * z).sum(axis=1)
    return -2.0 * beta * (((near @ coefficients) * x).sum(axis=1) - near @ own)


def hessian(x: np.ndarray, z: np.ndarray, beta: float, coefficients: np.ndarray) -> np.ndarray:
    """Return the second derivatives, ``(n, k, k, k)``, entry ``[:, i, j, l]`` being d2f_i/dx_j dx_l."""
    near = kernel(x, z, beta)
    away = x[:, None, :] - z[None, :, :]
    curved = np.einsum("nm,mi,nmj,nml->nijl", near, coefficients, away, away, optimize=True)
    flat = (near @ coefficients)[:, :, None, None] * np.eye(x.shape[1])
    return -2.0 * beta * (flat - 2.0 * beta * curved)


def laplacian(x: np.ndarray, z: np.ndarray, beta: float, coefficients: np.ndarray) -> np.ndarray:
    """Return ``sum_j d2f_i/dx_j^2``, ``(n, k)``: ``-2 beta sum_m k_m C_m (k - 2 beta |x - z_m|^2)``."""
    squared = (x * x).sum(axis=1)[:, None] + (z * z).sum(axis=1)[None, :] - 2.0 * (x @ z.T)
    near = kernel(x, z, beta) * (x.shape[1] - 2.0 * beta * squared)
    return -2.0 * beta * (near @ coefficients)
