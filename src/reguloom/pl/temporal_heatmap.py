"""All genes that move, ordered by module and half-time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reguloom.pl import _field, _style, _temporal
from reguloom.pl._labels import spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LIMIT = 2.0
"""Colours end at so many amplitudes."""
ALL_NAMED = 60
"""Genes up to which each is named."""


def temporal_heatmap(result: Any, *, genes: Iterable[str] | None = None, tracks: Iterable[str] | None = None) -> Figure:
    """Draw the shape of every gene that has a module, by module and within it by half-time, early ones on top.

    Parameters
    ----------
    result
        From :func:`reguloom.temporal.fit`.
    genes
        Genes to name beside the rows; all where there are few.
    tracks
        Which tracks; all if left out.

    Returns
    -------
    The figure: one block of columns for each track, a column for each of its times.

    Raises
    ------
    InputError
        If there are no modules.
    MissingKeyError
        If a track, or every gene to be named, is not there.
    """
    one = _temporal.view(result)
    _temporal.none_named(one)
    chosen = range(len(one.tracks)) if tracks is None else [_temporal.track_of(one, str(name)) for name in tracks]
    rows, sizes = _ordered(one)
    named, absent = (None, []) if genes is None else _temporal.named(one, genes)
    height = float(np.clip(0.012 * len(rows), 2.4, 6.0)) if len(rows) > ALL_NAMED else 0.6 + 0.11 * len(rows)
    seen = [np.flatnonzero(one.mask[:, track].any(axis=0)) for track in chosen]
    with _style.style():
        widths = [max(0.7, 0.24 * len(times)) for times in seen]
        figure: Any = _style.new_figure(1.6 + sum(widths), height + 0.6)
        grid = figure.subplots(1, 1 + len(widths), width_ratios=[0.12, *widths], squeeze=False)[0]
        _bar(grid[0], one, sizes)
        colors, _ = _field.diverging(np.array([-1.0, 1.0]))
        for ax, track, times in zip(grid[1:], chosen, seen, strict=True):
            drawn = ax.imshow(one.shape[rows][:, track][:, times], cmap=colors, vmin=-LIMIT, vmax=LIMIT, aspect="auto",
                              interpolation="nearest")  # fmt: skip
            _columns(ax, one, track, times, sizes)
        _names(grid[-1], one, rows, named)
        _temporal.missing_note(grid[-1], absent)
        scale = figure.colorbar(drawn, ax=list(grid), shrink=min(1.0, 1.4 / height), aspect=12, pad=0.02)
        scale.outline.set_visible(False)
        scale.set_label("change / amplitude", fontsize=_style.SMALL)
    return figure


def _ordered(one: _temporal.View) -> tuple[NDArray[np.int64], list[int]]:
    """Return the rows in order, and the sizes of the modules."""
    parts = []
    for name in one.names:
        rows = one.rows(name)
        parts.append(rows[np.argsort(one.half_time[rows], kind="stable")])
    return np.concatenate(parts), [len(part) for part in parts]


def _bar(ax: Any, one: _temporal.View, sizes: list[int]) -> None:
    """Draw the modules as a bar beside the rows."""
    colors = _temporal.module_colors(one.names)
    start = 0
    for name, size in zip(one.names, sizes, strict=True):
        ax.axhspan(start - 0.5, start + size - 0.5, color=colors[name], linewidth=0)
        ax.annotate(name, (0, start + (size - 1) / 2), (-4, 0), xycoords=("axes fraction", "data"),
                    textcoords="offset points", ha="right", va="center", fontsize=_style.SMALL)  # fmt: skip
        start += size
    ax.set_ylim(start - 0.5, -0.5)
    ax.set_axis_off()


def _columns(ax: Any, one: _temporal.View, track: int, times: NDArray[np.int64], sizes: list[int]) -> None:
    """Name the times and the track."""
    per, unit = _temporal.unit(one.times)
    labels = [f"{one.times[i] / per:g}" for i in times]
    step = -(-len(labels) // 14)
    ax.set_xticks(range(0, len(labels), step), labels[::step])
    ax.set_yticks([])
    ax.tick_params(length=0)
    ax.set_xlabel(unit)
    if len(one.tracks) > 1:
        ax.set_title(_style.shorten(one.tracks[track], 6 + 4 * len(labels)), fontsize=_style.TEXT, pad=4)
    for edge in np.cumsum(sizes)[:-1]:
        ax.axhline(edge - 0.5, color=_style.PAPER, linewidth=0.8)
    for side in ax.spines.values():
        side.set_visible(False)


def _names(ax: Any, one: _temporal.View, rows: NDArray[np.int64], named: list[str] | None) -> None:
    """Write genes beside their rows."""
    genes = one.genes[rows]
    wanted = list(genes) if named is None and len(rows) <= ALL_NAMED else named or []
    places = [int(np.flatnonzero(genes == gene)[0]) for gene in wanted if gene in set(genes)]
    if not places:
        return
    gap = 1.25 * _style.SMALL / 72 * len(rows) / max(ax.figure.get_figheight() - 1.2, 0.5)
    apart = spread(places, gap, 0, len(rows) - 1)
    line = {"arrowstyle": "-", "color": _style.MUTED, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 0}
    for place, at in zip(places, apart, strict=True):
        ax.annotate(str(genes[place]), (1, place), (1.08, at), xycoords=("axes fraction", "data"),
                    textcoords=("axes fraction", "data"), fontsize=_style.SMALL, va="center", annotation_clip=False,
                    arrowprops=line)  # fmt: skip
