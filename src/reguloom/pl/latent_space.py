"""Cells or perturbations in the latent space of a model, brought to two dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reguloom._errors import InputError
from reguloom.pl import _style

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.figure import Figure

MOST_GROUPS, MOST_NAMES = 12, 40


def latent_space(
    latent: pd.DataFrame, *, groups: Sequence[str] | None = None, names: bool = False, size: float = 6.0
) -> Figure:
    """Draw the first two principal components of latent values.

    Parameters
    ----------
    latent
        One row per cell or perturbation, such as ``SCGen.latent(adata)`` or ``CPA.embeddings()``.
    groups
        What each row belongs to; decides the colour.
    names
        Whether to write the name of each row, for up to 40 of them.
    size
        Of a point, in points squared.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If there are fewer than three rows, or as many groups as rows do not fit.
    """
    values = latent.to_numpy(dtype=np.float64)
    labels = np.array(["" for _ in range(len(values))] if groups is None else [str(one) for one in groups])
    if len(values) < 3 or values.shape[1] < 2 or len(labels) != len(values):
        msg = (
            f"the latent table has shape {values.shape} and there are {len(labels)} groups; give at least three rows "
            "and two columns, and one group for each row."
        )
        raise InputError(msg)
    left, singular, right = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    # The sign of a component is arbitrary: the largest loading is made positive, so that a figure stays as it was.
    sign = np.sign(right[np.arange(2), np.abs(right[:2]).argmax(axis=1)])
    points = left[:, :2] * singular[:2] * np.where(sign == 0, 1, sign)
    share = 100 * singular[:2] ** 2 / max((singular**2).sum(), 1e-12)
    kinds = list(dict.fromkeys(labels))
    shown = kinds if len(kinds) <= MOST_GROUPS else kinds[:MOST_GROUPS]
    with _style.style():
        figure = _style.new_figure(4.4 if len(kinds) > 1 else 3.4, 3.2)
        ax = figure.subplots()
        for kind, color in zip(shown, _style.group_colors(len(shown)), strict=True):
            here = labels == kind
            ax.scatter(points[here, 0], points[here, 1], s=size, color=color, linewidth=0, label=kind or None)
        rest = ~np.isin(labels, shown)
        if rest.any():
            more = f"{len(kinds) - len(shown)} more"
            ax.scatter(points[rest, 0], points[rest, 1], s=size, color=_style.FAINT, linewidth=0, label=more)
        if names and len(values) <= MOST_NAMES:
            for name, (x, y) in zip(latent.index, points, strict=True):
                ax.annotate(str(name), (x, y), xytext=(3, 2), textcoords="offset points", fontsize=_style.SMALL)
        ax.set_xlabel(f"PC 1 ({share[0]:.0f} %)")
        ax.set_ylabel(f"PC 2 ({share[1]:.0f} %)")
        if len(kinds) > 1:
            ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), handletextpad=0.2)
    return figure
