"""Precision against recall along the ranking of a network, with what chance gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.pl import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDED = ("method", "recall", "precision", "named", "chance", "baseline")
DASHES = ("-", (0, (4, 1.6)), (0, (1.2, 1.4)))
MAX_CURVES = 11
"""Eight methods that can be told apart by colour, and the three baselines."""


def precision_recall(
    curves: pd.DataFrame,
    *,
    scores: pd.DataFrame | None = None,
    title: str | None = None,
    log: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw precision-recall curves, methods in colour, baselines in grey, and the level of chance.

    Parameters
    ----------
    curves
        What ``evaluate.curves`` returns.
    scores
        What ``evaluate.network`` returns, for the areas in the legend.
    title
        Above the panel.
    log
        Whether precision is drawn on a logarithmic scale, for sparse truths.
    ax
        Where to draw.

    Returns
    -------
    Figure
        The area under a curve as drawn (steps) is its average precision. Where pairs are not named by the prediction
        the curve runs out to chance, thinner.

    Raises
    ------
    InputError
        If columns are missing, or there are more curves than can be told apart.

    Examples
    --------
    >>> figure = rl.pl.precision_recall(rl.evaluate.curves(network, truth, adata))  # doctest: +SKIP
    """
    absent = [name for name in NEEDED if name not in curves]
    if absent or curves.empty:
        msg = f"the table lacks {absent or 'rows'}; precision_recall draws what evaluate.curves returns."
        raise InputError(msg)
    methods = list(dict.fromkeys(curves["method"]))
    if len(methods) > MAX_CURVES:
        msg = f"there are {len(methods)} curves; {MAX_CURVES} can be told apart, so choose some methods."
        raise InputError(msg)
    areas = _areas(scores)
    with _style.style():
        if ax is None:
            figure = _style.new_figure(4.9, 2.9)
            ax = figure.subplots()
        else:
            figure = ax.get_figure()  # type: ignore[assignment]
        chance = float(curves["chance"].iloc[0])
        baselines = set(curves.loc[curves["baseline"].astype(bool), "method"])
        colors = iter(_style.GROUPS)
        dashes = iter(DASHES * MAX_CURVES)
        # Baselines below, so that they never hide a method.
        for name in methods:
            weak = name in baselines
            color, dash = (_style.MUTED, next(dashes)) if weak else (next(colors), "-")
            _curve(ax, curves[curves["method"] == name], _label(name, areas), color, dash, weak=weak)
        ax.axhline(chance, color=_style.REST, linewidth=0.8, zorder=1, label=f"chance  {chance:.3g}")
        ax.set(xlim=(0, 1), xlabel="recall: true edges found", ylabel="precision: edges that are true")
        if log:
            ax.set_yscale("log")
            ax.set_ylim(chance / 2, 1.05)
        else:
            ax.set_ylim(0, 1.02)
        ax.set_title(title or "", loc="left")
        ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0, labelspacing=0.6, handlelength=2.0)
    return figure


def _areas(scores: pd.DataFrame | None) -> dict[str, str]:
    """Return method → the area and its interval, as text."""
    if scores is None:
        return {}
    rows = scores[scores["metric"] == "auprc"]
    return {
        str(row.method): f"{row.value:.2f}" + (f"  [{row.low:.2f}, {row.high:.2f}]" if np.isfinite(row.low) else "")
        for row in rows.itertuples()
    }


def _label(name: str, areas: dict[str, str]) -> str:
    """Return the line of the legend."""
    short = _style.shorten(name, 34)
    return f"{short}\n{areas[name]}" if name in areas else short


def _curve(ax: Axes, points: pd.DataFrame, label: str, color: str, dash: Any, *, weak: bool) -> None:
    """Draw one curve; what follows the last named edge is thinner."""
    gained = np.diff(points["recall"], prepend=0.0) > 0
    named = points["named"].to_numpy(dtype=bool)
    # Only where true edges come in: the area below these steps is the average precision.
    steps = points[gained & named]
    width, order = (1.0, 2) if weak else (1.6, 3)
    recall = np.concatenate([[0.0], steps["recall"]])
    first = float(steps["precision"].iloc[0]) if len(steps) else float(points["precision"].iloc[-1])
    precision = np.concatenate([[first], steps["precision"]])
    line: dict[str, Any] = {"color": color, "linestyle": dash, "zorder": order}
    ax.plot(recall, precision, linewidth=width, label=label, drawstyle="steps-pre", **line)
    if not named.all():
        tail = pd.concat([steps.tail(1), points.iloc[max(int(named.sum()) - 1, 0) :]])
        ax.plot(tail["recall"], tail["precision"], linewidth=0.6, **line)
