"""Hartigan's test of unimodality: the statistic from our kernel, the p-value from our own simulations.

``dip_quantiles.csv`` was made by ``benchmarks/aucell_dip_table.py``.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np


def dip_test(values: np.ndarray) -> tuple[float, float]:
    """Return the dip of a sample and its p-value under unimodality.

    A heap of equal values counts as a mode of its own, although a unimodal distribution may have one atom at its
    mode; and the p-value is the one for as many points as there are *distinct* values. Both are pySCENIC's choices,
    which make it split regulons that are off in many cells. Without ties this is the test of Hartigan and Hartigan.

    Parameters
    ----------
    values
        Finite, shape ``(n,)``.

    Returns
    -------
    The dip, between 0 and 1/2, and the p-value; a constant sample gives 0 and 1.
    """
    from reguloom.activity._dip_kernels import dip_sorted

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    counts = np.unique(ordered, return_counts=True)[1]
    if len(counts) < 2:
        return 0.0, 1.0
    dip = max(float(dip_sorted(ordered)), counts.max() / (2 * len(ordered)))
    return dip, p_value(dip, len(counts))


def p_value(dip: float, n: int) -> float:
    """Return the share of uniform samples of size `n` with a dip at least this large.

    Linear interpolation of ``sqrt(n) * dip`` in log n between the sizes that were simulated (beyond them the
    nearest one: it has converged by then), then in the quantiles.
    The p-value is no finer than 1e-4, and off by less than 0.002 at 0.05.
    """
    sizes, probabilities, table = _quantiles()
    quantiles = np.array([np.interp(np.log(n), np.log(sizes), column) for column in table.T])
    return float(1 - np.interp(np.sqrt(n) * dip, quantiles, probabilities))


@cache
def _quantiles() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sizes, probabilities and the table (sizes × probabilities)."""
    text = (files("reguloom.activity") / "dip_quantiles.csv").read_text(encoding="utf-8").splitlines()
    probabilities = np.array([float(name) for name in text[0].split(",")[1:]])
    numbers = np.array([[float(cell) for cell in line.split(",")] for line in text[1:]])
    return numbers[:, 0], probabilities, numbers[:, 1:]
