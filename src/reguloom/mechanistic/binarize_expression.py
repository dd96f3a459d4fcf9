"""On or off: making expression binary, gene by gene, as Boolean networks need it.

The three rules are those described for BoolNet (Müssel et al. 2010) with their origins: k-means with two clusters,
edge detection on the sorted values (Shmulevich and Zhang 2002), and the scan statistic (Glaz et al. 2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, ValidityWarning, warn
from reguloom.core import Expression

if TYPE_CHECKING:
    from anndata import AnnData

METHODS = ("kmeans", "edge-detector", "scan-statistic")


@dataclass(frozen=True, eq=False)
class BinaryExpression:
    """Expression made binary.

    Parameters
    ----------
    states
        Cells × genes, 0 and 1.
    thresholds
        Gene → value from which on it is on.
    reject
        Genes whose values do not fall into two groups (scan statistic: no significant gap; constant genes).
    """

    states: pd.DataFrame
    thresholds: pd.Series
    reject: tuple[str, ...] = ()


def binarize_expression(
    data: AnnData | pd.DataFrame | Expression,
    *,
    layer: str | None = None,
    method: str = "kmeans",
    edge: str = "first",
    scaling: float = 1.0,
    window: float = 0.25,
    significance: float = 0.1,
) -> BinaryExpression:
    """Make expression binary, each gene by a threshold of its own.

    Parameters
    ----------
    data
        Expression, cells (or time points) × genes.
    layer
        Layer of an AnnData.
    method
        ``kmeans`` (the best split into two clusters, found exactly; the threshold lies half way between their
        centres), ``edge-detector`` (a jump in the sorted values), or ``scan-statistic`` (a gap that is
        wider than chance would leave).
    edge
        For the edge detector: ``first`` jump that is larger than `scaling` times the mean jump, or the ``max``.
    scaling
        See `edge`.
    window
        For the scan statistic: width of the window, as a share of the range.
    significance
        For the scan statistic: level of the test for a crowded window.

    Returns
    -------
    BinaryExpression
        A gene that is the same everywhere is off, and rejected.

    Raises
    ------
    InputError
        If the method is none of these.
    """
    if method not in METHODS or edge not in ("first", "max"):
        msg = f"method={method!r}, edge={edge!r}; accepted are {', '.join(METHODS)}, and first or max."
        raise InputError(msg)
    expression = Expression.of(data, layer=layer)
    matrix = expression.X.tocsc() if hasattr(expression.X, "tocsc") else expression.X
    states = np.zeros(matrix.shape, dtype=np.int8)
    thresholds, rejected = [], []
    for i, gene in enumerate(expression.genes):
        column = matrix[:, [i]].toarray().ravel() if hasattr(matrix, "toarray") else np.asarray(matrix[:, i])
        values = column.astype(np.float64)
        if np.isnan(values).any():
            msg = f"gene {gene} has missing values; fill them in or leave the gene out."
            raise InputError(msg)
        threshold, sure = _threshold(values, method, edge, scaling, window, significance)
        thresholds.append(threshold)
        states[:, i] = values >= threshold
        if not sure:
            rejected.append(str(gene))
    if rejected:
        shown = ", ".join(rejected[:8])
        warn(f"{len(rejected)} genes do not fall into an off and an on group: {shown}.", ValidityWarning)
    genes = list(expression.genes)
    return BinaryExpression(
        pd.DataFrame(states, expression.cells, genes), pd.Series(thresholds, genes, name="threshold"), tuple(rejected)
    )


def _threshold(
    values: NDArray[np.float64], method: str, edge: str, scaling: float, window: float, significance: float
) -> tuple[float, bool]:
    """Return the smallest value that is on, and whether the split is to be trusted."""
    ordered = np.sort(values)
    if len(ordered) < 2 or ordered[0] == ordered[-1]:
        return np.inf, False
    if method == "kmeans":
        return _two_means(ordered), True
    if method == "edge-detector":
        gaps = np.diff(ordered)
        large = np.flatnonzero(gaps > scaling * (ordered[-1] - ordered[0]) / (len(ordered) - 1))
        at = int(large[0]) if edge == "first" and len(large) else int(gaps.argmax())
        return (ordered[at] + ordered[at + 1]) / 2, True
    return _scanned(ordered, window, significance)


def _two_means(ordered: NDArray[np.float64]) -> float:
    """Return the middle between the centres of the two clusters with the least scatter, over all splits."""
    n = len(ordered)
    sums = np.cumsum(ordered)[:-1]
    left = np.arange(1, n)
    low, high = sums / left, (ordered.sum() - sums) / (n - left)
    between = left * (n - left) * (high - low) ** 2
    at = int(between.argmax())
    return float((low[at] + high[at]) / 2)


def _scanned(ordered: NDArray[np.float64], window: float, significance: float) -> tuple[float, bool]:
    """Look for the window of values that is more crowded than chance allows; the threshold is its emptier edge.

    For n values spread evenly, the probability that some window of share w holds k or more is about
    ``(k / w - n - 1) b(k) + 2 B(k)``, b and B being the binomial probability of k and its tail (Naus 1982).
    """
    from scipy.stats import binom

    n, span = len(ordered), ordered[-1] - ordered[0]
    ends = np.searchsorted(ordered, ordered + window * span, side="right")
    counts = ends - np.arange(n)
    k = counts.astype(np.float64)
    chance = (k / window - n - 1) * binom.pmf(k, n, window) + 2 * binom.sf(k - 1, n, window)
    best = int(chance.argmin())
    sure = bool(chance[best] <= significance)
    begin, end = best, int(ends[best])
    before = ordered[begin] - ordered[begin - 1] if begin > 0 else -np.inf
    after = ordered[end] - ordered[end - 1] if end < n else -np.inf
    at = begin if before > after else end
    if at in (0, n):
        at = int(np.diff(ordered).argmax()) + 1
    return float((ordered[at - 1] + ordered[at]) / 2), sure
