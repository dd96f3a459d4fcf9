"""What the figures of a time course take out of a result, and the time axis that they share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, MissingKeyError
from reguloom._logging import logger
from reguloom.pl import _inputs, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NO_MODULE = ("static", "unassigned")
DAYS_FROM = 240.0
"""Hours from which on the axis counts days."""


@dataclass(frozen=True, eq=False)
class View:
    """A result as the figures see it.

    Parameters
    ----------
    genes
        Names, ``(n_genes,)``.
    tracks
        Names of the tracks.
    times
        Hours, ``(n_times,)``.
    values, error
        Log rate or mean less the gene's level, and its standard error, ``(n_genes, n_tracks, n_times)``.
    mask
        Whether it was measured.
    level
        ``(n_genes, n_tracks)``.
    scale
        Amplitude of each gene, ``(n_genes,)``.
    module
        Label of each gene.
    half_time
        Hours of each gene in the track where it changes most; NaN if it is not known.
    """

    genes: pd.Index
    tracks: list[str]
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    error: NDArray[np.float64]
    mask: NDArray[np.bool_]
    level: NDArray[np.float64]
    scale: NDArray[np.float64]
    module: pd.Series
    half_time: NDArray[np.float64]

    @property
    def shape(self) -> NDArray[np.float64]:
        """Values over the amplitude, NaN where nothing was measured."""
        return np.where(self.mask, self.values / self.scale[:, None, None], np.nan)

    @property
    def names(self) -> list[str]:
        """Modules in order: C1, C2 ... by half-time."""
        found = sorted(set(self.module) - set(NO_MODULE), key=order_of)
        return [str(name) for name in found]

    def rows(self, module: str) -> NDArray[np.int64]:
        """Return the positions of a module's genes."""
        return np.flatnonzero((self.module == module).to_numpy())


def order_of(name: str) -> tuple[int, str]:
    """Return a key that puts C2 before C10 and what is no module last."""
    digits = "".join(ch for ch in str(name) if ch.isdigit())
    return (10**6 if str(name) in NO_MODULE else int(digits) if digits else 10**5, str(name))


def view(result: Any) -> View:
    """Return what the figures need of a result.

    Parameters
    ----------
    result
        From :func:`reguloom.temporal.fit`: it has ``profile``, ``modules`` and ``timing``.

    Raises
    ------
    InputError
        If it is something else.
    """
    profile, modules = getattr(result, "profile", None), getattr(result, "modules", None)
    if profile is None or modules is None:
        msg = f"the figure takes what temporal.fit returned, and this is a {type(result).__name__}."
        raise InputError(msg)
    genes = pd.Index([str(gene) for gene in profile.genes])
    module = pd.Series(modules).astype(str).reindex(genes).fillna("static")
    return View(
        genes=genes, tracks=[str(name) for name in profile.tracks], times=np.asarray(profile.times, dtype=np.float64),
        values=profile.values, error=profile.error, mask=profile.mask, level=profile.level, scale=profile.scale,
        module=module, half_time=_half_time(result, genes),
    )  # fmt: skip


def _half_time(result: Any, genes: pd.Index) -> NDArray[np.float64]:
    """Return the half-time of each gene in the track where it changes most."""
    table = getattr(result, "timing", None)
    if table is None or not {"gene", "half_time", "change"} <= set(table.columns):
        return np.full(len(genes), np.nan)
    largest = table.assign(size=table["change"].abs()).sort_values("size", ascending=False, kind="stable")
    first = largest.drop_duplicates("gene").set_index("gene")["half_time"]
    return first.reindex(genes).to_numpy(np.float64)


def named(one: View, genes: str | Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the genes that are there and those that are not, each in the order asked; the latter are reported.

    Parameters
    ----------
    one
        The result.
    genes
        Names.

    Raises
    ------
    MissingKeyError
        If none is there.
    """
    asked = [genes] if isinstance(genes, str) else list(dict.fromkeys(str(gene) for gene in genes))
    if not asked:
        msg = "the list of genes to draw is empty; name some, or leave it out."
        raise InputError(msg)
    present = set(one.genes)
    found = [gene for gene in asked if gene in present]
    absent = [gene for gene in asked if gene not in present]
    if not found:
        raise _inputs.missing(absent[0], one.genes, what="gene", where="the time course")
    if absent:
        logger.warning("%d of %d genes are not in the time course: %s", len(absent), len(asked), ", ".join(absent))
    return found, absent


def track_of(one: View, track: str | None) -> int:
    """Return the position of a track; the first if none is named.

    Raises
    ------
    MissingKeyError
        If it is not there.
    """
    if track is None:
        return 0
    if track not in one.tracks:
        raise _inputs.missing(track, one.tracks, what="track", where="the time course")
    return one.tracks.index(track)


def module_colors(names: list[str]) -> dict[str, str]:
    """Return a colour for each module; what is no module is grey."""
    true = [name for name in names if name not in NO_MODULE]
    colors = dict(zip(true, _style.group_colors(len(true)), strict=True))
    return {name: colors.get(name, _style.FAINT if name == "static" else _style.REST) for name in names}


def unit(times: NDArray[np.float64]) -> tuple[float, str]:
    """Return the hours in a unit of the axis, and the unit's name."""
    return (24.0, "days") if times.max() - times.min() >= DAYS_FROM else (1.0, "hours")


def time_axis(ax: Axes, times: NDArray[np.float64], *, label: bool = True) -> None:
    """Put ticks at the sampled times, at their true distances, and labels where there is room.

    Parameters
    ----------
    ax
        The axes; what is drawn in it has hours over :func:`unit`.
    times
        Hours.
    label
        Whether to name the unit.
    """
    per, name = unit(times)
    places = times / per
    kept = _with_room(places, ax.bbox.width / ax.figure.dpi)
    ax.set_xticks(places, minor=True)
    ax.set_xticks(kept, [f"{place:g}" for place in kept])
    ax.tick_params(axis="x", which="minor", length=1.5, width=0.5, color=_style.MUTED)
    if label:
        ax.set_xlabel(name)


def _with_room(places: NDArray[np.float64], inches: float) -> list[float]:
    """Return the places whose labels do not touch on an axis of some width: both ends, then from the right."""
    per_unit = inches / (places[-1] - places[0] or 1.0)

    def fits(left: float, right: float) -> bool:
        letters = (len(f"{left:g}") + len(f"{right:g}")) / 2
        return (right - left) * per_unit >= letters * _style.SMALL * 0.62 / 72 + 0.05

    kept = [float(places[-1])]
    for place in map(float, places[-2:0:-1]):
        if fits(place, kept[0]) and fits(float(places[0]), place):
            kept.insert(0, place)
    if len(places) > 1:
        kept.insert(0, float(places[0]))
    return kept


def none_named(one: View) -> None:
    """Refuse a result without modules.

    Raises
    ------
    InputError
        If there is none to draw.
    """
    if not one.names:
        moving = int((one.module != "static").sum())
        msg = f"there are no modules to draw: {moving} of {len(one.genes)} genes move, and none has a module."
        raise InputError(msg)


def missing_note(ax: Any, absent: list[str]) -> None:
    """Say below the axes which genes are not there, so that nobody looks for their lines."""
    if absent:
        shown = ", ".join(absent[:6]) + (" ..." if len(absent) > 6 else "")
        ax.annotate(f"not measured: {shown}", (0, 0), (0, -30), xycoords="axes fraction", textcoords="offset points",
                    fontsize=_style.SMALL, color=_style.MUTED, va="top", annotation_clip=False)  # fmt: skip


def check_table(table: pd.DataFrame, columns: Iterable[str], source: str) -> None:
    """Refuse a table that lacks a column.

    Raises
    ------
    MissingKeyError
        If it does.
    """
    absent = [name for name in columns if name not in table.columns]
    if absent:
        msg = f"the table has no column {absent[0]!r}; give what {source} returned."
        raise MissingKeyError(msg)
