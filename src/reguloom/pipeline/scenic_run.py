"""SCENIC into a folder: every stage's result is a file, and a run that was interrupted goes on where it stopped.

Each stage reads what the stage before it *wrote*, so that the folder's files are byte for byte those that
``reguloom grn``, ``ctx`` and ``aucell`` give one by one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._errors import InputError
from reguloom._files import check_output
from reguloom.core import Expression
from reguloom.core.provenance import fingerprint
from reguloom.pipeline._fingerprint import file_fingerprint
from reguloom.pipeline._manifest import Manifest
from reguloom.pipeline.scenic import require_regulons

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from reguloom.core import Network, Regulons

ADJACENCIES, MOTIFS, GMT = "adjacencies.tsv", "motifs.csv", "regulons.gmt"
AUCELL, BINARY, THRESHOLDS, RSS = "aucell.csv", "binary.csv", "thresholds.csv", "rss.csv"
H5AD, LOOM, FIGURES = "result.h5ad", "scope.loom", "figures"
CHECKPOINT = ".grn-checkpoint-"


@dataclass(frozen=True)
class ScenicOptions:
    """What a run is asked to do; the defaults are those of the single commands.

    Parameters
    ----------
    tfs
        File with one transcription factor per line.
    rankings
        cisTarget ranking databases.
    annotations
        Motif annotation table.
    groupby
        Column of ``obs`` for the specificity scores.
    layer
        Layer of the matrix, or None for ``X``.
    method, min_cells, subsample, stratify
        See :func:`reguloom.grn.infer`.
    rank_threshold, nes_threshold, ctx_auc_threshold, min_genes, all_modules, compat
        See :func:`reguloom.cistarget.prune`; None takes its default.
    auc_threshold, weights
        See :func:`reguloom.activity.aucell`.
    seed
        Root seed of every stage.
    num_workers
        Number of threads; changes nothing but the time.
    """

    tfs: Path
    rankings: tuple[Path, ...]
    annotations: Path
    groupby: str | None = None
    layer: str | None = None
    method: str = "grnboost2"
    min_cells: int = 0
    subsample: int | None = None
    stratify: str | None = None
    rank_threshold: int | None = None
    nes_threshold: float = 3.0
    ctx_auc_threshold: float = 0.05
    min_genes: int = 20
    all_modules: bool = False
    compat: str | None = None
    auc_threshold: float = 0.05
    weights: bool = False
    seed: int = 0
    num_workers: int | None = field(default=None, compare=False)


def run_scenic(
    load: Callable[[], AnnData], options: ScenicOptions, output: str | os.PathLike[str], *, force: bool = False
) -> list[str]:
    """Run all stages into a folder.

    Parameters
    ----------
    load
        Returns the cells × genes matrix; called once.
    options
        What to do.
    output
        The folder. Stages on record there with the same inputs and options are kept.
    force
        Whether a folder with another run, or with other files, may be overwritten.

    Returns
    -------
    A summary, line by line.

    Raises
    ------
    InputError
        If an input cannot be used, or the folder holds something else.
    EmptyResultError
        If no regulon passes the thresholds; the network and the motif table are kept.
    """
    return _Run(load, options, Path(output), force=force).run()


class _Run:
    """One run: the options, the folder, and what the stages hand on."""

    def __init__(self, load: Callable[[], AnnData], options: ScenicOptions, folder: Path, *, force: bool) -> None:
        check_output(folder / ADJACENCIES)
        self.options, self.folder = options, folder
        self.adata = load()
        if options.groupby is not None and options.groupby not in self.adata.obs:
            msg = f"--groupby {options.groupby!r} is no column of obs; there are {', '.join(self.adata.obs) or 'none'}."
            raise InputError(msg)
        self.expression = Expression.of(self.adata, layer=options.layer)
        inputs = {"matrix": self.expression.fingerprint(), "tfs": file_fingerprint(options.tfs)}
        inputs["annotations"] = file_fingerprint(options.annotations)
        inputs |= {f"rankings {path.name}": file_fingerprint(path) for path in options.rankings}
        self.manifest = Manifest(folder, inputs, force=force)

    def run(self) -> list[str]:
        """Run the stages in order and return the summary."""
        network = self._network()
        regulons = self._regulons()
        require_regulons(regulons)
        auc = self._activity(regulons)
        binary, thresholds = self._binarize(auc)
        rss = self._specificity(auc)
        self._results(network, regulons, auc, binary, thresholds, rss)
        return self._summary(network, regulons, rss)

    def _network(self) -> Network:
        """Infer the network, in checkpoints, and return it as written."""
        from reguloom import grn, io

        options = self.options
        params: dict[str, Any] = {
            "method": options.method,
            "layer": options.layer,
            "min_cells": options.min_cells,
            "subsample": options.subsample,
            "stratify": options.stratify,
        }
        # Named by what decides it, so that a checkpoint of other options is never taken up.
        key = fingerprint(self.manifest.record["inputs"], params, options.seed)
        checkpoint = self.folder / f"{CHECKPOINT}{key[:12]}"
        with self.manifest.stage("network inference", {**params, "seed": options.seed}, [ADJACENCIES]) as needed:
            if needed:
                tfs = io.read_genes(options.tfs)
                network = grn.infer(
                    self.adata,
                    tfs,
                    rng=options.seed,
                    n_jobs=options.num_workers,
                    checkpoint=checkpoint,
                    resume=checkpoint.exists(),
                    **params,
                )
                io.write_network(network, self.folder / ADJACENCIES, force=True)
                _remove_checkpoints(self.folder)
        return io.read_network(self.folder / ADJACENCIES)

    def _regulons(self) -> Regulons:
        """Prune the network's modules and return the regulons as written."""
        from reguloom import cistarget, io

        options, params = self.options, self._prune_params()
        with self.manifest.stage("motif pruning", params, [MOTIFS, GMT]) as needed:
            if needed:
                regulons = cistarget.prune(
                    io.read_network(self.folder / ADJACENCIES),
                    self.expression,
                    rankings=list(options.rankings),
                    annotations=options.annotations,
                    n_jobs=options.num_workers,
                    **params,
                )
                io.write_motif_table(regulons.motif_table, self.folder / MOTIFS, force=True)
                io.write_regulons(regulons, self.folder / GMT, force=True)
        return io.regulons_from_motifs(io.read_motif_table(self.folder / MOTIFS))

    def _prune_params(self) -> dict[str, Any]:
        """Return the options of the motif step."""
        options = self.options
        params = {
            "nes_threshold": options.nes_threshold,
            "auc_threshold": options.ctx_auc_threshold,
            "min_genes": options.min_genes,
            "keep_only_activating": not options.all_modules,
            "compat": options.compat,
        }
        # None leaves the default to cistarget.prune, where it is documented.
        return params if options.rank_threshold is None else {**params, "rank_threshold": options.rank_threshold}

    def _activity(self, regulons: Regulons) -> pd.DataFrame:
        """Score the regulons in every cell and return the scores as written."""
        from reguloom import activity, io

        params: dict[str, Any] = {"auc_threshold": self.options.auc_threshold, "weights": self.options.weights}
        with self.manifest.stage("activity", {**params, "seed": self.options.seed}, [AUCELL]) as needed:
            if needed:
                auc = activity.aucell_frame(
                    self.expression, regulons, rng=self.options.seed, n_jobs=self.options.num_workers, **params
                )
                io.write_table(auc, self.folder / AUCELL, index_label="Cell", force=True)
        return io.read_table(self.folder / AUCELL)

    def _binarize(self, auc: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Call each regulon on or off in each cell and return calls and thresholds as written."""
        from reguloom import activity, io

        options = self.options
        with self.manifest.stage("binarization", {"seed": options.seed}, [BINARY, THRESHOLDS]) as needed:
            if needed:
                found = activity.find_thresholds(auc, rng=options.seed, n_jobs=options.num_workers)
                binary, _ = activity.binarize_frame(auc, thresholds=found["threshold"].to_dict())
                io.write_table(binary, self.folder / BINARY, index_label="Cell", force=True)
                io.write_table(found, self.folder / THRESHOLDS, index_label="Regulon", force=True)
        return io.read_table(self.folder / BINARY), io.read_table(self.folder / THRESHOLDS)

    def _specificity(self, auc: pd.DataFrame) -> pd.DataFrame | None:
        """Score how specific each regulon is for each group."""
        from reguloom import activity, io

        groupby = self.options.groupby
        if groupby is None:
            return None
        labels = self.adata.obs[groupby].astype(str)
        params = {"groupby": groupby, "labels": fingerprint(list(labels))}
        with self.manifest.stage("specificity", params, [RSS]) as needed:
            if needed:
                io.write_table(activity.rss(auc, labels), self.folder / RSS, index_label=groupby, force=True)
        return io.read_table(self.folder / RSS)

    def _results(
        self,
        network: Network,
        regulons: Regulons,
        auc: pd.DataFrame,
        binary: pd.DataFrame,
        thresholds: pd.DataFrame,
        rss: pd.DataFrame | None,
    ) -> None:
        """Write everything into one AnnData and a loom that SCope opens, and draw the figures."""
        from reguloom import io
        from reguloom.pipeline._assemble import assemble
        from reguloom.pipeline._figures import draw_all

        groupby = self.options.groupby
        result = assemble(self.adata, network, regulons, auc, binary, thresholds, rss, groupby)
        params = {"obs": fingerprint(self.adata.obs.astype(str).to_csv()), "obsm": sorted(self.adata.obsm)}
        with self.manifest.stage("results", params, [H5AD, LOOM]) as needed:
            if needed:
                io.write(result, self.folder / H5AD, force=True)
                io.write_scope_loom(
                    self.adata,
                    self.folder / LOOM,
                    regulons=regulons,
                    auc=auc,
                    thresholds=thresholds["threshold"],
                    title=self.folder.name,
                    clusterings=[groupby] if groupby else None,
                    force=True,
                )
        with self.manifest.stage("figures", {}, [FIGURES]) as needed:
            if needed:
                draw_all(
                    result,
                    network,
                    regulons,
                    groupby=groupby,
                    rankings=self.options.rankings,
                    enrichment={**self._prune_params(), "layer": self.options.layer},
                    folder=self.folder / FIGURES,
                )

    def _summary(self, network: Network, regulons: Regulons, rss: pd.DataFrame | None) -> list[str]:
        """Return what was found, in a few lines."""
        lines = [
            f"{len(network)} edges, {len(regulons)} regulons, {self.expression.n_cells} cells.",
            f"Strongest motif support: {', '.join(_by_nes(regulons)[:8])}.",
        ]
        if rss is not None:
            lines += [f"Most specific for {group}: {', '.join(_top(row))}." for group, row in rss.iterrows()]
        lines.append(f"Results are in {self.folder}; start with {self.folder / FIGURES} and {self.folder / H5AD}.")
        return lines


def _by_nes(regulons: Regulons) -> list[str]:
    """Return names with their enrichment, best first."""
    ranked = sorted(regulons, key=lambda one: -one.nes)
    return [f"{one.name} (NES {one.nes:.1f}, {len(one)} genes)" for one in ranked]


def _top(row: pd.Series) -> list[str]:
    """Return the three most specific regulons of a group with their scores."""
    return [f"{name} {value:.2f}" for name, value in row.sort_values(ascending=False, kind="stable")[:3].items()]


def _remove_checkpoints(folder: Path) -> None:
    """Remove checkpoints that have served their purpose."""
    import shutil

    for checkpoint in folder.glob(f"{CHECKPOINT}*"):
        shutil.rmtree(checkpoint)
