"""Which genes each perturbation changes, computed once for a screen and kept under its hash."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._files import atomic_write
from reguloom._logging import logger
from reguloom.core.fdr import benjamini_hochberg
from reguloom.core.perturbation_data import PerturbationData
from reguloom.core.provenance import fingerprint
from reguloom.core.pseudobulk import Pseudobulk
from reguloom.evaluate._split import Unit

METHODS = ("t-test", "wilcoxon")
GENES_AT_A_TIME = 500


@dataclass(frozen=True, eq=False)
class DifferentialExpression:
    """Tests of every unit against its controls.

    Parameters
    ----------
    units
        Condition and context of each row.
    statistic
        Welch's t against the controls of the context, ``(n_units, n_genes)``.
    against_rest
        Welch's t against all other cells of the context, ``(n_units, n_genes)``.
    p
        p-values against the controls: of t, or of the rank sum.
    p_adjusted
        The same, corrected for the number of genes (Benjamini–Hochberg, unit by unit).
    method
        ``t-test`` or ``wilcoxon``.
    """

    units: tuple[Unit, ...]
    statistic: NDArray[np.float64]
    against_rest: NDArray[np.float64]
    p: NDArray[np.float64]
    p_adjusted: NDArray[np.float64]
    method: str

    def rows(self, units: tuple[Unit, ...]) -> NDArray[np.intp]:
        """Return the rows of `units`."""
        position = {unit: i for i, unit in enumerate(self.units)}
        return np.array([position[unit] for unit in units], dtype=np.intp)


def differential_expression(
    data: PerturbationData, *, method: str = "t-test", cache: str | os.PathLike[str] | None = None
) -> DifferentialExpression:
    """Test every perturbation in every context against the controls.

    Parameters
    ----------
    data
        The screen.
    method
        ``t-test`` (Welch, from means and variances) or ``wilcoxon`` (rank sum with ties, normal approximation).
    cache
        Folder that keeps the result under a hash of data and method; nothing is kept if left out.

    Returns
    -------
    DifferentialExpression
        Statistics and false discovery rates.

    Raises
    ------
    InputError
        If the method is unknown.
    """
    if method not in METHODS:
        msg = f"the method is {method!r}; accepted are {', '.join(METHODS)}."
        raise InputError(msg)
    bulk = data.pseudobulk()
    rows = np.flatnonzero(bulk.condition_codes != 0)
    units = tuple(bulk.units[i] for i in rows)
    file = None if cache is None else Path(cache) / f"de_{fingerprint(data.fingerprint(), method)}.npz"
    if file is not None and file.exists():
        found = _read(file, units, method)
        if found is not None:
            return found
    made = _computed(data, bulk, rows, units, method)
    if file is not None:
        with atomic_write(file) as temporary:
            np.savez_compressed(temporary, statistic=made.statistic, against_rest=made.against_rest, p=made.p,
                                p_adjusted=made.p_adjusted)  # fmt: skip
    return made


def _read(file: Path, units: tuple[Unit, ...], method: str) -> DifferentialExpression | None:
    """Return what was kept; None if the file is damaged, so that it is made again."""
    try:
        with np.load(file) as kept:
            return DifferentialExpression(units, kept["statistic"], kept["against_rest"], kept["p"],
                                          kept["p_adjusted"], method)  # fmt: skip
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        logger.warning("the kept differential expression %s is damaged and is made again", file)
        return None


def _computed(
    data: PerturbationData, bulk: Pseudobulk, rows: NDArray[np.intp], units: tuple[Unit, ...], method: str
) -> DifferentialExpression:
    """Compute the statistics."""
    control = _control_moments(data, bulk)
    statistic = np.empty((len(rows), bulk.means.shape[1]))
    rest, p = np.empty_like(statistic), np.empty_like(statistic)
    for i, row in enumerate(rows):
        context = bulk.context_codes[row]
        own = (bulk.means[row], bulk.variances[row], int(bulk.n_cells[row]))
        statistic[i], p[i] = welch(own, control[int(context)])
        others = np.flatnonzero((bulk.context_codes == context) & (np.arange(len(bulk.means)) != row))
        rest[i] = welch(own, _pooled(bulk, others))[0] if len(others) else statistic[i]
        if method == "wilcoxon":
            p[i] = _rank_sum(data, int(bulk.condition_codes[row]), int(context))
    adjusted = np.stack([benjamini_hochberg(one) for one in p])
    return DifferentialExpression(units, statistic, rest, p, adjusted, method)


Moments = tuple[NDArray[np.float64], NDArray[np.float64], int]
"""Means, variances, number of cells."""


def _control_moments(data: PerturbationData, bulk: Pseudobulk) -> dict[int, Moments]:
    """Return the moments of the controls of each context; of all controls where a context has none."""
    rows = np.flatnonzero(bulk.condition_codes == 0)
    everywhere = _pooled(bulk, rows)
    own = {int(bulk.context_codes[row]): (bulk.means[row], bulk.variances[row], int(bulk.n_cells[row])) for row in rows}
    return {context: own.get(context, everywhere) for context in range(len(data.contexts))}


def _pooled(bulk: Pseudobulk, rows: NDArray[np.intp]) -> Moments:
    """Return the moments of several groups together."""
    n = bulk.n_cells[rows].astype(np.float64)
    total = n.sum()
    mean = (n[:, None] * bulk.means[rows]).sum(axis=0) / total
    squares = ((n - 1)[:, None] * bulk.variances[rows] + n[:, None] * (bulk.means[rows] - mean) ** 2).sum(axis=0)
    return mean, squares / max(total - 1, 1), int(total)


def welch(one: Moments, other: Moments) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Welch's t and its two-sided p per gene; 0 and 1 where nothing varies.

    Parameters
    ----------
    one, other
        Means, variances and numbers of cells.
    """
    from scipy.special import stdtr

    first, second = one[1] / max(one[2], 1), other[1] / max(other[2], 1)
    error = first + second
    difference = one[0] - other[0]
    t = np.divide(difference, np.sqrt(error), out=np.zeros_like(difference), where=error > 0)
    below = first**2 / max(one[2] - 1, 1) + second**2 / max(other[2] - 1, 1)
    freedom = np.divide(error**2, below, out=np.ones_like(error), where=below > 0)
    return t, np.where(error > 0, 2 * stdtr(freedom, -np.abs(t)), 1.0)


def _rank_sum(data: PerturbationData, condition: int, context: int) -> NDArray[np.float64]:
    """Return p of the rank-sum test of a unit against the controls of its context."""
    from scipy.stats import mannwhitneyu

    cells, controls = data.cells_of(condition, context), data.control_pool(context).cells
    treated, untreated = data.values(cells), data.values(controls)
    p = np.ones(data.n_genes)
    for start in range(0, data.n_genes, GENES_AT_A_TIME):
        part = slice(start, start + GENES_AT_A_TIME)
        varies = np.flatnonzero(np.vstack([treated[:, part], untreated[:, part]]).std(axis=0) > 0) + start
        if len(varies):
            p[varies] = mannwhitneyu(treated[:, varies], untreated[:, varies], axis=0, method="asymptotic").pvalue
    return p
