"""Times as people write them ("30min", "3h", "day 2", "LPS_4h_rep2"), in hours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._logging import logger

HOURS = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0, "d": 24.0, "w": 168.0}
"""Hours in each unit."""
_SPELT = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "min": ("min", "mins", "minute", "minutes", "m"),
    "h": ("h", "hr", "hrs", "hour", "hours", "hpi", "hpa"),
    "d": ("d", "day", "days", "dpi", "dpa"),
    "w": ("w", "wk", "wks", "week", "weeks"),
}
UNITS = {word: unit for unit, words in _SPELT.items() for word in words}
START = frozenset(("unstimulated", "unstim", "untreated", "control", "ctrl", "baseline", "start"))
"""Words for time 0."""
BIRTH = 19.0
"""Days from conception to birth of a mouse, for stages such as E10.5 and P3."""
_WORDS = "|".join(sorted(UNITS, key=len, reverse=True))
_TIME = re.compile(rf"^\s*(?P<number>-?\d+(?:[.,]\d+)?(?:e-?\d+)?)\s*(?P<unit>{_WORDS})?\s*$", re.IGNORECASE)
_UNIT_FIRST = re.compile(rf"^\s*(?P<unit>{_WORDS})[\s_.-]*(?P<number>\d+(?:\.\d+)?)\s*$", re.IGNORECASE)
_STAGE = re.compile(r"^(?P<stage>[EP])(?P<number>\d+(?:\.\d+)?)$")
_INSIDE = re.compile(rf"(?<![A-Za-z0-9])(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>{_WORDS})(?![A-Za-z0-9])", re.IGNORECASE)
_REPLICATE = re.compile(r"(?:^|[_.\-\s])(?:rep(?:licate)?|r|bio|sample|s)[_.\-]?(?P<number>\d+)$", re.IGNORECASE)
_NUMBERED = re.compile(r"[_.\-](?P<number>\d+)$")


@dataclass(frozen=True)
class Label:
    """What the name of a sample says.

    Parameters
    ----------
    hours
        Its time.
    condition
        What is left of the name; empty if nothing is.
    replicate
        Number in the name; empty if there is none.
    """

    hours: float
    condition: str = ""
    replicate: str = ""


def parse_times(
    values: Iterable[Any], *, unit: str | None = None, labels: Mapping[str, Any] | None = None, name: str = "time"
) -> NDArray[np.float64]:
    """Return times in hours.

    Parameters
    ----------
    values
        Numbers (hours, or in `unit`), or text with a unit: "30min", "3h", "2.5 hr", "day 2", "1w"; "unstimulated"
        and "control" are 0; mouse stages "E10.5", "P3" count from conception (birth at 19 days).
    unit
        Unit of bare numbers: ``s``, ``min``, ``h``, ``d`` or ``w``. If left out, it is taken from `name`
        (``time_min``, ``days``), and hours otherwise.
    labels
        Label → time, for labels that say none: ``{"T0": 0, "T1": "24h"}``.
    name
        Of the column, for messages and for its unit.

    Raises
    ------
    InputError
        If a time is missing or cannot be understood.

    Examples
    --------
    >>> import reguloom as rl
    >>> rl.temporal.parse_times(["30min", "3h", "day 2"]).tolist()
    [0.5, 3.0, 48.0]
    """
    series = pd.Series(list(values), dtype=object)
    factor = HOURS[_unit(unit, name)]
    given = {str(label): time for label, time in (labels or {}).items()}
    codes, found = pd.factorize(series, use_na_sentinel=True)
    if (codes < 0).any():
        msg = f"{int((codes < 0).sum())} of {len(series)} values of {name!r} are missing; drop them or fill them in."
        raise InputError(msg)
    hours = np.array([_one(value, factor, given, name) for value in found], dtype=np.float64)
    stages = [str(value) for value in found if str(value) not in given and _STAGE.match(str(value).strip())]
    if stages:
        logger.warning("%s are taken as mouse stages, in hours since conception, birth at day %g", stages[:4], BIRTH)
    return hours[codes]


def _unit(unit: str | None, name: str) -> str:
    """Return the unit of bare numbers.

    Raises
    ------
    InputError
        If it is none.
    """
    if unit is not None:
        if unit.lower() not in UNITS:
            msg = f"unit is {unit!r}; accepted are {', '.join(HOURS)}."
            raise InputError(msg)
        return UNITS[unit.lower()]
    words = [word for word in re.split(r"[\s_.\-()\[\]]+", name.lower()) if word]
    told = [UNITS[word] for word in words if word in UNITS and len(word) > 1]
    if told and told[-1] != "h":
        logger.info("%s is taken to be in %s, as its name says", name, told[-1])
    return told[-1] if told else "h"


def _one(value: Any, factor: float, labels: Mapping[str, Any], name: str) -> float:
    """Return one time in hours.

    Raises
    ------
    InputError
        If it cannot be understood.
    """
    text = str(value).strip()
    if text in labels:
        return _one(labels[text], 1.0, {}, name)
    found = _understood(text, factor)
    if found is None or not np.isfinite(found):
        msg = (
            f"{name!r} holds {text!r}, which says no time; accepted are hours as numbers, and text such as 30min, 3h "
            f"or 2d; say what it stands for with times={{{text!r}: '24h'}} (--times {text}=24h)."
        )
        raise InputError(msg)
    return found


def _understood(text: str, factor: float) -> float | None:
    """Return hours, or None if the text says no time."""
    if text.lower() in START:
        return 0.0
    stage = _STAGE.match(text)
    if stage:
        days = float(stage["number"]) + (BIRTH if stage["stage"] == "P" else 0.0)
        return days * HOURS["d"]
    found = _TIME.match(text) or _UNIT_FIRST.match(text)
    if found is None:
        return None
    number = float(found["number"].replace(",", "."))
    return number * (HOURS[UNITS[found["unit"].lower()]] if found["unit"] else factor)


def parse_label(name: str, *, unit: str | None = None) -> Label | None:
    """Return what the name of a sample says: its time, and condition and replicate around it; None if no time.

    Parameters
    ----------
    name
        Such as ``4h``, ``4h.1``, ``LPS_4h_rep2``, ``0.5``.
    unit
        Unit of bare numbers; hours if left out.

    Examples
    --------
    >>> from reguloom.temporal.read_time import parse_label
    >>> parse_label("LPS_4h_rep2")
    Label(hours=4.0, condition='LPS', replicate='2')
    """
    factor = HOURS[_unit(unit, "")]
    text = name.strip()
    whole = _understood(text, factor)
    if whole is not None:
        return Label(whole)
    found = _INSIDE.search(re.sub("_", " ", text))
    if found:
        hours = float(found["number"]) * HOURS[UNITS[found["unit"].lower()]]
        before, after = text[: found.start()], text[found.end() :]
    else:
        first, _, after = text.partition(".") if text.count(".") == 1 and not _TIME.match(text) else (text, "", "")
        words = re.split(r"[_\s]", first)
        start = [i for i, word in enumerate(words) if word.lower() in START]
        if not start:
            return None
        after = "".join(f"_{word}" for word in words[start[0] + 1 :]) + (f".{after}" if after else "")
        hours, before = 0.0, "_".join(words[: start[0]])
    replicate = _REPLICATE.search(after) or _NUMBERED.search(after) or re.match(r"^[._\-](?P<number>\d+)$", after)
    rest = after[: replicate.start()] if replicate else after
    condition = "_".join(part for part in (before.strip("_.- "), rest.strip("_.- ")) if part)
    return Label(hours, condition, replicate["number"] if replicate else "")
