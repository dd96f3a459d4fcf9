"""Genetic interactions: how the effect of two genes together follows from the effects of each (Norman et al. 2019)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError, MissingKeyError
from reguloom.core.perturbation_data import PerturbationData
from reguloom.core.prediction import Prediction
from reguloom.evaluate.distance_correlation import distance_correlation

#: Type → the score that decides, the threshold, and whether it is exceeded or not reached (GEARS, Roohani et al. 2024).
TYPES: Mapping[str, tuple[str, float, bool]] = {
    "synergy": ("magnitude", 1.15, True),
    "suppressor": ("magnitude", 1.0, False),
    "redundancy": ("dcor", 0.85, True),
    "neomorphism": ("corr_fit", 0.88, False),
    "epistasis": ("eq_contr", 0.28, False),
}
COLUMNS = ("c1", "c2", "magnitude", "dcor", "dcor_singles", "dcor_first", "dcor_second", "corr_fit", "dominance",
           "eq_contr")  # fmt: skip
MIN_MEAN = 0.05
"""Genes with a lower mean over the perturbations of a screen are left out: fits to their zeros say nothing."""
MAX_SUBPOPULATION, MAX_ITER, SEED = 100_000, 1000, 1000


def interaction(first: ArrayLike, second: ArrayLike, both: ArrayLike) -> dict[str, float]:
    """Return the scores of one pair of genes.

    The change under both is fitted as c1 · first + c2 · second by Theil–Sen regression without intercept.

    Parameters
    ----------
    first, second, both
        Changes from control under each gene alone and under both, ``(n_genes,)``.

    Returns
    -------
    dict
        ``c1``, ``c2``; ``magnitude`` √(c1² + c2²); ``dcor`` between the two changes together and that under both;
        ``dcor_singles``, ``dcor_first``, ``dcor_second``; ``corr_fit`` (Pearson, fit against truth); ``dominance``
        ``abs(log10(abs(c1 / c2)))``; ``eq_contr``, the smaller over the larger of ``dcor_first`` and ``dcor_second``.

    Raises
    ------
    InputError
        If the three differ in length.
    """
    a, b, ab = (np.asarray(one, dtype=np.float64).ravel() for one in (first, second, both))
    if not len(a) == len(b) == len(ab) >= 3:
        msg = f"the changes have {len(a)}, {len(b)} and {len(ab)} genes; give the same genes for all, three at least."
        raise InputError(msg)
    singles = np.stack([a, b], axis=1)
    c1, c2 = theil_sen(singles, ab)
    fit = singles @ np.array([c1, c2])
    correlations = (distance_correlation(a, ab), distance_correlation(b, ab))
    constant = min(np.ptp(fit), np.ptp(ab)) == 0
    return {
        "c1": c1,
        "c2": c2,
        "dcor": distance_correlation(singles, ab),
        "dcor_singles": distance_correlation(a, b),
        "dcor_first": correlations[0],
        "dcor_second": correlations[1],
        "corr_fit": np.nan if constant else float(np.corrcoef(fit, ab)[0, 1]),
        **derived(c1, c2, *correlations),
    }


def derived(c1: float, c2: float, dcor_first: float, dcor_second: float) -> dict[str, float]:
    """Return the scores that follow from coefficients and correlations: magnitude, dominance, equality.

    Parameters
    ----------
    c1, c2
        Coefficients of the fit.
    dcor_first, dcor_second
        Distance correlations of each single with the double.
    """
    larger = max(dcor_first, dcor_second)
    ratio = abs(c1 / c2) if c2 else np.inf
    return {
        "magnitude": float(np.hypot(c1, c2)),
        "dominance": float(abs(np.log10(ratio))) if 0 < ratio < np.inf else np.inf,
        "eq_contr": min(dcor_first, dcor_second) / larger if larger else np.nan,
    }


def theil_sen(singles: NDArray[np.float64], both: NDArray[np.float64]) -> tuple[float, float]:
    """Return the two coefficients: the spatial median of exact fits to pairs of genes, without intercept.

    Parameters
    ----------
    singles
        ``(n_genes, 2)``.
    both
        ``(n_genes,)``.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import TheilSenRegressor

    model = TheilSenRegressor(fit_intercept=False, max_subpopulation=MAX_SUBPOPULATION, max_iter=MAX_ITER,
                              random_state=SEED)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(singles, both)
    return float(model.coef_[0]), float(model.coef_[1])


def interaction_types(scores: pd.DataFrame) -> pd.DataFrame:
    """Return which types of interaction each pair shows by the thresholds of GEARS; a pair may show several, or none.

    Parameters
    ----------
    scores
        Pairs × scores, as :func:`interactions` returns.

    Returns
    -------
    pandas.DataFrame
        Pairs × ``synergy``, ``suppressor``, ``redundancy``, ``neomorphism``, ``epistasis``, True or False.

    Raises
    ------
    MissingKeyError
        If a score is missing.
    """
    missing = [name for name, _, _ in TYPES.values() if name not in scores]
    if missing:
        msg = f"the table lacks {missing[0]!r}; interaction_types takes what interactions returns."
        raise MissingKeyError(msg)
    calls = {
        kind: scores[name] > limit if above else scores[name] < limit for kind, (name, limit, above) in TYPES.items()
    }
    return pd.DataFrame(calls, index=scores.index)


def interactions(
    source: PerturbationData | Prediction | pd.DataFrame,
    pairs: Sequence[str] | None = None,
    *,
    genes: Sequence[str] | None = None,
    context: str | None = None,
) -> pd.DataFrame:
    """Return genetic interaction scores of pairs of genes, observed or predicted.

    Parameters
    ----------
    source
        A screen, a Prediction with a row for each single and pair, or a table of changes (perturbations × genes).
    pairs
        Which, as ``A+B``; every pair whose singles are there if left out.
    genes
        Genes to score over; if left out, those of a screen with a mean log-normalised expression above 0.05, and all
        of a table or a Prediction.
    context
        Which context of a screen, if it has several.

    Returns
    -------
    pandas.DataFrame
        Pairs × scores (see :func:`interaction`) and one column True or False for each type.

    Raises
    ------
    InputError
        If there is no pair, or a single of an asked pair is missing.
    """
    table = _changes(source, context, genes is not None)
    if genes is not None:
        known = [gene for gene in genes if gene in table.columns]
        if len(known) < 3:
            msg = f"{len(known)} of the {len(genes)} genes are measured; give at least three that are."
            raise InputError(msg)
        table = table[known]
    singles = {label for label in table.index if "+" not in label}
    complete = [label for label in table.index if label.count("+") == 1 and set(label.split("+")) <= singles]
    asked = complete if pairs is None else ["+".join(sorted(pair.split("+"))) for pair in pairs]
    missing = [pair for pair in asked if pair not in complete]
    if missing or not asked:
        what = f"{missing[0]} lacks a single or the double" if missing else "no pair has both singles and the double"
        msg = f"{what}; pairs that have all three are {complete[:5]}."
        raise InputError(msg)
    rows = {}
    for pair in asked:
        first, second = pair.split("+")
        rows[pair] = interaction(*(table.loc[label].to_numpy() for label in (first, second, pair)))
    scores = pd.DataFrame(rows).T[list(COLUMNS)].rename_axis("pair")
    return scores.join(interaction_types(scores))


def _changes(
    source: PerturbationData | Prediction | pd.DataFrame, context: str | None, every_gene: bool
) -> pd.DataFrame:
    """Return changes from control, perturbations × genes, genes of a label in alphabetical order."""
    if isinstance(source, pd.DataFrame):
        table = source.set_axis(["+".join(sorted(str(label).split("+"))) for label in source.index])
    elif isinstance(source, Prediction):
        table = pd.DataFrame(np.asarray(source.delta), columns=source.genes)
        table.index = pd.Index(["+".join(sorted(one.genes)) for one in source.perturbations])
    else:
        where = source.contexts[0] if context is None else context
        if context is None and len(source.contexts) > 1:
            msg = f"the screen has {len(source.contexts)} contexts; say which with context=, such as {where!r}."
            raise InputError(msg)
        bulk = source.pseudobulk()
        rows = [i for i, unit in enumerate(bulk.units) if unit[1] == where and unit[0] != "control"]
        table = pd.DataFrame(bulk.delta[rows], index=[bulk.units[i][0] for i in rows], columns=source.genes)
        table = table if every_gene else table.loc[:, bulk.means.mean(axis=0) > MIN_MEAN]
    return table[~table.index.duplicated()]
