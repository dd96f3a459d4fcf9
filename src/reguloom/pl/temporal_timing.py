"""When each gene answers, with what the sampling allows to say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom.pl import _inputs, _style, _temporal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKS = {"onset": "o", "half_time": "D", "peak": "^"}
NEEDED = ("gene", "track", "direction", "onset", "half_time", "peak", "half_time_low", "half_time_high")


def temporal_timing(
    timing: pd.DataFrame,
    genes: Iterable[str] | None = None,
    *,
    track: str | None = None,
    n: int = 40,
    ax: Axes | None = None,
) -> Figure:
    """Draw onset, half-time and peak of genes, earliest on top, the half-time with its interval.

    Parameters
    ----------
    timing
        From :func:`reguloom.temporal.timing`.
    genes
        Names; those of the largest changes if left out. Names that are not there are reported.
    track
        Which track; the first if left out.
    n
        How many, if none are named.
    ax
        Where to draw.

    Returns
    -------
    The figure.

    Raises
    ------
    MissingKeyError
        If a column, the track, or every gene is not there.
    """
    _temporal.check_table(timing, NEEDED, "temporal.timing")
    names = list(dict.fromkeys(timing["track"].astype(str)))
    chosen = names[0] if track is None else str(track)
    if chosen not in names:
        raise _inputs.missing(chosen, names, what="track", where="the table of times")
    rows = timing[timing["track"].astype(str) == chosen]
    rows, absent = _chosen(rows, genes, n)
    rows = rows.sort_values(["half_time", "onset", "gene"], kind="stable")
    place = np.arange(len(rows))[::-1]
    per, unit = _temporal.unit(np.array([0.0, float(timing["peak"].max())]))
    with _style.style():
        figure: Any = _style.new_figure(3.6, 0.9 + 0.145 * len(rows)) if ax is None else ax.figure
        ax = figure.add_subplot() if ax is None else ax
        color: Any = np.where(rows["direction"] == "down", _style.DOWN, _style.UP)
        ax.hlines(place, rows["half_time_low"] / per, rows["half_time_high"] / per, color=color, linewidth=2.6,
                  alpha=0.25)  # fmt: skip
        ax.hlines(place, rows["onset"] / per, rows["peak"] / per, color=_style.FAINT, linewidth=0.8, zorder=0)
        for measure, mark in MARKS.items():
            filled = color if measure == "half_time" else "white"
            ax.scatter(rows[measure] / per, place, s=13 if measure == "half_time" else 11, marker=mark, c=filled,
                       edgecolors=color, linewidths=0.8, zorder=3)  # fmt: skip
        ax.set_yticks(place, [_style.shorten(str(gene), 18) for gene in rows["gene"]])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(-0.7, len(rows) - 0.3)
        ax.set_xlabel(unit)
        ax.set_title(f"when genes answer{'' if len(names) == 1 else f', {_style.shorten(chosen)}'}")
        handles = [ax.scatter([], [], marker=mark, s=13, c=_style.INK if name == "half_time" else "white",
                              edgecolors=_style.INK, linewidths=0.8) for name, mark in MARKS.items()]  # fmt: skip
        handles += [ax.plot([], [], color=c, linewidth=2.6, alpha=0.4)[0] for c in (_style.UP, _style.DOWN)]
        ax.legend(handles, ["onset", "half-time", "peak", "up (interval)", "down"], loc="upper left",
                  bbox_to_anchor=(1.0, 1.0), handlelength=1.0)  # fmt: skip
        _temporal.missing_note(ax, absent)
    return figure


def _chosen(rows: pd.DataFrame, genes: Iterable[str] | None, n: int) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows to draw, and the names that are not there."""
    from reguloom._logging import logger

    if genes is None:
        size = rows["change"].abs() if "change" in rows else pd.Series(1.0, rows.index)
        return rows.loc[size.sort_values(ascending=False, kind="stable").index[:n]], []
    asked = list(dict.fromkeys(str(gene) for gene in genes))
    present = set(rows["gene"].astype(str))
    absent = [gene for gene in asked if gene not in present]
    if len(absent) == len(asked):
        raise _inputs.missing(asked[0] if asked else "", present, what="gene", where="the table of times")
    if absent:
        logger.warning("%d of %d genes are not in the table of times: %s", len(absent), len(asked), ", ".join(absent))
    return rows[rows["gene"].astype(str).isin(asked)], absent
