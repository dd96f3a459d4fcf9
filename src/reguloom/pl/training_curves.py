"""How a training went: loss and validation metrics over the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reguloom._errors import InputError
from reguloom.pl import _style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Columns that are no metric.
ASIDE = ("epoch", "member", "lr")


def training_curves(history: pd.DataFrame, *, monitor: str | None = None, best: str = "min") -> Figure:
    """Draw each metric of a training against the epoch: what was learned from left, what was held back right.

    Parameters
    ----------
    history
        ``model.history_``, or ``history.csv``: one row per epoch, ``epoch`` from 0, and metrics; ``member`` tells the
        members of an ensemble apart.
    monitor
        The metric that decided; its best epoch is marked. By default ``val_mse``, else ``val_loss``, where there
        is one.
    best
        Whether the best is the ``min`` or the ``max``.

    Returns
    -------
    The figure.

    Raises
    ------
    InputError
        If there is no epoch or no metric.
    """
    metrics = [name for name in history.columns if name not in ASIDE and not str(name).startswith("lr_")]
    if "epoch" not in history or not metrics or history.empty:
        msg = f"the history has the columns {list(history.columns)}; it needs epoch and at least one metric."
        raise InputError(msg)
    metrics.sort(key=lambda name: str(name).startswith("val_"))
    if monitor is None:
        monitor = next((name for name in ("val_mse", "val_loss") if name in metrics), None)
    with _style.style():
        figure = _style.new_figure(2.5 * len(metrics) + 0.3, 2.4)
        for ax, name in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
            _curves(ax, history, name)
            if name == monitor:
                _mark_best(ax, history, name, best)
    return figure


def _curves(ax: Any, history: pd.DataFrame, name: str) -> None:
    """Draw one metric, a line for each member."""
    members = history["member"].unique() if "member" in history else [None]
    for member, color in zip(members, _style.group_colors(len(members)), strict=True):
        rows = history if member is None else history[history["member"] == member]
        rows = rows.dropna(subset=[name])
        ax.plot(rows["epoch"] + 1, rows[name], color=color, linewidth=1.2, marker="o" if len(rows) < 2 else None,
                markersize=3)  # fmt: skip
    ax.set_xlabel("epoch")
    ax.set_title(str(name).removeprefix("val_").replace("_", " "))
    ax.set_ylabel("held back" if str(name).startswith("val_") else "training")
    ax.xaxis.get_major_locator().set_params(integer=True)


def _mark_best(ax: Any, history: pd.DataFrame, name: str, best: str) -> None:
    """Mark the epoch whose weights were kept."""
    values = history[name].dropna()
    chosen = history.loc[values.idxmin() if best == "min" else values.idxmax()]
    ax.axvline(chosen["epoch"] + 1, color=_style.MUTED, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0)
    ax.annotate(f"best: {chosen['epoch'] + 1:.0f}", (chosen["epoch"] + 1, 1), xycoords=("data", "axes fraction"),
                xytext=(3, -2), textcoords="offset points", va="top", fontsize=_style.SMALL,
                color=_style.MUTED)  # fmt: skip
