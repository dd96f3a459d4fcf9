"""Models and baselines with their intervals, one panel for each metric, the noise ceiling as a rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.pl import _style
from reguloom.pl._inputs import choose

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDED = ("model", "metric", "stratum", "value", "low", "high", "kind", "ceiling", "informative")
NAMES = {
    "score": "score",
    "l2": "distance",
    "pearson_delta": "correlation of change\nfrom control",
    "pearson_delta_perturbed": "correlation of change\nfrom the average",
    "centroid_accuracy": "right one is\nnearer than others",
    "weighted_mse": "weighted error",
    "de_overlap": "changed genes found",
    "de_direction": "changed genes,\nright direction",
}
DEFAULT = ("score", "l2", "pearson_delta", "pearson_delta_perturbed", "centroid_accuracy", "weighted_mse")
LESS_IS_BETTER = ("l2", "mse", "mae", "weighted_mse", "energy_distance", "mmd", "wasserstein")


def response_leaderboard(
    leaderboard: pd.DataFrame,
    *,
    metrics: str | Iterable[str] | None = None,
    stratum: str = "all",
    title: str | None = None,
) -> Figure:
    """Draw every model and every baseline with its 95 % interval, the best score on top.

    Parameters
    ----------
    leaderboard
        What ``evaluate.response`` returns as ``leaderboard``.
    metrics
        What to draw, one panel each; the score and the headline metrics if left out.
    stratum
        Which test units.
    title
        Above the panels.

    Returns
    -------
    Figure
        Models are blue, baselines grey. The dashed rule is a technical duplicate of the experiment. A panel whose
        title is grey is uninformative: there the duplicate is hardly better than the mean.

    Raises
    ------
    InputError
        If columns or the stratum are missing.

    Examples
    --------
    >>> figure = rl.pl.response_leaderboard(scores.leaderboard)  # doctest: +SKIP
    """
    absent = [name for name in NEEDED if name not in leaderboard]
    if absent or leaderboard.empty:
        msg = f"the table lacks {absent or 'rows'}; response_leaderboard draws what evaluate.response returns."
        raise InputError(msg)
    table = leaderboard[(leaderboard["stratum"] == stratum) & (leaderboard["kind"] != "control")]
    if table.empty:
        msg = f"there is no stratum {stratum!r}; the table has {sorted(set(leaderboard['stratum']))}."
        raise InputError(msg)
    present = pd.DataFrame(columns=list(dict.fromkeys(table["metric"])))
    chosen = choose(present, metrics, what="metric")
    if metrics is None:
        chosen = [name for name in DEFAULT if name in chosen] or chosen
    models = _order(table, chosen[0])
    with _style.style():
        figure = _style.new_figure(1.7 + 1.45 * len(chosen), 1.1 + 0.24 * len(models))
        axes = figure.subplots(1, len(chosen), squeeze=False, sharey=True)[0]
        for ax, metric in zip(axes, chosen, strict=True):
            _panel(ax, table[table["metric"] == metric].set_index("model").reindex(models), metric)
        kind = table.drop_duplicates("model").set_index("model")["kind"]
        axes[0].set_yticks(range(len(models)), [_style.shorten(name, 30) for name in models])
        axes[0].set_ylim(len(models) - 0.4, -0.6)
        for name, text in zip(models, axes[0].get_yticklabels(), strict=True):
            text.set_color(_style.INK if kind[name] == "model" else _style.MUTED)
        note = "blue: models   grey: baselines   line: 95 % interval over perturbations   dashed: technical duplicate"
        figure.supxlabel(note, fontsize=_style.SMALL, color=_style.MUTED, x=0.01, ha="left")
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=_style.TITLE)
    return figure


def _order(table: pd.DataFrame, metric: str) -> list[str]:
    """Return the models, the best by `metric` first."""
    values = table[table["metric"] == metric].set_index("model")["value"].astype(float)
    sign = 1.0 if metric in LESS_IS_BETTER else -1.0
    return list((sign * values).sort_values(kind="stable", na_position="last").index)


def _panel(ax: Axes, rows: pd.DataFrame, metric: str) -> None:
    """Draw one metric."""
    ceiling = rows["ceiling"].dropna()
    if len(ceiling):
        ax.axvline(float(ceiling.iloc[0]), color=_style.MARK, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
    for y, (_, row) in enumerate(rows.iterrows()):
        color = _style.UP if row["kind"] == "model" else _style.UNSIGNED
        if not np.isfinite(row["value"]):
            ax.annotate("–", (0.02, y), xycoords=("axes fraction", "data"), color=_style.MUTED, va="center",
                        fontsize=_style.SMALL)  # fmt: skip
            continue
        if np.isfinite(row["low"]):
            ax.plot([row["low"], row["high"]], [y, y], color=color, linewidth=1.3, zorder=2, solid_capstyle="round")
        ax.scatter([row["value"]], [y], s=18, c=color, zorder=3)
    informative = bool(rows["informative"].dropna().astype(bool).any())
    arrow = "←" if metric in LESS_IS_BETTER else "→"
    name = NAMES.get(metric, metric.replace("_", " "))
    suffix = "" if informative else "\n(uninformative here)"
    ax.set_title(f"{name} {arrow}{suffix}", loc="left", fontsize=_style.TEXT,
                 color=_style.INK if informative else _style.MUTED)  # fmt: skip
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.locator_params(axis="x", nbins=4)
    ax.margins(x=0.08)
