"""The parts of a simulated world: its wiring, its equations, and what is seen of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import generator
from reguloom.core import Network, Regulon, Regulons
from reguloom.datasets import _chromatin, _generated
from reguloom.datasets._sequencing import Assay
from reguloom.datasets.regulon_world import CELL_TYPES
from reguloom.mechanistic import BooleanNetwork, Noise, OdeModel

if TYPE_CHECKING:
    from anndata import AnnData

PROGENITOR = "progenitor"
SYSTEM_SIZE = 5.0
"""Molecules in one unit of concentration; a gene that is fully on has twice as many."""
HETEROGENEITY = 0.5
"""Standard deviation of the log of how fast each TF is transcribed between cells."""
TARGET_THRESHOLDS = (0.45, 1.05)
"""Half-response levels of targets, in maxima of the regulator."""


@dataclass(frozen=True)
class Size:
    """How large a world is.

    Parameters
    ----------
    n_cells, n_genes, n_tfs, n_fates, n_peaks
        Sizes; the TFs are among the genes.
    """

    n_cells: int
    n_genes: int
    n_tfs: int
    n_fates: int
    n_peaks: int


SIZES = {
    "S": Size(n_cells=2_000, n_genes=20, n_tfs=8, n_fates=2, n_peaks=40),
    "M": Size(n_cells=5_000, n_genes=100, n_tfs=20, n_fates=3, n_peaks=200),
    "L": Size(n_cells=10_000, n_genes=1_000, n_tfs=50, n_fates=5, n_peaks=2_000),
}


def sized(wiring: Any, changes: dict[str, int | None]) -> Size:
    """Return the sizes: those of the letter or of the given network, with what the caller changes.

    Parameters
    ----------
    wiring
        A letter, or a Boolean network.
    changes
        Sizes that differ; None leaves one as it is.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    if isinstance(wiring, BooleanNetwork):
        n = len(wiring.genes)
        size = Size(n_cells=2_000, n_genes=n, n_tfs=n, n_fates=2, n_peaks=2 * given.get("n_genes", n))
    elif wiring in SIZES:
        size = SIZES[wiring]
    else:
        msg = f"the wiring is {wiring!r}; accepted are {', '.join(SIZES)}, a BooleanNetwork, a Network or a file."
        raise InputError(msg)
    size = replace(size, **given)
    if isinstance(wiring, BooleanNetwork):
        size = replace(size, n_tfs=len(wiring.genes))
    low = 1 if isinstance(wiring, BooleanNetwork) else 2 * size.n_fates
    if size.n_cells < 2 or size.n_fates < 1 or size.n_tfs < low or size.n_genes < size.n_tfs:
        msg = (
            f"{size.n_cells} cells, {size.n_tfs} TFs, {size.n_genes} genes and {size.n_fates} fates do not fit; "
            "a fork needs two TFs, and the TFs are among the genes."
        )
        raise InputError(msg)
    return size


def wire(wiring: Any, size: Size, root: int) -> _generated.Wiring:
    """Return all rules: of the TFs, generated or given, and of the targets below them.

    Parameters
    ----------
    wiring
        A letter, or a Boolean network.
    size
        Sizes.
    root
        Root seed.
    """
    if isinstance(wiring, BooleanNetwork):
        regulating = {name for gene in wiring.genes for name in wiring.regulators(gene) if name != gene}
        made = _generated.Wiring(
            {gene: wiring.rules[gene] for gene in wiring.genes}, [gene for gene in wiring.genes if gene in regulating]
        )
        able = made.tfs
    else:
        made = _generated.core(size.n_tfs, size.n_fates, generator(root, "core"))
        able = [tf for tf in made.tfs if made.rules[tf] != "1"]
    _generated.targets(made, size.n_genes - len(made.rules), able, generator(root, "targets"))
    return made


def equations(wiring: _generated.Wiring, options: dict[str, Any], root: int) -> OdeModel:
    """Return the equations, in which the protein of TFs alone is followed.

    Half responses between TFs lie near half of the maximum, so that fates are as the rules say; those of targets are
    spread, so that a target tells more of its regulator's level than on or off.

    Parameters
    ----------
    wiring
        Rules.
    options
        For :meth:`OdeModel.from_network`.
    root
        Root seed; rates and thresholds differ between genes by some hundredths.
    """
    settings: dict[str, Any] = {
        "form": "spliced",
        "sample_parameters": 0.03,
        "noise": Noise(system_size=SYSTEM_SIZE, heterogeneity=HETEROGENEITY),
        "rng": root,
        **options,
    }
    settings.setdefault("initial", wiring.initial or None)
    if settings["form"] != "spliced":
        msg = f"the form is {settings['form']!r}; a world has spliced and unspliced counts, so its form is 'spliced'."
        raise InputError(msg)
    model = OdeModel.from_network(BooleanNetwork.from_rules(wiring.rules), **settings)
    makes = np.isin(model.genes, wiring.tfs)
    makes[model.regulation.regulator] = True
    start = np.where(makes, 1.0, 0.0) * model.start
    start[:2] = model.start[:2]
    regulation = model.regulation
    share = generator(root, "thresholds").uniform(*TARGET_THRESHOLDS, len(regulation.target))
    drawn = share * model.kinetics.highest[-1][regulation.regulator]
    threshold = np.where(makes[regulation.target], regulation.threshold, drawn)
    return replace(model, makes_protein=makes, start=start, regulation=regulation.with_thresholds(threshold))


def true_edges(model: OdeModel) -> pd.DataFrame:
    """Return the regulations that change anything: ``source``, ``target``, ``sign``, ``weight``, ``edge``."""
    regulation, names = model.regulation, np.array(model.genes)
    frame = pd.DataFrame(
        {
            "source": names[regulation.regulator],
            "target": names[regulation.target],
            "sign": regulation.sign,
            "weight": model.kinetics.highest[-1][regulation.regulator] / regulation.threshold / 2.0,
            "edge": np.arange(len(regulation.regulator)),
        }
    )
    return _chromatin.functional(frame).reset_index(drop=True)


def regulons_of(network: Network) -> Regulons:
    """Return one regulon for each TF and sign, of the edges that have one and are no self-regulation."""
    frame = network.to_frame().astype({"source": str, "target": str})
    frame = frame[(frame["sign"] != 0) & (frame["source"] != frame["target"])]
    regulons = [
        Regulon(str(tf), int(sign), tuple(rows["target"]), tuple(rows["weight"]))
        for (tf, sign), rows in frame.sort_values("weight", ascending=False, kind="stable").groupby(["source", "sign"])
    ]
    return Regulons(sorted(regulons, key=lambda one: (one.tf, -one.sign)), provenance=network.provenance)


def observe(cells: AnnData, model: OdeModel, assay: Assay, root: int, *names: str) -> AnnData:
    """Return counts of simulated cells, the truth beside them.

    Parameters
    ----------
    cells
        From :func:`reguloom.mechanistic.simulate`.
    model
        The equations.
    assay
        How molecules are seen.
    root, names
        Seed, and what this measurement is called.
    """
    from anndata import AnnData

    rng = generator(root, "measure", *names)
    depth, state = assay.cells(cells.n_obs, rng)
    true = {"true_spliced": np.asarray(cells.X), "true_unspliced": np.asarray(cells.layers["unspliced"])}
    spliced = assay.count(true["true_spliced"], depth, state, rng)
    unspliced = assay.count(true["true_unspliced"], depth, state, rng)
    adata = AnnData(spliced, obs=cells.obs.copy(), var=cells.var.copy())
    adata.layers.update({"spliced": spliced.copy(), "unspliced": unspliced, **true})
    adata.layers["velocity"] = cells.layers["velocity"]
    adata.layers["velocity_unspliced"] = cells.layers["velocity_unspliced"]
    tfs = np.flatnonzero(model.makes_protein)
    protein = np.asarray(cells.layers["protein"])[:, tfs]
    adata.obsm["protein"] = pd.DataFrame(protein, adata.obs_names, np.array(model.genes)[tfs])
    adata.obs["cell_type"] = cell_types(protein, cells.obs["fate"], cells.uns["fates"], model, tfs)
    adata.obs["true_depth"] = depth
    adata.var["is_tf"] = np.isin(np.arange(adata.n_vars), tfs)
    adata.uns["fates"], adata.uns["simulation"] = cells.uns["fates"], cells.uns["simulation"]
    adata.obsm["X_pca"] = embedding(spliced)
    return adata


def name_types(cells: AnnData, known: pd.DataFrame | None = None) -> None:
    """Give each fate a cell type's name in ``uns['fates']``, as a generated network's genes mean nothing.

    Parameters
    ----------
    cells
        From :func:`reguloom.mechanistic.simulate`.
    known
        Fates of the unperturbed world: what has the same pattern keeps its name, what is new is named by its genes.
    """
    table = cells.uns["fates"]
    if known is None:
        table["cell_type"] = [CELL_TYPES[i] if i < len(CELL_TYPES) else f"type{i + 1}" for i in range(len(table))]
    elif "cell_type" in known:
        names = dict(zip(known["pattern"], known["cell_type"], strict=True))
        table["cell_type"] = [names.get(pattern, fate) for fate, pattern in table["pattern"].items()]


def cell_types(
    protein: NDArray[np.float32], fate: pd.Series, table: pd.DataFrame, model: OdeModel, tfs: NDArray[np.int64]
) -> pd.Categorical:
    """Return the fate of cells whose TFs are nearer to its pattern than to the beginning, else ``progenitor``.

    Parameters
    ----------
    protein
        Of the TFs, ``(n_cells, n_tfs)``.
    fate
        Of each cell.
    table
        Pattern of each fate.
    model
        The equations.
    tfs
        Positions of the TFs.
    """
    level = protein / model.kinetics.highest[-1][tfs]
    start = model.start[-1][tfs] / model.kinetics.highest[-1][tfs]
    symbols = {"0": 0.0, "1": 1.0, "*": np.nan}
    ends = np.array([[symbols[one] for one in text] for text in table["pattern"]])[fate.cat.codes]
    to_end = np.nansum(np.abs(level - ends), axis=1)
    to_start = np.where(np.isnan(ends), 0.0, np.abs(level - start)).sum(axis=1)
    types = np.array(table["cell_type"] if "cell_type" in table else table.index, dtype=object).astype(str)
    names = np.where(to_end < to_start, types[fate.cat.codes], PROGENITOR)
    order = [PROGENITOR, *types]
    return pd.Categorical(names, [name for name in order if (names == name).any()])


def embedding(counts: Any, n_components: int = 10) -> NDArray[np.float32]:
    """Return principal components of log-normalised counts, ``(n_cells, n_components)``.

    Parameters
    ----------
    counts
        ``(n_cells, n_genes)``, sparse.
    n_components
        How many, fewer if there are fewer genes.
    """
    dense = counts.toarray().astype(np.float64)
    depth = dense.sum(axis=1, keepdims=True)
    logs = np.log1p(dense / np.maximum(depth, 1.0) * np.median(depth))
    logs -= logs.mean(axis=0)
    values, vectors = np.linalg.eigh(logs.T @ logs)
    top = vectors[:, np.argsort(values)[::-1][: min(n_components, dense.shape[1])]]
    # a component's direction is free: let its largest loading be positive
    top *= np.sign(top[np.abs(top).argmax(axis=0), np.arange(top.shape[1])])
    return (logs @ top).astype(np.float32)


def names_of(perturbations: Sequence[Any]) -> str:
    """Return what a measurement of perturbed cells is called in the seeds."""
    return "|".join(one.label for one in perturbations)
