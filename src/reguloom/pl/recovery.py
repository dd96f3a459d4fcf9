"""Motif enrichment: how fast a motif's ranking recovers the genes of a module, and where the leading edge ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.pl import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ALIASES = {"std": "sd", "ranks": "rank", "rcc": "recovery"}
MAX_CURVES = 8
"""Curves that can be told apart."""


def recovery(
    curves: Any,
    *,
    rank_at_max: int | Sequence[int] | Mapping[str, int] | None = None,
    nes: float | Sequence[float] | Mapping[str, float] | None = None,
    title: str | None = None,
    max_rank: int | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the recovery curves of motifs against the mean of all motifs and the mean plus two standard deviations.

    Parameters
    ----------
    curves
        What ``cistarget.recovery`` returns, or a table with one row per rank: ``mean`` and ``sd`` (or ``std``) over all
        motifs, and a column for each motif. A column ``rank`` is taken as the ranks, which otherwise count from 0.
    rank_at_max
        Where the leading edge of each motif ends, in the order of the motifs or by name; the rank at which the
        curve is furthest above the mean plus two standard deviations if left out.
    nes
        Normalized enrichment score of each motif, for the legend.
    title
        Above the panel; the module's name if `curves` has one.
    max_rank
        Last rank that is drawn; all if left out.
    ax
        Where to draw.

    Returns
    -------
    Figure
        With a point and a drop line at the end of each leading edge.

    Raises
    ------
    InputError
        If columns are missing, or there are no curves or more than eight.

    Examples
    --------
    >>> figure = rl.pl.recovery(rl.cistarget.recovery(module, rankings, n_motifs=1))  # doctest: +SKIP
    """
    table = _table(curves)
    motifs = [name for name in table.columns if name not in ("rank", "mean", "sd")]
    if not 1 <= len(motifs) <= MAX_CURVES:
        msg = f"there are {len(motifs)} recovery curves; 1 to {MAX_CURVES} can be told apart, so choose some motifs."
        raise InputError(msg)
    ends = _by_motif(getattr(curves, "rank_at_max", None) if rank_at_max is None else rank_at_max, motifs)
    scores = _by_motif(getattr(curves, "nes", None) if nes is None else nes, motifs)
    with _style.style():
        if ax is None:
            figure = _style.new_figure(4.4, 2.9)
            ax = figure.subplots()
        else:
            figure = ax.get_figure()  # type: ignore[assignment]
        _background(ax, table)
        for motif, color in zip(
            motifs, (_style.MARK, *(one for one in _style.GROUPS if one != _style.MARK)), strict=False
        ):
            _curve(ax, table, motif, color, end=ends.get(motif), nes=scores.get(motif))
        ranks = table["rank"]
        ax.set(
            xlim=(0, max_rank or ranks.iloc[-1]),
            ylim=(0, None),
            xlabel="rank of genes by motif",
            ylabel="module genes recovered",
        )
        name = title if title is not None else getattr(curves, "name", None)
        ax.set_title("" if name is None else _style.shorten(str(name), 60), loc="left")
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, labelspacing=0.7, handlelength=1.6)
    return figure


def _table(curves: Any) -> pd.DataFrame:
    """Return a table with rank, mean, sd and the motifs' curves."""
    frame = curves.to_frame() if hasattr(curves, "to_frame") else curves
    if not isinstance(frame, pd.DataFrame):
        msg = f"curves is a {type(curves).__name__}; accepted are what cistarget.recovery returns, and a DataFrame."
        raise InputError(msg)
    frame = frame.rename(columns=str).rename(columns=ALIASES)
    absent = [name for name in ("mean", "sd") if name not in frame]
    if absent or frame.empty:
        msg = (
            f"the table of curves has the columns {list(frame.columns)[:6]}; it needs mean, sd and a column per motif."
        )
        raise InputError(msg)
    if "rank" not in frame:
        frame = frame.assign(rank=np.arange(len(frame)))
    return frame.reset_index(drop=True)


def _by_motif(values: Any, motifs: list[str]) -> dict[str, float]:
    """Return motif → value."""
    if values is None:
        return {}
    if isinstance(values, Mapping):
        return {str(name): float(value) for name, value in values.items()}
    listed = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if len(listed) != len(motifs):
        msg = f"{len(listed)} values were given for {len(motifs)} motifs; give one for each, or a mapping by name."
        raise InputError(msg)
    return dict(zip(motifs, listed.tolist(), strict=True))


def _background(ax: Axes, table: pd.DataFrame) -> None:
    """Draw what all motifs do."""
    rank, mean, limit = table["rank"], table["mean"], table["mean"] + 2 * table["sd"]
    ax.fill_between(rank, mean, limit, color=_style.FAINT, alpha=0.55, linewidth=0)
    ax.plot(rank, mean, color=_style.MUTED, linewidth=1.0, label="mean of all motifs")
    ax.plot(rank, limit, color=_style.MUTED, linewidth=0.9, linestyle=(0, (3, 2)), label="mean + 2 SD")


def _curve(ax: Axes, table: pd.DataFrame, motif: str, color: str, *, end: float | None, nes: float | None) -> None:
    """Draw one motif and the end of its leading edge."""
    above = table[motif] - (table["mean"] + 2 * table["sd"])
    at = int(above.to_numpy().argmax()) if end is None else int(np.abs(table["rank"].to_numpy() - end).argmin())
    rank, height = float(table["rank"].iloc[at]), float(table[motif].iloc[at])
    score = "" if nes is None or not np.isfinite(nes) else f"NES {nes:.1f}, "
    label = f"{_style.shorten(motif, 34)}\n{score}{height:.3g} genes up to rank {rank:,.0f}"
    ax.plot(table["rank"], table[motif], color=color, linewidth=1.4, label=label, zorder=3)
    ax.plot([rank, rank], [0, height], color=color, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=2)
    ax.scatter([rank], [height], s=16, c=color, linewidths=0.8, edgecolors="white", zorder=4)
