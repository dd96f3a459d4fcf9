"""The factors of a screen, ranked, with intervals; against their significance; and by lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._errors import InputError, MissingKeyError
from reguloom.pl import _field, _style
from reguloom.pl.perturbation_score import AGAINST, ALONG

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NEEDED = ("gene", "lineage", "negative", "positive", "net", "effect_size")


def tf_ranking(table: pd.DataFrame, *, lineage: str | None = None, n: int = 25, ax: Axes | None = None) -> Figure:
    """Draw the factors with the largest net score, both scores with their intervals, beside the random network's.

    Parameters
    ----------
    table
        From :func:`reguloom.oracle.screen`.
    lineage
        Which one; the first if left out.
    n
        How many factors.
    ax
        Where to draw.

    Returns
    -------
    The figure.
    """
    rows, name = _take(table, lineage)
    rows = rows.iloc[np.argsort(-rows["net"].abs().to_numpy(), kind="stable")[:n]]
    rows = rows.iloc[np.argsort(-rows["net"].to_numpy(), kind="stable")][::-1]
    place = np.arange(len(rows))
    with _style.style():
        figure: Any = _style.new_figure(4.2, 0.9 + 0.165 * len(rows)) if ax is None else ax.figure
        ax = figure.add_subplot() if ax is None else ax
        ax.axvline(0, color=_style.MUTED, linewidth=0.7, zorder=1)
        for side, sign, color, label in (
            ("positive", 1.0, ALONG, "along development"), ("negative", -1.0, AGAINST, "against it"),
        ):  # fmt: skip
            ax.barh(place, sign * rows[side], 0.62, color=color, alpha=0.55, label=label, linewidth=0)
            if f"{side}_low" in rows:
                ends = sign * rows[[f"{side}_low", f"{side}_high"]].to_numpy()
                ax.hlines(place, ends[:, 0], ends[:, 1], color=color, linewidth=1.1)
        ax.plot(rows["net"], place, "D", markersize=3.2, color=_style.INK, label="net", linestyle="none")
        if "baseline_random_network" in rows:
            ax.plot(rows["baseline_random_network"], place, "|", markersize=6, markeredgewidth=1.1, color=_style.MUTED,
                    label="net, random network", linestyle="none")  # fmt: skip
        called = rows["q"].to_numpy() < 0.05 if "q" in rows else np.zeros(len(rows), dtype=bool)
        ax.set_yticks(
            place, [f"{gene} *" if star else str(gene) for gene, star in zip(rows["gene"], called, strict=True)]
        )
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(-0.7, len(rows) - 0.3)
        ax.set_xlabel("perturbation score" + (" (* q < 0.05 against rewired networks)" if "q" in rows else ""))
        ax.set_title(f"knock-outs, {_style.shorten(name)}")
        below = -0.55 / (0.165 * len(rows) + 0.5)
        ax.legend(loc="upper center", bbox_to_anchor=(0.45, below), ncols=2, handlelength=1.2)
    return figure


def tf_volcano(
    table: pd.DataFrame, *, lineage: str | None = None, n_labels: int = 12, ax: Axes | None = None
) -> Figure:
    """Draw what the wiring adds to random networks against its significance; dots as large as the effect.

    Parameters
    ----------
    table
        From :func:`reguloom.oracle.screen`, with the rewired null.
    lineage
        Which one; the first if left out.
    n_labels
        How many factors are named.
    ax
        Where to draw.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If the screen was made without the rewired null.
    """
    rows, name = _take(table, lineage)
    if not {"p", "excess"} <= set(rows):
        msg = "the screen has no columns p and excess; run it with the null 'rewired'."
        raise InputError(msg)
    rows = rows[rows["p"].notna()]
    height = -np.log10(rows["p"].to_numpy())
    size = rows["effect_size"].to_numpy()
    area = 6.0 + 50.0 * size / (np.quantile(size, 0.98) if size.size and size.max() > 0 else 1.0)
    with _style.style():
        figure: Any = _style.new_figure(4.0, 3.2) if ax is None else ax.figure
        ax = figure.add_subplot() if ax is None else ax
        beyond = rows["excess"].to_numpy()
        colors = np.where(beyond < 0, AGAINST, ALONG)
        called = rows["q"].to_numpy() < 0.05
        shade: Any = np.where(called, 0.9, 0.35)
        ax.scatter(beyond, height, s=np.minimum(area, 70), c=colors, alpha=shade, linewidths=0)
        ax.axvline(0, color=_style.FAINT, linewidth=0.8, zorder=0)
        far = np.abs(beyond)
        order = np.argsort(-(height / max(height.max(), 1e-9) + far / max(far.max(), 1e-9)), kind="stable")
        _name(ax, beyond, height, rows["gene"].to_numpy(), order[:n_labels])
        ax.set_xlabel("score beyond random networks:  against  ←  development  →  along")
        ax.set_ylabel("−log10 p (rewired networks)")
        ax.set_title(f"{int(called.sum())} of {len(rows)} with q < 0.05, {_style.shorten(name)}")
        ax.set_ylim(bottom=0, top=max(1.15 * height.max(), 1.0) if height.size else 1.0)
    return figure


def tf_heatmap(table: pd.DataFrame, *, n: int = 30) -> Figure:
    """Draw the net score of the factors that matter most in any lineage, by lineage.

    Parameters
    ----------
    table
        From :func:`reguloom.oracle.screen`.
    n
        How many factors.

    Returns
    -------
    The figure.
    """
    _check(table)
    names = list(dict.fromkeys(table["lineage"]))
    wide = table.pivot(index="gene", columns="lineage", values="net")[names]
    wide = wide.iloc[np.argsort(-wide.abs().max(axis=1).to_numpy(), kind="stable")[:n]]
    wide = wide.iloc[np.argsort(wide[names[0]].to_numpy(), kind="stable")]
    with _style.style():
        figure = _style.new_figure(1.9 + 0.42 * len(names), 1.1 + 0.15 * len(wide))
        ax = figure.add_subplot()
        colors, top = _field.diverging(wide.to_numpy())
        drawn = ax.imshow(wide.to_numpy(), cmap=colors, vmin=-top, vmax=top, aspect="auto", interpolation="nearest")
        ax.set_yticks(np.arange(len(wide)), list(wide.index))
        labels = [_style.shorten(str(name), 20) for name in names]
        ax.set_xticks(np.arange(len(names)), labels, **_style.label_rotation(labels, 0.42))
        ax.tick_params(length=0)
        for side in ax.spines.values():
            side.set_visible(False)
        bar = figure.colorbar(drawn, ax=ax, shrink=min(1.0, 2.0 / (0.15 * len(wide) + 0.5)), aspect=14, pad=0.03)
        bar.outline.set_visible(False)
        bar.set_label("net score", fontsize=_style.SMALL)
    return figure


def _check(table: pd.DataFrame) -> None:
    """Refuse what is no screen."""
    lacking = [name for name in _NEEDED if name not in table]
    if lacking or table.empty:
        msg = f"the table lacks {lacking or 'rows'}; make it with oracle.screen."
        raise InputError(msg)


def _take(table: pd.DataFrame, lineage: str | None) -> tuple[pd.DataFrame, str]:
    """Return the rows of one lineage and its name."""
    _check(table)
    names = list(dict.fromkeys(table["lineage"]))
    name = names[0] if lineage is None else lineage
    if name not in names:
        msg = f"the screen has no lineage {name!r}; it has {', '.join(map(str, names))}."
        raise MissingKeyError(msg)
    return table[table["lineage"] == name], str(name)


def _name(ax: Any, x: Any, y: Any, names: Any, chosen: Any) -> None:
    """Name some dots, no label over another."""
    taken: list[tuple[float, float]] = []
    wide, tall = np.ptp(x) or 1.0, max(float(y.max()), 1.0)
    for i in chosen:
        place = (float(x[i]), float(y[i]))
        if any(abs(place[0] - a) < 0.16 * wide and abs(place[1] - b) < 0.055 * tall for a, b in taken):
            continue
        taken.append(place)
        ax.annotate(str(names[i]), place, xytext=(3, 3), textcoords="offset points", fontsize=_style.SMALL)
