"""The figures that every run draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom import _keys
from reguloom._files import atomic_write

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.figure import Figure

    from reguloom.core import Network, Regulons
    from reguloom.pipeline._regulon_work import Found

BASES = ("X_umap", "X_tsne", "X_draw_graph_fa", "X_phate", "X_diffmap", "X_pca")
"""Embeddings that are drawn, best first."""
N_PANELS = 6
N_TFS = 4
N_RECOVERY = 3
DPI = 150


def draw_all(
    adata: AnnData,
    found: Found,
    *,
    groupby: str | None,
    rankings: Sequence[Path],
    enrichment: dict[str, Any],
    folder: Path,
    basis: str | None = None,
) -> None:
    """Draw everything that the data allow.

    Parameters
    ----------
    adata
        The assembled result.
    found
        The results of the stages; regulons with their motif table.
    groupby
        Column of ``obs`` with the groups, or None.
    rankings, enrichment
        Databases and options of the motif step, for the recovery curves.
    folder
        Where the figures go: one ``.png`` each.
    basis
        Slot of ``obsm`` to draw on; the best known one if left out.
    """
    folder.mkdir(exist_ok=True)
    if found.regulons is None:
        return
    best = most_specific(adata, found.regulons, groupby if found.rss is not None else None)
    for name, figure in _figures(adata, found, best, groupby, basis):
        _save(figure, folder / f"{name}.png")
    if found.network is not None and rankings:
        for name, figure in _recovery_curves(adata, found.network, found.regulons, rankings, enrichment):
            _save(figure, folder / f"{name}.png")


def most_specific(adata: AnnData, regulons: Regulons, groupby: str | None, n: int = N_PANELS) -> list[str]:
    """Return up to `n` regulons worth a look: each group's most specific ones in turn, else those of highest NES."""
    if groupby is None:
        return sorted((one.name for one in regulons), key=lambda name: -regulons[name].nes)[:n]
    scores = adata.uns[_keys.AUCELL][_keys.rss(groupby)]
    ranked = [row.sort_values(ascending=False, kind="stable").index for _, row in scores.iterrows()]
    in_turn = [names[place] for place in range(scores.shape[1]) for names in ranked]
    return list(dict.fromkeys(in_turn))[:n]


def _figures(
    adata: AnnData, found: Found, best: list[str], groupby: str | None, basis: str | None
) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure of everything but the recovery curves."""
    from reguloom import pl

    if found.binary is not None:
        yield "binarization", pl.binarization(adata, regulons=best)
    if found.regulons is not None:
        tfs = list(dict.fromkeys(name.rpartition("(")[0] or name for name in best))[:N_TFS]
        known = {one.tf for one in found.regulons}
        yield "network", pl.network(found.regulons, [tf for tf in tfs if tf in known] or None)
    if found.auc is None:
        return
    drawn = basis or next((name for name in BASES if name in adata.obsm), None)
    if drawn is not None:
        yield "embedding", pl.regulon_embedding(adata, best, groupby=groupby, basis=drawn)
    if groupby is not None and found.rss is not None:
        yield "rss", pl.rss(adata, groupby=groupby)
        yield "heatmap", pl.regulon_heatmap(adata, groupby)
        yield "violin", pl.regulon_violin(adata, best, groupby=groupby)


def _recovery_curves(
    adata: AnnData, network: Network, regulons: Regulons, rankings: Sequence[Path], enrichment: dict[str, Any]
) -> Iterator[tuple[str, Figure]]:
    """Yield the recovery curve behind the best motif of the best regulons."""
    from reguloom import cistarget, pl

    table = regulons.motif_table
    if table is None or table.empty:
        return
    wanted = table.loc[table.groupby("TF")["NES"].idxmax()].nlargest(N_RECOVERY, "NES")
    options = {name: enrichment[name] for name in ("min_genes", "keep_only_activating") if name in enrichment}
    modules = cistarget.modules(network, adata, layer=enrichment.get("layer"), **options)
    depth = {name: enrichment[name] for name in ("rank_threshold", "auc_threshold") if name in enrichment}
    for row in wanted.itertuples():
        source = next((path for path in rankings if _database_name(path) in row.Context), rankings[0])
        module = next((one for one in modules if one.tf == row.TF and one.context <= set(row.Context)), None)
        if module is not None:
            curves = cistarget.recovery([module], source, motifs=[row.MotifID], **depth)
            yield f"recovery_{_keys.safe(row.TF)}", pl.recovery(curves, title=f"{row.TF}: {row.MotifID}")


def _database_name(path: Path) -> str:
    """Return the name that a database goes by in the motif table: its file's, without the suffix."""
    return path.name.removesuffix(path.suffix)


def _save(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all, without a date in it."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=DPI, bbox_inches="tight", metadata={"Software": None})
