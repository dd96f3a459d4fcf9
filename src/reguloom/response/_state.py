"""What a fitted model remembers beside its weights: names, control cells, mean changes; and how that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom._random import generator
from reguloom.core import Perturbation, PerturbationData
from reguloom.core.perturbation import Target
from reguloom.core.provenance import plain
from reguloom.response._sources import Sources

#: Control cells of each context that are kept for predictions without data.
MOST_CONTROLS = 300
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Cells:
    """Control cells to start from.

    Parameters
    ----------
    values
        Log-normalised expression, ``(n_cells, n_genes)``.
    context
        Number of each cell's context; -1 for one that was not trained on.
    counts
        Counts, if the model needs them.
    scale
        Factor that normalises each cell's counts.
    names
        Names of the cells.
    """

    values: csr_array
    context: NDArray[np.int64]
    counts: csr_array | None
    scale: NDArray[np.float32] | None
    names: pd.Index

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.context)

    def dense(self) -> NDArray[np.float32]:
        """Return the values as an array."""
        return self.values.toarray()

    def select(self, mask: NDArray[Any]) -> Cells:
        """Return the cells in `mask`."""
        return Cells(self.values[mask], self.context[mask], None if self.counts is None else self.counts[mask],
                     None if self.scale is None else self.scale[mask], self.names[mask])  # fmt: skip


@dataclass(frozen=True, eq=False)
class State:
    """What a fitted model remembers.

    Parameters
    ----------
    genes
        Measured genes.
    contexts
        Contexts that were trained on.
    reading
        How cells are read: ``perturbation``, ``covariates``, ``layer``, ``kind``, ``target_sum``.
    sources
        Which genes can be asked for, and how.
    controls
        Some control cells of every context.
    mean_change
        Mean change over training perturbations, by context, ``(n_contexts, n_genes)``.
    control_mean
        Mean of all control cells of each context, same shape.
    conditions
        Perturbations that were trained on.
    n_cells
        Training cells of each.
    facts
        Everything else, as JSON holds it: seed, split, fingerprint of the data.
    extra
        Arrays of one kind of model.
    """

    genes: pd.Index
    contexts: tuple[str, ...]
    reading: Mapping[str, Any]
    sources: Sources
    controls: Cells
    mean_change: NDArray[np.float64]
    control_mean: NDArray[np.float64]
    conditions: tuple[Perturbation, ...]
    n_cells: NDArray[np.int64]
    facts: Mapping[str, Any]
    extra: Arrays = field(default_factory=dict)

    def pack(self) -> tuple[Arrays, dict[str, Any]]:
        """Return everything as arrays and plain values."""
        arrays = {f"extra.{name}": one for name, one in self.extra.items()}
        arrays |= {"control_mean": self.control_mean, "mean_change": self.mean_change}
        arrays |= {"n_cells": self.n_cells, "controls.context": self.controls.context}
        _put(arrays, "controls.values", self.controls.values)
        if self.controls.counts is not None and self.controls.scale is not None:
            _put(arrays, "controls.counts", self.controls.counts)
            arrays["controls.scale"] = self.controls.scale
        for kind, (_, table) in self.sources.stand_ins.items():
            _put(arrays, f"stand_in.{kind}", table)
        told = {
            "genes": list(self.genes),
            "contexts": list(self.contexts),
            "reading": dict(self.reading),
            "vocabulary": list(self.sources.vocabulary),
            "trained": sorted(self.sources.trained),
            "stand_ins": {kind: list(genes) for kind, (genes, _) in self.sources.stand_ins.items()},
            "control_names": list(self.controls.names),
            "conditions": [one.to_dict() for one in self.conditions],
            "facts": dict(self.facts),
        }
        return arrays, plain(told)

    @classmethod
    def unpack(cls, arrays: Arrays, told: Mapping[str, Any]) -> State:
        """Return the state that :meth:`pack` took apart."""
        n_genes, n_vocabulary = len(told["genes"]), len(told["vocabulary"])
        stand_ins = {kind: (pd.Index(genes, dtype=object), _get(arrays, f"stand_in.{kind}", n_vocabulary))
                     for kind, genes in told["stand_ins"].items()}  # fmt: skip
        vocabulary = pd.Index(told["vocabulary"], dtype=object)
        controls = Cells(
            _get(arrays, "controls.values", n_genes),
            arrays["controls.context"],
            _get(arrays, "controls.counts", n_genes) if "controls.scale" in arrays else None,
            arrays.get("controls.scale"),
            pd.Index(told["control_names"], dtype=object),
        )
        return cls(
            genes=pd.Index(told["genes"], dtype=object),
            contexts=tuple(told["contexts"]),
            reading=told["reading"],
            sources=Sources(vocabulary, frozenset(told["trained"]), stand_ins),
            controls=controls,
            mean_change=arrays["mean_change"],
            control_mean=arrays["control_mean"],
            conditions=tuple(_perturbation(one) for one in told["conditions"]),
            n_cells=arrays["n_cells"],
            facts=told["facts"],
            extra={name.removeprefix("extra."): one for name, one in arrays.items() if name.startswith("extra.")},
        )


def keep_controls(data: PerturbationData, seed: int, *, counts: bool) -> Cells:
    """Return some control cells of every context, drawn by `seed`.

    Parameters
    ----------
    data
        The screen.
    seed
        Root seed.
    counts
        Whether counts are kept as well.
    """
    chosen = []
    for context, name in enumerate(data.contexts):
        there = np.flatnonzero(data.is_control & (data.context_codes == context))
        few = generator(seed, "controls", name).permutation(there)[:MOST_CONTROLS]
        chosen.append(np.sort(few))
    cells = np.concatenate(chosen)
    return cells_of(data, cells, counts=counts)


def cells_of(data: PerturbationData, cells: NDArray[np.int64], *, counts: bool) -> Cells:
    """Return cells of a screen by position.

    Parameters
    ----------
    data
        The screen.
    cells
        Positions.
    counts
        Whether counts are taken as well.
    """
    taken, scale = None, None
    if counts:
        raw = data.counts(cells)
        taken = csr_array(raw)
        scale = size_factors(raw, target_of(data)) if data.scale is None else data.scale[cells]
    names = data.cells[cells].astype(str)
    return Cells(csr_array(data.values(cells)), data.context_codes[cells].astype(np.int64), taken, scale, names)


def target_of(data: PerturbationData) -> float | None:
    """Return the total to which the screen's counts are normalised; None if there are no counts."""
    if not data.has_counts:
        return None
    some = np.flatnonzero(data.is_control)[:200]
    counts = data.counts(some)
    if data.scale is not None:
        totals = counts.sum(axis=1)
        first = int(np.argmax(totals > 0))
        return float(data.scale[some[first]] * totals[first])
    # Log-normalised beside counts: what the largest entry of a cell says of the factor.
    values, position = data.values(some), counts.argmax(axis=1)
    rows = np.arange(len(some))
    top = counts[rows, position]
    factor = np.divide(np.expm1(values[rows, position]), top, out=np.ones_like(top), where=top > 0)
    return float(np.median(factor * counts.sum(axis=1)))


def size_factors(counts: NDArray[Any], target: float | None) -> NDArray[np.float32]:
    """Return the factor that brings each cell's total to `target`; 1 for empty cells.

    Parameters
    ----------
    counts
        ``(n_cells, n_genes)``.
    target
        The total; the median of the cells if None.
    """
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    wanted = float(np.median(totals[totals > 0])) if target is None else target
    return np.divide(wanted, totals, out=np.ones_like(totals), where=totals > 0).astype(np.float32)


def _perturbation(fields: Mapping[str, Any]) -> Perturbation:
    """Return the perturbation that ``to_dict`` wrote."""
    targets = {gene: Target(one["mode"], one["value"]) for gene, one in fields["targets"].items()}
    return Perturbation(targets, fields["dose"], fields["mask"])


def _put(arrays: Arrays, name: str, matrix: csr_array) -> None:
    """Store a sparse matrix as its three arrays."""
    arrays[f"{name}.data"] = np.asarray(matrix.data, dtype=np.float32)
    arrays[f"{name}.indices"] = np.asarray(matrix.indices, dtype=np.int64)
    arrays[f"{name}.indptr"] = np.asarray(matrix.indptr, dtype=np.int64)


def _get(arrays: Arrays, name: str, n_columns: int) -> csr_array:
    """Return a stored sparse matrix."""
    data, indices, indptr = (arrays[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
    return csr_array((data, indices, indptr), shape=(len(indptr) - 1, n_columns))
