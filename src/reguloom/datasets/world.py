"""A simulated world: cells that follow a known wiring, and what happens to each if the wiring is disturbed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom import mechanistic
from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, child_seed, generator, root_seed
from reguloom.core import Network, Perturbation, Provenance
from reguloom.datasets import _chromatin, _motifs, _simulated
from reguloom.datasets._sequencing import Assay
from reguloom.datasets.regulon_world import World
from reguloom.mechanistic import BooleanNetwork, OdeModel

if TYPE_CHECKING:
    from anndata import AnnData

N_RANDOM_MOTIFS_PER_TF = 5


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedWorld(World):
    """Cells from a mechanistic model whose every answer is known.

    Parameters
    ----------
    adata
        UMI counts ``(n_cells, n_genes)``: ``X`` and layer ``spliced``, layer ``unspliced`` (CSR). The truth: layers
        ``true_spliced``, ``true_unspliced`` (concentrations), ``velocity``, ``velocity_unspliced`` (their
        deterministic time derivatives); ``obsm['protein']`` of the TFs; ``obs['time']``, ``obs['pseudotime']``,
        ``obs['fate']`` (the attractor the cell's trajectory ends in), ``obs['cell_type']`` (the fate once the cell is
        nearer to it than to the beginning; in generated worlds ``alpha``, ``beta`` ... by size),
        ``obs['perturbation']``; ``uns['fates']``, ``uns['grn']`` (true edges).
    network
        The true edges; sign 0 where a regulator does both.
    regulons
        The same as regulons.
    rankings, annotations
        Ranking database from the motif table, and which motif stands for which TF.
    tfs
        Names of the TFs, those that regulate nothing among them.
    activity
        Protein of each TF in each cell.
    model
        The equations.
    accessibility
        Fragment counts ``(n_cells, n_peaks)``; layer ``true_accessibility``; ``var['gene']``, ``var['kind']``.
    motifs
        The motif table: ``peak``, ``gene``, ``tf``, ``score``, ``is_true``.
    base_network
        Regulator → target wherever a peak of the target has the regulator's motif.
    stated
        Precision and recall of the motif table and of the base network.
    assay
        How molecules become counts.
    seed
        Root seed, from which screens take theirs.
    """

    model: OdeModel
    accessibility: AnnData
    motifs: pd.DataFrame
    base_network: Network
    stated: dict[str, float]
    assay: Assay
    seed: int

    def perturb(
        self,
        perturbations: Perturbation | Sequence[Perturbation],
        *,
        n_cells: int | None = None,
        onset: float = 0.0,
        escape: float = 0.0,
        sampling: str = "uniform",
        n_jobs: int | None = None,
    ) -> AnnData:
        """Simulate a screen: new control cells, and new cells under each perturbation, counted as in this world.

        Parameters
        ----------
        perturbations
            Knock-outs, knock-downs, over-expression, combinations; ``dose`` is the share of the full effect.
        n_cells
            Cells of each; as many as the world has if left out.
        onset
            When the perturbation begins.
        escape
            Share of cells in which it does not work.
        sampling
            ``uniform`` over the whole duration, or at its ``end``.
        n_jobs
            Threads.

        Returns
        -------
        AnnData
            As ``adata``, with ``obs['perturbation']``, ``obs['perturbed']``, ``obs['onset']``.
        """
        many = [perturbations] if isinstance(perturbations, Perturbation) else list(perturbations)
        name = _simulated.names_of(many)
        cells = mechanistic.simulate(
            self.model,
            n_cells or self.adata.n_obs,
            perturbations=many,
            onset=onset,
            escape=escape,
            sampling=sampling,
            rng=child_seed(self.seed, "screen", name) >> 1,
            n_jobs=n_jobs,
        )
        _simulated.name_types(cells, self.adata.uns["fates"])
        return _simulated.observe(cells, self.model, self.assay, self.seed, "screen", name)

    def counterfactual(
        self,
        perturbation: Perturbation,
        cells: Any = None,
        *,
        duration: float | None = None,
        n_jobs: int | None = None,
    ) -> AnnData:
        """Let cells of this world go on with and without a perturbation, on the same noise.

        Parameters
        ----------
        perturbation
            What is done.
        cells
            Which cells: names, positions or a mask; all unperturbed ones if left out.
        duration
            How long; a quarter of the simulation if left out.
        n_jobs
            Threads.

        Returns
        -------
        AnnData
            Concentrations as from :func:`reguloom.mechanistic.counterfactual`: ``X`` with the perturbation, layers
            ``control`` and ``delta``, ``obs['fate_control']``, ``obs['fate_perturbed']``.
        """
        chosen = self.adata[~self.adata.obs["perturbed"].to_numpy()] if cells is None else self.adata[cells]
        return mechanistic.counterfactual(self.model, self._states(chosen), perturbation, duration=duration,
                                          n_jobs=n_jobs)  # fmt: skip

    def jacobian(self, cells: Any = None) -> pd.DataFrame:
        """Return how transcription answers to each regulator in each cell.

        Parameters
        ----------
        cells
            Which cells; all if left out.

        Returns
        -------
        pandas.DataFrame
            ``(n_cells, n_edges)``: the derivative of the target's transcription by the regulator's protein; columns
            are ``regulator → target`` in two levels.
        """
        chosen = self.adata if cells is None else self.adata[cells]
        protein = self._states(chosen).layers["protein"].astype(np.float64)
        edges = _simulated.true_edges(self.model)
        regulation = self.model.regulation
        slopes = regulation.slopes(protein) * self.model.kinetics.rates[0][regulation.target]
        columns = pd.MultiIndex.from_arrays([edges["source"], edges["target"]], names=["source", "target"])
        return pd.DataFrame(slopes[:, edges["edge"]], index=chosen.obs_names, columns=columns)

    def _states(self, chosen: AnnData) -> AnnData:
        """Return the whole state of cells, as the simulator had it."""
        from anndata import AnnData

        protein = np.zeros(chosen.shape, dtype=np.float32)
        protein[:, self.model.makes_protein] = chosen.obsm["protein"].to_numpy()
        layers = {"unspliced": np.asarray(chosen.layers["true_unspliced"]), "protein": protein}
        state = AnnData(np.asarray(chosen.layers["true_spliced"]), obs=chosen.obs.copy(), var=chosen.var[[]].copy(),
                        layers=layers)  # fmt: skip
        state.uns["simulation"] = dict(chosen.uns["simulation"])
        return state


@accepts_seed
def world(
    wiring: str | BooleanNetwork | Network | os.PathLike[str] = "S",
    n_cells: int | None = None,
    *,
    n_genes: int | None = None,
    n_tfs: int | None = None,
    n_fates: int | None = None,
    n_peaks: int | None = None,
    perturbations: Perturbation | Sequence[Perturbation] = (),
    onset: float = 0.0,
    escape: float = 0.0,
    motif_precision: float = 0.4,
    motif_recall: float = 0.8,
    n_database_genes: int | None = None,
    capture: float = 0.3,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
    **options: Any,
) -> SimulatedWorld:
    """Simulate a world from a wiring: counts, chromatin and motifs, with every truth that a method could be asked for.

    Cells begin as progenitors and end in one of several attractors. Transcription follows the rules as multilinear
    Hill functions of protein levels; transcripts are spliced, translated and decay with chemical Langevin noise; cells
    are caught at random times, and their molecules counted with Poisson noise. One gene in ten has no regulator, one
    TF in ten no target; a hidden state moves one gene in five, which is co-expression and no regulation.

    Parameters
    ----------
    wiring
        ``S`` (20 genes, 2,000 cells, 2 fates), ``M`` (100, 5,000, 3; 200 peaks) or ``L`` (1,000, 10,000, 5; 2,000
        peaks): generated. Or a BooleanNetwork, a file that :func:`reguloom.mechanistic.read` takes, or a signed
        Network: as it is, with generated targets below it if `n_genes` is larger.
    n_cells
        Cells without perturbation, and as many under each perturbation.
    n_genes, n_tfs, n_fates, n_peaks
        Sizes that differ from the letter's.
    perturbations
        Population interventions; see also :meth:`SimulatedWorld.perturb` and :meth:`SimulatedWorld.counterfactual`.
    onset, escape
        When they begin, and in which share of the cells they do not work.
    motif_precision, motif_recall
        Of the motif table over pairs of TF and peak, kept up to rounding.
    n_database_genes
        Genes of the ranking database: those of the world, then genes that no cell expresses; four times the world's
        and at least 2,000 if left out.
    capture
        Share of molecules that are counted.
    rng
        Seed; the same seed gives the same bytes on any number of threads.
    n_jobs
        Threads.
    options
        For :meth:`reguloom.mechanistic.OdeModel.from_network`: ``hill``, ``initial``, ``noise``, ``t_max`` ...

    Returns
    -------
    SimulatedWorld
        Cells and truth.

    Raises
    ------
    InputError
        If sizes do not fit, or a share is not between 0 and 1.

    Examples
    --------
    >>> import reguloom as rl
    >>> world = rl.datasets.world("S", 100)
    >>> world.adata.shape
    (100, 20)
    """
    if not (0 < motif_precision <= 1 and 0 <= motif_recall <= 1 and capture > 0):
        msg = (
            f"motif_precision is {motif_precision}, motif_recall {motif_recall} and capture {capture}; give "
            "0 < precision <= 1, 0 <= recall <= 1 and a capture above 0."
        )
        raise InputError(msg)
    seed = root_seed(rng)
    given = _given(wiring)
    size = _simulated.sized(given, {"n_cells": n_cells, "n_genes": n_genes, "n_tfs": n_tfs, "n_fates": n_fates,
                                    "n_peaks": n_peaks})  # fmt: skip
    rules = _simulated.wire(given, size, seed)
    model = _simulated.equations(rules, options, seed)
    many = [perturbations] if isinstance(perturbations, Perturbation) else list(perturbations)
    cells = mechanistic.simulate(model, size.n_cells, perturbations=many, onset=onset, escape=escape,
                                 rng=seed, n_jobs=n_jobs)  # fmt: skip
    assay = Assay.draw(model.makes_protein, capture=capture, molecules=model.noise.system_size,
                       rng=generator(seed, "assay"))  # fmt: skip
    if isinstance(given, str):
        _simulated.name_types(cells)
    adata = _simulated.observe(cells, model, assay, seed)
    edges = _simulated.true_edges(model)
    chromatin = _chromatin.draw(edges, list(model.genes), rules.tfs, n_peaks=size.n_peaks, precision=motif_precision,
                                recall=motif_recall, rng=generator(seed, "chromatin"))  # fmt: skip
    provenance = Provenance(
        "world", {"wiring": wiring if isinstance(wiring, str) else "given", **vars(size)}, seed=seed
    )
    network = Network.from_edges(edges["source"], edges["target"], edges["weight"].to_numpy(),
                                 sign=edges["sign"].to_numpy(), provenance=provenance)  # fmt: skip
    network.to_adata(adata)
    n_database = max(4 * len(model.genes), 2_000) if n_database_genes is None else n_database_genes
    rankings, annotations = _database(chromatin, list(model.genes), rules.tfs, n_database, seed)
    return SimulatedWorld(
        adata=adata,
        network=network,
        regulons=_simulated.regulons_of(network),
        rankings=rankings,
        annotations=annotations,
        tfs=list(rules.tfs),
        activity=adata.obsm["protein"][[tf for tf in rules.tfs if tf in adata.obsm["protein"]]],
        model=model,
        accessibility=_accessibility(chromatin, cells, model, seed),
        motifs=chromatin.motifs,
        base_network=chromatin.base,
        stated=chromatin.stated,
        assay=assay,
        seed=seed,
    )


def _given(wiring: Any) -> Any:
    """Return a letter as it is, and anything else as a Boolean network."""
    if isinstance(wiring, BooleanNetwork) or (isinstance(wiring, str) and wiring in _simulated.SIZES):
        return wiring
    if isinstance(wiring, Network):
        return BooleanNetwork.from_network(wiring)
    if isinstance(wiring, os.PathLike) or (isinstance(wiring, str) and Path(wiring).exists()):
        return mechanistic.read(wiring)
    return wiring


def _accessibility(chromatin: _chromatin.Chromatin, cells: AnnData, model: OdeModel, seed: int) -> AnnData:
    """Return fragment counts of the same cells."""
    from anndata import AnnData

    from reguloom.mechanistic import _ode_kernels as kernels

    rng = generator(seed, "fragments")
    always = rng.uniform(0.1, 0.9, len(chromatin.peaks))
    protein = np.asarray(cells.layers["protein"], dtype=np.float64)
    theta = np.empty((len(protein), len(model.regulation.regulator)))
    for row, levels in zip(theta, protein, strict=True):
        kernels.hill_responses(row, levels, *model.regulation.arrays[:4])
    depth = rng.lognormal(-0.5 * _chromatin.DEPTH_SD**2, _chromatin.DEPTH_SD, len(protein))
    counts, accessible = _chromatin.fragments(chromatin, theta, always, depth, rng)
    peaks = AnnData(counts, obs=cells.obs[["time", "pseudotime", "fate"]].copy(), var=chromatin.peaks.copy())
    peaks.layers["true_accessibility"] = accessible
    peaks.uns["sites"] = chromatin.sites
    return peaks


def _database(
    chromatin: _chromatin.Chromatin, genes: list[str], tfs: list[str], n_genes: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return ranking database and annotations that follow the motif table."""
    if n_genes < len(genes):
        msg = f"the database has {n_genes} genes and the world {len(genes)}; give at least as many."
        raise InputError(msg)
    row, column = {tf: i for i, tf in enumerate(tfs)}, {gene: i for i, gene in enumerate(genes)}
    hits = np.zeros((len(tfs), len(genes)), dtype=bool)
    found = chromatin.motifs[chromatin.motifs["gene"] != ""]
    hits[found["tf"].map(row).to_numpy(dtype=int), found["gene"].map(column).to_numpy(dtype=int)] = True
    motifs = _motifs.draw(hits, (), tfs=tfs, n_genes=n_genes, n_random=N_RANDOM_MOTIFS_PER_TF * len(tfs), root=seed,
                          exact=True)  # fmt: skip
    others = [f"Other{i + 1:05d}" for i in range(n_genes - len(genes))]
    ranks = _motifs.rankings(motifs, genes + others).sort_index(axis="columns")
    return ranks, _motifs.annotation_table(motifs)
