"""How many modules, and how surely a gene is in its module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.pl import _style, _temporal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_GENES = 1500
"""Genes that are drawn at most; of more, evenly spaced ones are."""


def temporal_number(result: Any) -> Figure:
    """Draw what each number of modules is worth: held-out likelihood above, agreement of repetitions below.

    Parameters
    ----------
    result
        From :func:`reguloom.temporal.fit`, or its table ``selection``.

    Returns
    -------
    The figure; numbers whose repetitions disagree are hollow, the chosen one is marked.

    Raises
    ------
    InputError
        If the number of modules was given, so that none was chosen.
    """
    table = result if isinstance(result, pd.DataFrame) else getattr(result, "selection", None)
    if table is None or len(table) == 0:
        msg = "no number of modules was chosen (it was given, or no gene moves); there is nothing to draw."
        raise InputError(msg)
    _temporal.check_table(table, ("n_modules", "held_out", "se", "stability", "candidate", "chosen"), "temporal.fit")
    k = table["n_modules"].to_numpy()
    chosen = table["chosen"].to_numpy(bool)
    with _style.style():
        figure = _style.new_figure(3.0, 3.0)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[1.4, 1.0])
        for ax, name in ((upper, "held_out"), (lower, "stability")):
            values = table[name].to_numpy(np.float64)
            errors = table["se"].to_numpy(np.float64) if name == "held_out" else None
            ax.errorbar(k, values, yerr=errors, color=_style.REST, linewidth=1.0, elinewidth=0.8, zorder=1)
            fill = np.where(table["candidate"], _style.UP, _style.PAPER)
            ax.scatter(k, values, s=18, c=fill, edgecolors=_style.UP, linewidths=0.9, zorder=2)
            ax.scatter(k[chosen], values[chosen], s=42, c=_style.MARK, zorder=3, linewidths=0)
        upper.set_ylabel("held-out log-likelihood\nper value")
        lower.set_ylabel("agreement (ARI)")
        lower.set_ylim(min(0.0, float(table["stability"].min())) - 0.03, 1.05)
        lower.set_xlabel("number of modules")
        lower.set_xticks(k[:: -(-len(k) // 12)])
        upper.set_title(f"{int(k[chosen][0])} modules" if chosen.any() else "number of modules", fontsize=_style.TEXT)
    return figure


def temporal_stability(result: Any) -> Figure:
    """Draw how often two genes are put in one module, over draws, seeds and resampled cells.

    Parameters
    ----------
    result
        From :func:`reguloom.temporal.fit`.

    Returns
    -------
    The figure: genes by genes, in the order of the modules; a sharp block is a module that comes out each time.

    Raises
    ------
    InputError
        If there are no modules.
    """
    one = _temporal.view(result)
    _temporal.none_named(one)
    share, sizes, names = _shares(result.membership, one)
    together = np.clip(share @ share.T, 0.0, 1.0)
    with _style.style():
        figure = _style.new_figure(3.6, 3.0)
        ax = figure.add_subplot()
        drawn = ax.imshow(together, cmap=_style.activity_map(), vmin=0, vmax=1, interpolation="nearest")
        edges = np.cumsum(sizes)
        middle = edges - np.array(sizes) / 2 - 0.5
        ax.set_yticks(middle, names)
        ax.set_xticks(middle, names, **_style.label_rotation(names, 2.2 / max(len(names), 1)))
        for edge in edges[:-1]:
            ax.axhline(edge - 0.5, color=_style.PAPER, linewidth=0.6)
            ax.axvline(edge - 0.5, color=_style.PAPER, linewidth=0.6)
        ax.tick_params(length=0)
        for side in ax.spines.values():
            side.set_visible(False)
        bar = figure.colorbar(drawn, ax=ax, shrink=0.6, aspect=14, pad=0.03)
        bar.outline.set_visible(False)
        bar.set_label("in one module", fontsize=_style.SMALL)
    return figure


def _shares(membership: pd.DataFrame, one: _temporal.View) -> tuple[NDArray[np.float64], list[int], list[str]]:
    """Return membership of the genes in the order of the modules, unassigned ones last, and the sizes of the blocks."""
    table = membership.set_axis(membership.index.astype(str))
    parts, sizes, names = [], [], []
    for name in [*one.names, "unassigned"]:
        genes = one.module.index[(one.module == name).to_numpy()]
        genes = genes[genes.isin(table.index)]
        if len(genes) == 0:
            continue
        step = max(1, -(-len(table) // MOST_GENES))
        column = table[name] if name in table else table.max(axis=1)
        order = column.loc[genes].sort_values(ascending=False, kind="stable").index[::step]
        parts.append(table.loc[order].to_numpy(np.float64))
        sizes.append(len(order))
        names.append(name)
    return np.concatenate(parts), sizes, names
