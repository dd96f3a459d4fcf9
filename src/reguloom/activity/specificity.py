"""How specific a regulon's activity is to a group of cells.

The regulon specificity score of Suo et al., Cell Reports 25:1436 (2018), after Cabili et al. 2011::

    RSS(regulon, group) = 1 - sqrt(JSD(p, q)),    p = AUC / sum of AUC,    q = 1 / n inside the group, 0 outside

where JSD is the Jensen-Shannon divergence over the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom import _keys
from reguloom._errors import InputError
from reguloom.activity import _slots

if TYPE_CHECKING:
    from anndata import AnnData


def specificity(
    adata: AnnData,
    groupby: str,
    *,
    log_base: str | float = "e",
    key: str = _keys.AUCELL,
    copy: bool = False,
) -> AnnData | None:
    """Score how specific each regulon is to each group of cells, and store the scores in `adata`.

    Parameters
    ----------
    adata
        With activity in ``adata.obsm[key]``.
    groupby
        Column of ``adata.obs`` with the groups.
    log_base
        As :func:`rss`.
    key
        Slot of the activity.
    copy
        Return a changed copy and leave `adata` as it is.

    Returns
    -------
    The copy, or None.

    Writes
    ------
    ``adata.uns[key]['rss_<groupby>']`` : DataFrame ``(n_groups, n_regulons)``
        Regulon specificity scores.
    ``adata.uns[key]['zscore_<groupby>']`` : DataFrame ``(n_groups, n_regulons)``
        As :func:`group_zscores`.

    Raises
    ------
    MissingKeyError
        If there is no activity or no such column.
    """
    adata = adata.copy() if copy else adata
    auc, groups = _slots.scores(adata, key), _slots.column(adata, groupby)
    summaries = _slots.entry(adata, key)
    summaries[_keys.rss(groupby)] = rss(auc, groups, log_base=log_base)
    summaries[_keys.safe(f"zscore_{groupby}")] = group_zscores(auc, groups)
    return adata if copy else None


def rss(auc: pd.DataFrame, groups: pd.Series | Sequence[Any], *, log_base: str | float = "e") -> pd.DataFrame:
    """Return the regulon specificity scores.

    Parameters
    ----------
    auc
        Activity, ``(n_cells, n_regulons)``, not negative.
    groups
        Group of each cell, in the order of the cells or as a Series indexed by cell. Cells without one are left out.
    log_base
        ``"e"`` as pySCENIC and SCENIC+ (scores from 1 - sqrt(ln 2) = 0.167 to 1) or 2 as R's SCENIC (0 to 1).

    Returns
    -------
    ``(n_groups, n_regulons)``; groups in the order of a categorical's categories, otherwise in order of appearance.
    A regulon without any activity gets the lowest score there is.

    Raises
    ------
    InputError
        If activities are negative or not finite, the groups do not fit the cells, or the base is no base.
    """
    unit = _log_unit(log_base)
    codes, names = _slots.align_groups(auc, groups)
    values = _slots.checked(auc).to_numpy()[codes >= 0]
    codes = codes[codes >= 0]
    if (values < 0).any():
        msg = f"the lowest activity is {values.min():.3g}; specificity is defined for values >= 0 (AUCell's are)."
        raise InputError(msg)
    totals = values.sum(axis=0)
    shares = values / np.where(totals > 0, totals, 1.0)
    divergence = np.stack([_divergence(shares[codes == code]) for code in range(len(names))])
    divergence[:, totals == 0] = np.log(2)
    scores = 1 - np.sqrt(divergence / unit)
    return pd.DataFrame(scores, index=pd.Index(names), columns=auc.columns)


def group_zscores(auc: pd.DataFrame, groups: pd.Series | Sequence[Any]) -> pd.DataFrame:
    """Return the mean activity of each group in standard deviations from the mean over all cells.

    Parameters
    ----------
    auc
        Activity, ``(n_cells, n_regulons)``.
    groups
        As :func:`rss`.

    Returns
    -------
    ``(n_groups, n_regulons)``; 0 for a regulon with the same activity in every cell.
    """
    codes, names = _slots.align_groups(auc, groups)
    values = _slots.checked(auc).to_numpy()[codes >= 0]
    codes = codes[codes >= 0]
    spread = values.std(axis=0)
    centred = (values - values.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    means = np.stack([centred[codes == code].mean(axis=0) for code in range(len(names))])
    return pd.DataFrame(means, index=pd.Index(names), columns=auc.columns)


def _log_unit(log_base: str | float) -> float:
    """Return the natural logarithm of the base."""
    base = np.e if log_base == "e" else float(log_base) if str(log_base).replace(".", "", 1).isdigit() else 0.0
    if base <= 1:
        msg = f"log_base is {log_base!r}; accepted are 'e' (as pySCENIC) and a number above 1 such as 2 (as R)."
        raise InputError(msg)
    return float(np.log(base))


def _divergence(inside: np.ndarray) -> np.ndarray:
    """Return the Jensen-Shannon divergence, in nats, from a group, given the cells inside it.

    With m = (p + q) / 2, each cell outside the group adds p ln(p / m) = p ln 2 to the first of the two sums, so only
    the cells inside are gone through.
    """
    n = len(inside)
    mixed = (inside + 1 / n) / 2
    ratio = np.divide(inside, mixed, out=np.ones_like(inside), where=inside > 0)
    p_part = (inside * np.log(ratio)).sum(axis=0) + (1 - inside.sum(axis=0)) * np.log(2)
    q_part = -np.log(n * mixed).sum(axis=0) / n
    return np.maximum((p_part + q_part) / 2, 0)
