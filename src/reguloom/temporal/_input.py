"""What the functions of this stage take: a time course, or data that one can be made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.temporal.bins import bin_cells
from reguloom.temporal.timecourse import TimeCourse


def take_course(data: Any, *, time: str | None = None, **options: Any) -> TimeCourse:
    """Return the time course of `data`.

    Parameters
    ----------
    data
        A time course, AnnData (then `time` names a column of ``obs``), or a DataFrame of genes × samples whose columns
        are times.
    time
        Column with the time.
    options
        Of :func:`reguloom.temporal.bin_cells`.

    Raises
    ------
    InputError
        If it is something else, or options were given that do not apply.
    """
    given = sorted(name for name, value in options.items() if value not in (None, False, "auto"))
    if isinstance(data, TimeCourse):
        if given or time is not None:
            msg = f"a TimeCourse is binned already, so {given or ['time']} cannot be used; leave them out."
            raise InputError(msg)
        return data
    if hasattr(data, "obs_names"):
        if time is None:
            msg = f"time is missing; name the column of adata.obs with the hours, of {sorted(map(str, data.obs))[:20]}."
            raise InputError(msg)
        return bin_cells(data, time=time, **options)
    if isinstance(data, pd.DataFrame):
        return _of_table(data, options.get("likelihood", "auto"))
    msg = f"the data is a {type(data).__name__}; accepted are TimeCourse, AnnData and a DataFrame of genes x times."
    raise InputError(msg)


def _of_table(table: pd.DataFrame, likelihood: str) -> TimeCourse:
    """Return the time course of a table whose columns are hours."""
    try:
        times = np.asarray(table.columns, dtype=np.float64)
    except (ValueError, TypeError) as error:
        msg = f"the columns {list(table.columns[:3])} are no times; name them by hours, one column per sample."
        raise InputError(msg) from error
    return TimeCourse.from_samples(table, times, likelihood=likelihood)
