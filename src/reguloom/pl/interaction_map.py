"""Genetic interactions of pairs of genes: how strong together, how well explained by the two alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.pl import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDED = ("magnitude", "corr_fit", "dcor")
TYPES = ("synergy", "suppressor", "redundancy", "neomorphism", "epistasis")
SYNERGY, SUPPRESSOR, NEOMORPHISM = 1.15, 1.0, 0.88


def interaction_map(
    scores: pd.DataFrame, *, n_names: int = 16, title: str | None = None, ax: Axes | None = None
) -> Figure:
    """Draw pairs of genes by the magnitude of their interaction and by how well the two singles explain the double.

    Parameters
    ----------
    scores
        What ``evaluate.interactions`` returns.
    n_names
        How many pairs are named: the furthest from what is additive.
    title
        Above the panel.
    ax
        Where to draw.

    Returns
    -------
    Figure
        To the right synergy, to the left suppression, low what neither gene does alone (neomorphism). Colour is how
        similar the double is to the singles together (distance correlation). Rules are the thresholds of the types.

    Raises
    ------
    InputError
        If columns are missing.

    Examples
    --------
    >>> figure = rl.pl.interaction_map(rl.evaluate.interactions(data))  # doctest: +SKIP
    """
    absent = [name for name in NEEDED if name not in scores]
    if absent or scores.empty:
        msg = f"the table lacks {absent or 'rows'}; interaction_map draws what evaluate.interactions returns."
        raise InputError(msg)
    with _style.style():
        figure = _style.new_figure(4.2, 3.1) if ax is None else cast("Figure", ax.figure)
        axes = figure.subplots() if ax is None else ax
        for limit in (SYNERGY, SUPPRESSOR):
            axes.axvline(limit, color=_style.FAINT, linewidth=0.9, zorder=1)
        axes.axhline(NEOMORPHISM, color=_style.FAINT, linewidth=0.9, zorder=1)
        points = axes.scatter(scores["magnitude"], scores["corr_fit"], c=scores["dcor"], s=20, zorder=2, vmin=0, vmax=1,
                              cmap=_style.activity_map(), edgecolors=_style.MUTED, linewidths=0.4)  # fmt: skip
        figure.colorbar(points, ax=axes, shrink=0.6, aspect=16, label="similar to the singles (dcor)")
        axes.set_xlabel("magnitude √(c1² + c2²)")
        axes.set_ylabel("explained by the singles (r of the fit)")
        _labels(axes, scores, n_names)
        if title:
            axes.set_title(title, loc="left")
    return figure


def _labels(ax: Axes, scores: pd.DataFrame, n_names: int) -> None:
    """Name the pairs that are furthest from additive, those that would cover another left out."""
    width, height = np.ptp(scores["magnitude"]) or 1.0, np.ptp(scores["corr_fit"]) or 1.0
    away = np.abs(scores["magnitude"] - np.sqrt(2)) / width + (1 - scores["corr_fit"]).abs() / height
    placed: list[tuple[float, float]] = []
    for pair in away.sort_values(ascending=False, kind="stable").index:
        x, y = float(scores.loc[pair, "magnitude"]), float(scores.loc[pair, "corr_fit"])
        close = any(abs(x - a) < 0.28 * width and abs(y - b) < 0.05 * height for a, b in placed)
        if close or len(placed) >= n_names:
            continue
        placed.append((x, y))
        right = x > scores["magnitude"].min() + 0.7 * width
        ax.annotate(_style.shorten(str(pair), 20), (x, y), xytext=(-4 if right else 4, 1), textcoords="offset points",
                    ha="right" if right else "left", fontsize=_style.SMALL, color=_style.INK)  # fmt: skip
