"""Cells along a time course, whose modules, timing, regulators and peak-gene links are known."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from reguloom._errors import InputError
from reguloom._files import atomic_write
from reguloom._random import SeedLike, accepts_seed, generator, root_seed
from reguloom.datasets import _motifs, _time_chromatin, _time_profiles

if TYPE_CHECKING:
    from anndata import AnnData

DRIVERS = {"STAT1": "early", "FOS": "transient", "IRF1": "late", "BCL6": "repressed"}
"""Factor → the module that it drives. Each is an early gene itself (FOS a transient one), as in interferon's answer."""
DECOY = "MAFB"
"""A late gene whose motif stands at early genes: it comes too late to have caused them."""
SHARE_DRIVEN, P_SITE, P_ACCIDENTAL = 0.85, 0.85, 0.02
"""Share of a module that its factor drives, of those with a motif, and of other genes with one."""
LEVEL, LEVEL_SD = 0.6, 0.7
"""Typical mean counts of a gene in a cell, and the standard deviation of their log."""
N_STATES, STATE_SD, STATE_SHARE = 8, 0.55, 0.5
"""Hidden states of a cell, how much they move a gene, and the share of genes with any."""
BATCH_SD = 0.08
"""Standard deviation of log expression between replicates of one time."""
DEPTH_SD = 0.3


@dataclass(frozen=True, eq=False)
class TimeWorld:
    """A time course with its truth.

    Parameters
    ----------
    adata
        Counts ``(n_cells, n_genes)`` as CSR; ``obs``: ``time`` (hours), ``cell_type``, ``condition``, ``replicate``;
        ``var``: ``true_module``, ``is_tf``.
    truth
        Gene → ``module`` (``early``, ``transient``, ``late``, ``repressed``, ``static``), ``level`` (mean counts at
        time 0), ``amplitude`` (change of log expression), ``regulator``.
    timing
        ``track``, ``gene``, ``onset``, ``half_time``, ``peak`` (hours), ``retention``, of every gene that moves.
    curves
        Gene × (track, time): true change of log expression since time 0.
    rankings, annotations
        A motif ranking database, and which motif stands for which factor.
    tfs
        Names of the factors.
    accessibility
        Fragment counts of the same cells ``(n_cells, n_peaks)``; ``var``: ``chrom``, ``start``, ``end``, ``gc``,
        ``gene``, ``kind`` (``linked``: follows the gene from cell to cell; ``time_only``: rises and falls with the
        hour and no more).
    genes
        Gene → ``chrom``, ``start`` (of transcription), ``strand``.
    """

    adata: AnnData
    truth: pd.DataFrame
    timing: pd.DataFrame
    curves: pd.DataFrame
    rankings: pd.DataFrame
    annotations: pd.DataFrame
    tfs: list[str]
    accessibility: AnnData
    genes: pd.DataFrame

    def __repr__(self) -> str:
        """Say how large it is."""
        cells, genes = self.adata.shape
        times = self.adata.obs["time"].nunique()
        moving = int((self.truth["module"] != "static").sum())
        return f"TimeWorld({cells} cells, {genes} genes of which {moving} move, {times} times)"

    def write(self, folder: str | os.PathLike[str], *, force: bool = True) -> dict[str, Path]:
        """Write the files that the command line takes.

        Parameters
        ----------
        folder
            Made if it is missing.
        force
            Whether existing files may be replaced.

        Returns
        -------
        What each file is → its path: ``expression`` (``cells.h5ad``), ``accessibility`` (``peaks.h5ad``), ``genes``
        (``genes.csv``), ``rankings`` (``world.genes_vs_motifs.rankings.feather``), ``annotations`` (``motifs.tbl``),
        ``truth`` (``truth.csv``).
        """
        from reguloom.io import write_rankings

        folder = Path(folder)
        names = {
            "expression": "cells.h5ad",
            "accessibility": "peaks.h5ad",
            "genes": "genes.csv",
            "rankings": "world.genes_vs_motifs.rankings.feather",
            "annotations": "motifs.tbl",
            "truth": "truth.csv",
        }
        paths = {what: folder / name for what, name in names.items()}
        for what, data in (("expression", self.adata), ("accessibility", self.accessibility)):
            with atomic_write(paths[what], force=force) as temporary:
                data.write_h5ad(temporary)
        motifs, genes = [str(name) for name in self.rankings.index], [str(name) for name in self.rankings.columns]
        write_rankings(self.rankings.to_numpy(), motifs, genes, paths["rankings"], force=force)
        with atomic_write(paths["annotations"], force=force) as temporary:
            self.annotations.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
        for what, table in (("genes", self.genes), ("truth", self.truth)):
            with atomic_write(paths[what], force=force) as temporary:
                table.to_csv(temporary, lineterminator="\n")
        return paths


@accepts_seed
def time_course(
    design: str = "uneven",
    n_cells: int = 120,
    n_genes: int = 400,
    *,
    share_moving: float = 0.45,
    n_tfs: int = 20,
    n_replicates: int = 2,
    n_database_genes: int = 3000,
    n_random_motifs: int = 150,
    permute_time: bool = False,
    rng: SeedLike = 0,
) -> TimeWorld:
    """Simulate cells after a stimulus, with early, transient, late and repressed genes and what drives them.

    Genes of a module share a shape and differ in level, amplitude and, a little, in tempo. Counts are negative
    binomial; replicates of a time differ; cells have hidden states that move genes and their enhancers at any hour.
    Early genes carry STAT1's motif, late ones IRF1's, and IRF1 is an early gene. MAFB's motif stands at early genes
    too, but MAFB comes late. Half of the distant peaks follow a gene's hours and not the gene itself.

    Parameters
    ----------
    design
        ``uneven``: 0, 3, 6, 12 and 24 hours; ``dense``: twelve times; ``cell_types``: two of them, of which the second
        is slower and weaker; ``conditions``: with and without a block of new protein, which silences late genes and
        keeps transient ones up; ``crossed``: two cell types with and without it; ``varying``: ever fewer cells, ever
        less depth and ever more dropout.
    n_cells
        Cells for each time and track.
    n_genes
        Genes, factors among them.
    share_moving
        Share of genes that are not static, divided evenly among four modules.
    n_tfs
        Factors: five with a role and others without.
    n_replicates
        Independent samples of each time.
    n_database_genes, n_random_motifs
        Size of the ranking database.
    permute_time
        Whether to deal the times out anew among the cells of a track, so that no gene moves.
    rng
        Seed; the same seed gives the same bytes.

    Returns
    -------
    TimeWorld
        Cells and truth.

    Raises
    ------
    InputError
        If the design is unknown or a size too small.

    Examples
    --------
    >>> import reguloom as rl
    >>> world = rl.datasets.time_course(n_cells=10, n_genes=60, n_database_genes=200, n_random_motifs=10)
    >>> world.adata.shape
    (50, 60)
    """
    _check(design, n_cells, n_genes, n_tfs, share_moving, n_replicates, n_database_genes)
    root = root_seed(rng)
    plan = _time_profiles.DESIGNS[design]
    names, module = _genes(n_genes, n_tfs, share_moving, generator(root, "modules"))
    answers = _time_profiles.Answers.draw(module, generator(root, "answers"))
    regulator = _regulators(names, module, generator(root, "regulators"))
    obs, depth, keep = _cells(plan, n_cells, n_replicates, generator(root, "cells"))
    own = _states(len(obs), n_genes, generator(root, "states"))
    course = _course(answers, plan, obs)
    level, counts = _counts(obs, depth, keep, course, own, root)
    places = _time_chromatin.genome(names, generator(root, "genome"))
    peaks = _time_chromatin.peaks(places, generator(root, "peaks"))
    peaks["row"] = pd.Index(names).get_indexer(peaks["gene"])
    open_ = _time_chromatin.fragments(peaks, course, own, depth, generator(root, "fragments"))
    if permute_time:
        obs["time"] = _dealt(obs, generator(root, "permute"))
    tfs = names[:n_tfs]
    motifs = _draw_motifs(names, tfs, module, regulator, n_database_genes, n_random_motifs, root)
    others = [f"Other{i + 1:05d}" for i in range(n_database_genes - n_genes)]
    truth = pd.DataFrame({"module": module, "level": level, "amplitude": answers.amplitude, "regulator": regulator},
                         index=pd.Index(names, name="gene"))  # fmt: skip
    var = pd.DataFrame({"true_module": pd.Categorical(module), "is_tf": np.arange(n_genes) < n_tfs}, index=names)
    return TimeWorld(
        adata=_adata(counts, obs, var),
        truth=truth,
        timing=_time_profiles.timing(answers, names, plan.tracks),
        curves=_curves(answers, plan, truth.index),
        rankings=_motifs.rankings(motifs, names + others).sort_index(axis="columns"),
        annotations=_motifs.annotation_table(motifs),
        tfs=tfs,
        accessibility=_adata(open_, obs, peaks.drop(columns="row")),
        genes=places,
    )


def _check(
    design: str, n_cells: int, n_genes: int, n_tfs: int, share: float, n_replicates: int, n_database_genes: int
) -> None:
    """Raise InputError for a world that cannot be."""
    if design not in _time_profiles.DESIGNS:
        msg = f"design is {design!r}; accepted are {', '.join(map(repr, _time_profiles.DESIGNS))}."
        raise InputError(msg)
    least = len(DRIVERS) + 1
    if n_cells < n_replicates or n_replicates < 1 or n_tfs < least or n_genes < 2 * n_tfs or not 0 <= share <= 0.9:
        msg = (
            f"{n_cells} cells a time in {n_replicates} replicates, {n_genes} genes, {n_tfs} factors and a moving share "
            f"of {share} were asked for; give 1 <= n_replicates <= n_cells, n_tfs >= {least}, n_genes >= 2 n_tfs and "
            "a share between 0 and 0.9."
        )
        raise InputError(msg)
    if n_database_genes < n_genes:
        msg = f"the database has {n_database_genes} genes and the world {n_genes}; give at least as many."
        raise InputError(msg)


def _genes(n_genes: int, n_tfs: int, share: float, rng: np.random.Generator) -> tuple[list[str], NDArray[np.object_]]:
    """Return names and modules: first the factors with a role, then other factors, then the rest."""
    named = [*DRIVERS, DECOY]
    tfs = named + [f"TF{i + 1:02d}" for i in range(n_tfs - len(named))]
    width = len(str(n_genes))
    names = tfs + [f"Gene{i + 1:0{width}d}" for i in range(n_genes - n_tfs)]
    module = np.full(n_genes, "static", dtype=object)
    if share > 0:
        module[: len(named)] = ["early", "transient", "early", "early", "late"]
        each = round(share * n_genes / 4)
        moving = np.repeat(np.array(_time_profiles.MODULES[:4], dtype=object), each)
        module[n_tfs : n_tfs + len(moving)] = moving[: n_genes - n_tfs]
        module[n_tfs:] = rng.permutation(module[n_tfs:])
    return names, module


def _regulators(names: list[str], module: NDArray[np.object_], rng: np.random.Generator) -> NDArray[np.object_]:
    """Return the factor that drives each gene; empty for those that have none."""
    found = np.full(len(names), "", dtype=object)
    for tf, driven in DRIVERS.items():
        found[(module == driven) & (rng.random(len(names)) < SHARE_DRIVEN)] = tf
    for tf in DRIVERS:
        found[names.index(tf)] = ""
    return found


def _cells(
    plan: _time_profiles.Design, n_cells: int, n_replicates: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.float64]]:
    """Return who the cells are, their depth, and the share of molecules that is not lost."""
    rows, depth, keep = [], [], []
    for track in plan.tracks:
        for hour, along in zip(plan.times, np.linspace(0, 1, len(plan.times)), strict=True):
            number = max(n_replicates, round(n_cells * _between(plan.cells, along)))
            replicate = [f"r{i % n_replicates + 1}" for i in range(number)]
            rows.append(pd.DataFrame({"time": hour, "cell_type": track.cell_type, "condition": track.condition,
                                      "replicate": replicate}))  # fmt: skip
            depth.append(rng.lognormal(-0.5 * DEPTH_SD**2, DEPTH_SD, number) * _between(plan.depth, along))
            keep.append(np.full(number, 1.0 - _between(plan.dropout, along)))
    obs = pd.concat(rows, ignore_index=True)
    for name in ("cell_type", "condition", "replicate"):
        obs[name] = pd.Categorical(obs[name])
    obs.index = pd.Index([f"cell{i + 1:0{len(str(len(obs)))}d}" for i in range(len(obs))])
    return obs, np.concatenate(depth), np.concatenate(keep)


def _between(ends: tuple[float, float], along: float) -> float:
    """Return what lies a share of the way between two values."""
    return ends[0] + (ends[1] - ends[0]) * along


def _states(n_cells: int, n_genes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return what a cell's hidden states add to the log expression of each gene, at any hour."""
    states = rng.normal(size=(n_cells, N_STATES))
    moved = rng.random(n_genes) < STATE_SHARE
    loading = np.zeros((N_STATES, n_genes))
    loading[rng.integers(0, N_STATES, n_genes), np.arange(n_genes)] = STATE_SD * moved
    return states @ loading


def _course(answers: _time_profiles.Answers, plan: _time_profiles.Design, obs: pd.DataFrame) -> NDArray[np.float64]:
    """Return what the hour does to the log expression of each gene in each cell."""
    course = np.zeros((len(obs), len(answers.module)))
    for track in plan.tracks:
        rows = np.flatnonzero((obs["cell_type"] == track.cell_type) & (obs["condition"] == track.condition))
        hours, which = np.unique(obs["time"].to_numpy()[rows], return_inverse=True)
        course[rows] = answers.log_fold(hours, track).T[which]
    return course


def _counts(
    obs: pd.DataFrame,
    depth: NDArray[np.float64],
    keep: NDArray[np.float64],
    course: NDArray[np.float64],
    own: NDArray[np.float64],
    root: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the level of each gene, and negative binomial counts."""
    rng = generator(root, "counts")
    n_genes = course.shape[1]
    level = rng.lognormal(np.log(LEVEL), LEVEL_SD, n_genes)
    of_type = rng.normal(0.0, 0.4, (obs["cell_type"].cat.categories.size, n_genes))
    samples = obs.groupby(["cell_type", "condition", "time", "replicate"], observed=True, sort=True).ngroup().to_numpy()
    batch = rng.normal(0.0, BATCH_SD, (samples.max() + 1, n_genes))
    log_mean = np.log(level) + course + own + batch[samples] + of_type[obs["cell_type"].cat.codes.to_numpy()]
    bursts = rng.uniform(1.5, 4.0, n_genes)
    rate = np.exp(log_mean) * (depth * keep)[:, None] * rng.gamma(bursts, 1.0 / bursts, log_mean.shape)
    return np.asarray(level), np.asarray(rng.poisson(rate))


def _dealt(obs: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the times, dealt out anew among the cells of each track."""
    times = obs["time"].to_numpy().copy()
    for rows in obs.groupby(["cell_type", "condition"], observed=True, sort=True).indices.values():
        times[rows] = rng.permutation(times[rows])
    return times


def _draw_motifs(
    names: list[str],
    tfs: list[str],
    module: NDArray[np.object_],
    regulator: NDArray[np.object_],
    n_database: int,
    n_random: int,
    root: int,
) -> list[_motifs.Motif]:
    """Return motifs: at most driven genes, at some others, and one that points at whatever moves."""
    rng = generator(root, "sites")
    hits = np.zeros((len(tfs), len(names)), dtype=bool)
    for row, tf in enumerate(tfs):
        driven = module == "early" if tf == DECOY else regulator == tf
        share = 0.5 if tf == DECOY else P_SITE
        hits[row] = (driven & (rng.random(len(names)) < share)) | (rng.random(len(names)) < P_ACCIDENTAL)
    moving = (module != "static") & (rng.random(len(names)) < 0.6)
    return _motifs.draw(
        hits, [(len(tfs) - 1, moving)], tfs=tfs, n_genes=n_database, n_random=n_random, root=root, exact=True
    )


def _curves(answers: _time_profiles.Answers, plan: _time_profiles.Design, genes: pd.Index) -> pd.DataFrame:
    """Return the true change of log expression at the sampled times."""
    parts = {track.name: answers.log_fold(np.array(plan.times), track) for track in plan.tracks}
    columns = pd.MultiIndex.from_product([list(parts), plan.times], names=["track", "time"])
    return pd.DataFrame(np.concatenate(list(parts.values()), axis=1), index=genes, columns=columns)


def _adata(counts: NDArray[np.int64], obs: pd.DataFrame, var: pd.DataFrame) -> Any:
    """Return counts as AnnData."""
    from anndata import AnnData

    matrix = csr_matrix(counts.astype(np.float32))
    matrix.sort_indices()
    return AnnData(matrix, obs=obs.copy(), var=var.copy())
