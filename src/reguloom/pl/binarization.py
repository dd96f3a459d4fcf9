"""Where regulons are called on: the distribution of their activity and the threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import _keys
from reguloom._errors import InputError, MissingKeyError
from reguloom.pl import _inputs, _style

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_DEFAULT = 12
"""Regulons drawn when none are named."""
COLUMN = "threshold"
N_GRID = 400
"""Points at which the density is drawn."""


def binarization(
    data: AnnData | pd.DataFrame,
    thresholds: Mapping[str, float] | pd.Series | pd.DataFrame | None = None,
    regulons: str | Iterable[str] | None = None,
    *,
    key: str = _keys.AUCELL,
    bins: int = 50,
    ncols: int | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw a histogram and the density of each regulon's activity, and the threshold above which it is on.

    Parameters
    ----------
    data
        AnnData with activity in ``obsm[key]``, or a table of cells × regulons.
    thresholds
        Regulon → threshold, or a table with a column ``threshold``; those in ``uns[key]['thresholds']`` if left out.
    regulons
        Which regulons, or their TFs; the twelve whose activity varies most if left out.
    key
        Slot of the activity.
    bins
        Bars of a histogram.
    ncols
        Panels in a row.
    ax
        Where to draw a single regulon.

    Returns
    -------
    Figure
        One panel for each regulon; bars above the threshold are coloured, and the share of such cells is written.

    Raises
    ------
    MissingKeyError
        If the activity, a regulon or its threshold is not there.
    InputError
        If `ax` is given for several regulons.

    Examples
    --------
    >>> figure = rl.pl.binarization(adata, regulons=["Gata1(+)", "Spi1(+)"])  # doctest: +SKIP
    """
    auc = _inputs.activity(data, key)
    names = _inputs.most_variable(auc, N_DEFAULT) if regulons is None else _inputs.choose(auc, regulons)
    limits = _thresholds(data, thresholds, key)
    without = [name for name in names if name not in limits]
    if without:
        raise _inputs.missing(without[0], limits, what="threshold for", where="the table of thresholds")
    _inputs.one_panel(ax, len(names))
    with _style.style():
        if ax is None:
            figure, axes = _style.panels(len(names), ncols=ncols, width=2.0, height=1.55)
        else:
            figure, axes = ax.get_figure(), [ax]  # type: ignore[assignment]
        columns = ncols or _style.columns(len(names))
        for i, (panel, name) in enumerate(zip(axes, names, strict=True)):
            values = auc[name].dropna().to_numpy(dtype=np.float64)
            _draw(panel, values, float(limits[name]), bins)
            panel.set_title(_style.shorten(name))
            panel.set_ylabel("cells" if i % columns == 0 else "")
            panel.set_xlabel("activity (AUC)" if i + columns >= len(names) else "")
    return figure


def _thresholds(
    data: AnnData | pd.DataFrame, thresholds: Mapping[str, float] | pd.Series | pd.DataFrame | None, key: str
) -> dict[str, float]:
    """Return regulon → threshold."""
    if thresholds is None:
        if not _inputs.is_adata(data):
            msg = "thresholds are missing; give them, or an AnnData on which activity.binarize was run."
            raise InputError(msg)
        thresholds = data.uns.get(key, {}).get("thresholds")  # type: ignore[union-attr]
        if thresholds is None:
            msg = f"adata.uns[{key!r}] has no 'thresholds'; run activity.binarize first, or give thresholds."
            raise MissingKeyError(msg)
    if isinstance(thresholds, pd.DataFrame):
        if COLUMN not in thresholds:
            raise _inputs.missing(COLUMN, thresholds.columns, what="column", where="the table of thresholds")
        thresholds = thresholds[COLUMN]
    return {str(name): float(value) for name, value in thresholds.items()}


def _draw(ax: Axes, values: NDArray[np.float64], threshold: float, bins: int) -> None:
    """Draw one regulon."""
    low, high = float(values.min(initial=0.0)), float(max(values.max(initial=0.0), threshold))
    pad = 0.03 * (high - low) if high > low else 0.05
    edges = np.linspace(low, high + pad, bins + 1)
    counts, _ = np.histogram(values, edges)
    middle = (edges[:-1] + edges[1:]) / 2
    colors = np.where(middle > threshold, _style.GROUPS[1], _style.REST)
    ax.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=colors, linewidth=0)
    density = kde(values, low, high + pad)
    peak = int(counts.max(initial=1))
    if density is not None:
        grid, height = density
        ax.plot(grid, height * len(values) * (edges[1] - edges[0]), color=_style.INK, linewidth=0.9)
    ax.axvline(threshold, color=_style.MARK, linewidth=1.1, linestyle=(0, (3, 1.5)))
    ax.set(xlim=(low - pad, high + pad), ylim=(0, peak * 1.18))
    ax.locator_params(axis="x", nbins=4)
    ax.locator_params(axis="y", nbins=4, integer=True)
    share = float((values > threshold).mean()) if len(values) else 0.0
    text = f"{threshold:.3g} · {share:.0%} on" if 0.005 <= share or share == 0 else f"{threshold:.3g} · <1% on"
    right = threshold > (low + high) / 2
    ax.annotate(
        text,
        xy=(threshold, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if right else 3, -1),
        textcoords="offset points",
        ha="right" if right else "left",
        va="top",
        fontsize=_style.SMALL - 0.5,
        color=_style.MARK,
    )


def kde(values: NDArray[np.float64], low: float, high: float) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return a grid and the Gaussian kernel density on it (Scott's bandwidth), or None for constant values.

    Computed from values counted on the grid, so that its cost does not grow with the number of cells.

    Parameters
    ----------
    values
        One per cell.
    low, high
        Ends of the grid.
    """
    deviation = float(values.std()) if len(values) > 1 else 0.0
    if deviation <= 1e-12 or high <= low:
        return None
    bandwidth = deviation * len(values) ** -0.2
    edges = np.linspace(low, high, N_GRID + 1)
    counts, _ = np.histogram(values, edges)
    grid = (edges[:-1] + edges[1:]) / 2
    kernel = np.exp(-0.5 * ((grid[:, None] - grid[None, :]) / bandwidth) ** 2) / (bandwidth * np.sqrt(2 * np.pi))
    return grid, (kernel * counts).sum(axis=1) / len(values)
