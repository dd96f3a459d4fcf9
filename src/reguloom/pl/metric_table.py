"""Scores with their intervals: one panel for each metric, one line for each method, chance as a rule."""

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

NEEDED = ("method", "metric", "value", "low", "high", "chance", "ratio", "p", "baseline")
NAMES = {
    "auprc": "AUPRC",
    "auroc": "AUROC",
    "early_precision": "early precision",
    "activation_early_precision": "early precision,\nactivation",
    "inhibition_early_precision": "early precision,\ninhibition",
    "signed_auprc": "AUPRC, signed",
    "signed_early_precision": "early precision,\nsigned",
    "sign_accuracy": "sign accuracy",
    "f1": "F1",
    "stability_spearman": "stability:\nrank correlation",
    "stability_jaccard": "stability:\noverlap",
}
DEFAULT = ("auprc", "auroc", "early_precision", "signed_auprc", "sign_accuracy")
LEVEL = 0.05


def metric_table(
    scores: pd.DataFrame, *, metrics: str | Iterable[str] | None = None, title: str | None = None
) -> Figure:
    """Draw scores as points with intervals, methods above the baselines, and say which beat chance.

    Parameters
    ----------
    scores
        What ``evaluate.network`` returns.
    metrics
        What to draw, one panel each; AUPRC, AUROC, early precision and the signs if left out.
    title
        Above the panels.

    Returns
    -------
    Figure
        Filled points beat chance (p < 0.05), open ones do not or have no p-value. At the right of a panel stand the
        value and, where it has a meaning, how many times chance it is.

    Raises
    ------
    InputError
        If columns are missing.
    MissingKeyError
        If a metric is not in the table.

    Examples
    --------
    >>> figure = rl.pl.metric_table(rl.evaluate.network(network, truth, adata))  # doctest: +SKIP
    """
    absent = [name for name in NEEDED if name not in scores]
    if absent or scores.empty:
        msg = f"the table lacks {absent or 'rows'}; metric_table draws what evaluate.network returns."
        raise InputError(msg)
    present = pd.DataFrame(columns=list(dict.fromkeys(scores["metric"])))
    chosen = choose(present, metrics, what="metric")
    if metrics is None:
        chosen = [name for name in DEFAULT if name in chosen] or chosen
    methods = list(dict.fromkeys(scores["method"]))
    baselines = set(scores.loc[scores["baseline"].astype(bool), "method"])
    lines = _lines(methods, baselines)
    with _style.style():
        height = 0.85 + 0.26 * (max(lines.values()) + 1)
        figure = _style.new_figure(1.5 + 1.75 * len(chosen), height + 0.2)
        axes = figure.subplots(1, len(chosen), squeeze=False, sharey=True)[0]
        for ax, metric in zip(axes, chosen, strict=True):
            _panel(ax, scores[scores["metric"] == metric].set_index("method"), metric, lines, baselines)
        shown = [_style.shorten(name, 32) for name in methods]
        axes[0].set_yticks([lines[name] for name in methods], shown)
        axes[0].set_ylim(max(lines.values()) + 0.6, -0.6)
        for name, text in zip(methods, axes[0].get_yticklabels(), strict=True):
            text.set_color(_style.MUTED if name in baselines else _style.INK)
        note = "rule: chance      filled: better than chance, p < 0.05      ×: times chance      line: interval"
        figure.supxlabel(note, fontsize=_style.SMALL, color=_style.MUTED, x=0.01, ha="left")
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=_style.TITLE)
    return figure


def _lines(methods: list[str], baselines: set[str]) -> dict[str, float]:
    """Return the height of each method's line, a gap before the baselines."""
    gap = 0.45 if baselines and len(baselines) < len(methods) else 0.0
    return {name: i + (gap if name in baselines else 0.0) for i, name in enumerate(methods)}


def _panel(ax: Axes, rows: pd.DataFrame, metric: str, lines: dict[str, float], baselines: set[str]) -> None:
    """Draw one metric."""
    values = rows[np.isfinite(rows["value"].astype(float))]
    chances = sorted({round(float(one), 9) for one in values["chance"] if np.isfinite(one)})
    if len(chances) == 1:
        ax.axvline(chances[0], color=_style.REST, linewidth=0.9, zorder=1)
    for name, row in values.iterrows():
        y, color = lines[str(name)], _style.MUTED if name in baselines else _style.UP
        if len(chances) > 1:
            ax.plot([row["chance"]] * 2, [y - 0.28, y + 0.28], color=_style.REST, linewidth=0.9, zorder=1)
        if np.isfinite(row["low"]):
            ax.plot([row["low"], row["high"]], [y, y], color=color, linewidth=1.3, zorder=2, solid_capstyle="round")
        beats = row["p"] < LEVEL
        ax.scatter(
            [row["value"]], [y], s=20, c=color if beats else _style.PAPER, edgecolors=color, linewidths=1.1, zorder=3
        )
        times = f"  {row['ratio']:.1f}×" if np.isfinite(row["ratio"]) else ""
        ax.annotate(
            f"{row['value']:.2f}{times}",
            (1.0, y),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            ha="left",
            fontsize=_style.SMALL,
            color=color if name in baselines else _style.INK,
        )
    for name in lines.keys() - set(values.index):
        ax.annotate("–", (1.0, lines[name]), xycoords=("axes fraction", "data"), xytext=(3, 0),
                    textcoords="offset points", va="center", fontsize=_style.SMALL, color=_style.MUTED)  # fmt: skip
    highest = np.nanmax([*values["high"], *values["value"], 0.1]) if len(values) else 1.0
    lowest = min(0.0, np.nanmin([*values["low"], *values["value"], 0.0])) if len(values) else 0.0
    if metric == "auroc":
        lowest = min(0.4, np.nanmin([*values["low"], *values["value"]]) - 0.03)
    ax.set_xlim(lowest - 0.02 if lowest < 0 else lowest, min(1.0, highest * 1.06) + 0.015)
    ax.set_title(NAMES.get(metric, metric.replace("_", " ")), loc="left", fontsize=_style.TEXT + 0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.locator_params(axis="x", nbins=4)
