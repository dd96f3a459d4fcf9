"""Courses of modules and of genes over true time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._random import SeedLike, accepts_seed, generator
from reguloom.pl import _inputs, _style, _temporal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def temporal_courses(result: Any, *, ncols: int | None = None) -> Figure:
    """Draw each module: the mean shape of its genes, and where half and 90 % of them lie, for each track.

    Parameters
    ----------
    result
        From :func:`reguloom.temporal.fit`.
    ncols
        Panels in a row.

    Returns
    -------
    The figure; shapes are changes over the gene's own amplitude, so that weak and strong genes count alike.

    Raises
    ------
    InputError
        If there are no modules.
    """
    one = _temporal.view(result)
    _temporal.none_named(one)
    per, _ = _temporal.unit(one.times)
    colors = _track_colors(one)
    with _style.style():
        figure, axes = _style.panels(len(one.names), ncols=ncols, width=2.15, height=1.65, sharex=True, sharey=True)
        for ax, name in zip(axes, one.names, strict=True):
            shape = one.shape[one.rows(name)]
            for track, color in enumerate(colors):
                _band(ax, one.times / per, shape[:, track], color)
            ax.axhline(0, color=_style.FAINT, linewidth=0.6, zorder=0)
            ax.set_title(f"{name}, {len(shape)} genes", fontsize=_style.TEXT, pad=3)
        columns = ncols or _style.columns(len(axes))
        for i, ax in enumerate(axes):
            _temporal.time_axis(ax, one.times, label=i + columns >= len(axes))
            ax.tick_params(labelbottom=i + columns >= len(axes))
            if i % columns == 0:
                ax.set_ylabel("change / amplitude")
        _legend(figure, axes[0], one.tracks, colors)
    return figure


def _track_colors(one: _temporal.View) -> list[str]:
    """Return one colour for each track."""
    return _style.group_colors(len(one.tracks))


def _band(ax: Any, places: NDArray[np.float64], shape: NDArray[np.float64], color: str) -> None:
    """Draw mean, half and 90 % of some genes at the times that were measured."""
    seen = np.isfinite(shape).any(axis=0)
    if not seen.any():
        return
    x, values = places[seen], shape[:, seen]
    low, lower, upper, high = np.nanquantile(values, [0.05, 0.25, 0.75, 0.95], axis=0)
    ax.fill_between(x, low, high, color=color, alpha=0.12, linewidth=0)
    ax.fill_between(x, lower, upper, color=color, alpha=0.25, linewidth=0)
    ax.plot(x, np.nanmean(values, axis=0), color=color, linewidth=1.5, marker="o", markersize=2.6)


def _legend(figure: Any, ax: Any, tracks: list[str], colors: list[str]) -> None:
    """Name the tracks below the figure, where there are several."""
    if len(tracks) < 2:
        return
    handles = [ax.plot([], [], color=color, marker="o", markersize=3)[0] for color in colors]
    labels = [_style.shorten(name, 40) for name in tracks]
    width = max(map(len, labels)) * _style.SMALL * 0.6 / 72 + 0.5
    ncols = int(np.clip(figure.get_figwidth() / width, 1, len(labels)))
    figure.legend(handles, labels, loc="outside lower center", ncols=ncols, handlelength=1.4)


@accepts_seed
def temporal_genes(
    result: Any,
    genes: str | Iterable[str] | None = None,
    *,
    n: int = 4,
    ncols: int | None = None,
    ax: Axes | None = None,
    rng: SeedLike = 0,
) -> Figure:
    """Draw genes by name, or some of each module at random, with the standard error of every value.

    Parameters
    ----------
    result
        From :func:`reguloom.temporal.fit`.
    genes
        Names; those that were not measured are reported, in a message and below the panel.
    n
        Genes of each module, if none are named.
    ncols
        Panels in a row.
    ax
        Where to draw a single gene.
    rng
        Seed of the choice.

    Returns
    -------
    The figure: a panel for each gene, named in it, so that no line can be taken for another's.

    Raises
    ------
    MissingKeyError
        If no gene of those named is there.
    """
    one = _temporal.view(result)
    absent: list[str] = []
    if genes is None:
        _temporal.none_named(one)
        found = _some_of_each(one, n, rng)
    else:
        found, absent = _temporal.named(one, genes)
    _inputs.one_panel(ax, len(found))
    with _style.style():
        if ax is None:
            wide = ncols or (n if genes is None else None)
            figure, axes = _style.panels(len(found), ncols=wide, width=1.75, height=1.35, sharex=True)
        else:
            wide, axes = 1, [ax]
            figure = ax.get_figure()  # type: ignore[assignment]
        colors = _track_colors(one)
        for panel, gene in zip(axes, found, strict=True):
            _gene(panel, one, gene, colors)
        columns = wide or _style.columns(len(axes))
        for i, panel in enumerate(axes):
            last = i + columns >= len(axes)
            _temporal.time_axis(panel, one.times, label=last)
            panel.tick_params(labelbottom=last)
        for panel in axes[::columns]:
            panel.set_ylabel("log change")
        _temporal.missing_note(axes[-1], absent)
        _legend(figure, axes[0], one.tracks, colors)
    return figure


def _some_of_each(one: _temporal.View, n: int, rng: SeedLike) -> list[str]:
    """Return `n` genes of each module, chosen by a seed of the module's own."""
    found: list[str] = []
    for name in one.names:
        rows = one.rows(name)
        found += [str(one.genes[i]) for i in sorted(generator(rng, "genes", name).permutation(rows)[:n])]
    return found


def _gene(ax: Any, one: _temporal.View, gene: str, colors: list[str]) -> None:
    """Draw one gene in every track, as change since its first time."""
    row = one.genes.get_loc(gene)
    per, _ = _temporal.unit(one.times)
    for track, color in enumerate(colors):
        seen = one.mask[row, track]
        if not seen.any():
            continue
        x, y = one.times[seen] / per, one.values[row, track, seen]
        ax.errorbar(x, y - y[0], yerr=one.error[row, track, seen], color=color, linewidth=1.2, marker="o",
                    markersize=2.6, elinewidth=0.7, capsize=0)  # fmt: skip
    ax.axhline(0, color=_style.FAINT, linewidth=0.6, zorder=0)
    label = one.module.iloc[row]
    ax.set_title(f"{_style.shorten(gene, 18)}  {label}", fontsize=_style.TEXT, pad=3)
    ax.margins(x=0.04)
