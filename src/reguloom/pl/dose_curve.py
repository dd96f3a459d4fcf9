"""Score and size of the shift against the level that a gene is set to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reguloom._errors import InputError
from reguloom.pl import _style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def dose_curve(table: pd.DataFrame) -> Figure:
    """Draw the net score and the effect size against the level of a gene; a line for each lineage.

    Parameters
    ----------
    table
        From :func:`reguloom.oracle.dose_response`.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If columns are missing.
    """
    lacking = sorted({"gene", "level", "lineage", "net", "effect_size", "observed_mean"} - set(table.columns))
    if lacking or table.empty:
        msg = f"the table of doses lacks {lacking or 'rows'}; make it with oracle.dose_response."
        raise InputError(msg)
    gene = str(table["gene"].iloc[0])
    names = list(dict.fromkeys(table["lineage"]))
    with _style.style():
        figure = _style.new_figure(6.2, 2.6)
        left, right = figure.subplots(1, 2)
        for name, color in zip(names, _style.group_colors(len(names)), strict=True):
            rows = table[table["lineage"] == name].sort_values("level")
            left.plot(rows["level"], rows["net"], marker="o", markersize=3, linewidth=1.2, color=color, label=str(name))
            right.plot(rows["level"], rows["effect_size"], marker="o", markersize=3, linewidth=1.2, color=color)
        left.axhline(0, color=_style.FAINT, linewidth=0.8, zorder=0)
        _observed(left, table)
        _observed(right, table, label=True)
        left.set_ylabel("net score (direction)")
        right.set_ylabel("effect size (uncalibrated)")
        right.set_ylim(bottom=0)
        for ax in (left, right):
            ax.set_xlabel(f"level of {gene}")
        left.set_title("along (+) or against (−) development")
        right.set_title("how much expression changes")
        if len(names) > 1:
            left.legend(loc="best", handlelength=1.2)
    return figure


def _observed(ax: Any, table: pd.DataFrame, *, label: bool = False) -> None:
    """Mark the mean level in the cells as they are."""
    level = float(table["observed_mean"].iloc[0])
    ax.axvline(level, color=_style.MUTED, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0)
    if label:
        ax.annotate("mean in cells", (level, 1), xycoords=("data", "axes fraction"), xytext=(3, -2),
                    textcoords="offset points", va="top", fontsize=_style.SMALL, color=_style.MUTED)  # fmt: skip
