"""What is known of a gene that is asked for: trained, in the graph, like others that are known, or nothing.

A gene outside the vocabulary is written as a weighted mean of genes inside it, by the first of these that knows it:
annotation (GO), the user's embeddings, co-expression. A gene that nothing is known of is given the mean change of the
training perturbations. Which of these it was is said of every prediction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom.core import Perturbation
from reguloom.response.gene_graphs import Annotation, read_annotation

#: From the best to the last resort.
CHAIN = ("trained", "graph", "annotation", "embedding", "coexpression", "mean")
REASONS = {
    "trained": "cells with it were learned from",
    "graph": "not perturbed in training; known through its neighbours in the graph",
    "annotation": "not perturbed in training; stands for genes with similar annotation",
    "embedding": "not perturbed in training; stands for genes with similar embeddings",
    "coexpression": "not perturbed in training; stands for genes it is co-expressed with",
    "mean": "nothing is known of it: the mean change of all training perturbations",
}
N_NEIGHBORS, MIN_SIMILARITY = 10, 0.1


@dataclass(frozen=True)
class Resolved:
    """Perturbations in terms of what a model knows.

    Parameters
    ----------
    design
        Weights of the known genes, ``(n_perturbations, n_vocabulary)``.
    dose
        Dose of each known gene, 0 where it takes no part, same shape.
    unknown
        How many genes of each perturbation nothing is known of.
    source
        The last resort that was needed for each.
    checks
        What has to be said of each, in words; empty where nothing has.
    """

    design: NDArray[np.float32]
    dose: NDArray[np.float32]
    unknown: NDArray[np.int64]
    source: list[str]
    checks: list[str]


@dataclass(frozen=True, eq=False)
class Sources:
    """The vocabulary of a model and the ways around its gaps.

    Parameters
    ----------
    vocabulary
        Genes that the model has a place for.
    trained
        Those of them that training cells received.
    stand_ins
        Kind → genes outside the vocabulary, and their weights, ``(n_genes, n_vocabulary)``; in the order of the chain.
    """

    vocabulary: pd.Index
    trained: frozenset[str]
    stand_ins: Mapping[str, tuple[pd.Index, csr_array]]

    def weights(self, gene: str) -> tuple[str, NDArray[np.float32] | None]:
        """Return where `gene` is known from, and its weights on the vocabulary (None if nothing is known)."""
        row = np.zeros(len(self.vocabulary), dtype=np.float32)
        if gene in self.vocabulary:
            row[self.vocabulary.get_loc(gene)] = 1.0
            return ("trained" if gene in self.trained else "graph"), row
        for kind, (genes, table) in self.stand_ins.items():
            if gene in genes:
                position = int(genes.get_loc(gene))
                part = slice(table.indptr[position], table.indptr[position + 1])
                row[table.indices[part]] = table.data[part]
                return kind, row
        return "mean", None

    def resolve(self, perturbations: Sequence[Perturbation]) -> Resolved:
        """Return perturbations in terms of the vocabulary."""
        shape = (len(perturbations), len(self.vocabulary))
        design, dose = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        unknown = np.zeros(len(perturbations), dtype=np.int64)
        sources, checks = [], []
        for i, one in enumerate(perturbations):
            worst, told = 0, []
            for gene, target in one.targets.items():
                kind, row = self.weights(gene)
                worst = max(worst, CHAIN.index(kind))
                if row is None:
                    unknown[i] += 1
                else:
                    design[i] += row
                    dose[i] = np.maximum(dose[i], (row != 0) * _dose(one, target))
                if CHAIN.index(kind) > 1:
                    told.append(f"{gene}: {REASONS[kind]}{self._names(row)}")
            sources.append(CHAIN[worst])
            checks.append("; ".join(told))
        return Resolved(design, dose, unknown, sources, checks)

    def _names(self, row: NDArray[np.float32] | None) -> str:
        """Return the genes that stand in, strongest first, in brackets."""
        if row is None:
            return ""
        best = [self.vocabulary[i] for i in np.argsort(-row, kind="stable")[:3] if row[i] > 0]
        return f" ({', '.join(best)})"

    def table(self, genes: Iterable[str]) -> pd.DataFrame:
        """Return for each of `genes` and of the vocabulary whether and how it can be asked for."""
        names = pd.Index(sorted({*genes, *self.vocabulary, *(g for one, _ in self.stand_ins.values() for g in one)}))
        kinds = [self.weights(gene)[0] for gene in names]
        columns = {"available": [kind != "mean" for kind in kinds], "source": kinds,
                   "reason": [REASONS[kind] for kind in kinds]}  # fmt: skip
        return pd.DataFrame(columns, index=names.rename("gene"))


def make_sources(
    vocabulary: pd.Index,
    trained: Iterable[str],
    *,
    annotation: Annotation | None = None,
    embeddings: pd.DataFrame | None = None,
    genes: pd.Index | None = None,
    values: Any = None,
) -> Sources:
    """Return the vocabulary with everything that stands in for genes outside it.

    Parameters
    ----------
    vocabulary, trained
        See :class:`Sources`.
    annotation
        Terms of genes.
    embeddings
        One row per gene.
    genes, values
        Measured genes and expression of some cells, ``(n_cells, n_genes)``, for co-expression.
    """
    stand_ins = {}
    if annotation is not None:
        stand_ins["annotation"] = _by_annotation(annotation, vocabulary)
    if embeddings is not None:
        stand_ins["embedding"] = _by_similarity(embeddings.index, _unit(embeddings.to_numpy(np.float64)), vocabulary)
    if genes is not None and values is not None:
        dense = np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)
        stand_ins["coexpression"] = _by_similarity(genes, _unit((dense - dense.mean(axis=0)).T), vocabulary)
    return Sources(vocabulary, frozenset(trained), stand_ins)


def _by_annotation(annotation: Annotation, vocabulary: pd.Index) -> tuple[pd.Index, csr_array]:
    """Weigh genes of the vocabulary by the Jaccard index of their terms."""
    terms = read_annotation(annotation)
    known = [(i, terms[gene]) for i, gene in enumerate(vocabulary) if gene in terms]
    outside = sorted(set(terms) - set(vocabulary))
    carriers: dict[str, list[int]] = {}
    for position, (_, own) in enumerate(known):
        for term in own:
            carriers.setdefault(term, []).append(position)
    names, rows = [], []
    for gene in outside:
        shared: dict[int, int] = {}
        for term in terms[gene]:
            for position in carriers.get(term, ()):
                shared[position] = shared.get(position, 0) + 1
        near = {known[at][0]: n / (len(terms[gene]) + len(known[at][1]) - n) for at, n in shared.items()}
        row = np.zeros(len(vocabulary))
        row[list(near)] = list(near.values())
        if _keep_nearest(row):
            names.append(gene)
            rows.append(csr_array(row[None]))
    return pd.Index(names, dtype=object), _stack(rows, len(vocabulary))


def _by_similarity(genes: pd.Index, unit: NDArray[np.float64], vocabulary: pd.Index) -> tuple[pd.Index, csr_array]:
    """Weigh genes of the vocabulary by the cosine of the rows of `unit`, which have length 1."""
    position = {gene: i for i, gene in enumerate(genes)}
    inside = [(i, position[gene]) for i, gene in enumerate(vocabulary) if gene in position]
    names, rows = [], []
    if inside:
        columns, where = (np.array(part) for part in zip(*inside, strict=True))
        outside = [gene for gene in genes if gene not in set(vocabulary)]
        for start in range(0, len(outside), 512):
            part = outside[start : start + 512]
            near = unit[[position[gene] for gene in part]] @ unit[where].T
            for gene, similarity in zip(part, near, strict=True):
                row = np.zeros(len(vocabulary))
                row[columns] = similarity
                if _keep_nearest(row):
                    names.append(str(gene))
                    rows.append(csr_array(row[None]))
    return pd.Index(names, dtype=object), _stack(rows, len(vocabulary))


def _keep_nearest(row: NDArray[np.float64]) -> bool:
    """Keep the largest similarities above the least one, scaled to sum 1, in place; tell whether any is left."""
    row[row <= MIN_SIMILARITY] = 0.0
    if np.count_nonzero(row) > N_NEIGHBORS:
        row[np.argsort(-row, kind="stable")[N_NEIGHBORS:]] = 0.0
    total = row.sum()
    if total > 0:
        row /= total
    return bool(total > 0)


def _stack(rows: list[csr_array], n_columns: int) -> csr_array:
    """Return rows as one matrix."""
    from scipy.sparse import vstack

    return csr_array(vstack(rows, format="csr")) if rows else csr_array((0, n_columns))


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale rows to length 1; rows of zeros stay."""
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norm, out=np.zeros_like(rows), where=norm > 0)


def _dose(perturbation: Perturbation, target: Any) -> float:
    """Return the dose of one gene, 1 if there is none."""
    if perturbation.dose is not None:
        return float(perturbation.dose)
    return float(target.value) if target.mode == "unknown" and np.isfinite(target.value) else 1.0
