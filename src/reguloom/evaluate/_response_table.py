"""From scores of units to the table: means, intervals by a bootstrap over perturbations, and the one headline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.evaluate._response_metrics import FAMILIES, METRICS, Metric

CONTROLS = ("technical duplicate", "interpolated duplicate", "split half")
"""A second experiment, drawn from the same cells and so a little too good; the same where genes changed, else the mean;
halves of the cells against each other, a little too bad, by which it is judged whether a metric tells anything."""
INFORMATIVE, FEW_CONDITIONS = 0.1, 5
"""A metric tells models apart if one half of the cells goes this share of the way from the baseline to perfection."""
MARGIN = 0.1
"""How much further off than the mean a prediction may be, as a share, before its other merits count for nothing."""
SCORE = "score"
COLUMNS = (
    "model", "metric", "family", "stratum", "value", "low", "high", "n", "kind", "best_baseline", "difference",
    "difference_low", "difference_high", "certainty", "ceiling", "dynamic_range", "informative", "headline",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Samples with replacement of perturbations, the same for every model and metric, so that differences are paired.

    Parameters
    ----------
    weights
        How often each perturbation is in each sample, ``(n_samples, n_perturbations)``.
    code
        Perturbation of each unit.
    """

    weights: NDArray[np.float64]
    code: NDArray[np.intp]

    @classmethod
    def of(cls, units: pd.DataFrame, n_samples: int, rng: np.random.Generator) -> Bootstrap:
        """Draw `n_samples` with `rng`; `units` of one condition go together, whatever split or context.

        Where there are hardly any conditions, as with one stimulus in several cell types, contexts are drawn too.
        """
        groups = units["condition"]
        if groups.nunique() < FEW_CONDITIONS:
            groups = groups + "|" + units["context"]
        code, names = pd.factorize(groups, sort=True)
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_samples)
        return cls(drawn.astype(np.float64), code)

    def means(self, values: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the mean of `values`, ``(n_units, n_models)``, over units in `where`: ``(n_samples, n_models)``."""
        known = np.isfinite(values) & where[:, None]
        filled = np.where(known, values, 0.0)
        n = self.weights.shape[1]
        sums, counts = np.zeros((n, values.shape[1])), np.zeros((n, values.shape[1]))
        np.add.at(sums, self.code, filled)
        np.add.at(counts, self.code, known)
        total = self.weights @ counts
        return np.divide(self.weights @ sums, total, out=np.full(total.shape, np.nan), where=total > 0)


def wide(scores: pd.DataFrame, metric: str, models: list[str]) -> pd.DataFrame:
    """Return one metric as units × models."""
    part = scores[scores["metric"] == metric]
    table = part.pivot(index=["split", "condition", "context"], columns="model", values="value")
    return table.reindex(columns=models)


def leaderboard(
    scores: pd.DataFrame, kinds: dict[str, str], *, n_bootstrap: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table of all models and metrics, and the bootstrap samples of the headline score.

    Parameters
    ----------
    scores
        Long table: ``split, model, condition, context, stratum, metric, value``.
    kinds
        Model → ``model``, ``baseline``, ``control``.
    n_bootstrap
        Samples.
    rng
        Where chance comes from.
    """
    models = list(kinds)
    metrics = list(dict.fromkeys(scores["metric"]))
    units = wide(scores, metrics[0], models).index.to_frame(index=False)
    strata = scores.drop_duplicates(["split", "condition", "context"]).set_index(["split", "condition", "context"])
    strata = strata["stratum"].reindex(pd.MultiIndex.from_frame(units)).to_numpy()
    sampler = Bootstrap.of(units, n_bootstrap, rng)
    rows, samples = [], {}
    for name in metrics:
        values = wide(scores, name, models).to_numpy()
        for stratum in ["all", *sorted(set(strata) - {"all"})]:
            where = np.ones(len(units), dtype=bool) if stratum == "all" else strata == stratum
            drawn = sampler.means(values, where)
            samples[name, stratum] = drawn
            rows += _rows(name, stratum, models, kinds, values[where], drawn)
    table = pd.DataFrame(rows)
    table, drawn_score = _headline(table, samples, models, kinds, metrics)
    return table[list(COLUMNS)].reset_index(drop=True), drawn_score


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return means of columns, NaN left out; NaN where there is nothing."""
    known = np.isfinite(values)
    n = known.sum(axis=0)
    return np.divide(np.where(known, values, 0).sum(axis=0), n, out=np.full(values.shape[1], np.nan), where=n > 0)


def _quantiles(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of bootstrap means."""
    known = values[np.isfinite(values)]
    return (float(np.quantile(known, 0.025)), float(np.quantile(known, 0.975))) if known.size else (np.nan, np.nan)


def _metric(name: str) -> Metric:
    """Return the metric; distances between clouds of cells are not among those on means."""
    return METRICS.get(name) or Metric(name, FAMILIES[-1], lambda predicted, truth: predicted[:, 0], False, 0.0,
                                       "no change", False, "distance between predicted and observed cells")  # fmt: skip


def _rows(
    name: str, stratum: str, models: list[str], kinds: dict[str, str], values: NDArray[np.float64],
    drawn: NDArray[np.float64],
) -> list[dict[str, object]]:  # fmt: skip
    """Return the rows of one metric in one stratum."""
    metric = _metric(name)
    means = dict(zip(models, _mean(values), strict=True))
    sign = 1.0 if metric.higher else -1.0
    position = {model: i for i, model in enumerate(models)}
    baselines = [one for one in models if kinds[one] == "baseline" and np.isfinite(means[one])]
    best = max(baselines, key=lambda one: sign * means[one]) if baselines else ""
    half = means.get(CONTROLS[2], np.nan)
    ceiling = means.get(CONTROLS[0], np.nan)
    ceiling = half if np.isnan(ceiling) else ceiling
    reach = dynamic_range(metric, half, means.get(metric.floor, np.nan))
    rows = []
    for model in models:
        low, high = _quantiles(drawn[:, position[model]])
        row = {"model": model, "metric": name, "family": metric.family, "stratum": stratum, "value": means[model],
               "low": low, "high": high, "n": int(np.isfinite(values[:, position[model]]).sum()),
               "kind": kinds[model], "best_baseline": best, "difference": np.nan, "difference_low": np.nan,
               "difference_high": np.nan, "certainty": np.nan, "ceiling": ceiling, "dynamic_range": reach,
               "informative": bool(reach >= INFORMATIVE), "headline": metric.headline}  # fmt: skip
        if kinds[model] == "model" and best:
            row |= _difference(drawn[:, position[model]], drawn[:, position[best]], means[model] - means[best], sign)
        rows.append(row)
    return rows


def _difference(one: NDArray[np.float64], other: NDArray[np.float64], mean: float, sign: float) -> dict[str, float]:
    """Return how much better than the best baseline, positive being better, with its interval and certainty."""
    paired = sign * (one - other)
    known = paired[np.isfinite(paired)]
    low, high = _quantiles(paired)
    certainty = float((known > 0).mean()) if known.size else np.nan
    return {"difference": sign * mean, "difference_low": low, "difference_high": high, "certainty": certainty}


def dynamic_range(metric: Metric, ceiling: float, floor: float) -> float:
    """Return how far one half of the cells goes from the baseline to perfection, between -1 and 1 (CellSimBench's DRF).

    Parameters
    ----------
    metric
        Which.
    ceiling, floor
        Score of the half and of the baseline; a baseline without a score (no correlation) counts as 0.
    """
    floor = 0.0 if np.isnan(floor) and metric.higher else floor
    gap = metric.perfect - floor
    if not np.isfinite(ceiling) or not np.isfinite(gap) or gap == 0:
        return np.nan
    return float(np.clip((ceiling - floor) / gap, -1.0, 1.0))


def joined(families: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return one score of those of the families: their mean, held down where a prediction is further off than the mean.

    Direction and ranks see neither length nor a monotone distortion: a prediction five times too long, or logged
    once too often, has them all right and is useless in place of the mean. So one whose distance is more than a tenth
    larger than that of the mean baseline scores no higher than its scale does, which is below 0. From no larger to a
    tenth larger this comes in by degrees, so that no hair's breadth decides between the two.

    Parameters
    ----------
    families
        Share of the way from the mean baseline to perfection in each family, arrays of one shape.
    """
    mean = np.mean(list(families.values()), axis=0)
    scale = families.get(FAMILIES[0], np.zeros_like(mean))
    return mean - np.clip(-scale / MARGIN, 0.0, 1.0) * np.maximum(mean - scale, 0.0)


def _headline(
    table: pd.DataFrame,
    samples: dict[tuple[str, str], NDArray[np.float64]],
    models: list[str],
    kinds: dict[str, str],
    metrics: list[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add the score: the share of the way from the mean baseline to perfection, averaged over families.

    Nothing is clipped, so that what is gained in one family can be lost in another; see :func:`joined` for predictions
    that are further off than the mean. A score that is not defined counts as that of the baseline, and metrics that
    tell nothing here are left out.
    """
    everything = table[table["stratum"] == "all"]
    told = everything[everything["headline"] & everything["informative"]]
    used = [name for name in metrics if name in set(told["metric"])]
    families: dict[str, list[str]] = {}
    for name in used:
        families.setdefault(_metric(name).family, []).append(name)
    values = everything.pivot(index="metric", columns="model", values="value").reindex(columns=models)

    def scored(name: str, means: NDArray[np.float64]) -> NDArray[np.float64]:
        metric, floor = _metric(name), models.index(_metric(name).floor)
        base = means[..., floor : floor + 1]
        base = np.where(np.isnan(base), 0.0, base)
        gap = metric.perfect - base
        gained = np.divide(means - base, gap, out=np.zeros(means.shape), where=np.abs(gap) > 1e-12)
        return np.where(np.isnan(gained), 0.0, gained)

    def averaged(of: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        return joined({family: np.mean([of[name] for name in names], axis=0) for family, names in families.items()})

    if not families:
        return table, pd.DataFrame(columns=models)
    point = averaged({name: scored(name, values.loc[name].to_numpy(float)[None])[0] for name in used})
    drawn = averaged({name: scored(name, samples[name, "all"]) for name in used})
    baselines = [one for one in models if kinds[one] == "baseline"]
    best = max(baselines, key=lambda one: point[models.index(one)])
    rows = []
    for i, model in enumerate(models):
        low, high = _quantiles(drawn[:, i])
        row = {"model": model, "metric": SCORE, "family": "headline", "stratum": "all", "value": point[i], "low": low,
               "high": high, "n": int(everything["n"].max()), "kind": kinds[model], "best_baseline": best,
               "difference": np.nan, "difference_low": np.nan, "difference_high": np.nan, "certainty": np.nan,
               "ceiling": point[models.index(CONTROLS[0])] if CONTROLS[0] in models else np.nan,
               "dynamic_range": np.nan, "informative": True, "headline": True}  # fmt: skip
        if kinds[model] == "model":
            j = models.index(best)
            row |= _difference(drawn[:, i], drawn[:, j], float(point[i] - point[j]), 1.0)
        rows.append(row)
    return pd.concat([pd.DataFrame(rows), table], ignore_index=True), pd.DataFrame(drawn, columns=models)
