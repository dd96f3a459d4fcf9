"""Everything that a run found, in one AnnData."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reguloom import _keys

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from reguloom.core import Network, Regulons


def assemble(
    adata: AnnData,
    network: Network,
    regulons: Regulons,
    auc: pd.DataFrame,
    binary: pd.DataFrame,
    thresholds: pd.DataFrame,
    rss: pd.DataFrame | None,
    groupby: str | None,
) -> AnnData:
    """Return a copy of `adata` with the slots that the single functions write.

    Parameters
    ----------
    adata
        The input.
    network, regulons
        The results of the first two stages.
    auc, binary
        Activity and on/off calls, cells × regulons.
    thresholds
        One row per regulon, column ``threshold``.
    rss, groupby
        Specificity scores, groups × regulons, and the column that made the groups.
    """
    result = adata.copy()
    network.to_adata(result)
    regulons.to_adata(result)
    for key, frame in ((_keys.AUCELL, auc), (_keys.binary(), binary)):
        stored = frame.rename(columns=_keys.safe)
        stored.index = result.obs_names
        result.obsm[key] = stored
    summary = {"thresholds": thresholds.rename(index=_keys.safe)}
    if rss is not None and groupby is not None:
        summary[_keys.rss(groupby)] = rss.rename(columns=_keys.safe)
    result.uns[_keys.AUCELL] = summary
    return result
