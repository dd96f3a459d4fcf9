"""Simulated cells on an embedding: what they become, how far they are, and which were perturbed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.pl import _field, _inputs, _style

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_CATEGORIES = 16


def fates_embedding(
    adata: AnnData,
    *,
    basis: str = "pca",
    groupby: str = "fate",
    split: str | None = None,
    pseudotime: str | None = "pseudotime",
    ncols: int | None = None,
) -> Figure:
    """Draw simulated cells by fate, and by pseudotime or split by perturbation.

    Parameters
    ----------
    adata
        Cells from :func:`reguloom.mechanistic.simulate` or of a world.
    basis
        Embedding in ``adata.obsm``, with or without ``X_``; ``pca`` is made from ``X`` if it is not there.
    groupby
        Column of ``adata.obs`` for the colours.
    split
        Column of ``adata.obs``: one panel for each value, all other cells in grey.
    pseudotime
        Column of ``adata.obs`` for a panel of its own, where cells are not split; None for none.
    ncols
        Panels in a row.

    Returns
    -------
    The figure.

    Raises
    ------
    MissingKeyError
        If a column or the embedding is not there.
    InputError
        If there are more than sixteen panels to split into.

    Examples
    --------
    >>> figure = rl.pl.fates_embedding(cells, split="perturbation")  # doctest: +SKIP
    """
    places, label = _places(adata, basis)
    factor = _inputs.groups(adata, groupby, adata.obs_names)
    names = [str(name) for name in factor.categories]
    colors = np.array([*_inputs.colors_of(adata, groupby, len(names)), _style.FAINT], dtype=object)
    parts: list[str | None] = (
        [None] if split is None else [str(one) for one in _inputs.groups(adata, split, adata.obs_names).categories]
    )
    if len(parts) > MAX_CATEGORIES:
        msg = f"{split} has {len(parts)} values; choose cells of at most {MAX_CATEGORIES} to draw side by side."
        raise InputError(msg)
    with_time = split is None and pseudotime is not None and pseudotime in adata.obs
    n_panels = len(parts) + with_time
    with _style.style():
        figure, axes = _style.panels(n_panels, ncols=ncols, width=2.6, height=2.5)
        for panel, part in zip(axes, parts, strict=False):
            inside = np.ones(adata.n_obs, dtype=bool) if part is None else (adata.obs[split].astype(str) == part)
            _draw(panel, places, colors[factor.codes], np.asarray(inside))
            panel.set_title(_style.shorten(part or groupby.replace("_", " "), 26))
        if with_time:
            _draw_time(figure, axes[-1], places, adata.obs[pseudotime].to_numpy(dtype=np.float64), str(pseudotime))
        for panel in axes:
            _field.bare(panel, places)
        _axis_names(axes[0], label)
        _legend(figure, axes[0], names, colors)
    return figure


def _places(adata: AnnData, basis: str) -> tuple[NDArray[np.float64], str]:
    """Return two coordinates for each cell, and the name of the axes."""
    slot = next((name for name in (basis, f"X_{basis.removeprefix('X_')}") if name in adata.obsm), None)
    if slot is not None:
        names = {"umap": "UMAP", "pca": "PC", "tsne": "t-SNE"}
        stem = slot.removeprefix("X_")
        return np.asarray(adata.obsm[slot], dtype=np.float64)[:, :2], names.get(stem, stem)
    if basis.removeprefix("X_") != "pca":
        raise _inputs.missing(basis, adata.obsm.keys(), what="embedding", where="adata.obsm")
    values = np.asarray(adata.X.toarray() if hasattr(adata.X, "toarray") else adata.X, dtype=np.float64)
    values = values - values.mean(axis=0)
    _, vectors = np.linalg.eigh(values.T @ values)
    top = vectors[:, ::-1][:, :2]
    top *= np.sign(top[np.abs(top).argmax(axis=0), [0, 1]])
    return values @ top, "PC"


def _draw(ax: Axes, places: NDArray[np.float64], shade: NDArray[Any], inside: NDArray[np.bool_]) -> None:
    """Draw the cells of one panel over all others."""
    size = float(np.clip(105.0 / np.sqrt(len(places)), 1.2, 6.0)) ** 2
    rest = places[~inside]
    ax.scatter(rest[:, 0], rest[:, 1], c=_style.FAINT, s=size * 0.7, linewidths=0, rasterized=True)
    order = np.random.default_rng(0).permutation(np.flatnonzero(inside))  # so that no fate hides the others
    ax.scatter(places[order, 0], places[order, 1], c=list(shade[order]), s=size, linewidths=0, rasterized=True)


def _draw_time(figure: Any, ax: Axes, places: NDArray[np.float64], time: NDArray[np.float64], name: str) -> None:
    """Draw the cells by pseudotime."""
    drawn = _field.cells(ax, places, time, cmap="cividis_r")
    bar = figure.colorbar(drawn, ax=ax, shrink=0.5, aspect=16, pad=0.01)
    bar.outline.set_visible(False)
    ax.set_title(name.replace("_", " "))


def _axis_names(ax: Axes, label: str) -> None:
    """Name the axes at the corner of the first panel."""
    small: dict[str, Any] = {"fontsize": _style.SMALL - 1, "color": _style.MUTED, "transform": ax.transAxes}
    ax.text(0.0, -0.02, f"{label} 1 →", ha="left", va="top", **small)
    ax.text(-0.02, 0.0, f"{label} 2 →", ha="right", va="bottom", rotation=90, **small)


def _legend(figure: Any, ax: Axes, names: list[str], colors: NDArray[Any]) -> None:
    """Name the groups below all panels."""
    handles = [ax.scatter([], [], c=color, s=16, linewidths=0) for color in colors[: len(names)]]
    labels = [_style.shorten(name) for name in names]
    width = max(len(label) for label in labels) * _style.SMALL * 0.62 / 72 + 0.4
    ncols = int(np.clip(figure.get_figwidth() / width, 1, len(labels)))
    figure.legend(handles, labels, loc="outside lower center", ncols=ncols, handletextpad=0.1, columnspacing=0.9)
