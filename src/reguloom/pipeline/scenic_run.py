"""SCENIC into a folder: every stage's result is a file, and a run that was interrupted goes on where it stopped."""

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
from reguloom.pipeline import _regulon_work as work
from reguloom.pipeline._assemble import assemble
from reguloom.pipeline._fingerprint import file_fingerprint
from reguloom.pipeline._manifest import Manifest
from reguloom.pipeline.scenic import require_regulons

if TYPE_CHECKING:
    from anndata import AnnData

ADJACENCIES, MOTIFS, GMT = "adjacencies.tsv", "motifs.csv", "regulons.gmt"
AUCELL, BINARY, THRESHOLDS, RSS = "aucell.csv", "binary.csv", "thresholds.csv", "rss.csv"
H5AD, LOOM, FIGURES = "result.h5ad", "scope.loom", "figures"


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
        self.options, self.folder, self.files = options, folder, work.RegulonFiles.flat(folder)
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
        self._network()
        self._regulons()
        require_regulons(work.read_motif_regulons(self.files.motifs))
        self._activity()
        self._specificity()
        found = work.Found.read(self.files)
        self._results(found)
        return self._summary(found)

    def _network(self) -> None:
        """Infer the network."""
        options, seed = self.options, self.options.seed
        params: dict[str, Any] = {
            "method": options.method,
            "layer": options.layer,
            "min_cells": options.min_cells,
            "subsample": options.subsample,
            "stratify": options.stratify,
        }
        with self.manifest.stage("network inference", {**params, "seed": seed}, [ADJACENCIES]) as needed:
            if needed:
                work.infer_network(
                    self.adata, options.tfs, self.files.adjacencies, params=params,
                    inputs=self.manifest.record["inputs"], seed=seed, n_jobs=options.num_workers,
                )  # fmt: skip

    def _regulons(self) -> None:
        """Prune the network's modules."""
        options, params = self.options, self._prune_params()
        with self.manifest.stage("motif pruning", params, [MOTIFS, GMT]) as needed:
            if needed:
                work.prune_network(
                    self.expression, self.files.adjacencies, self.files, rankings=list(options.rankings),
                    annotations=options.annotations, params=params, n_jobs=options.num_workers,
                )  # fmt: skip

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

    def _activity(self) -> None:
        """Score the regulons in every cell, and call each on or off."""
        options, seed = self.options, self.options.seed
        params: dict[str, Any] = {"auc_threshold": options.auc_threshold, "weights": options.weights}
        with self.manifest.stage("activity", {**params, "seed": seed}, [AUCELL]) as needed:
            if needed:
                regulons = work.read_motif_regulons(self.files.motifs)
                work.score_activity(
                    self.expression, regulons, self.files.aucell, params=params, seed=seed, n_jobs=options.num_workers
                )
        with self.manifest.stage("binarization", {"seed": seed}, [BINARY, THRESHOLDS]) as needed:
            if needed:
                work.call_on_and_off(self.files, seed=seed, n_jobs=options.num_workers)

    def _specificity(self) -> None:
        """Score how specific each regulon is for each group."""
        groupby = self.options.groupby
        if groupby is None:
            return
        labels = self.adata.obs[groupby].astype(str)
        with self.manifest.stage(
            "specificity", {"groupby": groupby, "labels": fingerprint(list(labels))}, [RSS]
        ) as needed:
            if needed:
                work.score_specificity(self.files, labels, groupby)

    def _results(self, found: work.Found) -> None:
        """Write everything into one AnnData and a loom that SCope opens, and draw the figures."""
        from reguloom.pipeline._figures import draw_all

        groupby = self.options.groupby
        result = assemble(self.adata, found, groupby)
        params = {"obs": fingerprint(self.adata.obs.astype(str).to_csv()), "obsm": sorted(self.adata.obsm)}
        with self.manifest.stage("results", params, [H5AD, LOOM]) as needed:
            if needed:
                work.write_results(
                    self.adata, result, found, self.folder / H5AD, self.folder / LOOM,
                    title=self.folder.name, groupby=groupby,
                )  # fmt: skip
        with self.manifest.stage("figures", {}, [FIGURES]) as needed:
            if needed:
                draw_all(
                    result,
                    found,
                    groupby=groupby,
                    rankings=self.options.rankings,
                    enrichment={**self._prune_params(), "layer": self.options.layer},
                    folder=self.folder / FIGURES,
                )

    def _summary(self, found: work.Found) -> list[str]:
        """Return what was found, in a few lines."""
        lines = [f"{len(found.network or ())} edges, {len(found.regulons or ())} regulons, {self.adata.n_obs} cells."]
        lines += work.describe_regulons(found)
        lines.append(f"Results are in {self.folder}; start with {self.folder / FIGURES} and {self.folder / H5AD}.")
        return lines
