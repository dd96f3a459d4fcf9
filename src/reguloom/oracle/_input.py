"""What the fit takes: expression that is normalised and logarithmic, and a group for every cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, diags_array

from reguloom._errors import InputError, MissingKeyError
from reguloom._logging import logger
from reguloom.core import Expression

_FEW_CELLS = 20


def take_expression(data: Any, *, layer: str | None, mask_var: Any, normalize: bool | str) -> Expression:
    """Return normalised, logarithmic expression, or say what is wrong with it.

    Parameters
    ----------
    data
        AnnData, DataFrame or Expression.
    layer, mask_var
        See :func:`reguloom.oracle.fit`.
    normalize
        Whether counts are scaled to the median library size and ``log1p`` is taken; ``"auto"``: if they are counts.

    Raises
    ------
    InputError
        If the values are raw counts and `normalize` is off, or some are negative.
    """
    expression = Expression.of(data, layer=layer, mask_var=mask_var)
    counts, lowest, highest = _look(expression)
    if lowest < 0:
        msg = f"expression goes down to {lowest:.3g}: it looks scaled; give normalised, logarithmic values (layer=)."
        raise InputError(msg)
    if not counts:
        if normalize is True:
            logger.info("the values are no counts, so they are taken as normalised")
        if highest > 50:
            msg = f"expression goes up to {highest:.4g}: it looks normalised but not logarithmic; take log1p first."
            raise InputError(msg)
        return expression
    if not normalize:
        msg = "expression holds raw counts; normalise to library size and take log1p first, or pass normalize=True."
        raise InputError(msg)
    logger.info("counts are scaled to the median library size and log1p is taken")
    return normalized(expression)


def _look(expression: Expression) -> tuple[bool, float, float]:
    """Return whether all values are whole numbers above 1 somewhere, and the lowest and highest value."""
    whole, lowest, highest = True, 0.0, 0.0
    for start, _, block in expression.blocks():
        values = block.data if hasattr(block, "indptr") else np.asarray(block)
        if not np.isfinite(values).all():
            msg = f"expression holds NaN or infinite values (cells from number {start}); fill or drop such genes first."
            raise InputError(msg)
        if values.size:
            lowest, highest = min(lowest, float(values.min())), max(highest, float(values.max()))
            whole = whole and bool((values == np.rint(values)).all())
    return whole and highest > 1, lowest, highest


def normalized(expression: Expression) -> Expression:
    """Return counts scaled to the median library size, as ``log1p``; sparse."""
    counts = expression.to_csr().astype(np.float64)
    size = np.asarray(counts.sum(axis=1)).ravel()
    target = float(np.median(size[size > 0])) if (size > 0).any() else 1.0
    scaled = csr_array(diags_array(np.divide(target, size, out=np.zeros_like(size), where=size > 0)) @ counts)
    scaled.data = np.log1p(scaled.data)
    return Expression(scaled, expression.cells, expression.genes)


def take_groups(data: Any, groupby: str | None, n_cells: int) -> pd.Categorical:
    """Return each cell's group, groups in the order of their names; one group of all if `groupby` is None.

    Raises
    ------
    MissingKeyError
        If there is no such column.
    InputError
        If a cell has no group.
    """
    if groupby is None:
        return pd.Categorical(["all"] * n_cells)
    if not hasattr(data, "obs"):
        msg = f"groupby={groupby!r} names a column of adata.obs, and a {type(data).__name__} has none; give an AnnData."
        raise InputError(msg)
    if groupby not in data.obs:
        msg = f"adata.obs has no column {groupby!r}; it has {sorted(map(str, data.obs.columns))[:20]}."
        raise MissingKeyError(msg)
    labels = data.obs[groupby]
    if labels.isna().any():
        msg = f"{int(labels.isna().sum())} cells have no {groupby!r}; drop these cells or give them a group."
        raise InputError(msg)
    text = labels.astype(str).to_numpy(dtype=object)
    made = pd.Categorical(text, categories=sorted(set(text)))
    small = [
        f"{name} ({n})" for name, n in zip(made.categories, np.bincount(made.codes), strict=True) if n < _FEW_CELLS
    ]
    if small:
        logger.warning("groups with fewer than %d cells are fitted poorly: %s", _FEW_CELLS, ", ".join(small))
    return made
