"""SCENIC in one call: counts → network → regulons → activity → binarization and specificity.

Aibar et al., Nature Methods 14:1083 (2017); Van de Sande et al., Nature Protocols 15:2247 (2020).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reguloom._errors import EmptyResultError, InputError
from reguloom._progress import stage
from reguloom._random import SeedLike, accepts_seed, root_seed

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.core import Regulons


@accepts_seed
def scenic(
    adata: AnnData,
    tfs: Sequence[str] | str | os.PathLike[str],
    *,
    rankings: Any,
    annotations: Any,
    layer: str | None = None,
    groupby: str | None = None,
    method: str = "grnboost2",
    grn_params: Mapping[str, Any] | None = None,
    prune_params: Mapping[str, Any] | None = None,
    aucell_params: Mapping[str, Any] | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> Regulons:
    """Find the regulons of a data set and score them in every cell.

    Parameters
    ----------
    adata
        Cells × genes, counts or log-normalised.
    tfs
        Names of the transcription factors, or a file with one per line.
    rankings
        One or more cisTarget ranking databases: paths, or what :func:`reguloom.io.read_rankings` returns.
    annotations
        The motif annotation table (``.tbl``), or what :func:`reguloom.io.read_motif_annotations` returns.
    layer
        Layer to use in place of ``X``.
    groupby
        Column of ``adata.obs``; with it the regulon specificity scores are computed as well.
    method
        Network inference method, see :func:`reguloom.grn.methods`.
    grn_params, prune_params, aucell_params
        Further options of :func:`reguloom.grn.infer`, :func:`reguloom.cistarget.prune` and
        :func:`reguloom.activity.aucell`.
    rng
        Seed.
    n_jobs
        Number of threads; changes nothing but the time.

    Returns
    -------
    The regulons.

    Writes
    ------
    ``adata.uns['grn']``, ``adata.uns['regulons']``
        The network and the regulons, see :meth:`Network.to_adata` and :meth:`Regulons.to_adata`.
    ``adata.obsm['aucell']`` : DataFrame ``(n_cells, n_regulons)``
    ``adata.obsm['aucell_binary']`` : DataFrame ``(n_cells, n_regulons)``
    ``adata.uns['aucell']`` : dict
        Parameters, thresholds and, with `groupby`, ``rss_<groupby>``.

    Raises
    ------
    InputError
        If names of genes do not match between the inputs, or a value is not a number.
    EmptyResultError
        If no regulon passes the thresholds.
    """
    from reguloom import activity, cistarget, grn, io

    if groupby is not None and groupby not in adata.obs:
        msg = f"adata.obs has no column {groupby!r}; it has {list(adata.obs)}."
        raise InputError(msg)
    root = root_seed(rng)
    names = io.read_genes(tfs) if isinstance(tfs, (str, os.PathLike)) else list(tfs)
    with stage("network inference"):
        network = grn.infer(adata, names, method=method, layer=layer, rng=root, n_jobs=n_jobs, **dict(grn_params or {}))
    with stage("motif pruning"):
        regulons = cistarget.prune(
            network,
            adata,
            rankings=rankings,
            annotations=annotations,
            layer=layer,
            n_jobs=n_jobs,
            **dict(prune_params or {}),
        )
    require_regulons(regulons)
    with stage("activity"):
        activity.aucell(adata, regulons, layer=layer, rng=root, n_jobs=n_jobs, **dict(aucell_params or {}))
        activity.binarize(adata, rng=root, n_jobs=n_jobs)
        if groupby is not None:
            activity.specificity(adata, groupby=groupby)
    network.to_adata(adata)
    regulons.to_adata(adata)
    return regulons


def require_regulons(regulons: Regulons) -> None:
    """Raise EmptyResultError, with what to try, if there is no regulon."""
    if len(regulons) == 0:
        msg = (
            "no motif passed the thresholds, so there is no regulon; check that species and annotation fit the data, "
            "or lower nes_threshold (now 3.0 unless you set it) or min_genes."
        )
        raise EmptyResultError(msg)
