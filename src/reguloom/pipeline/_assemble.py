"""Everything that SCENIC's stages found, in one AnnData."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reguloom import _keys

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.pipeline._regulon_work import Found


def assemble(adata: AnnData, found: Found, groupby: str | None) -> AnnData:
    """Return a copy of `adata` with the slots that the single functions write.

    Parameters
    ----------
    adata
        The input.
    found
        The results of the stages.
    groupby
        The column that made the groups of the specificity scores.
    """
    result = adata.copy()
    if found.network is not None:
        found.network.to_adata(result)
    if found.regulons is not None:
        found.regulons.to_adata(result)
    for key, frame in ((_keys.AUCELL, found.auc), (_keys.binary(), found.binary)):
        if frame is not None:
            stored = frame.rename(columns=_keys.safe)
            stored.index = result.obs_names
            result.obsm[key] = stored
    summary: dict[str, Any] = {}
    if found.thresholds is not None:
        summary["thresholds"] = found.thresholds.rename(index=_keys.safe)
    if found.rss is not None and groupby is not None:
        summary[_keys.rss(groupby)] = found.rss.rename(columns=_keys.safe)
    if summary:
        result.uns[_keys.AUCELL] = summary
    return result
