"""False discovery rates over many tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError


def benjamini_hochberg(p: ArrayLike, *, n_tests: int | None = None) -> NDArray[np.float64]:
    """Return the false discovery rate at which each test would be called (Benjamini & Hochberg 1995).

    Parameters
    ----------
    p
        p-values, ``(n,)``; NaN stays NaN and counts as no test.
    n_tests
        Number of tests made, if it is more than are given; the others count with p = 1.

    Returns
    -------
    ``(n,)``.

    Raises
    ------
    InputError
        If a p-value lies outside 0 to 1, or `n_tests` is smaller than the number of p-values.

    References
    ----------
    Benjamini & Hochberg, J. R. Stat. Soc. B 57:289 (1995).
    """
    values = np.asarray(p, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    if order.size and not 0.0 <= values[order[0]] <= values[order[-1]] <= 1.0:
        msg = f"p-values run from {values[order[0]]:g} to {values[order[-1]]:g}; they must lie between 0 and 1."
        raise InputError(msg)
    total = order.size if n_tests is None else n_tests
    if total < order.size:
        msg = f"n_tests is {n_tests}, but {order.size} p-values are given; name all tests that were made."
        raise InputError(msg)
    rates = np.full(values.shape, np.nan)
    scaled = values[order] * total / np.arange(1, order.size + 1)
    rates[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return rates
