"""What a network has to beat: Pearson, Spearman and partial correlation of the same cells.

They are computed here and not taken from ``grn``, so that every table has them and none depends on a choice.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._logging import logger
from reguloom.core import Expression, check_genes
from reguloom.evaluate._candidates import Candidates, Edges

PEARSON, SPEARMAN, PARTIAL = "Pearson (baseline)", "Spearman (baseline)", "partial correlation (baseline)"
BASELINES = (PEARSON, SPEARMAN, PARTIAL)
#: Targets that are held densely at a time.
_COLUMNS = 512
#: Digits that count: the last ones differ between machines, and would break ties that are there.
_DECIMALS = 12


def correlation_edges(expression: Expression, candidates: Candidates) -> dict[str, Edges]:
    """Return the candidates weighted by their correlations, with sign: what every table shows beside a network.

    The sources are held densely, cells × sources. A gene that is absent or constant has no edge.

    Parameters
    ----------
    expression
        Cells × genes.
    candidates
        The pairs.

    Returns
    -------
    Edges by the name of the baseline.

    Raises
    ------
    InputError
        If there are fewer than 3 cells, or no source or no target is among the genes.
    """
    if expression.n_cells < 3:
        msg = f"the expression has {expression.n_cells} cells; a correlation needs at least 3."
        raise InputError(msg)
    for names, what in ((candidates.sources, "regulators to score"), (candidates.targets, "genes to score")):
        check_genes(names, expression.genes, what=what, where="the expression")
    source_rows = np.flatnonzero(candidates.sources.isin(expression.genes))
    target_rows = np.flatnonzero(candidates.targets.isin(expression.genes))
    sources = expression.select_genes(candidates.sources[source_rows])
    tables = {name: np.full((len(candidates.sources), len(candidates.targets)), np.nan) for name in BASELINES}
    standard, ranked = _standardise(sources.to_dense()), _standardise(_ranks(sources.to_dense()))
    partial = _Partial(standard)
    for start in range(0, len(target_rows), _COLUMNS):
        columns = target_rows[start : start + _COLUMNS]
        names = candidates.targets[columns]
        values = expression.select_genes(names).to_dense()
        block = _standardise(values)
        own = candidates.sources[source_rows].get_indexer(names)
        where = np.ix_(source_rows, columns)
        tables[PEARSON][where] = standard.T @ block
        tables[SPEARMAN][where] = ranked.T @ _standardise(_ranks(values))
        partial.meet(block, own)
    share = partial.share
    logger.info("baseline partial correlation: shrinkage %.3f", share)
    own = candidates.sources[source_rows].get_indexer(candidates.targets[target_rows])
    tables[PARTIAL][np.ix_(source_rows, target_rows)] = partial.table(
        tables[PEARSON][np.ix_(source_rows, target_rows)], own
    )
    return {name: candidates.edges_of_matrix(np.round(table, _DECIMALS)) for name, table in tables.items()}


class _Partial:
    """Partial correlation given all other sources, shrunken towards 0 (Schäfer & Strimmer 2005, equation 10).

    The shrinkage is the correlations' summed variance over their summed squares, over all pairs of sources and of
    source and target.
    """

    def __init__(self, sources: NDArray[np.float64]) -> None:
        self._sources = sources
        self._correlation = sources.T @ sources
        self._variance, self._square = self._sums(sources, pairs_of_sources=True)

    def _sums(self, block: NDArray[np.float64], *, pairs_of_sources: bool = False) -> tuple[float, float]:
        """Return summed variances and squares of the correlations with `block`."""
        n_cells = len(block)
        correlation = self._sources.T @ block
        variance = (self._sources**2).T @ (block**2) - correlation**2 / n_cells
        if pairs_of_sources:
            np.fill_diagonal(correlation, 0.0)
            np.fill_diagonal(variance, 0.0)
        return float(variance.sum()) * n_cells / (n_cells - 1), float((correlation**2).sum())

    def meet(self, block: NDArray[np.float64], own: NDArray[np.intp]) -> None:
        """Take in targets; those that are sources as well were met before."""
        others = block[:, own < 0]
        if others.shape[1]:
            variance, square = self._sums(others)
            # Each pair of sources was met twice, so these count twice as well.
            self._variance += 2 * variance
            self._square += 2 * square

    @property
    def share(self) -> float:
        """Share of the correlations that is taken away."""
        return min(1.0, max(0.0, self._variance / self._square)) if self._square > 0 else 1.0

    def table(self, correlation: NDArray[np.float64], own: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the partial correlations, sources × targets.

        Parameters
        ----------
        correlation
            Of sources and targets.
        own
            Position of each target among the sources, -1 if it is none.
        """
        shrunken = (1 - self.share) * self._correlation
        np.fill_diagonal(shrunken, 1.0)
        precision = np.linalg.pinv(shrunken, hermitian=True)
        diagonal = np.diag(precision)
        among = own >= 0
        result = np.empty_like(correlation)
        result[:, among] = -precision[:, own[among]] / np.sqrt(np.outer(diagonal, diagonal[own[among]]))
        # A target that is no source adds one row to the inverse: with b = P c and k = 1 - c'b, the new off-diagonal
        # is -b/k and the diagonal of the others grows by b^2/k.
        shared = (1 - self.share) * correlation[:, ~among]
        slope = precision @ shared
        left = np.maximum(1.0 - (shared * slope).sum(axis=0), 1e-12)
        result[:, ~among] = slope / np.sqrt(left * diagonal[:, None] + slope**2)
        varying = np.diag(self._correlation) > 0
        return np.where(varying[:, None], result, np.nan)


def _standardise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return columns centred and of length 1; 0 where they do not vary."""
    varying = values.max(axis=0) > values.min(axis=0)
    centred = values - values.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    return np.where(varying, centred / np.where(varying, length, 1.0), 0.0)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks within columns; ties share their mean."""
    return pd.DataFrame(values).rank(axis=0, method="average").to_numpy(dtype=np.float64)
