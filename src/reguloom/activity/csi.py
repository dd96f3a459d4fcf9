"""Which regulons act together: the connection specificity index.

Fuxman Bass et al., Nature Methods 10:1169 (2013), used for regulons by Suo et al. 2018. The index of a pair is the
share of all regulons that are less correlated with either of the two than the two are with each other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.activity import _slots


def csi(auc: pd.DataFrame, *, margin: float = 0.05) -> pd.DataFrame:
    """Return the connection specificity index of every pair of regulons.

    Parameters
    ----------
    auc
        Activity, ``(n_cells, n_regulons)``.
    margin
        A third regulon counts as connected when its correlation with either of the pair is at least that of the pair
        minus this.

    Returns
    -------
    Symmetric ``(n_regulons, n_regulons)``, between 0 and 1. Constant regulons correlate with nothing.
    """
    values = _slots.checked(auc).to_numpy()
    centred = values - values.mean(axis=0)
    norms = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(norms > 0, norms, np.inf)
    correlation = unit.T @ unit
    n = len(correlation)
    index = np.empty((n, n))
    for a in range(n):
        bar = correlation[a] - margin
        connected = (correlation[a][None, :] >= bar[:, None]) | (correlation >= bar[:, None])
        index[a] = 1 - connected.sum(axis=1) / n
    return pd.DataFrame(index, index=auc.columns, columns=auc.columns)


def csi_modules(index: pd.DataFrame, *, n_modules: int) -> pd.Series:
    """Group regulons into modules by average-linkage clustering of the index.

    Parameters
    ----------
    index
        From :func:`csi`.
    n_modules
        Number of modules.

    Returns
    -------
    Module of each regulon, numbered from 1 in order of appearance.

    Raises
    ------
    InputError
        If there are fewer regulons than modules.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    if not 1 <= n_modules <= len(index):
        msg = f"n_modules is {n_modules}; it must be between 1 and the number of regulons, {len(index)}."
        raise InputError(msg)
    if len(index) == 1:
        return pd.Series([1], index=index.index, name="module")
    labels = fcluster(linkage(pdist(index.to_numpy()), method="average"), n_modules, criterion="maxclust")
    return pd.Series(pd.factorize(labels)[0] + 1, index=index.index, name="module")
