"""Precision against recall along the ranking, for figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.core import Expression
from reguloom.evaluate._candidates import Candidates, Edges, NetworkLike, Ranking, as_network, candidate_truth
from reguloom.evaluate.baselines import BASELINES, correlation_edges
from reguloom.evaluate.network import Several, named_predictions

if TYPE_CHECKING:
    from anndata import AnnData

COLUMNS = ("method", "n_edges", "recall", "precision", "false_positive_rate", "named", "chance", "baseline")


def curves(
    predicted: NetworkLike | Mapping[str, NetworkLike | Several],
    truth: NetworkLike,
    expression: AnnData | pd.DataFrame | Expression | None = None,
    *,
    layer: str | None = None,
    tfs: Iterable[str] | None = None,
    genes: Iterable[str] | None = None,
    max_points: int = 2000,
) -> pd.DataFrame:
    """Return precision, recall and false positive rate after each place of the ranking, baselines included.

    Parameters
    ----------
    predicted
        As for :func:`network`; of several runs of one method the first is drawn.
    truth
        The true network.
    expression
        Cells × genes; with it, the baselines have curves as well.
    layer
        Layer of an AnnData.
    tfs, genes
        The candidates; those of the true network if left out.
    max_points
        Points of one curve; more are thinned out evenly, those with true edges first.

    Returns
    -------
    pandas.DataFrame
        One row for each point: ``method``, ``n_edges`` so far, ``recall``, ``precision``, ``false_positive_rate``,
        ``named`` (False for the last point, where the pairs that are not named come in), ``chance`` (the share of true
        edges), ``baseline``.

    Raises
    ------
    InputError
        If the truth has no edge among the candidates.
    """
    true = as_network(truth)
    candidates = Candidates.of(true, tfs=tfs, genes=genes)
    edges = candidate_truth(candidates, true)
    everything = {name: candidates.edges(runs[0]) for name, runs in named_predictions(predicted).items()}
    if expression is not None:
        everything |= correlation_edges(Expression.of(expression, layer=layer), candidates)
    tables = [_curve(name, one, edges, candidates.n, max_points) for name, one in everything.items()]
    return pd.concat(tables, ignore_index=True)


def _curve(name: str, edges: Edges, truth: Edges, n_candidates: int, max_points: int) -> pd.DataFrame:
    """Return the curve of one method."""
    ranking = Ranking.of(edges, n_candidates)
    hits = np.bincount(ranking.places_of(truth.keys), minlength=len(ranking.stop))
    found = np.cumsum(hits)
    n_true, n_false = len(truth), n_candidates - len(truth)
    kept = _thin(hits, max_points)
    return pd.DataFrame(
        {
            "method": name,
            "n_edges": ranking.stop[kept],
            "recall": found[kept] / n_true,
            "precision": found[kept] / ranking.stop[kept],
            "false_positive_rate": (ranking.stop[kept] - found[kept]) / max(n_false, 1),
            "named": kept < ranking.n_named_places,
            "chance": n_true / n_candidates,
            "baseline": name in BASELINES,
        },
        columns=list(COLUMNS),
    )


def _thin(hits: NDArray[np.int64], max_points: int) -> NDArray[np.intp]:
    """Return which places are kept: first and last, and as many others as there is room for."""
    if len(hits) <= max_points:
        return np.arange(len(hits))
    turns = np.union1d(np.flatnonzero(hits), [0, len(hits) - 2, len(hits) - 1])
    if len(turns) > max_points:
        turns = turns[np.unique(np.linspace(0, len(turns) - 1, max_points).round().astype(np.intp))]
    return turns
