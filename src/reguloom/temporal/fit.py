"""Fit a time course: which genes move, in which modules, and when."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._logging import logger
from reguloom._random import SeedLike, accepts_seed, generator, root_seed
from reguloom.core import Provenance
from reguloom.core.provenance import fingerprint
from reguloom.temporal import numbering
from reguloom.temporal._input import take_course
from reguloom.temporal.baselines import BASELINES, CITATIONS
from reguloom.temporal.benchmark import benchmark
from reguloom.temporal.consensus import consensus, joined
from reguloom.temporal.dynamic import course_test
from reguloom.temporal.grouping import BaselineGrouping, Findings, Grouping, Material
from reguloom.temporal.noise import Noise, estimate_noise
from reguloom.temporal.options import ORIGINAL_EPOCHS, VrnnOptions, vrnn_options
from reguloom.temporal.profile import Profile, merge_replicates
from reguloom.temporal.result import STATIC, TemporalModules
from reguloom.temporal.selection import Folds, number_table, refused
from reguloom.temporal.thinning import thin
from reguloom.temporal.timecourse import TimeCourse
from reguloom.temporal.timing import profile_timing

METHODS = ("vrnn", *BASELINES)
#: Fewer moving genes than this are not grouped, nor divided so that fewer would be left for each module.
FEWEST_GENES = 10
ORIGINAL, ORIGINAL_GENES, ORIGINAL_MODULES = "vrnn-gene-clustering", 1000, 6
VRNN_CITATION = "10.48550/arXiv.1506.02216"


@dataclass(frozen=True)
class _Settings:
    """What the steps of a fit need besides the data."""

    method: str
    n_modules: int | None
    max_modules: int
    n_seeds: int
    n_draws: int
    options: VrnnOptions
    compat: str | None
    device: str | None
    n_jobs: int | None
    folder: str | os.PathLike[str] | None
    resume: bool
    root: int


@accepts_seed
def fit(
    data: Any,
    *,
    time: str | None = None,
    layer: str | None = None,
    groupby: str | None = None,
    mask_var: str | Sequence[bool] | None = None,
    condition: str | None = None,
    batch: str | None = None,
    likelihood: str = "auto",
    n_bins: int | None = None,
    pool: bool = False,
    method: str = "vrnn",
    n_modules: int | None = None,
    max_modules: int = 12,
    fdr: float = 0.05,
    n_top: int | None = 2000,
    n_seeds: int = 3,
    n_draws: int = 50,
    options: Mapping[str, Any] | None = None,
    compat: str | None = None,
    truth: pd.Series | Mapping[str, str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    resume: bool = False,
    device: str | None = "cpu",
    rng: SeedLike = 0,
    n_jobs: int | None = 1,
) -> TemporalModules:
    """Group genes by their course in time, and tell when each answers.

    Genes that do not move are set apart first. The others are grouped by the shape of their course, whatever their
    level and amplitude; every baseline is run beside the chosen method on the same splits of the data.

    Parameters
    ----------
    data
        A time course, AnnData of cells × genes, or a table of genes × samples whose columns are hours.
    time, layer, groupby, mask_var, condition, batch, likelihood, n_bins, pool
        Of AnnData; see :func:`bin_cells`.
    method
        ``"vrnn"`` (needs the extra ``deep``), ``"kmeans"``, ``"pca-gmm"``, ``"gp-mixture"``, ``"dtw"``, ``"fuzzy"``,
        ``"half-time"``, ``"weighted"`` (the grouping of ``"vrnn"`` on the courses as measured).
    n_modules
        Number of modules; chosen by held-out likelihood and stability if left out. One is a legal answer. Of a number
        that is given, modules that repeated groupings do not tell apart are joined, and a note says so.
    max_modules
        Largest number tried, and never more than one for every ten genes: of fewer, no module comes out twice.
    fdr
        False discovery rate of the test for a course.
    n_top
        Most genes that are grouped, those with the largest statistic; None for all that move.
    n_seeds
        Splits of the data, and networks: each is trained on another thinning with another seed.
    n_draws
        Draws of each network behind the consensus.
    options
        Of the network, over its defaults (``n_static``, ``n_latent``, ``n_hidden``, ``beta``, ``max_epochs`` ...).
    compat
        ``"chung"``: the network of Chung et al. 2015, without a latent of the gene. ``"vrnn-gene-clustering"``: the
        first `n_top` genes in the order of the columns (1000 by default there), no test, the published network and one
        random draw of its latent.
    truth
        Gene → true module, for the column ``agreement`` of the benchmark; it decides nothing.
    folder
        Where networks keep their checkpoints and curves.
    resume
        Whether to go on with what is in `folder`.
    device
        ``"cpu"``, ``"cuda"`` ...
    rng
        Seed; the same seed gives the same labels.
    n_jobs
        CPU threads of the training; one gives the same bytes on any machine.

    Returns
    -------
    TemporalModules
        Modules, timing, and what they are worth.

    Raises
    ------
    InputError
        If the data cannot be used, or an option is not known.
    MissingDependencyError
        If the network is asked for without PyTorch.
    """
    if method not in METHODS or n_seeds < 2 or n_draws < 1 or (n_modules is not None and n_modules < 1):
        msg = (
            f"method is {method!r}, n_seeds {n_seeds}, n_draws {n_draws}, n_modules {n_modules}; accepted are the "
            f"methods {', '.join(METHODS)}, at least 2 seeds, 1 draw and 1 module."
        )
        raise InputError(msg)
    course = take_course(
        data, time=time, layer=layer, groupby=groupby, mask_var=mask_var, condition=condition, batch=batch,
        likelihood=likelihood, n_bins=n_bins, pool=pool,
    )  # fmt: skip
    known = None if truth is None else pd.Series(truth)
    settings = _Settings(
        method, n_modules, max_modules, n_seeds, n_draws, vrnn_options(dict(options or {}), compat), compat, device,
        n_jobs, folder, resume, root_seed(rng),
    )  # fmt: skip
    noise = estimate_noise(course)
    genes = course_test(course, noise, fdr=fdr)
    chosen = _chosen(genes, n_top)
    if compat == ORIGINAL:
        chosen = np.arange(min(course.n_genes, ORIGINAL_GENES if n_top in (None, 2000) else n_top))
        settings = replace(settings, n_modules=n_modules or ORIGINAL_MODULES)
    return _grouped(course, noise, genes, chosen, settings=settings, truth=known)


def _chosen(genes: pd.DataFrame, n_top: int | None) -> NDArray[np.int64]:
    """Return the positions of the genes that are grouped, in their order."""
    moving = np.flatnonzero(genes["dynamic"].to_numpy())
    if n_top is None or len(moving) <= n_top:
        return moving
    strongest = np.argsort(-genes["statistic"].to_numpy()[moving], kind="stable")[:n_top]
    logger.info("%d genes move; the %d with the largest statistic are grouped", len(moving), n_top)
    return np.sort(moving[strongest])


def _grouped(
    course: TimeCourse, noise: Noise, genes: pd.DataFrame, chosen: NDArray[np.int64], *, settings: _Settings,
    truth: pd.Series | None,
) -> TemporalModules:  # fmt: skip
    """Return the result for the genes at `chosen`."""
    notes = [*course.notes, *noise_notes(noise)]
    left = int(genes["dynamic"].sum()) - len(chosen)
    if left > 0 and settings.compat != ORIGINAL:
        notes.append(
            f"{left} genes move and are unassigned: only the {len(chosen)} with the largest statistic are grouped"
        )
    if len(chosen) < FEWEST_GENES:
        count = f"{len(chosen)} genes move, too few to group" if len(chosen) else "no gene moves"
        notes.append(f"{count}: the data are flat as far as they tell, and there is no module")
        return assemble(course, noise, genes, chosen, np.zeros((len(chosen), 0)), notes=notes, settings=settings)
    whole = merge_replicates(course.select_genes(chosen), noise.select(chosen))
    pairs = [thin(*whole, generator(settings.root, "thin", number)) for number in range(settings.n_seeds)]
    material = Material(whole, Profile.of(*whole), Folds(pairs), settings.root)
    method = _method(settings, material)
    modules = _Modules(method)
    selection = pd.DataFrame()
    k = settings.n_modules
    if k is None:
        most = max(1, min(settings.max_modules, len(chosen) // FEWEST_GENES))
        selection = number_table(material.folds, method.fold_labels, modules.share, most)
        k = int(selection.loc[selection["chosen"], "n_modules"].iloc[0])
        logger.info("%d modules are chosen by held-out likelihood and stability", k)
    share = joined(modules.share(k))
    notes += [*method.notes, *_number_notes(selection, k, share.shape[1])]
    table = benchmark(method, share.argmax(axis=1), share.shape[1], material, truth)
    return assemble(
        course, noise, genes, chosen, share, notes=notes, settings=settings, selection=selection, table=table,
        partitions=modules.partitions(k), method=method,
    )  # fmt: skip


class _Modules:
    """Groupings into a number of modules and their consensus, each made once."""

    def __init__(self, method: Grouping) -> None:
        self.method = method
        self._made: dict[int, tuple[list[NDArray[np.int64]], NDArray[np.float64]]] = {}

    def partitions(self, k: int) -> list[NDArray[np.int64]]:
        """Return the groupings into `k` modules."""
        if k not in self._made:
            partitions = list(self.method.partitions(k))
            self._made[k] = partitions, consensus(partitions, k)
        return self._made[k][0]

    def share(self, k: int) -> NDArray[np.float64]:
        """Return the memberships in `k` modules."""
        self.partitions(k)
        return self._made[k][1]


def _number_notes(selection: pd.DataFrame, asked: int, made: int) -> list[str]:
    """Return why there are as many modules as there are, where that needs a word."""
    notes = []
    more = refused(selection) if len(selection) else []
    if more:
        notes.append(
            f"{', '.join(map(str, more))} modules foresee held-out values as well or better, but repeated groupings do "
            f"not tell them apart; {asked} are taken"
        )
    if made < asked:
        notes.append(f"{asked} modules were asked for; repeated groupings tell {made} apart, and the rest is joined")
    if made == 1 and len(selection):
        notes.append("one module: nothing tells the courses of the genes that move apart")
    return notes


def _method(settings: _Settings, material: Material) -> Grouping:
    """Return the way of grouping that was asked for."""
    if settings.method != "vrnn":
        return BaselineGrouping(settings.method, material)
    if settings.compat == ORIGINAL:
        from reguloom.temporal.original import OriginalGrouping

        epochs = settings.options.max_epochs or ORIGINAL_EPOCHS
        return OriginalGrouping(material, max_epochs=epochs, device=settings.device)
    from reguloom.temporal.vrnn_grouping import VrnnGrouping

    return VrnnGrouping(
        material, settings.options, n_draws=settings.n_draws, device=settings.device, n_jobs=settings.n_jobs,
        folder=settings.folder, resume=settings.resume,
    )  # fmt: skip


def noise_notes(noise: Noise) -> list[str]:
    """Return what a reader has to know about the noise."""
    told = {
        "cells": "noise is estimated between cells, which is no biological replication; give batch= for replicates",
        "standard errors": "noise is the given standard error of the means, which is no biological replication",
        "residuals": "noise is estimated about a smooth course, since there are no replicates",
        "assumed": "there are no replicates and too few times to estimate noise; a usual value is assumed",
        "poisson": "counts are taken to vary as Poisson's, which is less than replicates do",
    }
    return [told[noise.source]] if noise.source in told else []


def assemble(
    course: TimeCourse, noise: Noise, genes: pd.DataFrame, chosen: NDArray[np.int64], share: NDArray[np.float64], *,
    notes: Sequence[str], settings: _Settings, selection: pd.DataFrame | None = None,
    table: pd.DataFrame | None = None, partitions: Sequence[NDArray[np.int64]] = (), method: Grouping | None = None,
) -> TemporalModules:  # fmt: skip
    """Return the result: modules numbered by half-time, labels stored once, timing of every gene that moves."""
    profile = Profile.of(course, noise)
    moving = np.union1d(chosen, np.flatnonzero(genes["dynamic"].to_numpy())).astype(np.int64)
    timing = _timing(profile.select(moving), course, settings.root)
    first = numbering.leading(timing).loc[profile.genes[chosen]] if len(chosen) else timing
    share = numbering.by_half_time(share, first["half_time"].to_numpy()) if share.shape[1] else share
    membership, labels = numbering.named(share, profile.genes[chosen])
    names = [str(name) for name in membership.columns]
    every = pd.Series(STATIC, index=genes.index, dtype=object, name="module")
    every.iloc[moving] = "unassigned"
    every.iloc[chosen] = labels
    found = Findings(np.zeros((len(chosen), *profile.values.shape[1:])), np.zeros((len(chosen), 1, 1)))
    if method is not None:
        found = method.findings(share.argmax(axis=1))
    fitted, error = np.zeros(profile.values.shape), np.zeros(profile.values.shape)
    fitted[chosen], error[chosen] = found.fitted, found.fitted_error
    probability = pd.Series(share.max(axis=1) if share.shape[1] else np.nan, index=profile.genes[chosen])
    params = {**asdict(settings), "folder": None, "likelihood": course.likelihood, "noise": noise.source}
    params.pop("resume")
    return TemporalModules(
        modules=every,
        genes=genes.assign(module=every, probability=probability.reindex(genes.index)),
        timing=timing,
        membership=membership,
        summary=numbering.summary(labels, names, first, list(partitions)),
        selection=pd.DataFrame() if selection is None else selection,
        benchmark=pd.DataFrame() if table is None else table,
        curves=numbering.curves(profile.select(chosen), labels, names),
        profile=profile,
        fitted=fitted,
        fitted_error=error,
        latent=found.latent,
        history=found.history,
        method=settings.method,
        notes=tuple(dict.fromkeys(notes)),
        provenance=Provenance(
            "temporal", params, settings.root, inputs={"course": fingerprint(course.totals, course.times)},
            citations=(VRNN_CITATION,) if settings.method == "vrnn" else CITATIONS.get(settings.method, ()),
        ),
    )  # fmt: skip


def _timing(profile: Profile, course: TimeCourse, root: int) -> pd.DataFrame:
    """Return the timing of the genes that move."""
    return profile_timing(profile, logarithmic=course.likelihood != "gaussian", n_draws=100, confidence=0.9, root=root)
