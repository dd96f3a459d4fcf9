"""Fates before and after perturbations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom.pl import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDED = ("perturbation", "attractor", "probability", "lower", "upper")
CONTROL = "control"


def fates(
    table: pd.DataFrame,
    perturbations: str | Sequence[str] | None = None,
    *,
    names: dict[str, str] | None = None,
    min_probability: float = 0.005,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw how likely each fate is before and after perturbations, as pairs of bars.

    Parameters
    ----------
    table
        What :func:`reguloom.mechanistic.perturb` returned.
    perturbations
        Which perturbations, up to five; the first ones if left out. The control is always drawn.
    names
        Attractor → what to call it, such as ``{"A1": "erythroid"}``.
    min_probability
        Fates that stay below this everywhere are left out.
    title
        Above the panel.
    ax
        Where to draw.

    Returns
    -------
    Figure
        One group of bars for each fate; whiskers are confidence intervals where probabilities are estimates.

    Raises
    ------
    MissingKeyError
        If a perturbation is not in the table.
    InputError
        If the table lacks columns, or too many perturbations are asked for.

    Examples
    --------
    >>> table = rl.mechanistic.perturb(network, rl.Perturbation.knockout("Gata1"))  # doctest: +SKIP
    >>> figure = rl.pl.fates(table)  # doctest: +SKIP
    """
    conditions = _conditions(table, perturbations)
    wide = {what: _wide(table, conditions, what) for what in NEEDED[2:]}
    seen = wide["probability"].max(axis=1) >= min_probability
    wide = {what: frame[seen] for what, frame in wide.items()}
    order = [name for name in wide["probability"].index if name != "undecided"]
    order += ["undecided"] if "undecided" in wide["probability"].index else []
    with _style.style():
        if ax is None:
            per_group = max(0.42, 0.17 * len(conditions) + 0.14)
            figure = _style.new_figure(max(2.8, 0.8 + per_group * len(order)), 2.3)
            ax = figure.subplots()
        else:
            figure = ax.get_figure()  # type: ignore[assignment]
        _bars(ax, {what: frame.loc[order] for what, frame in wide.items()}, conditions)
        labels = [(names or {}).get(name, name) for name in order]
        inches = ax.get_figure(root=True).get_figwidth() * 0.85 / max(len(order), 1)  # type: ignore[union-attr]
        ax.set_xticks(range(len(order)), labels, **_style.label_rotation(labels, inches))
        if title:
            ax.set_title(title, loc="left")
    return figure


def _conditions(table: pd.DataFrame, wanted: str | Sequence[str] | None) -> list[str]:
    """Return the conditions to draw, the control first."""
    missing = [name for name in NEEDED if name not in table]
    if missing or not len(table):
        msg = f"the table of fates lacks {missing or 'rows'}; mechanistic.perturb makes one."
        raise InputError(msg)
    there = list(dict.fromkeys(table["perturbation"]))
    others = [name for name in there if name != CONTROL]
    chosen = others[:1] if wanted is None and len(others) > 5 else others if wanted is None else wanted
    chosen = [chosen] if isinstance(chosen, str) else list(chosen)
    unknown = [name for name in chosen if name not in there]
    if unknown:
        msg = f"the table has no perturbation {unknown[0]!r}; it has {', '.join(there[:10])}."
        raise MissingKeyError(msg)
    if len(chosen) > 5:
        msg = f"{len(chosen)} perturbations were asked for; up to five stay readable side by side."
        raise InputError(msg)
    return [CONTROL, *[name for name in chosen if name != CONTROL]]


def _wide(table: pd.DataFrame, conditions: list[str], what: str) -> pd.DataFrame:
    """Return fates × conditions."""
    kept = table[table["perturbation"].isin(conditions)].copy()
    new = kept["attractor"].str.startswith("new")
    # new1 of one perturbation is not new1 of another: their states tell them apart
    kept["attractor"] = np.where(
        new, kept["attractor"].astype(str) + "|" + kept["space"].astype(str), kept["attractor"]
    )
    frame = kept.pivot_table(index="attractor", columns="perturbation", values=what, sort=False, fill_value=0.0)
    frame = frame.reindex(columns=conditions, fill_value=0.0)
    several = len(conditions) > 2
    counted = iter(range(1, len(frame) + 1))
    frame.index = [
        (f"new {next(counted)}" if several else name.split("|")[0].replace("new", "new "))
        if "|" in name and name.startswith("new")
        else name
        for name in frame.index
    ]
    return frame


def _bars(ax: Axes, wide: dict[str, pd.DataFrame], conditions: list[str]) -> None:
    """Draw the groups of bars with whiskers and a legend."""
    colors = [_style.REST, *_style.GROUPS]
    width = min(0.8 / len(conditions), 0.36)
    middle = np.arange(len(wide["probability"]))
    estimated = bool((wide["upper"] - wide["lower"]).to_numpy().max(initial=0) > 1e-9)
    for i, name in enumerate(conditions):
        value = wide["probability"][name].to_numpy()
        place = middle + (i - (len(conditions) - 1) / 2) * width
        ax.bar(place, value, width * 0.92, color=colors[i], label=name, linewidth=0)
        if estimated:
            reach = np.abs(np.stack([value - wide["lower"][name], wide["upper"][name] - value]))
            ax.errorbar(place, value, reach, fmt="none", ecolor=_style.INK, elinewidth=0.7, capsize=1.5, capthick=0.7)
    ax.set_ylabel("probability of the fate")
    ax.set_xlim(-0.6, len(middle) - 0.4)
    ax.set_ylim(0, None)
    ax.locator_params(axis="y", nbins=5)
    ax.tick_params(axis="x", length=0)
    ax.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=min(len(conditions), 3), handlelength=0.9,
        handleheight=0.9, borderaxespad=0.2, columnspacing=1.2,
    )  # fmt: skip
