"""Motifs of temporal modules, and whether their factors come in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.pl import _style, _temporal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEEDED = ("module", "factor", "nes")
RINGS = {"before": "-", "not after": "-", "after": ":", "unresolved": "--"}


def temporal_motifs(table: pd.DataFrame, *, n: int = 6) -> Figure:
    """Draw the strongest factors of each module: dots as large as the enrichment, dark where permuted labels miss it.

    A ring says when the factor's own gene answers: solid in time, dashed undecided, dotted after the module; none
    where the gene does not move or was not measured.

    Parameters
    ----------
    table
        One row per module and factor: ``module``, ``factor``, ``nes``, and perhaps ``p_permuted`` and ``verdict``.
    n
        Factors for each module.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If the table has no rows.
    MissingKeyError
        If it lacks a column.
    """
    _temporal.check_table(table, NEEDED, "reguloom temporal motifs")
    if table.empty:
        msg = "the table of motifs has no rows: no motif passed; there is nothing to draw."
        raise InputError(msg)
    modules = sorted(set(table["module"].astype(str)), key=_temporal.order_of)
    best = table.sort_values("nes", ascending=False, kind="stable").drop_duplicates(["module", "factor"])
    factors = list(dict.fromkeys(
        str(name) for module in modules for name in best[best["module"].astype(str) == module]["factor"].head(n)
    ))  # fmt: skip
    shown = best[best["factor"].astype(str).isin(factors)]
    x = np.array([modules.index(str(name)) for name in shown["module"]])
    y = np.array([len(factors) - 1 - factors.index(str(name)) for name in shown["factor"]])
    with _style.style():
        figure: Any = _style.new_figure(1.9 + 0.42 * len(modules), 1.0 + 0.19 * len(factors))
        ax = figure.add_subplot()
        nes = shown["nes"].to_numpy(np.float64)
        area = 8.0 + 70.0 * (nes - nes.min()) / max(float(np.ptp(nes)), 1e-9)
        shade, label = _shade(shown)
        drawn = ax.scatter(x, y, s=area, c=shade, cmap=_style.activity_map(), vmin=0, vmax=max(2.0, float(shade.max())),
                           linewidths=0, zorder=2)  # fmt: skip
        _rings(ax, shown, x, y, area)
        ax.set_xticks(range(len(modules)), modules, **_style.label_rotation(modules, 0.42))
        ax.set_yticks(range(len(factors)), [_style.shorten(name, 22) for name in factors[::-1]])
        ax.set_xlim(-0.6, len(modules) - 0.4)
        ax.set_ylim(-0.7, len(factors) - 0.3)
        ax.tick_params(length=0)
        ax.grid(True, linewidth=0.4)
        bar = figure.colorbar(drawn, ax=ax, shrink=min(1.0, 1.3 / (0.19 * len(factors) + 0.5)), aspect=12, pad=0.04)
        bar.outline.set_visible(False)
        bar.set_label(label, fontsize=_style.SMALL)
        _sizes(ax, nes)
    return figure


def _shade(shown: pd.DataFrame) -> tuple[Any, str]:
    """Return the colour of each dot, and what it says."""
    if "p_permuted" in shown:
        return -np.log10(np.maximum(shown["p_permuted"].to_numpy(np.float64), 1e-3)), "−log10 p (permuted labels)"
    return shown["nes"].to_numpy(np.float64), "NES"


def _rings(ax: Any, shown: pd.DataFrame, x: Any, y: Any, area: Any) -> None:
    """Draw a ring around the factors whose gene moves."""
    if "verdict" not in shown:
        return
    verdict = shown["verdict"].astype(str).to_numpy()
    for name, line in RINGS.items():
        here = verdict == name
        if here.any():
            ax.scatter(x[here], y[here], s=area[here] + 55, facecolors="none", edgecolors=_style.INK, linewidths=0.9,
                       linestyles=line, zorder=3)  # fmt: skip


def _sizes(ax: Any, nes: Any) -> None:
    """Explain the sizes."""
    values = sorted({round(float(v), 1) for v in np.quantile(nes, [0.0, 0.5, 1.0])})
    low, span = float(nes.min()), max(float(np.ptp(nes)), 1e-9)
    handles = [ax.scatter([], [], s=8.0 + 70.0 * max(v - low, 0) / span, c=_style.REST, linewidths=0) for v in values]
    ax.legend(handles, [f"{v:g}" for v in values], title="NES", title_fontsize=_style.SMALL, loc="upper left",
              bbox_to_anchor=(1.0, 0.32), handlelength=1.2, labelspacing=0.9)  # fmt: skip
