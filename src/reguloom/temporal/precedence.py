"""A cause does not come after its effect: whether a factor moves before the module that it should drive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.temporal.motifs import NO_MODULE

NEEDED = ("gene", "onset", "onset_low", "onset_high")


def precedence(
    timing: pd.DataFrame,
    modules: pd.Series | Mapping[str, str],
    factors: Mapping[str, Iterable[str]],
    *,
    dynamic: pd.Series | None = None,
    track: str | None = None,
) -> pd.DataFrame:
    """Hold the onset of factors against the onset of the modules that their motifs mark.

    A factor whose own gene answers later than the module cannot have started it by being made anew. One whose gene does
    not move may still act: phosphorylation needs no new mRNA (STAT1), so that is an answer of its own, not a no.

    Parameters
    ----------
    timing
        From :func:`timing`.
    modules
        Gene → module.
    factors
        Module → factors, as from motif enrichment.
    dynamic
        Gene → whether it moves (``dynamic_genes(...)["dynamic"]``); modules tell it if left out.
    track
        Which track; the first if left out.

    Returns
    -------
    One row per module and factor: ``module_onset`` (median of its genes, with quartiles ``_low``, ``_high``),
    ``tf_onset`` with its interval, ``lead`` (hours from the factor's onset to the module's), ``verdict``: ``before``
    (the factor's interval ends before the module's begins), ``not after`` (its onset is not later), ``unresolved``
    (later, and the intervals overlap), ``after``, ``does not move``, ``not measured``.

    Raises
    ------
    InputError
        If the table lacks a column or the track.
    """
    absent = [name for name in NEEDED if name not in timing.columns]
    if absent:
        msg = f"the table of times has no column {absent[0]!r}; give what temporal.timing returned."
        raise InputError(msg)
    if track is not None and track not in set(timing["track"]):
        msg = f"there is no track {track!r}; the table has {sorted(set(timing['track']))}."
        raise InputError(msg)
    if "track" in timing.columns:
        timing = timing[timing["track"] == (track or timing["track"].iloc[0])]
    times = timing.set_index(timing["gene"].astype(str))
    labels = pd.Series(modules).astype(str)
    moves = ~labels.isin(["static"]) if dynamic is None else dynamic
    rows = []
    for module, names in factors.items():
        members = labels.index[labels == module]
        own = times.loc[times.index.intersection(members)]
        if module in NO_MODULE or own.empty:
            continue
        low, middle, high = own["onset"].quantile([0.25, 0.5, 0.75])
        for factor in dict.fromkeys(map(str, names)):
            seen = factor in times.index or factor in labels.index
            moving = bool(moves.get(factor, False)) and factor in times.index if seen else None
            one = times.loc[factor] if moving else None
            rows.append(_row(str(module), factor, (low, middle, high), one, moving))
    columns = ("module", "factor", "module_onset", "module_onset_low", "module_onset_high", "tf_onset", "tf_onset_low",
               "tf_onset_high", "lead", "verdict")  # fmt: skip
    return pd.DataFrame(rows, columns=list(columns))


def _row(
    module: str, factor: str, onset: tuple[float, float, float], times: pd.Series | None, moving: bool | None
) -> tuple[object, ...]:
    """Return the row of one module and factor."""
    low, middle, high = onset
    if times is None:
        verdict = "not measured" if moving is None else "does not move"
        return (module, factor, middle, low, high, np.nan, np.nan, np.nan, np.nan, verdict)
    own, first, last = (float(times[name]) for name in ("onset", "onset_low", "onset_high"))
    if own <= middle:
        verdict = "before" if last <= low else "not after"
    else:
        verdict = "unresolved" if first <= high else "after"
    return (module, factor, middle, low, high, own, first, last, middle - own, verdict)
