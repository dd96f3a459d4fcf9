"""Double knock-outs from single ones: the additive baseline, those that know even less, and anything else beside them.

The additive expectation (Ahlmann-Eltze et al. 2025, Nature Methods 22:1657, found no deep model that beat it) is
``single A + single B - control``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, MissingKeyError
from reguloom._logging import logger
from reguloom._random import SeedLike, accepts_seed, generator, root_seed

ADDITIVE, NO_CHANGE, SINGLES, MEAN = (
    f"{name} (baseline)" for name in ("additive", "no change", "mean of the two singles", "mean of all singles")
)
COLUMNS = ("method", "rmse", "low", "high", "noise", "pearson_delta", "n_pairs", "n_values", "baseline")


def additive_knockouts(
    singles: pd.DataFrame, pairs: Sequence[tuple[str, str]], *, control: pd.Series
) -> dict[str, pd.DataFrame]:
    """Return what single knock-outs say about double ones: the additive baseline and the three that know less.

    Parameters
    ----------
    singles
        Expression after each single knock-out, rows named after the gene, ``(n_singles, n_genes)``; on a scale where
        effects add up, such as log expression or DREAM4's own.
    pairs
        The double knock-outs.
    control
        Expression without any, shape ``(n_genes,)``.

    Returns
    -------
    Name of the baseline → pairs × genes. The knocked-out genes are as in their own single knock-out; values below
    the lowest of the singles are raised to it.

    Raises
    ------
    MissingKeyError
        If a gene of a pair has no single knock-out.
    """
    absent = sorted({gene for pair in pairs for gene in pair} - set(singles.index))
    if absent:
        msg = f"{absent[:5]} have no single knock-out (there are {len(singles)}); leave these pairs out."
        raise MissingKeyError(msg)
    base = control[singles.columns].to_numpy(dtype=np.float64)
    first = singles.loc[[a for a, _ in pairs]].to_numpy(dtype=np.float64)
    second = singles.loc[[b for _, b in pairs]].to_numpy(dtype=np.float64)
    made = {
        ADDITIVE: np.maximum(first + second - base, singles.to_numpy().min()),
        NO_CHANGE: np.broadcast_to(base, first.shape).copy(),
        SINGLES: (first + second) / 2,
        MEAN: np.broadcast_to(singles.to_numpy(dtype=np.float64).mean(axis=0), first.shape).copy(),
    }
    names = ["+".join(pair) for pair in pairs]
    own = singles.columns.get_indexer(singles.index)
    level = {gene: singles.iloc[i, k] for i, (gene, k) in enumerate(zip(singles.index, own, strict=True)) if k >= 0}
    for values in made.values():
        for i, pair in enumerate(pairs):
            for gene in set(pair) & set(level):
                values[i, singles.columns.get_loc(gene)] = level[gene]
    return {name: pd.DataFrame(values, names, singles.columns) for name, values in made.items()}


@accepts_seed
def dual_knockouts(
    singles: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    truth: pd.DataFrame | None = None,
    *,
    control: pd.Series,
    predicted: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
    replicates: pd.DataFrame | None = None,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    rng: SeedLike = 0,
) -> pd.DataFrame:
    """Score predictions of double knock-outs; the additive baseline and those that know less are always in the table.

    Parameters
    ----------
    singles, pairs, control
        As for :func:`additive_knockouts`.
    truth
        Expression after the double knock-outs, one row for each pair in their order, ``(n_pairs, n_genes)``. Without
        it errors are NaN, and only what noise alone adds is given.
    predicted
        A table like `truth`, or several by name.
    replicates
        Repeated measurements of the control, from which the noise is estimated.
    n_bootstrap
        Samples of pairs for the interval.
    confidence
        Of the interval.
    rng
        Seed.

    Returns
    -------
    pandas.DataFrame
        One row for each method, baselines last: ``rmse``, the root mean squared error over the genes that are not
        knocked out themselves; ``low, high``, its interval over pairs; ``noise``, the error that the noise of the
        inputs alone makes (for the additive baseline: the square root of 3 times the standard deviation of a
        measurement); ``pearson_delta``, the correlation of predicted and true change; ``n_pairs``, ``n_values``,
        ``baseline``.

    Raises
    ------
    InputError
        If a table has another shape than pairs × genes.
    """
    everything: dict[str, pd.DataFrame] = {}
    if predicted is not None:
        everything |= predicted if isinstance(predicted, Mapping) else {"predicted": predicted}
    baselines = additive_knockouts(singles, pairs, control=control)
    everything |= baselines
    counted = np.array([[gene not in pair for gene in singles.columns] for pair in pairs])
    base = control[singles.columns].to_numpy(dtype=np.float64)
    observed = None if truth is None else _aligned(truth, singles.columns, len(pairs), "the truth")
    if observed is None:
        logger.warning(
            "the double knock-outs have no measured expression; errors stay empty until it is given (truth)."
        )
    noise = _noise(replicates, singles.columns, len(singles))
    weight = generator(root_seed(rng), "pairs").multinomial(
        len(pairs), np.full(len(pairs), 1 / len(pairs)), n_bootstrap
    )
    rows = []
    for name, table in everything.items():
        values = _aligned(table, singles.columns, len(pairs), name)
        error, low, high, pearson = _errors(values, observed, base, counted, weight, confidence)
        one = (name, error, low, high, noise.get(name, np.nan), pearson, len(pairs), int(counted.sum()))
        rows.append((*one, name in baselines))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _aligned(table: pd.DataFrame, genes: pd.Index, n_pairs: int, what: str) -> NDArray[np.float64]:
    """Return the values with the genes in order."""
    absent = genes.difference(table.columns)
    if len(table) != n_pairs or len(absent):
        msg = (
            f"{what} has {len(table)} rows and lacks {len(absent)} of {len(genes)} genes; one row for each of the "
            f"{n_pairs} pairs and a column for each gene are needed."
        )
        raise InputError(msg)
    return table[genes].to_numpy(dtype=np.float64)


def _noise(replicates: pd.DataFrame | None, genes: pd.Index, n_singles: int) -> dict[str, float]:
    """Return the root mean squared error that noise in the inputs alone gives each baseline."""
    if replicates is None or len(replicates) < 2:
        return {}
    deviation = float(np.sqrt(replicates[genes].var(ddof=1).mean()))
    factors = {ADDITIVE: 3.0, NO_CHANGE: 1.0, SINGLES: 0.5, MEAN: 1 / n_singles}
    return {name: deviation * float(np.sqrt(factor)) for name, factor in factors.items()}


def _errors(
    values: NDArray[np.float64],
    observed: NDArray[np.float64] | None,
    base: NDArray[np.float64],
    counted: NDArray[np.bool_],
    weight: NDArray[np.int64],
    confidence: float,
) -> tuple[float, float, float, float]:
    """Return the error, its interval over pairs, and the correlation of the changes."""
    if observed is None:
        return np.nan, np.nan, np.nan, np.nan
    squares = np.where(counted, (values - observed) ** 2, 0.0).sum(axis=1)
    sizes = counted.sum(axis=1)
    error = float(np.sqrt(squares.sum() / sizes.sum()))
    drawn = np.sqrt((weight @ squares) / (weight @ sizes))
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail]) if len(drawn) else (np.nan, np.nan)
    change, true = (values - base)[counted], (observed - base)[counted]
    moving = change.std() > 0 and true.std() > 0
    return error, float(low), float(high), float(np.corrcoef(change, true)[0, 1]) if moving else np.nan
