"""Every model and every baseline on the same held-out perturbations, with the noise ceiling, in one table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom._files import atomic_write, check_output
from reguloom._logging import logger
from reguloom._random import SeedLike, accepts_seed, child_seed, generator, root_seed
from reguloom.core.perturbation_data import PerturbationData
from reguloom.core.provenance import Provenance
from reguloom.evaluate import distances
from reguloom.evaluate._response_headline import headline
from reguloom.evaluate._response_metrics import METRICS
from reguloom.evaluate._response_models import Answer, answer, is_static, shifted_controls
from reguloom.evaluate._response_table import CONTROLS, leaderboard
from reguloom.evaluate._response_truth import Table, Truth, duplicates, halves
from reguloom.evaluate._split import Split
from reguloom.evaluate.diagnostics import response_diagnostics
from reguloom.evaluate.differential_expression import differential_expression
from reguloom.evaluate.response_baselines import baselines
from reguloom.evaluate.response_baselines.embeddings import Source
from reguloom.evaluate.splits import split as make_split

if TYPE_CHECKING:
    from anndata import AnnData

LEAK = 0.5
"""A prediction whose squared error is below this share of the sampling variance of the test means has seen them."""
MOST_CELLS = 500
WITH_CELLS = ("no change", "mean", "additive", "context transfer")
"""Baselines that predict cells too, where a model does: every control cell is shifted by the predicted change."""
CITATIONS = ("10.1038/s41592-025-02772-6", "10.1038/s41587-025-02777-8")


@dataclass(frozen=True, eq=False, repr=False)
class ResponseScores:
    """What came out.

    Parameters
    ----------
    leaderboard
        One row for each model, metric and stratum: ``model``, ``metric``, ``family``, ``stratum``, ``value`` (mean
        over test units), ``low``, ``high`` (95 % interval over perturbations), ``n``, ``kind`` (``model``,
        ``baseline``, ``control``), ``best_baseline``, ``difference`` from it (positive is better) with its interval,
        ``certainty`` (share of bootstrap samples in which the model is better), ``ceiling`` (a technical duplicate),
        ``dynamic_range``, ``informative``, ``headline``. Metric ``score`` is the headline.
    units
        Scores of every test unit: ``split``, ``model``, ``condition``, ``context``, ``stratum``, ``metric``,
        ``value``.
    diagnostics
        What the screen can tell at all: ``check``, ``context``, ``value``, ``remark``.
    headline
        The result in words.
    suspects
        Models that are closer to the test cells than a perfect prediction could be.
    notes
        Model → what has to be known about its answers.
    splits
        The splits.
    observed, predicted
        For figures: mean profiles of the test units of the first split, and each model's, indexed by condition and
        context; ``observed`` has a block ``control`` too.
    provenance
        How it was made.
    """

    leaderboard: pd.DataFrame
    units: pd.DataFrame
    diagnostics: pd.DataFrame
    headline: str
    suspects: tuple[str, ...]
    notes: dict[str, tuple[str, ...]]
    splits: tuple[Split, ...]
    observed: dict[str, pd.DataFrame]
    predicted: dict[str, pd.DataFrame]
    provenance: Provenance

    def __repr__(self) -> str:
        """Say the headline."""
        return f"ResponseScores: {self.headline}"

    def table(self, stratum: str = "all") -> pd.DataFrame:
        """Return models × metrics, the best score first; metrics that tell nothing here end in ``(uninformative)``.

        Parameters
        ----------
        stratum
            Which test units.
        """
        part = self.leaderboard[self.leaderboard["stratum"] == stratum]
        wide = part.pivot(index="model", columns="metric", values="value")[list(dict.fromkeys(part["metric"]))]
        blind = part.loc[~part["informative"].astype(bool), "metric"].unique()
        order = wide["score"].sort_values(ascending=False).index if "score" in wide else wide.index
        return wide.loc[order].rename(columns={name: f"{name} (uninformative)" for name in blind})

    def write(self, folder: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write ``leaderboard.csv``, ``diagnostics.csv``, ``units.csv``, ``headline.txt`` and the splits.

        Parameters
        ----------
        folder
            Where to; made if it is missing.
        force
            Whether existing files may be replaced.
        """
        folder = Path(folder)
        tables = {"leaderboard": self.leaderboard, "diagnostics": self.diagnostics, "units": self.units}
        for name in tables:
            check_output(folder / f"{name}.csv", force=force)
        for name, table in tables.items():
            with atomic_write(folder / f"{name}.csv", force=force) as temporary:
                table.to_csv(temporary, index=False, float_format="%.6g")
        with atomic_write(folder / "headline.txt", force=force) as temporary:
            temporary.write_text(self.headline + "\n", encoding="utf-8")
        for i, one in enumerate(self.splits):
            one.to_json(folder / f"split_{i}.json", force=force)


@accepts_seed
def response(
    models: Mapping[str, Any] | Sequence[Any],
    data: PerturbationData | AnnData,
    split: str | Split | Sequence[Split] = "simulation",
    *,
    n_splits: int = 3,
    split_options: Mapping[str, Any] | None = None,
    embeddings: Mapping[str, Source] | None = None,
    de: str = "t-test",
    cache: str | os.PathLike[str] | None = None,
    n_bootstrap: int = 1000,
    device: str | None = None,
    rng: SeedLike = 0,
    **reading: Any,
) -> ResponseScores:
    """Score predictions of responses to perturbations that were held out, beside the baselines and the noise ceiling.

    Models that are not fitted are fitted anew for every split, without the test cells. The baselines are always there:
    no change, the mean (over perturbations and over cells), the context's mean and the transfer between contexts where
    there are several, additive and matching mean where combinations are asked for, the bilinear linear model,
    neighbours and ridge on embeddings.

    Parameters
    ----------
    models
        Name → model, or a list: predictors, fitted or not, classes of them; Predictions; tables of predicted
        expression (perturbations × genes), AnnData of predicted cells or profiles, and files of these. May be empty.
    data
        The screen; an AnnData is read with the options `reading`.
    split
        How perturbations are held out, see :func:`reguloom.evaluate.split`; or the splits themselves.
    n_splits
        How many seeds (or folds) to split with.
    split_options
        For :func:`reguloom.evaluate.split`.
    embeddings
        Name → embedding of genes (table, gene sets or GMT file, another screen): each adds three baselines.
    de
        ``t-test`` or ``wilcoxon``, for which genes have changed.
    cache
        Folder that keeps the tests under a hash.
    n_bootstrap
        Samples for the intervals.
    device
        Passed on to models that take one.
    rng
        Seed.
    reading
        For :meth:`reguloom.core.PerturbationData.from_anndata`: ``perturbation``, ``covariates``, ``batch`` ...

    Returns
    -------
    ResponseScores
        The table, the diagnostics, and the headline in words.

    Raises
    ------
    InputError
        If the split cannot be made, a name is taken, or a table of predictions meets more than one split.

    References
    ----------
    Ahlmann-Eltze, Huber & Anders, Nature Methods 2025 (baselines); Viñas Torné et al., Nature Biotechnology 2025
    (Systema: perturbed reference, centroid accuracy).

    Examples
    --------
    >>> scores = rl.evaluate.response({"gears": rl.response.GEARS}, adata, "simulation")  # doctest: +SKIP
    >>> print(scores.headline)  # doctest: +SKIP
    """
    screen = PerturbationData.of(data, **reading)
    seed = root_seed(rng)
    named = _named(models)
    splits = _splits(screen, split, n_splits, dict(split_options or {}), seed)
    if len(splits) > 1 and any(is_static(one) for one in named.values()):
        table = next(name for name, one in named.items() if is_static(one))
        msg = f"{table!r} is a table of predictions, made on one split; give that split (split=), or n_splits=1."
        raise InputError(msg)
    found = differential_expression(screen, method=de, cache=cache)
    standard = _baselines(screen, splits, embeddings)
    clash = sorted(set(named) & {*standard, *CONTROLS})
    if clash:
        msg = f"a model is called {clash[0]!r}, which is the name of a baseline; give it another name."
        raise InputError(msg)
    kinds = {**dict.fromkeys(named, "model"), **dict.fromkeys(standard, "baseline")}
    kinds |= dict.fromkeys(CONTROLS, "control")
    collected = _Collected()
    for number, one in enumerate(splits):
        truth, with_cells = Truth.of(screen, one, found), False
        for name, model in {**named, **standard}.items():
            logger.log(20 if name in named else 10, "split %d of %d: %s", number + 1, len(splits), name)
            own = child_seed(seed, number) >> 1
            said = answer(model, screen, one, truth, seed=own, name=name, device=device)
            with_cells = with_cells or bool(said.cells)
            if with_cells and name in WITH_CELLS and kinds[name] == "baseline":
                shifted_controls(screen, truth, said, own)
            collected.add(number, name, said, truth, one, screen, kinds[name])
        _positive_controls(collected, number, screen, one, truth, seed, with_cells)
    units = pd.DataFrame(collected.rows)
    table, _ = leaderboard(units, kinds, n_bootstrap=n_bootstrap, rng=generator(seed, "bootstrap"))
    suspects = collected.suspects()
    params = {"split": [one.hash for one in splits], "de": de, "n_bootstrap": n_bootstrap, "models": list(named)}
    return ResponseScores(
        leaderboard=table,
        units=units,
        diagnostics=response_diagnostics(screen, splits[0], tests=found),
        headline=headline(table, suspects, len(splits)),
        suspects=tuple(suspects),
        notes={name: tuple(dict.fromkeys(notes)) for name, notes in collected.notes.items() if notes},
        splits=tuple(splits),
        observed=collected.observed,
        predicted=collected.predicted,
        provenance=Provenance("evaluate.response", params, seed, {"data": screen.fingerprint()}, citations=CITATIONS),
    )


def _named(models: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    """Return name → model."""
    if isinstance(models, Mapping):
        return dict(models)
    found: dict[str, Any] = {}
    for one in [models] if not isinstance(models, Sequence) or isinstance(models, str) else models:
        own = getattr(one, "name", None) or getattr(one, "__name__", None) or type(one).__name__
        name = Path(one).stem if isinstance(one, str | os.PathLike) else own
        if name in found:
            msg = f"two models are called {name!r}; give them as {{name: model}}."
            raise InputError(msg)
        found[str(name)] = one
    return found


def _splits(
    data: PerturbationData, split: str | Split | Sequence[Split], n_splits: int, options: dict[str, Any], seed: int
) -> list[Split]:
    """Return the splits: those given, or as many as asked for."""
    if isinstance(split, Split):
        return [split.check(data)]
    if not isinstance(split, str):
        return [one.check(data) for one in split]
    if n_splits < 1:
        msg = f"n_splits is {n_splits}; give at least 1."
        raise InputError(msg)
    if split == "k-fold":
        n_folds = max(int(options.pop("n_folds", n_splits)), n_splits)
        return [make_split(data, split, fold=i, n_folds=n_folds, rng=seed, **options) for i in range(n_splits)]
    if split == "unseen-context" and "contexts" not in options:
        return [make_split(data, split, contexts=one, rng=seed, **options) for one in data.contexts[:n_splits]]
    many = [make_split(data, split, rng=seed + i, **options) for i in range(n_splits)]
    distinct = list({one.hash: one for one in many}.values())
    if len(distinct) < len(many):
        logger.info("%d of %d seeds give a split that another gave too", len(many) - len(distinct), len(many))
    return distinct


def _baselines(data: PerturbationData, splits: list[Split], embeddings: Mapping[str, Source] | None) -> dict[str, Any]:
    """Return the baselines that have a meaning for these splits."""
    asked = {condition for one in splits for condition, _ in one.test}
    combinations = any(len(data.conditions[data.condition_labels.index(label)].genes) > 1 for label in asked)
    return dict(baselines(combinations=combinations, contexts=len(data.contexts) > 1, embeddings=embeddings))


class _Collected:
    """Scores of all splits as they come in."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.notes: dict[str, list[str]] = {}
        self.observed: dict[str, pd.DataFrame] = {}
        self.predicted: dict[str, pd.DataFrame] = {}
        self._closeness: dict[str, list[float]] = {}

    def add(
        self, number: int, name: str, said: Answer, truth: Truth, split: Split, data: PerturbationData, kind: str
    ) -> None:
        """Score an answer."""
        self.notes.setdefault(name, []).extend(said.notes)
        for metric in METRICS.values():
            self._put(number, name, metric.name, metric.function(said.profiles, truth), truth, split)
        if kind != "control":
            self._closeness.setdefault(name, []).extend(closeness(said.profiles, truth)[said.answered].tolist())
        for metric_name, scores in _of_cells(said, truth, data).items():
            self._put(number, name, metric_name, scores, truth, split)
        if number == 0:
            index = pd.MultiIndex.from_tuples(truth.units, names=["condition", "context"])
            self.predicted[name] = pd.DataFrame(said.profiles, index=index, columns=truth.genes)
            for what, values in (("observed", truth.observed), ("control", truth.control)):
                self.observed[what] = pd.DataFrame(values, index=index, columns=truth.genes)

    def _put(self, number: int, name: str, metric: str, scores: Table, truth: Truth, split: Split) -> None:
        """Add the scores of one metric."""
        for unit, value in zip(truth.units, scores, strict=True):
            self.rows.append({"split": number, "model": name, "condition": unit[0], "context": unit[1],
                              "stratum": split.stratum(unit), "metric": metric, "value": float(value)})  # fmt: skip

    def suspects(self) -> list[str]:
        """Return the models whose errors are smaller than the noise in the test means, in the median unit."""
        return [name for name, values in self._closeness.items() if values and float(np.median(values)) < LEAK]


def closeness(predicted: Table, truth: Truth) -> Table:
    """Return the squared error over what sampling noise alone adds to a perfect prediction, per unit.

    A prediction that is exact for the population misses the mean of n cells by its sampling variance, so 1 is as close
    as one can come without having seen these very cells.

    Parameters
    ----------
    predicted
        ``(n_units, n_genes)``.
    truth
        The observed profiles.
    """
    noise = (truth.variance / truth.n_cells[:, None]).sum(axis=1)
    error = ((predicted - truth.observed) ** 2).sum(axis=1)
    return np.divide(error, noise, out=np.full(len(error), np.inf), where=noise > 0)


def _of_cells(said: Answer, truth: Truth, data: PerturbationData) -> dict[str, Table]:
    """Return distances between predicted and observed cells."""
    if not said.cells:
        return {}
    names = {"energy_distance": distances.energy_distance, "mmd": distances.maximum_mean_discrepancy,
             "wasserstein": distances.wasserstein}  # fmt: skip
    scores = {name: np.full(len(truth.units), np.nan) for name in names}
    for i, unit in enumerate(truth.units):
        cells = said.cells.get(unit)
        if cells is None or len(cells) < 2:
            continue
        real = said.real[unit] if unit in said.real else data.values(data.cells_of(*unit)[:MOST_CELLS])
        for name, function in names.items():
            scores[name][i] = function(cells[:MOST_CELLS], real) if len(real) > 1 else np.nan
    return scores


def _positive_controls(
    collected: _Collected,
    number: int,
    data: PerturbationData,
    split: Split,
    truth: Truth,
    seed: int,
    with_cells: bool,
) -> None:
    """Score a second experiment against a first, and the mean where nothing changed with the second where it did."""
    first, second = duplicates(data, truth.units, generator(seed, "duplicates", number))
    again = truth.seen_as(second)
    alpha = 1.0 - np.nan_to_num(truth.p_adjusted, nan=1.0)
    blend = alpha * first + (1 - alpha) * truth.reference
    answered = np.ones(len(truth.units), dtype=bool)
    half, other = halves(data, truth.units, generator(seed, "halves", number))
    for name, profiles, real in zip(CONTROLS, (first, blend, half), (again, again, truth.seen_as(other)), strict=True):
        said = Answer(profiles, answered)
        if with_cells and name == CONTROLS[2]:
            for unit in truth.units:
                cells = generator(seed, "halves", number, *unit).permutation(data.cells_of(*unit))
                said.cells[unit] = data.values(np.sort(cells[: len(cells) // 2]))
                said.real[unit] = data.values(np.sort(cells[len(cells) // 2 :]))
        collected.add(number, name, said, real, split, data, "control")
