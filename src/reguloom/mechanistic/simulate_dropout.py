"""Dropout: expression that is there and is not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, generator, root_seed

if TYPE_CHECKING:
    from anndata import AnnData

MODELS = ("quantile", "logistic")


@accepts_seed
def dropout(
    adata: AnnData,
    *,
    model: str = "quantile",
    quantile: float = 0.5,
    probability: float = 0.5,
    shape: float = 6.5,
    rng: SeedLike = 0,
    copy: bool = False,
) -> AnnData | None:
    """Set expression to 0 where it is weak.

    Parameters
    ----------
    adata
        Dense expression in ``X``.
    model
        ``quantile``: values below the gene's own `quantile` are lost with `probability` (BoolODE's); ``logistic``:
        a value is kept with probability ``1 / (1 + exp(-shape (log(x + 1) - m)))``, ``m`` being the `quantile` of
        ``log(x + 1)`` over all genes (SERGIO's; Dibaeinia and Sinha 2020, Cell Systems 11:252).
    quantile
        Between 0 and 1.
    probability
        Of ``quantile``.
    shape
        Steepness of ``logistic``.
    rng
        Seed.
    copy
        Whether to return a changed copy.

    Returns
    -------
    A copy if `copy` is set.

    Raises
    ------
    InputError
        If the model is unknown, or a share is not between 0 and 1.

    Writes
    ------
    ``adata.X`` : array ``(n_cells, n_genes)``
        With zeros.
    ``adata.layers['before_dropout']`` : array ``(n_cells, n_genes)``
        As it was.
    """
    if model not in MODELS:
        msg = f"the dropout model is {model!r}; accepted are {', '.join(MODELS)}."
        raise InputError(msg)
    if not (0 <= quantile <= 1 and 0 <= probability <= 1):
        msg = f"quantile is {quantile} and probability {probability}; both lie between 0 and 1."
        raise InputError(msg)
    adata = adata.copy() if copy else adata
    values: NDArray[np.floating] = np.asarray(adata.X)
    draw = generator(root_seed(rng), "dropout").random(values.shape)
    if model == "quantile":
        lost = (values < np.quantile(values, quantile, axis=0)) & (draw < probability)
    else:
        logs = np.log1p(values)
        lost = draw >= 1.0 / (1.0 + np.exp(-shape * (logs - np.quantile(logs, quantile))))
    adata.layers["before_dropout"] = values.copy()
    adata.X = np.where(lost, 0, values).astype(values.dtype)
    return adata if copy else None
