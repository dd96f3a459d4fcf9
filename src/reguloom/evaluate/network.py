"""Score predicted networks against a known one: one table, with intervals, a null and the baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, child_seed, root_seed
from reguloom.core import Expression, check_genes
from reguloom.evaluate import _agreement, _measures, _resampling
from reguloom.evaluate._candidates import Candidates, Edges, NetworkLike, Ranking, as_network, candidate_truth, used
from reguloom.evaluate.baselines import BASELINES, correlation_edges

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.evaluate._measures import Measure

COLUMNS = (
    *("method", "metric", "value", "low", "high", "chance", "ratio", "p"),
    *("n_true", "n_candidates", "n_predicted", "baseline"),
)
METRICS = (
    *("auprc", "auroc", "early_precision"),
    *("activation_early_precision", "inhibition_early_precision"),
    *("signed_auprc", "signed_early_precision", "sign_accuracy"),
    *("precision", "recall", "f1"),
    *_agreement.METRICS,
)
#: Of called edges: without a meaning where every candidate is called, as a correlation does.
_CALLED = ("precision", "recall", "f1")
#: How many times chance they are has no meaning: chance is one half, or the measure is a share of something else.
_NO_RATIO = {"auroc", "sign_accuracy"}
NULLS = ("edges", "targets")
Several: TypeAlias = Sequence[NetworkLike]


@dataclass(frozen=True)
class _Question:
    """One way to tell right from wrong: which candidates, which of them true, which measures.

    Parameters
    ----------
    name
        Names the random numbers.
    true
        Numbers of the true candidates, increasing.
    dropped
        Numbers that are no candidates here.
    n_candidates
        How many there are.
    measures
        Metric → its function.
    chance
        Share of true ones in a random order.
    n_signs
        2 if a candidate is a pair with a sign.
    decimals
        Weights are rounded to so many, if any.
    """

    name: str
    true: NDArray[np.int64]
    dropped: NDArray[np.int64]
    n_candidates: int
    measures: Mapping[str, Measure]
    chance: float
    n_signs: int = 1
    decimals: int | None = None


@accepts_seed
def network(
    predicted: NetworkLike | Mapping[str, NetworkLike | Several],
    truth: NetworkLike,
    expression: AnnData | pd.DataFrame | Expression | None = None,
    *,
    layer: str | None = None,
    tfs: Iterable[str] | None = None,
    genes: Iterable[str] | None = None,
    metrics: Iterable[str] | None = None,
    top: int | None = None,
    null: str = "edges",
    n_bootstrap: int = 1000,
    n_permutations: int = 1000,
    confidence: float = 0.95,
    compat: str | None = None,
    rng: SeedLike = 0,
) -> pd.DataFrame:
    """Score networks against the true one, each number with an interval, chance, a p-value and the baselines.

    Every pair of a TF and a gene, the TF itself left out, is a candidate. Predicted edges are ranked by their absolute
    weight, the largest where a pair appears more than once. Equal weights are one place: no order within it is made
    up, so results do not depend on the order of rows. All pairs that a prediction does not name share the last place,
    so a short list is not rewarded for what it leaves out.

    ==============================  ==================================================================================
    metric                          what it is
    ==============================  ==================================================================================
    ``auprc``                       average precision; ``ratio`` to that of a random order
    ``auroc``                       chance that a true edge comes before another pair; ties count one half
    ``early_precision``             precision expected among as many strongest pairs as there are true edges, ties
                                    broken at random; its ``ratio`` is the EPR of Pratapa et al. 2020
    ``activation_early_precision``  the same for true activations, true inhibitions taken out of the candidates; as in
                                    BEELINE the *predicted sign is not looked at*
    ``inhibition_early_precision``  the same the other way round
    ``signed_auprc``                average precision over pairs × two signs: only the right pair with the right sign is
                                    a hit; a prediction without sign bets on both
    ``signed_early_precision``      early precision over the same
    ``sign_accuracy``               share of named true edges with a sign whose sign is right
    ``precision, recall, f1``       of the edges called: all that are named, or the `top` strongest; left out where that
                                    is every candidate
    ``stability_spearman``          agreement of several runs, see :func:`stability`: of all ranks, and of as many
    ``stability_jaccard``           strongest edges as there are true ones
    ==============================  ==================================================================================

    Parameters
    ----------
    predicted
        A Network, Regulons or a table in a known dialect; or a mapping of names to these, or to lists of them (several
        runs of one method: the value is their mean, and the interval covers the runs as well).
    truth
        The true network. Metrics with signs are in the table if it has signs.
    expression
        Cells × genes, from which the networks were inferred. With it, Pearson, Spearman and partial correlation are in
        the table; no option leaves them out.
    layer
        Layer of an AnnData; ``"raw"`` for ``.raw``.
    tfs, genes
        The candidates; those of the true network if left out. Predicted edges outside are not counted.
    metrics
        Some of those above; all if left out.
    top
        Call so many strongest edges in place of all, so that lists of different length can be compared.
    null
        What is random in the null: where the true ``"edges"`` stand; or the names of the ``"targets"``, so that each
        regulator keeps its number of targets, and knowing the hubs earns nothing.
    n_bootstrap, n_permutations
        Samples for the intervals and for the null; 0 leaves them out.
    confidence
        Of the intervals.
    compat
        ``"beeline"`` scores as the authors of BEELINE did, to be compared with published tables: candidates are all
        pairs of genes in the truth, an edge of weight 0 is none, the area under the precision-recall curve is that
        under straight lines, and the early set grows by all that tie, to 6 decimals, with its last edge.
    rng
        Seed; each metric has numbers of its own, so other metrics or methods change nothing.

    Returns
    -------
    pandas.DataFrame
        One row for each method and metric, the baselines last. ``value``; ``low, high``, the bias-corrected percentile
        interval of a bootstrap that draws true edges and other pairs apart (Efron 1987); ``chance``, what a random
        order gets (``auprc``: the share of true edges, as in the literature); ``ratio``, value by chance; ``p``, the
        share of the null that is as good; ``n_true``, ``n_candidates``, ``n_predicted`` (named candidates);
        ``baseline``.

    Raises
    ------
    InputError
        If the truth has no edge among the candidates, or the networks share no genes with it.

    Notes
    -----
    Edges of one regulator are not independent, so the interval is one for this truth, not for a new organism.

    Examples
    --------
    >>> import reguloom as rl
    >>> world = rl.datasets.regulon_world(n_cells=100, n_cell_types=2, n_tfs=5, n_genes=50, n_database_genes=60)
    >>> table = rl.evaluate.network({"found": world.regulons}, world.network, world.adata, tfs=world.tfs)
    >>> float(table.pivot(index="method", columns="metric", values="value").loc["found", "precision"])
    1.0
    """
    options = _Options(top, null, n_bootstrap, n_permutations, confidence, compat, root_seed(rng))
    true = as_network(truth)
    named = named_predictions(predicted)
    if compat == "beeline" and tfs is None:
        tfs = genes = [*used(true.regulators, true.source), *used(true.targets, true.target)]
    candidates = Candidates.of(true, tfs=tfs, genes=genes)
    edges = candidate_truth(candidates, true)
    everything = {name: [candidates.edges(run) for run in runs] for name, runs in named.items()}
    if expression is not None:
        cells = Expression.of(expression, layer=layer)
        everything |= {name: [one] for name, one in correlation_edges(cells, candidates).items()}
    for name, runs in named.items():
        _check_names(name, runs, candidates)
    wanted = _chosen(metrics)
    rows = [row for name, runs in everything.items() for row in _rows(name, runs, edges, candidates, wanted, options)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


@dataclass(frozen=True)
class _Options:
    """What the user asked for, checked."""

    top: int | None
    null: str
    n_bootstrap: int
    n_permutations: int
    confidence: float
    compat: str | None
    root: int

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.null not in NULLS:
            msg = f"null={self.null!r} is not known; accepted are {', '.join(NULLS)}."
            raise InputError(msg)
        if self.compat not in (None, "beeline"):
            msg = f"compat={self.compat!r} is not known; accepted are 'beeline' and None."
            raise InputError(msg)
        if min(self.n_bootstrap, self.n_permutations) < 0 or not 0 < self.confidence < 1:
            msg = (
                f"n_bootstrap={self.n_bootstrap}, n_permutations={self.n_permutations}, confidence={self.confidence}; "
                "the numbers must be 0 or more, and the confidence between 0 and 1."
            )
            raise InputError(msg)
        if self.top is not None and self.top < 1:
            msg = f"top={self.top}; call at least 1 edge, or leave it out to call all that are named."
            raise InputError(msg)

    def generator(self, *names: str) -> np.random.Generator:
        """Return the random numbers of one question."""
        return np.random.default_rng(child_seed(self.root, *names))


def named_predictions(
    predicted: NetworkLike | Mapping[str, NetworkLike | Several],
) -> dict[str, list]:  # type: ignore[type-arg]
    """Return name → networks of its runs.

    Raises
    ------
    InputError
        If a name is a baseline's, or a list is empty.
    """
    mapping = predicted if isinstance(predicted, Mapping) else {"predicted": predicted}
    taken = [name for name in mapping if name in BASELINES]
    if taken:
        msg = f"{taken[0]!r} is the name of a baseline; call this prediction something else."
        raise InputError(msg)
    found = {}
    for name, one in mapping.items():
        runs = list(one) if isinstance(one, list | tuple) else [one]
        if not runs:
            msg = f"{name!r} holds no network; give one, or a list of several runs."
            raise InputError(msg)
        found[str(name)] = [as_network(run) for run in runs]
    return found


def _check_names(name: str, runs: list, candidates: Candidates) -> None:  # type: ignore[type-arg]
    """Refuse a prediction about other genes; an empty one is merely bad."""
    genes = {gene for run in runs for gene in used(run.targets, run.target)}
    if genes and not genes & set(candidates.targets):
        check_genes(genes, candidates.targets, what=f"targets of {name}", where="the genes to score")


def _chosen(metrics: Iterable[str] | None) -> list[str]:
    """Return the metrics to compute, in the order of the table."""
    wanted = set(METRICS if metrics is None else [metrics] if isinstance(metrics, str) else metrics)
    unknown = sorted(wanted - set(METRICS))
    if unknown:
        msg = f"metrics {unknown} are not known; accepted are {', '.join(METRICS)}."
        raise InputError(msg)
    return [name for name in METRICS if name in wanted]


def _questions(truth: Edges, candidates: Candidates, options: _Options) -> list[_Question]:
    """Return what is asked of every prediction."""
    none, n, density = np.zeros(0, dtype=np.int64), candidates.n, len(truth) / candidates.n
    beeline = options.compat == "beeline"
    early: Measure = _measures.enlarged_early_precision if beeline else _measures.early_precision
    measures: dict[str, Measure] = {
        "auprc": _measures.trapezoid_auprc if beeline else _measures.average_precision,
        "auroc": _measures.auroc,
        "precision": partial(_measures.precision, top=options.top),
        "recall": partial(_measures.recall, top=options.top),
        "f1": partial(_measures.f1, top=options.top),
    }
    rounding = 6 if beeline else None
    questions = [_Question("edges", truth.keys, none, n, measures, density)]
    if beeline:  # rounds weights for the early edges alone, so these are asked apart
        early_alone = {"early_precision": early}
        questions.append(_Question("early", truth.keys, none, n, early_alone, density, decimals=rounding))
    else:
        measures["early_precision"] = early
    for sign, name in ((1, "activation"), (-1, "inhibition")):
        these, others = truth.keys[truth.sign == sign], truth.keys[truth.sign != sign]
        if len(these):
            # BEELINE takes the other sign out of the ranking, and not out of the number that it divides by.
            left = n if beeline else n - len(others)
            share = len(these) / left
            asked = {f"{name}_early_precision": early}
            questions.append(_Question(name, these, others, n - len(others), asked, share, decimals=rounding))
    known = truth.sign != 0
    if known.any():
        pairs, unknown = _with_sign(truth.keys[known], truth.sign[known]), truth.keys[~known]
        dropped = np.sort(np.concatenate([2 * unknown, 2 * unknown + 1]))
        both = 2 * (n - len(unknown))
        asked = {"signed_auprc": measures["auprc"], "signed_early_precision": early}
        questions.append(_Question("signed", pairs, dropped, both, asked, len(pairs) / both, n_signs=2))
    return questions


def _with_sign(keys: NDArray[np.int64], sign: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the numbers of edges with their sign: the double, plus one for a repression."""
    return np.sort(2 * keys + (sign < 0))


def _both_signs(edges: Edges) -> Edges:
    """Return the edges numbered with their sign; one of unknown sign stands for both."""
    up, down = edges.sign >= 0, edges.sign <= 0
    keys = np.concatenate([2 * edges.keys[up], 2 * edges.keys[down] + 1])
    size = np.concatenate([edges.size[up], edges.size[down]])
    order = np.argsort(keys)
    return Edges(keys[order], size[order], np.zeros(len(keys), dtype=np.int8))


def _rows(
    name: str, runs: list[Edges], truth: Edges, candidates: Candidates, wanted: list[str], options: _Options
) -> list[tuple[object, ...]]:
    """Return the rows of one method."""
    if options.compat == "beeline":
        runs = [run.nonzero() for run in runs]
    n_predicted = round(float(np.mean([len(run) for run in runs])))
    found: dict[str, tuple[object, ...]] = {}
    for question in _questions(truth, candidates, options):
        asked = [metric for metric in question.measures if metric in wanted]
        if not asked:
            continue
        folded = [_both_signs(run) if question.n_signs == 2 else run for run in runs]
        if question.decimals is not None:
            folded = [run.nonzero(decimals=question.decimals) for run in folded]
        rankings = [Ranking.of(run.without(question.dropped), question.n_candidates) for run in folded]
        sums = [_ask(ranking, question, asked, candidates, options) for ranking in rankings]
        for metric in asked:
            values = [_join(one[metric] for one in part) for part in zip(*sums, strict=True)]
            chance = _chance(metric, question, rankings, options.top)
            found[metric] = _row(metric, values, chance, len(question.true), question.n_candidates, options)
    if "sign_accuracy" in wanted and (truth.sign != 0).any():
        found["sign_accuracy"] = _sign_accuracy(runs, truth, candidates.n, options)
    if options.top is None and (name in BASELINES or all(len(run) == candidates.n for run in runs)):
        found = {metric: row for metric, row in found.items() if metric not in _CALLED}
    rows = [(name, *found[metric], n_predicted, name in BASELINES) for metric in wanted if metric in found]
    if len(runs) > 1:
        settings = _agreement.Settings(
            candidates, options.n_bootstrap, options.n_permutations, options.confidence, options.root
        )
        agreed = _agreement.agreement(runs, len(truth), settings)
        rows += [(name, *row, False) for row in agreed if row[0] in wanted]
    return rows


def _join(parts: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return arrays end to end."""
    return np.concatenate(list(parts))


Tables: TypeAlias = dict[str, NDArray[np.float64]]


def _ask(
    ranking: Ranking, question: _Question, asked: list[str], candidates: Candidates, options: _Options
) -> tuple[Tables, Tables, Tables]:
    """Return the observed values, those of the bootstrap samples and those of the null, by metric."""
    places = ranking.places_of(question.true)
    observed = [_measures.steps_of(ranking, places[None, :])]
    samples = _resampling.bootstrap(ranking, places, options.n_bootstrap, options.generator(question.name, "bootstrap"))
    rng = options.generator(question.name, "null", options.null)
    if options.null == "edges":
        orders = _resampling.shuffled_edges(ranking, len(places), options.n_permutations, rng)
    else:
        orders = _resampling.shuffled_targets(
            ranking,
            candidates,
            question.true,
            dropped=question.dropped,
            n_signs=question.n_signs,
            n=options.n_permutations,
            rng=rng,
        )
    tables = []
    for batches in (observed, samples, orders):
        made: dict[str, list[NDArray[np.float64]]] = {metric: [np.zeros(0)] for metric in asked}
        for steps in batches:
            for metric in asked:
                made[metric].append(question.measures[metric](steps))
        tables.append({metric: np.concatenate(parts) for metric, parts in made.items()})
    return tables[0], tables[1], tables[2]


def _chance(metric: str, question: _Question, rankings: list[Ranking], top: int | None) -> float:
    """Return what a random order gets."""
    if metric == "auroc":
        return 0.5
    if metric not in _CALLED[1:]:
        return question.chance
    called = np.mean([one.n_named if top is None else min(top, one.n_named) for one in rankings])
    share, n_true = float(called) / question.n_candidates, len(question.true)
    return share if metric == "recall" else 2 * share * n_true / (float(called) + n_true)


def _row(
    metric: str,
    values: Sequence[NDArray[np.float64]],
    chance: float,
    n_true: int,
    n_candidates: int,
    options: _Options,
) -> tuple[object, ...]:
    """Return one row of the table from the observed values of the runs, the bootstrap and the null."""
    observed, samples, null = values
    value = float(np.mean(observed))
    low, high = _resampling.interval(value, samples, options.confidence)
    ratio = value / chance if metric not in _NO_RATIO and chance > 0 else float("nan")
    return metric, value, low, high, chance, ratio, _resampling.p_value(value, null), n_true, n_candidates


def _sign_accuracy(runs: list[Edges], truth: Edges, n_candidates: int, options: _Options) -> tuple[object, ...]:
    """Return the row of the sign accuracy; its null shuffles the predicted signs among the edges counted."""
    observed, samples, null, chances, counts = [], [], [], [], []
    for run in runs:
        _, at, there = np.intersect1d(run.keys, truth.keys, assume_unique=True, return_indices=True)
        predicted, true = run.sign[at], truth.sign[there]
        both = (predicted != 0) & (true != 0)
        predicted, true = predicted[both], true[both]
        n, right = len(true), int((predicted == true).sum())
        up, called_up = int((true > 0).sum()), int((predicted > 0).sum())
        counts.append(n)
        if not n:
            observed.append(np.nan)
            chances.append(np.nan)
            continue
        observed.append(right / n)
        chances.append((up * called_up + (n - up) * (n - called_up)) / n**2)
        drawn = options.generator("sign", "bootstrap").binomial(n, right / n, size=options.n_bootstrap)
        samples.append(drawn / n)
        hits = options.generator("sign", "null").hypergeometric(up, n - up, called_up, size=options.n_permutations)
        null.append((2 * hits + n - up - called_up) / n)
    values = (np.array(observed), _join([np.zeros(0), *samples]), _join([np.zeros(0), *null]))
    return _row("sign_accuracy", values, float(np.mean(chances)), round(float(np.mean(counts))), n_candidates, options)
