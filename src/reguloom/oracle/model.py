"""The fitted oracle: ask it what a perturbation does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom._errors import InputError, MissingKeyError, warn
from reguloom.core import Network, Perturbation, Prediction, Provenance
from reguloom.oracle._availability import availability, refuse
from reguloom.oracle._checks import failed_checks
from reguloom.oracle.simulate import out_of_range, propagate

if TYPE_CHECKING:
    from anndata import AnnData

MOST_ROUNDS, MOST_TRUSTED_ROUNDS = 10, 3


@dataclass(frozen=True, eq=False)
class Oracle:
    """A network fitted to cells, which tells the direction in which a perturbation moves them.

    It is linear and local: directions mean something, sizes do not. Made by :func:`reguloom.oracle.fit`.

    Parameters
    ----------
    expression
        Expression that was fitted (imputed, if it was), ``(n_cells, n_genes)``.
    cells, genes
        Names.
    groups
        Group of each cell.
    groupby
        Column that the groups came from; empty if there is one group of all cells.
    prior
        Edges of the prior that join genes of the matrix; its regulators include those that the matrix lacks.
    links
        Every edge weighed in every group: ``coef_mean``, ``coef_abs``, ``se`` (over bags, each a bootstrap of the
        cells), and CellOracle's ``p`` and ``-logp``, which shrink with the number of bags and are no test of an edge.
    network
        The edges that are simulated with, and their coefficients: ``se``, ``ci_low``, ``ci_high``, ``sign_agreement``
        over a bootstrap of blocks of neighbouring cells.
    coefficients
        The same as a matrix for each group, ``(n_genes, n_genes)``, regulators in rows.
    targets
        One row per group and target: ``n_regulators``, ``r2_cv`` (R² in held-out blocks of cells).
    provenance
        How it was made.
    """

    expression: NDArray[np.float64]
    cells: pd.Index
    genes: pd.Index
    groups: pd.Categorical
    groupby: str
    prior: Network
    links: Network
    network: Network
    coefficients: tuple[csr_array, ...]
    targets: pd.DataFrame
    provenance: Provenance

    def __repr__(self) -> str:
        """Say the sizes."""
        n_groups = len(self.groups.categories)
        return (
            f"Oracle({len(self.cells)} cells x {len(self.genes)} genes, {len(self.network)} edges, {n_groups} groups)"
        )

    @property
    def compat(self) -> str | None:
        """Whose rules are followed."""
        return self.provenance.params.get("compat")

    @cached_property
    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest value of each gene."""
        return self.expression.min(axis=0), self.expression.max(axis=0)

    @cached_property
    def regulators(self) -> pd.Index:
        """Genes with at least one edge that is simulated with, by name."""
        out = np.zeros(len(self.genes), dtype=bool)
        for one in self.coefficients:
            out |= np.asarray(abs(one).sum(axis=1)).ravel() > 0
        return self.genes[out].sort_values()

    def available(self) -> pd.DataFrame:
        """Return which genes can be perturbed, and why others cannot.

        Returns
        -------
        One row per gene of the matrix and regulator of the prior: ``available``, ``reason``, ``mean``, ``max``,
        ``n_targets``, ``n_groups`` (with an edge).
        """
        return availability(self)

    def predict(
        self,
        perturbations: Perturbation | Sequence[Perturbation],
        adata: AnnData | None = None,
        *,
        n_propagation: int = 3,
        clip: bool = False,
        extrapolate: bool = False,
        n_jobs: int | None = None,
    ) -> Prediction:
        """Return the shift of expression under a perturbation.

        Parameters
        ----------
        perturbations
            One gives a row per cell; a list gives a row per perturbation, the mean over its cells.
        adata
            Other cells than those of the fit, with the same genes and the column of the groups; ``X`` is taken as it
            is, so smooth it first as the fit did.
        n_propagation
            How many steps along the network the shift takes; above 3 it often grows without bound.
        clip
            Whether simulated values are kept within the observed range of each gene.
        extrapolate
            Whether a gene may be set above twice its range.
        n_jobs
            Threads.

        Raises
        ------
        MissingKeyError
            If a gene is not in the matrix.
        InputError
            If a gene has no edges to act through, or its level is negative or far out of range.
        """
        if not 1 <= n_propagation <= MOST_ROUNDS:
            msg = f"n_propagation is {n_propagation}; accepted are 1 to {MOST_ROUNDS}, and 3 is usual."
            raise InputError(msg)
        several = not isinstance(perturbations, Perturbation)
        asked = list(perturbations) if isinstance(perturbations, Sequence) else [perturbations]
        if not asked:
            msg = "the list of perturbations is empty; give at least one."
            raise InputError(msg)
        values, groups, cells, obs = self._cells(adata)
        checks: dict[str, str] = {}
        rows = []
        for one in asked:
            shift, growth = self._shift(one, values, groups, obs, n_propagation, clip, extrapolate, n_jobs)
            found = failed_checks(self, one, values, shift, growth, groups)
            checks.update({f"{one.label}: {name}" if several else name: text for name, text in found.items()})
            rows.append(shift.mean(axis=0) if several else shift)
        return Prediction(
            delta=np.vstack(rows) if several else rows[0],
            control=values.mean(axis=0) if several else values,
            rows=pd.Index([one.label for one in asked]) if several else cells,
            genes=self.genes,
            perturbations=asked,
            regime="local-linear",
            checks=checks,
            provenance=Provenance(
                "oracle.predict",
                {"n_propagation": n_propagation, "clip": clip, "perturbations": [one.to_dict() for one in asked]},
                self.provenance.seed, inputs={"oracle": self.provenance.to_json()},
                citations=self.provenance.citations,
            ),
        )  # fmt: skip

    def growth(self, perturbation: Perturbation, *, n_propagation: int = 5) -> pd.Series:
        """Return the mean summed absolute shift of a cell after 0, 1, ... steps.

        Parameters
        ----------
        perturbation
            What is done.
        n_propagation
            How many steps are shown. Where the shift keeps growing, the linear model no longer holds.
        """
        shown = self._shift(perturbation, self.expression, self.groups.codes, None, n_propagation, False, True, None)
        return pd.Series(shown[1], index=pd.RangeIndex(n_propagation + 1, name="n_propagation"), name="mean_shift")

    def out_of_range(self, prediction: Prediction) -> pd.DataFrame:
        """Return the genes that a prediction takes out of the range that cells show, farthest first.

        Parameters
        ----------
        prediction
            From :meth:`predict`.

        Returns
        -------
        One row per gene that leaves its range: ``farthest`` (1 is the width of the range), ``share_cells``, ``low``,
        ``high`` (the range).
        """
        delta = np.asarray(prediction.delta)
        control = np.ascontiguousarray(np.broadcast_to(np.asarray(prediction.control), delta.shape))
        farthest, share = out_of_range(control, delta, self.limits)
        table = pd.DataFrame(
            {"farthest": farthest, "share_cells": share, "low": self.limits[0], "high": self.limits[1]},
            index=pd.Index(self.genes, name="gene"),
        )
        return table[farthest > 0].sort_values("farthest", ascending=False, kind="stable")

    def dose_series(
        self, gene: str, *, levels: Sequence[float] | None = None, n_doses: int = 9, mask: str | None = None
    ) -> list[Perturbation]:
        """Return perturbations of one gene from 0 to its highest level.

        Parameters
        ----------
        gene
            Name.
        levels
            The levels; evenly spaced if left out.
        n_doses
            How many.
        mask
            Column of ``adata.obs`` that says which cells.
        """
        refuse(self, [gene])
        top = float(self.limits[1][self.genes.get_loc(gene)])
        doses = np.linspace(0.0, top, n_doses) if levels is None else levels
        return [Perturbation.overexpress(gene, level=float(dose), mask=mask) for dose in doses]

    def write(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write everything to one h5ad file or zarr store, which :meth:`read` takes.

        Parameters
        ----------
        path
            ``.h5ad`` or ``.zarr``.
        force
            Whether an existing file may be replaced.
        """
        from reguloom.oracle.persistence import write_oracle

        write_oracle(self, path, force=force)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Oracle:
        """Read what :meth:`write` wrote to `path`."""
        from reguloom.oracle.persistence import read_oracle

        return read_oracle(path)

    def _cells(self, adata: AnnData | None) -> tuple[NDArray[np.float64], NDArray[Any], pd.Index, Any]:
        """Return expression, group numbers, names and annotation of the cells to perturb."""
        if adata is None:
            return self.expression, self.groups.codes, self.cells, None
        from reguloom.core import Expression
        from reguloom.oracle._input import take_groups

        expression = Expression.of(adata)
        missing = self.genes.difference(expression.genes)
        if len(missing):
            msg = f"the cells lack {len(missing)} of the oracle's {len(self.genes)} genes, such as {list(missing[:3])}."
            raise MissingKeyError(msg)
        labels = take_groups(adata, self.groupby or None, expression.n_cells)
        codes = self.groups.categories.get_indexer(pd.Index(labels.astype(str)))
        if (codes < 0).any():
            unknown = sorted(set(labels.astype(str)) - set(self.groups.categories))
            msg = f"the oracle was not fitted on the groups {unknown[:3]}; it has {list(self.groups.categories)}."
            raise InputError(msg)
        return expression.select_genes(self.genes).to_dense(), codes, expression.cells, adata.obs

    def _shift(
        self, one: Perturbation, values: Any, groups: Any, obs: Any, n: int, clip: bool, extrapolate: bool, n_jobs: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the shift under one perturbation, and its size after each step."""
        shift, growth = propagate(
            values, self._levels(one, values, obs, extrapolate), self.coefficients, groups, n_propagation=n,
            pin="value" if self.compat else "gene", clip=clip, limits=self.limits, n_jobs=n_jobs,
        )  # fmt: skip
        if n > MOST_TRUSTED_ROUNDS and not extrapolate:
            steps = ", ".join(f"{size:.3g}" for size in growth)
            warn(
                f"n_propagation is {n}: above {MOST_TRUSTED_ROUNDS} the shift is no longer local; the summed shift of "
                f"a cell after 0, 1, ... steps is {steps}."
            )
        return shift, growth

    def _levels(self, one: Perturbation, values: Any, obs: Any, extrapolate: bool) -> dict[int, NDArray[np.float64]]:
        """Return the column of each perturbed gene with its level in every cell."""
        refuse(self, one.genes)
        inside = np.ones(len(values), dtype=bool)
        if one.mask is not None:
            if obs is None or one.mask not in obs:
                msg = f"the perturbation is of the cells in {one.mask!r}; give adata= with that column in obs."
                raise MissingKeyError(msg)
            inside = obs[one.mask].to_numpy(dtype=bool)
        made = {}
        for gene, target in one.targets.items():
            column = int(self.genes.get_loc(gene))
            level = np.where(inside, target.level(values[:, column]), values[:, column])
            low, high = self.limits[0][column], self.limits[1][column]
            if level.min() < 0 or (level.max() > 2 * high - low and not extrapolate):
                msg = (
                    f"{gene} is set to {level.min():.3g} to {level.max():.3g}, and cells show {low:.3g} to {high:.3g}; "
                    f"accepted are 0 to {2 * high - low:.3g}, beyond with extrapolate=True."
                )
                raise InputError(msg)
            made[column] = level
        return made
