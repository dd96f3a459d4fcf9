"""Phase portraits: unspliced against spliced, with the line of steady state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._errors import MissingKeyError
from reguloom.pl import _inputs, _stream, _style

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.figure import Figure


def phase_portrait(
    adata: AnnData,
    genes: str | Sequence[str],
    *,
    groupby: str | None = None,
    velocity: str = "velocity",
    ncols: int | None = None,
) -> Figure:
    """Draw smoothed unspliced against spliced counts of genes; above the line a gene is being induced.

    Parameters
    ----------
    adata
        With ``layers['Ms']`` and ``['Mu']``, and ``var[f'{velocity}_gamma']`` for the lines.
    genes
        Names.
    groupby
        Column of ``obs``, for the colours.
    velocity
        Beginning of the names in ``var``.
    ncols
        Panels in a row.

    Returns
    -------
    The figure.

    Raises
    ------
    MissingKeyError
        If a layer, a gene or a column is not there.
    """
    names = [genes] if isinstance(genes, str) else list(genes)
    for layer in ("Ms", "Mu"):
        if layer not in adata.layers:
            raise _inputs.missing(layer, adata.layers.keys(), what="layer", where="adata")
    at = adata.var_names.get_indexer(names)
    if (at < 0).any():
        raise _inputs.missing(names[int(np.argmax(at < 0))], adata.var_names, what="gene", where="adata.var_names")
    if groupby is not None and groupby not in adata.obs:
        msg = f"adata.obs has no {groupby!r}; it has {sorted(adata.obs.columns)[:12]}."
        raise MissingKeyError(msg)
    factor = None if groupby is None else _stream.factor_of(adata.obs[groupby], adata.n_obs)
    with _style.style():
        figure, axes = _style.panels(len(names), ncols=ncols, width=2.0, height=1.85)
        for panel, name, column in zip(axes, names, at, strict=True):
            s, u = (_column(adata.layers[layer], int(column)) for layer in ("Ms", "Mu"))
            _portrait(panel, s, u, factor)
            gamma = adata.var.get(f"{velocity}_gamma")
            if gamma is not None and np.isfinite(gamma.iloc[column]):
                end = min(float(s.max()), float(u.max()) * 1.1 / max(float(gamma.iloc[column]), 1e-12))
                panel.plot([0, end], [0, end * float(gamma.iloc[column])], color=_style.INK, linewidth=1.0, zorder=4)
            panel.set_title(_style.shorten(name, 22))
        figure.supxlabel("spliced", fontsize=_style.TEXT)
        figure.supylabel("unspliced", fontsize=_style.TEXT)
        if factor is not None:
            _legend(figure, factor)
    return figure


def _portrait(ax: Any, s: Any, u: Any, factor: Any) -> None:
    """Draw the cells of one gene."""
    colors: Any = _style.REST
    if factor is not None:
        colors = np.array([*_style.group_colors(len(factor.categories)), _style.FAINT])[factor.codes]
    size = float(np.clip(70.0 / np.sqrt(max(len(s), 1)), 1.2, 4.5))
    ax.scatter(s, u, c=colors, s=size**2, linewidths=0, alpha=0.75, rasterized=True)
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)


def _legend(figure: Any, factor: Any) -> None:
    """List the groups above the panels."""
    from matplotlib.lines import Line2D

    colors = _style.group_colors(len(factor.categories))
    marks = [
        Line2D([], [], linestyle="", marker="o", markersize=4, color=color, label=_style.shorten(name, 20))
        for name, color in zip(factor.categories, colors, strict=True)
    ]
    figure.legend(handles=marks, loc="outside upper center", ncols=min(len(marks), 4), handletextpad=0.1)


def _column(matrix: Any, at: int) -> Any:
    """Return one column as a dense array."""
    found = matrix[:, at]
    return np.asarray(found.toarray() if hasattr(found, "toarray") else found, dtype=float).ravel()
