"""Kernels whose fields have no divergence, no curl, or a share of each (Helmholtz)."""

from __future__ import annotations

import numpy as np

from reguloom._errors import InputError


def helmholtz_kernel(
    x: np.ndarray, y: np.ndarray, *, sigma: float = 0.8, curl_free_share: float = 0.5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the matrix-valued kernel and its two parts.

    With g = exp(-r^2 / 2s^2)/s^2 and d = x - y, the curl-free block is ``eta g (I - d d'/s^2)`` and the
    divergence-free one ``(1 - eta) g (d d'/s^2 + (k - 1 - r^2/s^2) I)`` (Macêdo and Castro 2010).

    Parameters
    ----------
    x, y
        States, ``(n, k)`` and ``(m, k)``.
    sigma
        Width.
    curl_free_share
        Weight of the curl-free part (eta); the other gets the rest.

    Returns
    -------
    Sum, divergence-free part and curl-free part, each ``(n k, m k)``, in blocks of k x k.
    """
    x, y = np.atleast_2d(np.asarray(x, dtype=np.float64)), np.atleast_2d(np.asarray(y, dtype=np.float64))
    if x.shape[1] != y.shape[1] or sigma <= 0:
        msg = f"x has {x.shape[1]} components, y {y.shape[1]}, sigma is {sigma}; the first two agree and sigma is > 0."
        raise InputError(msg)
    k = x.shape[1]
    away = x[:, None, :] - y[None, :, :]
    squared = (away**2).sum(axis=2) / sigma**2
    g = (np.exp(-squared / 2) / sigma**2)[:, :, None, None]
    outer = away[:, :, :, None] * away[:, :, None, :] / sigma**2
    curl_free = curl_free_share * g * (np.eye(k) - outer)
    turning = (1 - curl_free_share) * g * (outer + (k - 1 - squared)[:, :, None, None] * np.eye(k))
    shape = (len(x) * k, len(y) * k)
    blocks = [part.transpose(0, 2, 1, 3).reshape(shape) for part in (turning + curl_free, turning, curl_free)]
    return blocks[0], blocks[1], blocks[2]
