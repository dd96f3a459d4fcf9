"""Who regulates whom, where: entries of the Jacobian on the embedding, and their means by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.pl import _field, _stream, _style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANEL = 2.3


def jacobian_embedding(places: Any, table: pd.DataFrame, *, label: str = "", ncols: int | None = None) -> Figure:
    """Draw d(velocity of target)/d(regulator) in each cell, one panel for each pair; white is 0.

    Parameters
    ----------
    places
        Coordinates of the cells, ``(n_cells, 2)``.
    table
        From :func:`reguloom.vectorfield.cell_jacobian`: cells x pairs.
    label
        Name of the embedding.
    ncols
        Panels in a row.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If cells and places do not fit each other.
    """
    x = np.asarray(places, dtype=float)
    if len(x) != len(table) or not len(table.columns):
        msg = f"there are {len(x)} places and a table of {table.shape[0]} cells x {table.shape[1]} pairs."
        raise InputError(msg)
    with _style.style():
        figure, axes = _style.panels(len(table.columns), ncols=ncols, width=_PANEL * 1.15, height=_PANEL)
        for panel, name in zip(axes, table.columns, strict=True):
            values = table[name].to_numpy(dtype=float)
            top = max(float(np.quantile(np.abs(values), 0.98)), 1e-12)
            order = np.argsort(np.abs(values), kind="stable")
            drawn = _field.cells(panel, x[order], values[order], cmap="RdBu_r", vmin=-top, vmax=top)
            _field.bare(panel, x)
            panel.set_title(str(name).replace("->", "→"))
            _stream.bar(panel, drawn, "", [-top, 0.0, top])
        _stream.compass(axes[0], label)
    return figure


def jacobian_heatmap(table: pd.DataFrame, *, ncols: int | None = None) -> Figure:
    """Draw mean Jacobians, a panel for each group: rows are targets, columns regulators, white is 0.

    Pairs whose sign fewer than nine in ten bootstrap fits agree on are marked with a dot.

    Parameters
    ----------
    table
        From :func:`reguloom.vectorfield.jacobian`.
    ncols
        Panels in a row.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If columns are missing.
    """
    lacking = sorted({"group", "regulator", "target", "mean"} - set(table.columns))
    if lacking or table.empty:
        msg = f"the Jacobian's table lacks {lacking or 'rows'}; make it with vectorfield.jacobian."
        raise InputError(msg)
    regulators, targets = (list(dict.fromkeys(table[name])) for name in ("regulator", "target"))
    groups = list(dict.fromkeys(table["group"].astype(str)))
    off_diagonal = table["regulator"] != table["target"]
    top = max(float(table.loc[off_diagonal | (~off_diagonal).all(), "mean"].abs().quantile(0.99)), 1e-12)
    width = max(1.7, 0.22 * len(regulators) + 0.9)
    height = max(1.5, 0.2 * len(targets) + 0.8)
    with _style.style():
        figure, axes = _style.panels(len(groups), ncols=ncols, width=width, height=height, sharey=True)
        for panel, name in zip(axes, groups, strict=True):
            own = table[table["group"].astype(str) == name]
            drawn = _matrix(panel, own, regulators, targets, top)
            panel.set_title(_style.shorten(name, 22))
            panel.set_xlabel("regulator")
        axes[0].set_ylabel("target")
        made = figure.colorbar(drawn, ax=axes, shrink=0.6, aspect=22, pad=0.01)
        made.outline.set_visible(False)  # type: ignore[operator]
        made.set_ticks([-top, 0.0, top], labels=[f"{one:.2g}" for one in (-top, 0.0, top)])
        made.ax.tick_params(length=0)
        made.set_label("d velocity / d regulator", fontsize=_style.SMALL)
    return figure


def _matrix(ax: Any, own: pd.DataFrame, regulators: list[str], targets: list[str], top: float) -> Any:
    """Draw one group."""
    wide = own.pivot(index="target", columns="regulator", values="mean").loc[targets, regulators].to_numpy()
    drawn = ax.imshow(wide, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto", interpolation="nearest")
    turn = _style.label_rotation(regulators, 0.22)
    ax.set_xticks(range(len(regulators)), labels=regulators, **turn)
    ax.set_yticks(range(len(targets)), labels=targets)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    if "sign_stability" in own and own["sign_stability"].notna().any():
        stable = own.pivot(index="target", columns="regulator", values="sign_stability").loc[targets, regulators]
        row, column = np.nonzero(stable.to_numpy() < 0.9)
        ax.scatter(column, row, s=3.5, color=_style.MUTED, linewidths=0, zorder=3)
    return drawn
