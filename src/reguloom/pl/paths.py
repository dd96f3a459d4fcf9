"""Least-action paths on the embedding, expression along them, and the action between groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.pl import _stream, _style
from reguloom.pl._labels import name_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def paths(
    places: Any, ways: Mapping[str, Any], *, groups: Any = None, label: str = "", ax: Axes | None = None
) -> Figure:
    """Draw paths over the cells, each with its direction.

    Parameters
    ----------
    places
        Coordinates of the cells, ``(n_cells, 2)``.
    ways
        Name of each path and its places, ``(n_points, 2)``: from :func:`reguloom.vectorfield.place`.
    groups
        One label per cell, for the colours.
    label
        Name of the embedding.
    ax
        Where to draw.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If there is no path.
    """
    if not ways:
        msg = "there is no path to draw; give at least one."
        raise InputError(msg)
    x = np.asarray(places, dtype=float)[:, :2]
    factor = _stream.factor_of(groups, len(x))
    with _style.style():
        figure: Any = _style.new_figure(4.2, 4.0) if ax is None else ax.get_figure()
        panel = figure.subplots() if ax is None else ax
        _stream.backdrop(panel, x, factor, names=False)
        shades = [_style.INK, _style.DOWN, _style.UP, "#7A1E4D", "#1A5A26"]
        for number, (name, way) in enumerate(ways.items()):
            _way(panel, np.asarray(way, dtype=float), name, shades[number % len(shades)])
        if factor is not None:
            name_groups(panel, x, factor, size=_style.TEXT, weight="bold")
        panel.legend(loc="upper left", bbox_to_anchor=(0.0, -0.03), ncols=2, borderaxespad=0.4)
        _stream.compass(panel, label)
    return figure


def _way(ax: Any, way: Any, name: str, color: str) -> None:
    """Draw one path: dots at equal times, so that they stand close where it is slow."""
    ax.plot(way[:, 0], way[:, 1], color="white", linewidth=3.6, zorder=4, solid_capstyle="round")
    ax.plot(way[:, 0], way[:, 1], color=color, linewidth=1.6, zorder=5, solid_capstyle="round", label=name)
    ax.scatter(way[:, 0], way[:, 1], s=9, color=color, linewidths=0, zorder=5)
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(way, axis=0), axis=1))])
    for share in (0.5, 1.0):
        end = share * lengths[-1]
        head, tail = (
            [float(np.interp(at, lengths, column)) for column in way.T[:2]] for at in (end, end - 0.03 * lengths[-1])
        )
        arrow = {
            "arrowstyle": "-|>",
            "color": color,
            "linewidth": 1.6,
            "mutation_scale": 11,
            "shrinkA": 0,
            "shrinkB": 0,
        }
        ax.annotate("", xy=head, xytext=tail, arrowprops=arrow, zorder=6)


def path_heatmap(expression: pd.DataFrame, *, n_genes: int = 30, title: str = "") -> Figure:
    """Draw expression along a path, genes scaled from their lowest to their highest and ordered by when they peak.

    Parameters
    ----------
    expression
        Times x genes: from :meth:`reguloom.vectorfield.Path.expression`.
    n_genes
        How many genes: those that move farthest.
    title
        What to write above.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If the table is empty.
    """
    if expression.empty:
        msg = "the table of expression along the path is empty; ask for at least one gene."
        raise InputError(msg)
    moved = ((expression - expression.iloc[0]) ** 2).mean().sort_values(ascending=False, kind="stable")
    chosen = expression[list(moved.index[:n_genes])]
    low, high = chosen.min(), chosen.max()
    scaled = ((chosen - low) / (high - low).replace(0, 1)).to_numpy().T
    late = (scaled * np.arange(scaled.shape[1])).sum(axis=1) / np.maximum(scaled.sum(axis=1), 1e-12)
    order = np.argsort(late, kind="stable")
    with _style.style():
        figure = _style.new_figure(3.6, max(1.6, 0.15 * len(order) + 0.8))
        ax = figure.subplots()
        end = float(expression.index[-1])
        drawn = ax.imshow(scaled[order], cmap=_style.activity_map(), aspect="auto", interpolation="nearest",
                          extent=(0, end, len(order) - 0.5, -0.5))  # fmt: skip
        ax.set_yticks(range(len(order)), labels=[str(chosen.columns[i]) for i in order])
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("time along the path")
        ax.set_title(title)
        made = figure.colorbar(drawn, ax=ax, shrink=0.5, aspect=16, pad=0.02)
        made.outline.set_visible(False)  # type: ignore[operator]
        made.set_ticks([0, 1], labels=["low", "high"])
        made.ax.tick_params(length=0)
    return figure


def action_matrix(table: pd.DataFrame) -> Figure:
    """Draw the least action between groups: dark is hard, pale is easy.

    Parameters
    ----------
    table
        From :func:`reguloom.vectorfield.action_matrix`: rows lead to columns.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If the table is not square.
    """
    if table.shape[0] != table.shape[1] or table.empty:
        msg = f"the table of actions is {table.shape[0]} x {table.shape[1]}; it is square, groups x groups."
        raise InputError(msg)
    values = table.to_numpy(dtype=float).copy()
    np.fill_diagonal(values, np.nan)
    top = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    side = max(2.2, 0.5 * len(table) + 1.2)
    names = [_style.shorten(str(name), 18) for name in table.index]
    with _style.style():
        figure = _style.new_figure(side + 0.5, side)
        ax = figure.subplots()
        ax.imshow(values, cmap=_style.activity_map(), vmin=0, vmax=top)
        for i, j in zip(*np.nonzero(np.isfinite(values)), strict=True):
            shade = "white" if values[i, j] > 0.5 * top else _style.INK
            ax.text(j, i, f"{values[i, j]:.2g}", ha="center", va="center", fontsize=_style.SMALL, color=shade)
        ax.set_xticks(range(len(names)), labels=names, **_style.label_rotation(names, 0.5))
        ax.set_yticks(range(len(names)), labels=names)
        ax.tick_params(length=0)
        for edge in ax.spines.values():
            edge.set_visible(False)
        ax.set(xlabel="to", ylabel="from")
        ax.set_title("least action")
    return figure
