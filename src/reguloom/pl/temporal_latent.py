"""Genes on the two main axes of their latents, or of their shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, child_seed, root_seed
from reguloom.pl import _style, _temporal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METHODS = ("pca", "tsne")


@accepts_seed
def temporal_latent(
    result: Any, *, method: str = "pca", color: str = "module", ax: Axes | None = None, rng: SeedLike = 0
) -> Figure:
    """Draw the genes that move on a map: the model's latents, or the shapes where it has none.

    A map is for looking; modules are not made on it.

    Parameters
    ----------
    result
        From :func:`reguloom.temporal.fit`.
    method
        ``"pca"``, or ``"tsne"`` (neighbours stay together, distances mean nothing).
    color
        ``"module"`` or ``"half_time"``.
    ax
        Where to draw.
    rng
        Seed of t-SNE.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If an option is unknown, or fewer than three genes move.
    """
    if method not in METHODS or color not in ("module", "half_time"):
        msg = f"method is {method!r} and color {color!r}; accepted are 'pca' and 'tsne', 'module' and 'half_time'."
        raise InputError(msg)
    one = _temporal.view(result)
    rows = _rows(result, one)
    if len(rows) < 3:
        msg = f"{len(rows)} genes move; a map needs at least 3."
        raise InputError(msg)
    points, what = _points(result, one, rows)
    place = _axes(points) if method == "pca" else _tsne(points, root_seed(rng))
    with _style.style():
        figure: Any = _style.new_figure(3.6, 2.8) if ax is None else ax.figure
        ax = figure.add_subplot() if ax is None else ax
        size = float(np.clip(3000 / len(rows), 3, 16))
        if color == "module":
            _by_module(ax, one, rows, place, size)
        else:
            per, unit = _temporal.unit(one.times)
            drawn = ax.scatter(
                place[:, 0], place[:, 1], s=size, c=one.half_time[rows] / per, cmap="viridis", linewidths=0
            )
            bar = figure.colorbar(drawn, ax=ax, shrink=0.6, aspect=14, pad=0.03)
            bar.outline.set_visible(False)
            bar.set_label(f"half-time, {unit}", fontsize=_style.SMALL)
        label = "t-SNE" if method == "tsne" else "axis"
        ax.set(xticks=[], yticks=[], xlabel=f"{label} 1", ylabel=f"{label} 2")
        ax.set_title(f"{what} of {len(rows)} genes", fontsize=_style.TEXT)
    return figure


def _rows(result: Any, one: _temporal.View) -> NDArray[np.int64]:
    """Return the genes that move; of a method with latents, those that have one."""
    moves = (one.module != "static").to_numpy()
    latent = getattr(result, "latent", None)
    if latent is not None and latent.shape[1]:
        moves &= one.genes.isin(latent.dropna().index.astype(str))
    return np.flatnonzero(moves)


def _points(result: Any, one: _temporal.View, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], str]:
    """Return the latents of the genes, or their shapes, and what they are."""
    latent = getattr(result, "latent", None)
    if latent is not None and latent.shape[1]:
        return latent.set_axis(latent.index.astype(str)).loc[one.genes[rows]].to_numpy(np.float64), "latents"
    return np.nan_to_num(one.shape[rows].reshape(len(rows), -1)), "shapes"


def _axes(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the two main axes, with signs that do not depend on chance."""
    centred = points - points.mean(axis=0)
    _, vectors = np.linalg.eigh(np.einsum("ij,ik->jk", centred, centred))
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    scores = np.einsum("ij,jk->ik", centred, vectors * np.where(largest < 0, -1.0, 1.0))[:, ::-1]
    return scores[:, :2] if scores.shape[1] > 1 else np.column_stack([scores[:, 0], np.zeros(len(scores))])


def _tsne(points: NDArray[np.float64], root: int) -> NDArray[np.float64]:
    """Return a t-SNE map that starts from the main axes."""
    from sklearn.manifold import TSNE

    start = _axes(points)
    start = (start / max(float(start[:, 0].std()), 1e-12) * 1e-4).astype(np.float32)
    made = TSNE(init=start, perplexity=min(30.0, (len(points) - 1) / 3), random_state=child_seed(root, "tsne") % 2**32,
                learning_rate="auto", n_jobs=1)  # fmt: skip
    return np.asarray(made.fit_transform(points.astype(np.float32)), dtype=np.float64)


def _by_module(ax: Any, one: _temporal.View, rows: NDArray[np.int64], place: NDArray[np.float64], size: float) -> None:
    """Draw and name the modules."""
    names = sorted(set(one.module.iloc[rows]), key=_temporal.order_of)
    colors = _temporal.module_colors(names)
    for name in reversed(names):
        here = (one.module.iloc[rows] == name).to_numpy()
        ax.scatter(place[here, 0], place[here, 1], s=size, color=colors[name], linewidths=0, label=name)
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.0, 1.0), markerscale=1.4, handlelength=1)
