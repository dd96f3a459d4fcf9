"""What the values of a matrix are: counts, scaled scores, logs, smoothed values; by looking at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom._errors import warn
from reguloom.core import Expression

if TYPE_CHECKING:
    from anndata import AnnData

LOOKED_AT = 2000
"""Cells that are looked at."""
FEW_ZEROS, MANY_GENES = 0.1, 200
"""Share of zeros below which scores of single cells and so many genes must have been smoothed or imputed."""
EVEN = 0.02
"""Coefficient of variation of the cells' sums below which they have been scaled to one sum."""

MEANING = {
    "counts": "whole counts, which the negative binomial fits",
    "scaled": "scaled to one sum per cell, as ArchR's gene scores or Cicero's fractions: no counts",
    "log": "logs of scaled values: no counts",
    "smoothed": "smoothed or imputed (MAGIC, ArchR's trajectories): they lack the zeros of single cells",
    "weighted": "of 0 and above and no counts, as distance-weighted scores are",
    "signed": "partly negative, as z-scores are: no counts",
}
"""Kind → what it is."""
ADVICE = {
    "smoothed": "neighbouring cells share their values, so tests and intervals are too sure; use the values before",
}


@dataclass(frozen=True)
class Scores:
    """What the values are.

    Parameters
    ----------
    kind
        One of ``counts``, ``scaled``, ``log``, ``smoothed``, ``weighted``, ``signed``.
    likelihood
        The likelihood that fits them.
    zeros
        Share of zeros.
    sums
        Mean and coefficient of variation of the cells' sums.
    """

    kind: str
    likelihood: str
    zeros: float
    sums: tuple[float, float]

    def __str__(self) -> str:
        """Say it in a sentence."""
        mean, variation = self.sums
        return f"{MEANING[self.kind]} ({self.zeros:.0%} zeros; sums per cell {mean:.4g}, varying by {variation:.0%})"


def check_scores(data: AnnData | pd.DataFrame, *, layer: str | None = None) -> Scores:
    """Tell what the values of a gene-score or expression matrix are, and warn of smoothed ones.

    snapATAC2's and Signac's gene activity are counts. ArchR's gene scores are distance-weighted and scaled to 10,000,
    Cicero's are fractions, and what MAGIC or a trajectory has smoothed has lost the noise that a likelihood needs.

    Parameters
    ----------
    data
        Cells × genes.
    layer
        Which values.

    Returns
    -------
    Scores
        The kind, and the likelihood for it.
    """
    sample = _sample(Expression.of(data, layer=layer))
    sums = np.asarray(sample.sum(axis=1)).ravel()
    spread = (float(sums.mean()), _variation(sums))
    zeros = 1.0 - sample.nnz / max(sample.shape[0] * sample.shape[1], 1)
    kind = _kind(sample, zeros, spread)
    found = Scores(kind, "nb" if kind == "counts" else "gaussian", float(zeros), spread)
    if kind in ADVICE:
        warn(f"the values are {MEANING[kind]}; {ADVICE[kind]}.")
    return found


def _sample(data: Expression) -> csr_array:
    """Return the first cells of evenly spaced blocks, zeros left out."""
    from scipy.sparse import vstack

    parts, n = [], 0
    for _, _, block in data.blocks():
        parts.append(csr_array(block).astype(np.float64))
        n += parts[-1].shape[0]
        if n >= LOOKED_AT:
            break
    sample = csr_array(vstack(parts, format="csr"))[:LOOKED_AT]
    sample.eliminate_zeros()
    return sample


def _variation(sums: NDArray[np.float64]) -> float:
    """Return the coefficient of variation."""
    return float(sums.std() / sums.mean()) if sums.mean() > 0 else float("inf")


def _kind(sample: csr_array, zeros: float, sums: tuple[float, float]) -> str:
    """Return the kind of the values."""
    values = sample.data
    if (values < 0).any():
        return "signed"
    if (values == np.rint(values)).all():
        return "counts"
    if zeros < FEW_ZEROS and sample.shape[0] >= 50 and sample.shape[1] >= MANY_GENES:
        return "smoothed"
    if sums[1] < EVEN:
        return "scaled"
    if values.max() < 30:
        raised = sample.copy()
        raised.data = np.expm1(raised.data)
        if _variation(np.asarray(raised.sum(axis=1)).ravel()) < 5 * EVEN:
            return "log"
        raised.data = np.exp2(sample.data) - 1
        if _variation(np.asarray(raised.sum(axis=1)).ravel()) < 5 * EVEN:
            return "log"
    return "weighted"
