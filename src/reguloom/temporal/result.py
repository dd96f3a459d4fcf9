"""What a fit returns: modules and timing of genes, and what they are worth."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import _keys
from reguloom._errors import InputError
from reguloom.core import Provenance
from reguloom.temporal.profile import Profile

if TYPE_CHECKING:
    from anndata import AnnData

STATIC, UNASSIGNED = "static", "unassigned"


@dataclass(frozen=True, eq=False)
class TemporalModules:
    """Gene modules by their course in time, and when each gene answers. Made by :func:`reguloom.temporal.fit`.

    Parameters
    ----------
    modules
        Gene → module: ``C1``, ``C2`` ... in the order of their half-times, ``static`` or ``unassigned``. Everything
        that names modules reads it from here.
    genes
        One row per gene: ``module``, ``probability`` (of its module), ``level``, ``amplitude``, ``noise``,
        ``statistic``, ``p``, ``q``, ``dynamic``.
    timing
        One row per dynamic gene and track, see :func:`reguloom.temporal.timing`.
    membership
        Genes × modules: share of the groupings (draws, seeds, bootstrap) that put a gene in a module.
    summary
        One row per module: ``n_genes``, ``half_time``, ``onset``, ``class`` (the commonest), ``stability`` (mean
        Jaccard index of repeated groupings).
    selection
        One row per number of modules: ``held_out``, ``se``, ``stability``, ``assigned`` (share of the genes that the
        consensus holds, where it was needed), ``candidate``, ``chosen``; empty if the number was given.
    benchmark
        One row per method, the one that was asked for and every baseline: ``held_out`` (log-likelihood per held-out
        value), ``gain`` and ``gain_se`` (over the best baseline, within the same splits), ``stability`` (adjusted Rand
        index between repetitions), ``shape_explained`` and ``level_explained`` (share of variance between modules),
        ``agreement`` (with the truth, if it was given).
    curves
        ``module``, ``track``, ``time``: ``mean`` shape of a module, ``low`` and ``high`` (5 and 95 % of its genes),
        ``n_genes``.
    profile
        Measured courses of all genes.
    fitted, fitted_error
        Fitted courses less the level and their standard errors, ``(n_genes, n_tracks, n_times)``; zeros for genes that
        were not grouped.
    latent
        Latent of each dynamic gene; empty for methods without one.
    history
        Training and validation curves by ``seed`` and ``epoch``; empty for methods without training.
    method
        What grouped the genes.
    notes
        What a reader has to know.
    provenance
        How it was made.
    """

    modules: pd.Series
    genes: pd.DataFrame
    timing: pd.DataFrame
    membership: pd.DataFrame
    summary: pd.DataFrame
    selection: pd.DataFrame
    benchmark: pd.DataFrame
    curves: pd.DataFrame
    profile: Profile
    fitted: NDArray[np.float64]
    fitted_error: NDArray[np.float64]
    latent: pd.DataFrame
    history: pd.DataFrame
    method: str
    notes: tuple[str, ...]
    provenance: Provenance

    def __repr__(self) -> str:
        """Say the sizes."""
        counts = self.modules.value_counts()
        named = ", ".join(f"{name}: {counts.get(name, 0)}" for name in [*self.names, UNASSIGNED, STATIC])
        return f"TemporalModules({self.method}, {named})"

    @property
    def names(self) -> list[str]:
        """Names of the modules, in the order of their half-times."""
        return [str(name) for name in self.membership.columns]

    @property
    def banner(self) -> str:
        """What the comparison with the baselines says, in one sentence; empty if there is nothing to compare."""
        from reguloom.temporal.benchmark import verdict

        return verdict(self.benchmark, self.method)

    def gene_sets(self) -> dict[str, list[str]]:
        """Return the genes of each module, as ``reguloom.cistarget.enrich`` takes them."""
        return {name: [str(gene) for gene in self.modules.index[self.modules == name]] for name in self.names}

    def first_timing(self) -> pd.DataFrame:
        """Return the timing of each dynamic gene in the track where it changes most, by gene."""
        from reguloom.temporal.numbering import leading

        return leading(self.timing)

    def to_anndata(self) -> AnnData:
        """Return time bins × genes: ``X`` and ``layers`` hold log rates (or means) less the level of a gene.

        Returns
        -------
        AnnData
            ``obs``: ``track``, ``time``; ``layers``: ``fitted``, ``lower``, ``upper`` (90 %), ``error``; ``var``: the
            table of genes, module, half-time and onset; ``varm``: membership and latent; ``uns['temporal']``: every
            other table and the parameters. :meth:`read` makes the result of it again.
        """
        from reguloom.temporal.storage import to_anndata

        return to_anndata(self)

    def to_adata(self, adata: AnnData, *, key_added: str = _keys.TEMPORAL) -> None:
        """Store the modules beside the genes of `adata`.

        Parameters
        ----------
        adata
            Cells × genes, or anything whose ``var_names`` are genes.
        key_added
            Beginning of the names of the slots.

        Writes
        ------
        ``adata.var['temporal_module']`` : categorical
            Module; ``static`` for genes that were not tested.
        ``adata.var['temporal_halftime']``, ``adata.var['temporal_onset']`` : float64
            Hours, in the track where the gene changes most; NaN for genes that do not move.
        ``adata.varm['temporal_latent']`` : float64 ``(n_genes, n_dimensions)``
            Latent of each gene, NaN where there is none. Left out for methods without one.
        ``adata.uns['temporal']`` : dict
            ``method``, ``params`` (JSON), ``notes``, ``benchmark``, ``selection``, ``summary``.
        """
        from reguloom.temporal.storage import to_adata

        to_adata(self, adata, key_added)

    def write(self, folder: str | os.PathLike[str], *, force: bool = False) -> dict[str, Path]:
        """Write ``modules.csv``, ``module_<name>.csv``, ``timing.csv``, ``benchmark.csv`` and ``result.h5ad``.

        Parameters
        ----------
        folder
            Made if it is missing.
        force
            Whether existing files may be replaced.

        Returns
        -------
        What each file is → its path.
        """
        from reguloom.temporal.storage import write

        return write(self, Path(folder), force=force)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> TemporalModules:
        """Read the ``result.h5ad`` that :meth:`write` wrote at `path`, or the folder that it is in."""
        from reguloom.temporal.storage import read

        return read(Path(path))


def check_module_names(names: list[str]) -> None:
    """Refuse names of modules that could not be told from what is no module.

    Raises
    ------
    InputError
        If there are any.
    """
    clash = sorted({STATIC, UNASSIGNED} & set(names))
    if clash:
        msg = f"a module is called {clash[0]!r}, which names genes without one; choose another name."
        raise InputError(msg)
