"""Where a perturbation goes against development, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._errors import MissingKeyError
from reguloom.pl import _field, _style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AGAINST, ALONG = "#C2387E", "#3F9A44"


def perturbation_score(score: Any, *, lineage: str | None = None, vmax: float | None = None) -> Figure:
    """Draw the perturbation score over the embedding, and by pseudotime.

    Green: along development; magenta: against it. The scale is symmetric about 0.

    Parameters
    ----------
    score
        From :func:`reguloom.oracle.perturbation_score`.
    lineage
        Whose scores by pseudotime are drawn; the first one's if left out.
    vmax
        Score at which the colours end; the 98th percentile of its size if left out.

    Returns
    -------
    The figure.

    Raises
    ------
    MissingKeyError
        If there is no such lineage.
    """
    names = list(score.table["lineage"])
    name = names[0] if lineage is None else lineage
    if name not in names:
        msg = f"there is no lineage {name!r}; the scores have {', '.join(map(str, names))}."
        raise MissingKeyError(msg)
    bins = score.bins[score.bins["lineage"] == name]
    timed = len(bins) > 1 and bool(np.isfinite(bins["pseudotime"]).all())
    with _style.style():
        figure = _style.new_figure(6.4 if timed else 3.6, 2.9)
        axes = figure.subplots(1, 2, width_ratios=(1.25, 1)) if timed else [figure.subplots()]
        _map(figure, axes[0], score, vmax)
        if timed:
            _by_time(axes[1], bins, str(name))
    return figure


def _map(figure: Any, ax: Any, score: Any, vmax: float | None) -> None:
    """Draw the inner product at the kept points, over the cells."""
    table = score.grid[score.grid["kept"]]
    places = score.cells[["x", "y"]].to_numpy()
    _field.cells(ax, places)
    colors, top = _field.diverging(table["inner_product"].to_numpy())
    top = top if vmax is None else vmax
    _field.bare(ax, places)
    points = score.grid[["x", "y"]].to_numpy()
    side = np.ptp(points, axis=0) / (np.sqrt(len(points)) - 1)
    corner = table[["x", "y"]].to_numpy() - side / 2
    shape = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * side
    from matplotlib.collections import PolyCollection

    tiles = PolyCollection(corner[:, None, :] + shape[None], cmap=colors, linewidths=0.3, edgecolors="face", zorder=2)
    tiles.set_array(table["inner_product"].to_numpy())
    tiles.set_clim(-top, top)
    ax.add_collection(tiles, autolim=False)
    bar = figure.colorbar(tiles, ax=ax, shrink=0.6, aspect=18, pad=0.01, extend="both")
    bar.outline.set_visible(False)
    bar.set_label("against  ←  development  →  along", fontsize=_style.SMALL)
    ax.set_title(f"{score.label}: perturbation score")


def _by_time(ax: Any, bins: Any, name: str) -> None:
    """Draw both scores by bin of pseudotime."""
    times = bins["pseudotime"].to_numpy()
    width = 0.8 * float(np.median(np.diff(np.sort(times))))
    ax.bar(times, bins["positive"], width, color=ALONG, label="along development")
    ax.bar(times, -bins["negative"], width, color=AGAINST, label="against it")
    ax.axhline(0, color=_style.INK, linewidth=0.6)
    top = 1.3 * float(np.abs(bins[["positive", "negative"]].to_numpy()).max() or 1.0)
    ax.set_ylim(-top, top)
    ax.set_xlabel("pseudotime")
    ax.set_ylabel("perturbation score")
    ax.set_title("by pseudotime" if name == "all" else f"by pseudotime, {_style.shorten(name)}")
    ax.legend(loc="upper left", ncols=2, handlelength=1.0, columnspacing=1.0)
