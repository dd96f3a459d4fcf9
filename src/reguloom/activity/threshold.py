"""How much of each cell's ranking AUCell may look at before it meets genes that were not detected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from reguloom.core import Expression


def derive_auc_threshold(
    data: Any,
    *,
    layer: str | None = None,
    mask_var: str | Sequence[bool] | None = None,
    quantiles: Sequence[float] = (0.01, 0.05, 0.1, 0.5, 1.0),
) -> pd.Series:
    """Return quantiles, over the cells, of the share of genes that a cell detects.

    An ``auc_threshold`` below the value at 0.01 keeps undetected genes out of the scores of 99 % of the cells.

    Parameters
    ----------
    data
        AnnData (in memory or backed), DataFrame of cells × genes, or Expression.
    layer, mask_var
        Which values and which genes of an AnnData to use.
    quantiles
        Quantiles of the cells.

    Returns
    -------
    Share of genes that are not zero, indexed by quantile.
    """
    expression = Expression.of(data, layer=layer, mask_var=mask_var)
    detected = np.empty(expression.n_cells)
    for start, stop, block in expression.blocks():
        detected[start:stop] = np.asarray((block != 0).sum(axis=1)).ravel()
    shares = np.quantile(detected, list(quantiles)) / expression.n_genes
    return pd.Series(shares, index=pd.Index(list(quantiles), name="quantile"), name="share_detected")
