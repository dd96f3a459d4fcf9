"""Predicted against observed change of one perturbation, gene by gene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.pl import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def response_change(
    predicted: pd.Series | pd.DataFrame,
    observed: pd.Series,
    *,
    title: str | None = None,
    n_top: int = 10,
    targets: Sequence[str] = (),
    ncols: int | None = None,
) -> Figure:
    """Draw the predicted change of each gene against the observed one, the genes that changed most by name.

    Parameters
    ----------
    predicted
        Change from control per gene; or a table of predictors × genes, one panel each.
    observed
        The observed change per gene.
    title
        Above the panels, such as the perturbation.
    n_top
        How many genes are named.
    targets
        The perturbed genes, drawn apart.
    ncols
        Panels in a row.

    Returns
    -------
    Figure
        On the rule, prediction and observation agree. r is the correlation over all genes without the targets.

    Raises
    ------
    InputError
        If predicted and observed share no gene.

    Examples
    --------
    >>> change = scores.predicted["gears"] - scores.observed["control"]  # doctest: +SKIP
    """
    table = predicted.to_frame("prediction").T if isinstance(predicted, pd.Series) else predicted
    genes = observed.index.intersection(table.columns)
    if not len(genes):
        msg = f"predicted and observed share no gene ({list(table.columns[:3])}, {list(observed.index[:3])})."
        raise InputError(msg)
    real = observed[genes].astype(float)
    top = real.abs().sort_values(ascending=False, kind="stable").index[:n_top]
    with _style.style():
        figure, axes = _style.panels(len(table), ncols=ncols, width=2.5, height=2.6, sharex=True, sharey=True)
        for ax, (name, values) in zip(axes, table.iterrows(), strict=True):
            _panel(ax, values[genes].astype(float), real, top, set(targets), str(name) if len(table) > 1 else "")
        figure.supxlabel("observed change", fontsize=_style.TEXT)
        figure.supylabel("predicted change", fontsize=_style.TEXT)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=_style.TITLE)
    return figure


def _panel(ax: Axes, said: pd.Series, real: pd.Series, top: pd.Index, targets: set[str], name: str) -> None:
    """Draw one predictor."""
    others = real.index[~real.index.isin(targets)]
    span = 1.1 * float(max(real.abs().max(), said.abs().max(), 1e-9))
    ax.plot([-span, span], [-span, span], color=_style.FAINT, linewidth=0.9, zorder=1)
    for where in (ax.axhline, ax.axvline):
        where(0, color=_style.FAINT, linewidth=0.6, zorder=1)
    ax.scatter(real[others], said[others], s=5, c=_style.REST, linewidths=0, zorder=2)
    ax.scatter(real[top], said[top], s=11, c=_style.UP, linewidths=0, zorder=3)
    known = [gene for gene in targets if gene in real.index]
    ax.scatter(real[known], said[known], s=16, c=_style.PAPER, edgecolors=_style.MARK, linewidths=1.0, zorder=4)
    _name(ax, said, real, top, span)
    constant = min(np.ptp(said[others]), np.ptp(real[others])) == 0
    r = "undefined" if constant else f"{np.corrcoef(said[others], real[others])[0, 1]:.2f}"
    ax.set_title(f"{name}   r = {r}" if name else f"r = {r}", loc="left", fontsize=_style.TEXT)
    ax.set_xlim(-span, span)
    ax.set_ylim(-span, span)
    ax.locator_params(nbins=5)


def _name(ax: Axes, said: pd.Series, real: pd.Series, top: pd.Index, span: float) -> None:
    """Write the names of genes beside their points, those that would cover another left out."""
    placed: list[tuple[float, float]] = []
    for gene in top:
        x, y = float(real[gene]), float(said[gene])
        if any(abs(x - other[0]) < 0.5 * span and abs(y - other[1]) < 0.09 * span for other in placed):
            continue
        placed.append((x, y))
        left = x > 0.45 * span
        ax.annotate(_style.shorten(str(gene), 14), (x, y), xytext=(-3 if left else 3, 1), textcoords="offset points",
                    ha="right" if left else "left", fontsize=_style.SMALL, color=_style.INK)  # fmt: skip
