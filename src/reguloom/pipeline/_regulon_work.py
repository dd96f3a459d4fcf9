"""SCENIC's stages from file to file: what ``reguloom scenic`` and ``reguloom run`` share.

Each stage reads what the stage before it *wrote*, so that the files are byte for byte those that ``reguloom grn``,
``ctx`` and ``aucell`` give one by one.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom.core.provenance import fingerprint

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from reguloom.core import Network, Regulons

CHECKPOINT, PARTIAL = ".grn-checkpoint-", ".partial-"
"""How the names of unfinished work begin."""


@dataclass(frozen=True)
class RegulonFiles:
    """Where each result of SCENIC's stages is.

    Parameters
    ----------
    adjacencies, motifs, gmt
        The network, the motif table, the regulons.
    aucell, binary, thresholds, rss
        Activity, on and off, where on begins, specificity.
    """

    adjacencies: Path
    motifs: Path
    gmt: Path
    aucell: Path
    binary: Path
    thresholds: Path
    rss: Path

    @classmethod
    def flat(cls, folder: Path) -> RegulonFiles:
        """Return the places in the folder of ``reguloom scenic``."""
        names = ("adjacencies.tsv", "motifs.csv", "regulons.gmt", "aucell.csv", "binary.csv", "thresholds.csv")
        return cls(*(folder / name for name in (*names, "rss.csv")))

    @classmethod
    def staged(cls, folder: Path) -> RegulonFiles:
        """Return the places in the folder of ``reguloom run``, one below for each stage."""
        flat = cls.flat(Path())
        stages = {"adjacencies": "grn", "motifs": "ctx", "gmt": "ctx", "aucell": "aucell", "binary": "binarize"}
        stages |= {"thresholds": "binarize", "rss": "rss"}
        return cls(**{name: folder / stage / getattr(flat, name) for name, stage in stages.items()})


def infer_network(
    adata: AnnData, tfs: Path, output: Path, *, params: dict[str, Any], inputs: Any, seed: int, n_jobs: int | None
) -> None:
    """Infer the network, in checkpoints beside `output`, and write it.

    Parameters
    ----------
    adata
        Cells × genes.
    tfs
        File with one factor per line.
    output
        The network's file.
    params
        Further options of :func:`reguloom.grn.infer`.
    inputs
        What identifies the input: a checkpoint of another one is never taken up.
    seed, n_jobs
        Root seed, and threads.
    """
    from reguloom import grn, io

    checkpoint = output.parent / f"{CHECKPOINT}{fingerprint(inputs, params, seed)[:12]}"
    network = grn.infer(
        adata,
        io.read_genes(tfs),
        rng=seed,
        n_jobs=n_jobs,
        checkpoint=checkpoint,
        resume=checkpoint.exists(),
        **params,
    )
    io.write_network(network, output, force=True)
    for old in output.parent.glob(f"{CHECKPOINT}*"):
        shutil.rmtree(old)


def prune_network(
    data: Any,
    network: Path,
    files: RegulonFiles,
    *,
    rankings: list[Path],
    annotations: Path,
    params: dict[str, Any],
    n_jobs: int | None,
) -> None:
    """Prune the modules of the `network` in a file and write the motif table and the regulons.

    Parameters
    ----------
    data
        Expression, for the signs of edges.
    network
        The network's file.
    files
        Where the results go.
    rankings, annotations
        Files of the motif step.
    params
        Further options of :func:`reguloom.cistarget.prune`.
    n_jobs
        Threads.
    """
    from reguloom import cistarget, io

    regulons = cistarget.prune(
        io.read_network(network), data, rankings=rankings, annotations=annotations, n_jobs=n_jobs, **params
    )
    io.write_motif_table(regulons.motif_table, files.motifs, force=True)
    io.write_regulons(regulons, files.gmt, force=True)


def read_motif_regulons(path: Path) -> Regulons:
    """Return the regulons of the motif table at `path`, as every later stage takes them."""
    from reguloom import io

    return io.regulons_from_motifs(io.read_motif_table(path))


def score_activity(
    data: Any, regulons: Regulons, output: Path, *, params: dict[str, Any], seed: int, n_jobs: int | None
) -> None:
    """Score `regulons` in every cell of `data` with the options `params`, and write the scores."""
    from reguloom import activity, io

    auc = activity.aucell_frame(data, regulons, rng=seed, n_jobs=n_jobs, **params)
    io.write_table(auc, output, index_label="Cell", force=True)


def call_on_and_off(files: RegulonFiles, *, seed: int, n_jobs: int | None) -> None:
    """Call each regulon on or off in each cell, and write calls and thresholds."""
    from reguloom import activity, io

    auc = io.read_table(files.aucell)
    found = activity.find_thresholds(auc, rng=seed, n_jobs=n_jobs)
    binary, _ = activity.binarize_frame(auc, thresholds=found["threshold"].to_dict())
    io.write_table(binary, files.binary, index_label="Cell", force=True)
    io.write_table(found, files.thresholds, index_label="Regulon", force=True)


def score_specificity(files: RegulonFiles, labels: pd.Series, groupby: str) -> None:
    """Score how specific each regulon is for each group of `labels`, the column `groupby`, and write it."""
    from reguloom import activity, io

    auc = io.read_table(files.aucell)
    io.write_table(activity.rss(auc, labels), files.rss, index_label=groupby, force=True)


@dataclass(frozen=True)
class Found:
    """What SCENIC's stages wrote, read back; None where a stage was not asked for.

    Parameters
    ----------
    network, regulons
        The results of inference and pruning.
    auc, binary, thresholds, rss
        The tables of the later stages.
    """

    network: Network | None
    regulons: Regulons | None
    auc: pd.DataFrame | None
    binary: pd.DataFrame | None
    thresholds: pd.DataFrame | None
    rss: pd.DataFrame | None

    @classmethod
    def read(cls, files: RegulonFiles, *, network: Path | None = None, regulons: Path | None = None) -> Found:
        """Read what there is.

        Parameters
        ----------
        files
            Where the results are.
        network, regulons
            Files that take the place of the first two results.
        """
        from reguloom import io

        def table(path: Path) -> pd.DataFrame | None:
            return io.read_table(path) if path.exists() else None

        network = network or files.adjacencies
        found = None if regulons is None else io.read_regulons(regulons)
        if found is None and files.motifs.exists():
            found = read_motif_regulons(files.motifs)
        return cls(
            network=io.read_network(network) if network.exists() else None,
            regulons=found,
            auc=table(files.aucell),
            binary=table(files.binary),
            thresholds=table(files.thresholds),
            rss=table(files.rss),
        )


def write_results(
    adata: AnnData, result: AnnData, found: Found, h5ad: Path, loom: Path, *, title: str, groupby: str | None
) -> None:
    """Write everything into one AnnData file, and into a loom file that SCope opens.

    Parameters
    ----------
    adata, result
        The input, and the same with the results.
    found
        The results of the stages.
    h5ad, loom
        Where the files go; no loom is written without activities.
    title, groupby
        Name of the loom, and the column of ``obs`` that becomes its clustering.
    """
    from reguloom import io

    io.write(result, h5ad, force=True)
    if found.auc is not None and found.regulons is not None:
        thresholds = None if found.thresholds is None else found.thresholds["threshold"]
        io.write_scope_loom(
            adata,
            loom,
            regulons=found.regulons,
            auc=found.auc,
            thresholds=thresholds,
            title=title,
            clusterings=[groupby] if groupby else None,
            force=True,
        )


def describe_regulons(found: Found) -> list[str]:
    """Return the strongest and the most specific regulons in a few lines."""
    if found.regulons is None or not len(found.regulons):
        return []
    ranked = sorted(found.regulons, key=lambda one: -one.nes)[:8]
    strongest = ", ".join(f"{one.name} (NES {one.nes:.1f}, {len(one)} genes)" for one in ranked)
    lines = [f"Strongest motif support: {strongest}."]
    if found.rss is not None:
        lines += [f"Most specific for {group}: {', '.join(_top(row))}." for group, row in found.rss.iterrows()]
    return lines


def _top(row: pd.Series) -> list[str]:
    """Return the three most specific regulons of a group with their scores."""
    return [f"{name} {value:.2f}" for name, value in row.sort_values(ascending=False, kind="stable")[:3].items()]
