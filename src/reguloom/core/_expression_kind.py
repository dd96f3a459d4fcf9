"""What the values of a matrix are: counts, log-normalised, or something that a response must not be computed from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.core.expression import Expression

KINDS = ("counts", "log")
N_SAMPLED = 200
#: A log-normalised matrix holds log1p(k · s) with whole k. The mean distance of k from whole numbers is 0.25 by chance.
WHOLE = 0.05
#: log1p of a million counts in one gene is 13.8; log2 of it 20. More than this was never logged.
MAX_LOGGED = 25.0


def detect(expression: Expression) -> str:
    """Return ``counts`` or ``log``.

    Counts are whole numbers. In a log-normalised matrix, undoing the logarithm leaves, cell by cell, whole multiples
    of the smallest value; in one that was logged twice, it takes undoing it twice.

    Parameters
    ----------
    expression
        The matrix.

    Raises
    ------
    InputError
        If values are negative (scaled), logged twice, normalised and not logged, or not finite.
    """
    values, cells = _sample(expression)
    if not np.isfinite(values).all():
        msg = "some values are NaN or infinite; every value must be a finite number, so fill or drop such genes first."
        raise InputError(msg)
    if (values < 0).any():
        msg = (
            f"some values are negative (as low as {values.min():.3g}), so the matrix looks scaled or centred; give "
            "counts or log-normalised values, layer='counts' for example."
        )
        raise InputError(msg)
    if not values.size:
        msg = f"all values of {N_SAMPLED} cells are 0; check the layer and the file."
        raise InputError(msg)
    if bool((values == np.rint(values)).all()):
        return "counts"
    return _logged(cells, float(values.max()))


def _logged(cells: list[NDArray[np.float64]], highest: float) -> str:
    """Tell values that were logged once from others that are no counts."""
    once = min(_roughness(cells, np.expm1), _roughness(cells, lambda x: np.exp2(x) - 1))
    if once < WHOLE:
        return "log"
    if highest < np.log1p(MAX_LOGGED) and _roughness(cells, lambda x: np.expm1(np.expm1(x))) < WHOLE:
        msg = (
            f"the values look logged twice (the highest is {highest:.3g}, and undoing log1p twice gives whole counts); "
            "apply log1p once, or give the counts."
        )
        raise InputError(msg)
    if highest > MAX_LOGGED or _roughness(cells, lambda x: x) < WHOLE:
        msg = f"the values look normalised and not logged (the highest is {highest:.3g}); apply log1p, or give counts."
        raise InputError(msg)
    return "log"


def _sample(expression: Expression) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Return the values of some cells, evenly spread, together and cell by cell, zeros left out."""
    which = np.unique(np.linspace(0, expression.n_cells - 1, N_SAMPLED).astype(np.intp))
    rows = expression.select_cells(which)
    dense = rows.to_dense()
    cells = [row[row != 0] for row in dense]
    return (np.concatenate(cells) if cells else np.empty(0)), cells


def _roughness(cells: list[NDArray[np.float64]], undo: Any) -> float:
    """Return the median over cells of how far the values are from whole multiples of the cell's smallest."""
    distances = []
    for values in cells:
        with np.errstate(over="ignore"):
            raw = undo(values)
        ratio = raw / raw.min() if raw.size else raw
        # Large multiples amplify the rounding of single precision; multiples of 1 alone prove nothing.
        ratio = ratio[(ratio > 1.2) & (ratio < 40)]
        if ratio.size >= 3:
            distances.append(float(np.abs(ratio - np.rint(ratio)).mean()))
    return float(np.median(distances)) if distances else np.inf
