"""A perturbation screen, read once: which cells received what, where, and which controls belong to them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, MissingKeyError
from reguloom.core import _perturbation_reading as reading
from reguloom.core.expression import Expression
from reguloom.core.perturbation import Perturbation, Target
from reguloom.core.provenance import fingerprint
from reguloom.core.pseudobulk import Pseudobulk

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy.sparse import csr_array

BLOCK = 2048
#: Fewer control cells than this in a context and batch, and the controls of the whole context are taken.
MIN_CONTROLS = 10
KINDS_OF_PERTURBATION = ("unknown", "knockout", "overexpression")


@dataclass(frozen=True)
class ControlPool:
    """Control cells that belong to a context and a batch.

    Parameters
    ----------
    cells
        Their positions.
    level
        How closely they match: ``batch`` (same context and batch), ``context``, or ``all`` (no control has this
        context, so those of all contexts stand in).
    """

    cells: NDArray[np.int64]
    level: str


@dataclass(frozen=True, eq=False, repr=False)
class PerturbationData:
    """Cells of a screen with their perturbations.

    Values are stored as they came (counts or log-normalised, sparse, dense or on disk) and leave as log-normalised
    single precision, a block at a time: a large screen needs no second copy.

    Parameters
    ----------
    expression
        The matrix as it came, ``(n_source_cells, n_genes)``.
    conditions
        Every distinct perturbation, control first, the others by label; genes sorted.
    condition_codes
        Which one each cell received, ``(n_cells,)``.
    contexts, context_codes
        Distinct values of the covariates joined by ``|`` (``all`` without covariates), and each cell's.
    batches, batch_codes
        The same for batches.
    kind
        What `expression` holds: ``counts`` or ``log``.
    scale
        Factor that normalises a cell's counts, ``(n_cells,)``; None for log-normalised values.
    rows
        Position of each cell in `expression`; None if they are all there in order.
    obs
        Labels, covariates and batch as they came, one row for each cell.
    raw_labels
        Labels as they came, in order of appearance, with the position of the condition that each became.
    target_mode
        What the screen does to a gene: ``unknown``, ``knockout``, ``overexpression``.
    counts_source
        Where counts are, if `expression` holds log-normalised values.
    """

    expression: Expression
    conditions: tuple[Perturbation, ...]
    condition_codes: NDArray[np.int32]
    contexts: tuple[str, ...]
    context_codes: NDArray[np.int32]
    batches: tuple[str, ...]
    batch_codes: NDArray[np.int32]
    kind: str
    scale: NDArray[np.float32] | None
    rows: NDArray[np.int64] | None
    obs: pd.DataFrame
    raw_labels: dict[str, int]
    target_mode: str = "unknown"
    counts_source: Expression | None = None

    @classmethod
    def from_anndata(
        cls,
        adata: AnnData,
        *,
        perturbation: str | None = None,
        control: str | Sequence[str] | None = None,
        covariates: str | Sequence[str] = (),
        batch: str | None = None,
        dose: str | None = None,
        layer: str | None = None,
        counts_layer: str | None = None,
        values: str = "auto",
        sep: str | None = None,
        target_sum: float | None = None,
        target_mode: str = "unknown",
    ) -> PerturbationData:
        """Read a screen.

        Parameters
        ----------
        adata
            Cells × genes, in memory or backed.
        perturbation
            Column of ``adata.obs`` with the labels: scPerturb (``A``, ``A_B``, ``control``), GEARS (``A+ctrl``,
            ``ctrl+A``, ``A+B``, ``ctrl``), pertpy (``A+B``), any number of genes. By default the first usual name.
        control
            Further names of controls, beside the usual ones (``control``, ``ctrl``, ``non-targeting`` ...).
        covariates
            Columns whose joined values are a cell's context, such as its type.
        batch
            Column with the batch.
        dose
            Column with the dose: a number, or ``0.1+1`` in the order of the label.
        layer
            Layer to use in place of ``X``.
        counts_layer
            Layer with counts, for models that need them, if `layer` is log-normalised.
        values
            ``auto`` looks at the values; ``counts`` or ``log`` says what they are, unchecked.
        sep
            What separates genes in a label; found out if left out.
        target_sum
            Total to which counts are normalised; the median total if left out.
        target_mode
            What is done to each gene: ``unknown``, ``knockout``, ``overexpression``; predictors that need to know
            are asked accordingly.

        Raises
        ------
        InputError
            If there are no controls, or the values are neither counts nor log-normalised.
        MissingKeyError
            If a column or layer is not there.

        Examples
        --------
        >>> import reguloom as rl
        >>> world = rl.datasets.world("S", 100)
        >>> screen = world.perturb([rl.Perturbation.knockout(world.tfs[0])], n_cells=50)
        >>> rl.core.PerturbationData.from_anndata(screen)
        PerturbationData(100 cells x 20 genes, 1 perturbation and control, 1 context)
        """
        if target_mode not in KINDS_OF_PERTURBATION:
            msg = f"target_mode is {target_mode!r}; accepted are {', '.join(KINDS_OF_PERTURBATION)}."
            raise InputError(msg)
        fields = reading.read(adata, perturbation=perturbation, control=control, covariates=covariates, batch=batch,
                              dose=dose, layer=layer, counts_layer=counts_layer, values=values, sep=sep,
                              target_sum=target_sum)  # fmt: skip
        return cls(**fields, target_mode=target_mode)

    @classmethod
    def of(cls, data: PerturbationData | AnnData, **options: Any) -> PerturbationData:
        """Return a screen that was read already as it is, and read an AnnData.

        Parameters
        ----------
        data
            Either.
        options
            For :meth:`from_anndata`; there is no use for them where `data` was read already.

        Raises
        ------
        InputError
            If there are options for a screen that was read already, or unknown ones.
        """
        if isinstance(data, cls):
            if options:
                msg = (
                    f"there is no use for {next(iter(options))}= here: the screen was read already, so say it to "
                    "PerturbationData.from_anndata, or give the AnnData."
                )
                raise InputError(msg)
            return data
        accepted = list(inspect.signature(cls.from_anndata).parameters)[1:]
        for name in options:
            if name not in accepted:
                msg = f"there is no option {name!r}; to read the screen there are {', '.join(accepted)}."
                raise InputError(msg)
        return cls.from_anndata(cast("AnnData", data), **options)

    def __repr__(self) -> str:
        """Say the size."""
        n, m = len(self.conditions) - 1, len(self.contexts)
        return (
            f"PerturbationData({self.n_cells} cells x {self.n_genes} genes, {n} perturbation{'s' * (n != 1)} and "
            f"control, {m} context{'s' * (m != 1)})"
        )

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.condition_codes)

    @property
    def n_genes(self) -> int:
        """Number of measured genes."""
        return self.expression.n_genes

    @property
    def genes(self) -> pd.Index:
        """Names of the measured genes."""
        return self.expression.genes

    @property
    def cells(self) -> pd.Index:
        """Names of the cells."""
        return self.expression.cells if self.rows is None else self.expression.cells[self.rows]

    @cached_property
    def condition_labels(self) -> tuple[str, ...]:
        """Label of each condition: ``control``, ``A``, ``A+B``, ``A@0.5``."""
        return tuple(one.label for one in self.conditions)

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """Every gene (or drug) that some cell received, sorted; a target need not be measured."""
        return tuple(sorted({gene for one in self.conditions for gene in one.genes}))

    @cached_property
    def is_control(self) -> NDArray[np.bool_]:
        """Which cells are controls, ``(n_cells,)``."""
        return self.condition_codes == 0

    @cached_property
    def has_counts(self) -> bool:
        """Whether counts can be had."""
        return self.kind == "counts" or self.counts_source is not None

    @cached_property
    def X(self) -> csr_array:
        """All values, log-normalised, CSR in single precision; made at the first call and kept."""
        from scipy.sparse import csr_array, vstack

        if self.kind == "log" and self.rows is None and not self.expression.is_backed:
            return csr_array(self.expression.X, dtype=np.float32)
        return csr_array(vstack([csr_array(block) for _, _, block in self.blocks()], format="csr"))

    def condition(self, label: str) -> int:
        """Return the position of the condition with this `label`, written in any notation."""
        if label in self.condition_labels:
            return self.condition_labels.index(label)
        if label in self.raw_labels:
            return self.raw_labels[label]
        parsed = reading.canonical(label)
        if parsed in self.condition_labels:
            return self.condition_labels.index(parsed)
        msg = f"no cell received {label!r}; the screen has {list(self.condition_labels[1:6])} and others."
        raise MissingKeyError(msg)

    def asked(self, condition: int | str) -> Perturbation:
        """Return a condition, by position or label, as the question that predictors with equations can answer.

        Parameters
        ----------
        condition
            Position, or label.
        """
        found = self.conditions[self.condition(condition) if isinstance(condition, str) else condition]
        if self.target_mode == "unknown" or found.is_control:
            return found
        target = Target("level", 0.0) if self.target_mode == "knockout" else Target("max")
        return Perturbation(dict.fromkeys(found.genes, target), found.dose, found.mask)

    def values(self, cells: Any) -> NDArray[np.float32]:
        """Return log-normalised expression of `cells` (positions or a mask), dense, ``(n, n_genes)``."""
        block = self.sparse_values(cells)
        return np.ascontiguousarray(block.toarray() if hasattr(block, "indptr") else block, dtype=np.float32)

    def sparse_values(self, cells: Any) -> Any:
        """Return log-normalised expression of `cells` as it is stored: CSR, or an array."""
        chosen = self._positions(cells)
        block = self.expression.select_cells(chosen if self.rows is None else self.rows[chosen]).X
        return self._normalised(block, chosen)

    def counts(self, cells: Any) -> NDArray[np.float32]:
        """Return counts of `cells` (positions or a mask), dense, ``(n, n_genes)``.

        Raises
        ------
        MissingKeyError
            If the screen came without counts.
        """
        source = self.expression if self.kind == "counts" else self.counts_source
        if source is None:
            msg = "the screen holds log-normalised values alone; say where counts are with counts_layer=."
            raise MissingKeyError(msg)
        chosen = self._positions(cells)
        return source.select_cells(chosen if self.rows is None else self.rows[chosen]).to_dense(np.float32)

    def blocks(self, n_rows: int = BLOCK) -> Iterator[tuple[int, int, Any]]:
        """Yield ``(start, stop, values)`` for consecutive cells, log-normalised, CSR or dense as stored.

        Parameters
        ----------
        n_rows
            Cells in one block; bounds the memory.
        """
        if self.rows is None:
            for start, stop, block in self.expression.blocks(n_rows):
                yield start, stop, self._normalised(block, np.arange(start, stop))
            return
        for start in range(0, self.n_cells, n_rows):
            stop = min(start + n_rows, self.n_cells)
            yield start, stop, self.sparse_values(np.arange(start, stop))

    def cells_of(self, condition: int | str, context: int | str | None = None) -> NDArray[np.int64]:
        """Return the positions of the cells of a condition, in one context or in all.

        Parameters
        ----------
        condition
            Position, or label.
        context
            Position, or label; all if left out.
        """
        code = self.condition(condition) if isinstance(condition, str) else condition
        mask = self.condition_codes == code
        if context is not None:
            mask &= self.context_codes == (self.contexts.index(context) if isinstance(context, str) else context)
        return np.flatnonzero(mask)

    @cached_property
    def _pools(self) -> dict[tuple[int, int], ControlPool]:
        """Control cells for every pair of context and batch that has cells."""
        pairs = np.unique(np.stack([self.context_codes, self.batch_codes], axis=1), axis=0)
        everywhere = np.flatnonzero(self.is_control)
        pools = {}
        for context, batch in pairs.tolist():
            near = everywhere[self.context_codes[everywhere] == context]
            nearest = near[self.batch_codes[near] == batch]
            if len(nearest) >= MIN_CONTROLS or len(nearest) == len(near) > 0:
                level = "batch" if len(self.batches) > 1 else "context"
                pools[context, batch] = ControlPool(nearest, level)
            else:
                pools[context, batch] = ControlPool(near, "context") if len(near) else ControlPool(everywhere, "all")
        return pools

    def control_pool(self, context: int, batch: int = 0) -> ControlPool:
        """Return the control cells for a context and a batch.

        With fewer than 10 of them in the batch those of the context stand in, and those of all contexts where the
        context has none; ``level`` says which.

        Parameters
        ----------
        context, batch
            Positions in ``contexts`` and ``batches``.
        """
        if (context, batch) in self._pools:
            return self._pools[context, batch]
        near = np.flatnonzero(self.is_control & (self.context_codes == context))
        return ControlPool(near, "context") if len(near) else ControlPool(np.flatnonzero(self.is_control), "all")

    def control_pools(self) -> pd.DataFrame:
        """Return a table of the pools: context, batch, number of controls, and how closely they match."""
        rows = [(self.contexts[context], self.batches[batch], len(pool.cells), pool.level)
                for (context, batch), pool in self._pools.items()]  # fmt: skip
        return pd.DataFrame(rows, columns=["context", "batch", "n_controls", "level"])

    def matched_controls(self, cells: Any, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw one matched control cell for each of `cells`.

        Parameters
        ----------
        cells
            Positions or a mask.
        rng
            Where chance comes from.
        """
        chosen = self._positions(cells)
        draw = rng.random(len(chosen))
        drawn = np.empty(len(chosen), dtype=np.int64)
        codes = self.context_codes[chosen].astype(np.int64) * len(self.batches) + self.batch_codes[chosen]
        for code in np.unique(codes):
            pool = self.control_pool(*divmod(int(code), len(self.batches))).cells
            here = codes == code
            drawn[here] = pool[(draw[here] * len(pool)).astype(np.int64)]
        return drawn

    def design(
        self, perturbations: Sequence[Perturbation] | None = None, *, dose: bool = False, targets: Sequence[str] = ()
    ) -> NDArray[np.float32]:
        """Return which targets each perturbation has, ``(n_perturbations, n_targets)``, 0 and 1.

        Parameters
        ----------
        perturbations
            The conditions of the screen if left out.
        dose
            Write the dose in place of 1 (1 where there is none).
        targets
            Columns; those of the screen if left out. Targets that are no column are left out.
        """
        names = list(targets) or list(self.targets)
        column = {name: i for i, name in enumerate(names)}
        many = self.conditions if perturbations is None else perturbations
        table = np.zeros((len(many), len(names)), dtype=np.float32)
        for row, one in zip(table, many, strict=True):
            for gene, target in one.targets.items():
                if gene in column:
                    row[column[gene]] = reading.dose_of(one, target) if dose else 1.0
        return table

    @cached_property
    def _pseudobulk(self) -> Pseudobulk:
        """Profiles of all cells."""
        return reading.pseudobulk(self, None)

    def pseudobulk(self, cells: Any = None) -> Pseudobulk:
        """Return mean profiles of every pair of condition and context, each with its matched control.

        Parameters
        ----------
        cells
            The cells to use (positions, possibly repeated, or a mask); all if left out.
        """
        return self._pseudobulk if cells is None else reading.pseudobulk(self, self._positions(cells))

    def select(self, cells: Any) -> PerturbationData:
        """Return the screen with `cells` alone (positions or a mask); conditions and contexts keep their positions."""
        chosen = self._positions(cells)
        return replace(
            self,
            condition_codes=self.condition_codes[chosen],
            context_codes=self.context_codes[chosen],
            batch_codes=self.batch_codes[chosen],
            scale=None if self.scale is None else self.scale[chosen],
            rows=chosen if self.rows is None else self.rows[chosen],
            obs=self.obs.iloc[chosen],
        )

    def fingerprint(self) -> str:
        """Return a hash of names, labels and mean profiles; the same for a copy on disk and one in memory."""
        bulk = self.pseudobulk()
        means = np.round(bulk.means, 6).astype(np.float32)
        return fingerprint(list(self.genes), list(self.condition_labels), list(self.contexts), means, bulk.n_cells)

    def _positions(self, cells: Any) -> NDArray[np.int64]:
        """Return positions for positions or a mask."""
        array = np.asarray(cells)
        return np.flatnonzero(array) if array.dtype == bool else np.atleast_1d(array).astype(np.int64)

    def _normalised(self, block: Any, cells: NDArray[np.int64]) -> Any:
        """Return a block of stored values, log-normalised in single precision, leaving the source as it was."""
        from scipy.sparse import csr_array

        sparse = hasattr(block, "indptr")
        if self.kind == "log" or self.scale is None:
            return csr_array(block, dtype=np.float32) if sparse else np.asarray(block, dtype=np.float32)
        if not sparse:
            return np.log1p(np.asarray(block, dtype=np.float32) * self.scale[cells, None])
        rows = csr_array(block, dtype=np.float32, copy=True)
        rows.data = np.log1p(rows.data * np.repeat(self.scale[cells], np.diff(rows.indptr)))
        return rows
