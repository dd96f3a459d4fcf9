"""Mean activity of regulons in groups of cells, z-scored and clustered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import _keys
from reguloom.pl import _inputs, _style
from reguloom.pl._labels import spread

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ALL_NAMED = 70
"""Up to so many regulons every row is named; above, the most specific ones are."""
N_NAMED = 48
"""How many are named then."""


def regulon_heatmap(
    data: AnnData | pd.DataFrame,
    groupby: str | Sequence[Any] | pd.Series,
    *,
    regulons: str | Iterable[str] | None = None,
    key: str = _keys.AUCELL,
    z_score: bool = True,
    cluster: bool = True,
    limit: float | None = None,
) -> Figure:
    """Draw the mean activity of each regulon in each group of cells.

    With `z_score`, activity is standardised over all cells before the mean is taken, so that colours say how many
    standard deviations a group stands above or below the average cell. Rows, and columns from three groups on, are
    ordered by hierarchical clustering (average linkage, correlation of the rows' profiles where there are at least
    three groups, Euclidean distance otherwise).

    Parameters
    ----------
    data
        AnnData with activity in ``obsm[key]``, or a table of cells × regulons.
    groupby
        Column of ``obs``, or one label per cell.
    regulons
        Which regulons, or their TFs; all if left out.
    key
        Slot of the activity.
    z_score
        Whether to standardise; one group alone is always shown as it is.
    cluster
        Whether to order by similarity; else regulons keep their order, and groups theirs.
    limit
        Colours of z-scores end at plus and minus this value; by default where all but 1 % of the cells have ended,
        between 1 and 4.

    Returns
    -------
    Figure
        Regulons in rows, groups in columns. Above 70 regulons the most specific ones are named.

    Raises
    ------
    MissingKeyError
        If the slot, the column or a regulon is not there.
    InputError
        If there is nothing to draw.

    Examples
    --------
    >>> figure = rl.pl.regulon_heatmap(adata, "cell_type")  # doctest: +SKIP
    """
    auc = _inputs.activity(data, key)
    auc = auc[_inputs.choose(auc, regulons)]
    factor = _inputs.groups(data, groupby, auc.index)
    z_score = z_score and len(factor.categories) > 1
    means = group_means(auc, factor, z_score=z_score)
    rows, columns = _trees(means) if cluster else (None, None)
    if rows is not None:
        means = means.iloc[rows["leaves"]]
    if columns is not None:
        means = means.iloc[:, columns["leaves"]]
    label = groupby if isinstance(groupby, str) else getattr(groupby, "name", None)
    with _style.style():
        return _draw(means, rows, columns, z_score=z_score, limit=limit, label=label)


def group_means(auc: pd.DataFrame, groups: pd.Categorical, *, z_score: bool) -> pd.DataFrame:
    """Return the mean of each regulon in each group, regulons × groups.

    Parameters
    ----------
    auc
        Activity, cells × regulons.
    groups
        Group of each cell.
    z_score
        Whether to standardise each regulon over all cells first; a constant regulon becomes 0.
    """
    values = auc.to_numpy(dtype=np.float64)
    if z_score:
        deviation = values.std(axis=0)
        values = (values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    means = [values[groups.codes == code].mean(axis=0) for code in range(len(groups.categories))]
    return pd.DataFrame(np.stack(means, axis=1), index=auc.columns.astype(str), columns=list(groups.categories))


def _trees(means: pd.DataFrame) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the dendrograms of rows and columns; None where there is nothing to order."""
    values = means.to_numpy()
    rows = _tree(values) if len(values) > 2 else None
    return rows, _tree(values.T) if values.shape[1] > 2 else None


def _tree(values: NDArray[np.float64]) -> dict[str, Any]:
    """Return the dendrogram of the rows of a matrix."""
    from scipy.cluster.hierarchy import dendrogram, linkage
    from scipy.spatial.distance import pdist

    centred = values - values.mean(axis=1, keepdims=True)
    alike = values.shape[1] < 3 or (np.abs(centred).max(axis=1) < 1e-12).any()
    distance = np.clip(pdist(values, "euclidean" if alike else "correlation"), 0.0, None)
    tree = linkage(distance, "average", optimal_ordering=len(values) <= 400)
    return dict(dendrogram(tree, no_plot=True))


def _draw(
    means: pd.DataFrame,
    rows: dict[str, Any] | None,
    columns: dict[str, Any] | None,
    *,
    z_score: bool,
    limit: float | None,
    label: Any,
) -> Figure:
    """Draw the heatmap with its trees, names and colour bar."""
    n_rows, n_columns = means.shape
    cell_h = 0.135 if n_rows <= ALL_NAMED else max(0.03, 9.0 / n_rows)
    cell_w = float(np.clip(6.0 / n_columns, 0.16, 0.38))
    body_h, body_w = max(0.25, n_rows * cell_h), n_columns * cell_w
    tree_w, tree_h = (0.35 if rows else 0.0), (0.3 if columns else 0.0)
    figure = _style.new_figure(tree_w + body_w + 1.9, tree_h + body_h + 1.1)
    figure.set_layout_engine(None)  # every part has a size in inches here
    place = _Inches(figure, left=0.15, bottom=0.8)
    ax = place.axes(tree_w + 0.03, 0.0, body_w, body_h)
    image = _paint(ax, means, z_score=z_score, limit=limit)
    if rows is not None:
        _draw_tree(place.axes(0.0, 0.0, tree_w, body_h), rows, upright=False)
    if columns is not None:
        _draw_tree(place.axes(tree_w + 0.03, body_h + 0.03, body_w, tree_h), columns, upright=True)
    names = [_style.shorten(name) for name in means.columns]
    ax.set_xticks(np.arange(n_columns) + 0.5, names, **_style.label_rotation(names, cell_w))
    ax.set_xlabel("" if label is None else _style.shorten(str(label)))
    _name_rows(ax, means, body_w, body_h)
    _colour_bar(place, ax, image, body_w + tree_w, body_h, z_score=z_score)
    return figure


class _Inches:
    """Places axes in inches from a corner of the figure."""

    def __init__(self, figure: Figure, *, left: float, bottom: float) -> None:
        self.figure, self.left, self.bottom = figure, left, bottom

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Return new axes at a place."""
        w, h = self.figure.get_size_inches()
        return self.figure.add_axes(((self.left + x) / w, (self.bottom + y) / h, width / w, height / h))


def _paint(ax: Axes, means: pd.DataFrame, *, z_score: bool, limit: float | None) -> Any:
    """Draw the coloured cells, the first row on top."""
    values = means.to_numpy()
    if z_score:
        limit = float(np.clip(np.quantile(np.abs(values), 0.99), 1.0, 4.0)) if limit is None else limit
        scale: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    else:
        scale = {"cmap": _style.activity_map(), "vmin": min(0.0, values.min()), "vmax": values.max() or 1.0}
    image = ax.pcolormesh(values, edgecolors="white", linewidth=0.4 if len(values) <= ALL_NAMED else 0.0, **scale)
    ax.set(xlim=(0, values.shape[1]), ylim=(len(values), 0))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return image


def _draw_tree(ax: Axes, tree: dict[str, Any], *, upright: bool) -> None:
    """Draw a dendrogram whose leaves stand at the cells' middles."""
    highest = max(max(heights) for heights in tree["dcoord"]) or 1.0
    for places, heights in zip(tree["icoord"], tree["dcoord"], strict=True):
        leaf, height = np.array(places) / 10.0, np.array(heights) / highest
        ax.plot(*((leaf, height) if upright else (-height, leaf)), color=_style.MUTED, linewidth=0.5)
    span = (0, len(tree["leaves"]))
    ax.set(**({"xlim": span, "ylim": (0, 1.04)} if upright else {"ylim": span[::-1], "xlim": (-1.04, 0)}))
    ax.set_axis_off()


def _name_rows(ax: Axes, means: pd.DataFrame, body_w: float, body_h: float) -> None:
    """Name the rows on the right: all, or the most specific ones of each group with lines to their rows."""
    n_rows = len(means)
    ax.yaxis.tick_right()
    if n_rows <= ALL_NAMED:
        ax.set_yticks(np.arange(n_rows) + 0.5, [_style.shorten(name) for name in means.index])
        return
    ax.set_yticks([])
    named = _most_specific(means, min(N_NAMED, int(body_h / 0.125)))
    places = spread([row + 0.5 for row in named], 0.125 * n_rows / body_h, 0.5, n_rows - 0.5)
    reach = means.shape[1]
    inch = reach / body_w
    for row, place in zip(named, places, strict=True):
        line: dict[str, Any] = {"color": _style.MUTED, "linewidth": 0.4, "clip_on": False}
        ax.plot([reach + 0.02 * inch, reach + 0.06 * inch, reach + 0.2 * inch], [row + 0.5, row + 0.5, place], **line)
        name = _style.shorten(means.index[row])
        ax.text(reach + 0.23 * inch, place, name, va="center", ha="left", fontsize=_style.SMALL)


def _most_specific(means: pd.DataFrame, n: int) -> list[int]:
    """Return the rows to name: the groups take turns, each giving its next highest row."""
    order = np.argsort(-means.to_numpy(), axis=0, kind="stable")
    return sorted(list(dict.fromkeys(order.ravel().tolist()))[:n])


def _colour_bar(place: _Inches, ax: Axes, image: Any, right: float, body_h: float, *, z_score: bool) -> None:
    """Draw the colour bar in the upper right corner, beyond the longest name."""
    figure = place.figure
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    edge = ax.get_tightbbox(renderer).x1 / figure.dpi - place.left  # type: ignore[union-attr]
    length = min(1.0, max(body_h, 0.55))
    bar = place.axes(max(edge, right) + 0.22, body_h - length, 0.09, length)
    colorbar = figure.colorbar(image, cax=bar, extend="both" if z_score else "neither", extendfrac=0.06)
    colorbar.outline.set_visible(False)  # type: ignore[operator]
    bar.tick_params(length=0, pad=2)
    bar.locator_params(nbins=5)
    bar.set_title("mean\nz-score" if z_score else "mean\nAUC", fontsize=_style.SMALL, loc="left", color=_style.MUTED)
