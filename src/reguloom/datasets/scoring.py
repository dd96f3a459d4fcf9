"""How much of a known network was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.core import Network, Regulons

NetworkLike: TypeAlias = Network | Regulons | pd.DataFrame
COLUMNS = (
    "n_edges",
    "n_correct",
    "precision",
    "recall",
    "f1",
    "auprc",
    "auprc_ratio",
    "early_precision",
    "sign_accuracy",
)


def recovery(
    predicted: NetworkLike | Mapping[str, NetworkLike],
    truth: NetworkLike,
    *,
    tfs: Iterable[str] | None = None,
    genes: Iterable[str] | None = None,
    top: int | None = None,
) -> pd.DataFrame:
    """Compare predicted networks with the true one, edge by edge (TF → target, the TF itself left out).

    Every pair of a TF and a gene is a candidate; pairs that a prediction does not name share the last place, so a
    short list is not rewarded for what it leaves out.

    Parameters
    ----------
    predicted
        A Network, Regulons or a table in a known dialect; or a mapping of names to these, for one row each.
        Edges are ranked by the absolute weight; if a pair appears more than once, by its largest.
    truth
        The true network.
    tfs, genes
        The candidates; those of the true network if left out. Predicted edges outside are not counted.
    top
        Count ``precision``, ``recall``, ``f1`` and ``sign_accuracy`` over so many strongest edges in place of all,
        so that lists of different length can be compared.

    Returns
    -------
    pandas.DataFrame
        One row for each prediction. ``n_edges`` and ``n_correct`` counted; ``precision``, ``recall``, ``f1``;
        ``auprc``, the average precision over all candidates, and ``auprc_ratio``, how many times that of a random
        order; ``early_precision``, the precision among as many strongest edges as there are true ones (Pratapa et
        al. 2020, Nature Methods 17:147, call it EPR when divided by that of a random order); ``sign_accuracy``, the
        share of correct edges with a sign whose sign is right.

    Raises
    ------
    InputError
        If the truth has no edge among the candidates.

    Examples
    --------
    >>> import reguloom as rl
    >>> world = rl.datasets.regulon_world(n_cells=50, n_cell_types=2, n_tfs=5, n_genes=50, n_database_genes=60)
    >>> float(rl.datasets.recovery(world.regulons, world.network)["precision"].iloc[0])
    1.0
    """
    true = _network(truth)
    sources = pd.Index(dict.fromkeys(true.regulators if tfs is None else tfs))
    targets = pd.Index(dict.fromkeys(true.genes if genes is None else genes))
    positive, sign = _matrix(true, sources, targets)
    candidate = sources.to_numpy()[:, None] != targets.to_numpy()[None, :]
    is_true, true_sign = (positive > 0)[candidate], sign[candidate]
    if not is_true.any():
        msg = f"the true network has no edge between the given {len(sources)} TFs and {len(targets)} genes."
        raise InputError(msg)
    named = predicted if isinstance(predicted, Mapping) else {"predicted": predicted}
    rows = {}
    for name, one in named.items():
        weight, its_sign = _matrix(_network(one), sources, targets)
        rows[name] = _row(weight[candidate], its_sign[candidate], is_true, true_sign, top)
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS)).astype(
        {"n_edges": int, "n_correct": int}
    )


def _network(one: NetworkLike) -> Network:
    """Return a prediction as a network."""
    if isinstance(one, Network):
        return one
    return one.to_network() if isinstance(one, Regulons) else Network.from_frame(one)


def _matrix(network: Network, sources: pd.Index, targets: pd.Index) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Return weight (0 where there is no edge) and sign of each candidate pair; of several edges the strongest."""
    rows = sources.get_indexer(network.regulators)[network.source]
    columns = targets.get_indexer(network.targets)[network.target]
    inside = np.flatnonzero((rows >= 0) & (columns >= 0))
    weights = np.zeros((len(sources), len(targets)))
    signs = np.zeros(weights.shape, dtype=np.int8)
    size = np.abs(network.weight)
    inside = inside[np.argsort(size[inside], kind="stable")]
    # an edge of weight 0 is still an edge: it comes before all pairs without one
    weights[rows[inside], columns[inside]] = np.maximum(size[inside], np.finfo(float).tiny)
    signs[rows[inside], columns[inside]] = network.sign[inside]
    return weights, signs


def _row(
    weight: NDArray[np.float64],
    sign: NDArray[np.int8],
    is_true: NDArray[np.bool_],
    true_sign: NDArray[np.int8],
    top: int | None,
) -> dict[str, float]:
    """Return the measures of one prediction over the flattened candidates."""
    order = np.argsort(-weight, kind="stable")
    n_predicted, n_true = int((weight > 0).sum()), int(is_true.sum())
    counted = order[: n_predicted if top is None else min(top, n_predicted)]
    correct = counted[is_true[counted]]
    precision = len(correct) / len(counted) if len(counted) else np.nan
    recall = len(correct) / n_true
    signed = correct[(sign[correct] != 0) & (true_sign[correct] != 0)]
    auprc = average_precision(weight, is_true)
    return {
        "n_edges": len(counted),
        "n_correct": len(correct),
        "precision": precision,
        "recall": recall,
        "f1": 2 * len(correct) / (len(counted) + n_true),
        "auprc": auprc,
        "auprc_ratio": auprc * len(is_true) / n_true,
        "early_precision": _expected_hits(weight, is_true, n_true) / n_true,
        "sign_accuracy": float((sign[signed] == true_sign[signed]).mean()) if len(signed) else np.nan,
    }


def average_precision(score: NDArray[np.float64], is_true: NDArray[np.bool_]) -> float:
    """Return ``sum((recall_k - recall_{k-1}) * precision_k)`` over the distinct scores, from high to low.

    Parameters
    ----------
    score, is_true
        One per candidate, shape ``(n_candidates,)``; equal scores are taken together.
    """
    order = np.argsort(-score, kind="stable")
    last_of_ties = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hits = np.cumsum(is_true[order])[last_of_ties]
    precision = hits / (last_of_ties + 1)
    return float((np.diff(hits, prepend=0) * precision).sum() / max(hits[-1], 1))


def _expected_hits(score: NDArray[np.float64], is_true: NDArray[np.bool_], k: int) -> float:
    """Return the true ones expected among the `k` highest scores, ties broken at random."""
    threshold = np.partition(score, len(score) - k)[len(score) - k]
    above, tied = score > threshold, score == threshold
    return float(is_true[above].sum() + is_true[tied].mean() * (k - above.sum()))
