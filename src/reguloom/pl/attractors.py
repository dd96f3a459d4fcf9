"""Attractors of a Boolean network: which genes are on in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.pl import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 60
"""Attractors that are drawn; with more, the largest basins or the first ones."""


def attractors(
    attractors: Any, *, order_genes: bool = True, title: str | None = None, ax: Axes | None = None
) -> Figure:
    """Draw which genes are on in each attractor.

    Dark is on, light is off, between is the share of the attractor's states in which the gene is on. The numbers of
    states stand below cycles and complex attractors, and the share of all states that end there above, where known.

    Parameters
    ----------
    attractors
        What :func:`reguloom.mechanistic.attractors` returned, or a table of attractors × genes with values from 0 to 1.
    order_genes
        Whether genes that go together stand together; else they keep their order.
    title
        Above the panel.
    ax
        Where to draw.

    Returns
    -------
    Figure
        Genes in rows, attractors in columns.

    Raises
    ------
    InputError
        If there are no attractors, or a table holds values outside 0 to 1.

    Examples
    --------
    >>> figure = rl.pl.attractors(network.attractors())  # doctest: +SKIP
    """
    levels, sizes, shares = _taken(attractors)
    with _style.style():
        if ax is None:
            width = 1.25 + 0.34 * len(levels)
            figure = _style.new_figure(max(2.6, width), 0.85 + 0.165 * levels.shape[1])
            ax = figure.subplots()
        else:
            figure = ax.get_figure()  # type: ignore[assignment]
        genes = _gene_order(levels) if order_genes else list(levels.columns)
        image = ax.pcolormesh(
            levels[genes].to_numpy().T, cmap=_style.activity_map(), vmin=0, vmax=1, edgecolors="white", linewidth=0.8
        )
        ax.set(xlim=(0, len(levels)), ylim=(len(genes), 0))
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        ax.set_yticks(np.arange(len(genes)) + 0.5, [_style.shorten(gene, 22) for gene in genes])
        names = [f"{name}\n{size}" if size else str(name) for name, size in zip(levels.index, sizes, strict=True)]
        ax.set_xticks(np.arange(len(levels)) + 0.5, names)
        _annotate_shares(ax, shares)
        if title:
            ax.set_title(title, pad=16 if shares is not None else 5)
        _colour_bar(figure, ax, image, with_between=bool(((levels > 0) & (levels < 1)).to_numpy().any()))
    return figure


def _taken(given: Any) -> tuple[pd.DataFrame, list[str], pd.Series | None]:
    """Return the levels, the words for the sizes and the shares of basins."""
    if isinstance(given, pd.DataFrame):
        levels, sizes, shares = given, [""] * len(given), None
    else:
        table = given.to_frame()
        levels = given.levels()
        sizes = ["" if size == 1 else f"{size:,}" for size in table["size"]]
        shares = table["basin_share"] if table["basin_share"].notna().any() else None
    values = levels.to_numpy(dtype=np.float64)
    if 0 in levels.shape or not ((values >= 0) & (values <= 1)).all():
        msg = (
            f"a table of {levels.shape[0]} attractors x {levels.shape[1]} genes, values 0 to 1, is needed; got others."
        )
        raise InputError(msg)
    if len(levels) > MOST:
        keep = np.arange(MOST) if shares is None else np.sort(np.argsort(-shares.to_numpy(), kind="stable")[:MOST])
        levels, sizes = levels.iloc[keep], [sizes[i] for i in keep]
        shares = None if shares is None else shares.iloc[keep]
    return levels, sizes, shares


def _gene_order(levels: pd.DataFrame) -> list[str]:
    """Return genes so that those that are on together stand together: by their first, strongest attractors."""
    values = levels.to_numpy().T
    if len(values) < 3:
        return list(levels.columns)
    from scipy.cluster.hierarchy import leaves_list, linkage

    if np.ptp(values, axis=0).max() == 0:
        return list(levels.columns)
    order = leaves_list(linkage(values, "average", optimal_ordering=len(values) <= 400))
    return [str(levels.columns[i]) for i in order]


def _annotate_shares(ax: Axes, shares: pd.Series | None) -> None:
    """Write the share of all states above each column."""
    if shares is None:
        return
    for i, share in enumerate(shares):
        if np.isfinite(share):
            text = f"{share:.0%}" if share >= 0.01 else "<1%"
            ax.text(i + 0.5, -0.12, text, ha="center", va="bottom", fontsize=_style.SMALL, color=_style.MUTED)
    ax.text(-0.1, -0.12, "basin", ha="right", va="bottom", fontsize=_style.SMALL, color=_style.MUTED)


def _colour_bar(figure: Figure, ax: Axes, image: Any, *, with_between: bool) -> None:
    """Explain the colours: a bar if there are values between off and on, otherwise two squares."""
    if with_between:
        bar = figure.colorbar(image, ax=ax, shrink=min(1.0, 1.0 / (0.165 * max(ax.get_ylim()))), aspect=11, pad=0.03)
        bar.outline.set_visible(False)  # type: ignore[operator]
        bar.set_ticks([0, 0.5, 1], labels=["off", "half the states", "on"])
        bar.ax.tick_params(length=0, pad=2)
        return
    from matplotlib.patches import Patch

    cmap = _style.activity_map()
    ax.legend(
        handles=[Patch(facecolor=cmap(1.0), label="on"), Patch(facecolor=cmap(0.0), label="off")],
        loc="upper left", bbox_to_anchor=(1.01, 1.0), handlelength=0.9, handleheight=0.9, borderaxespad=0.0,
    )  # fmt: skip
