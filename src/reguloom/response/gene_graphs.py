"""Graphs between genes: shared annotation (GO) and co-expression, as sparse matrices with targets in rows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array

from reguloom._errors import InputError
from reguloom._files import existing, open_text
from reguloom._reading import content_errors

Annotation = Mapping[str, Iterable[str]] | str | os.PathLike[str]
"""Gene → its terms, or a file: GMT (a term and its genes in each line), GAF (GO's own format), JSON (gene → terms)."""
BLOCK = 512


def read_annotation(annotation: Annotation) -> dict[str, frozenset[str]]:
    """Return the terms of each gene.

    Parameters
    ----------
    annotation
        A mapping of genes to terms, or a file: ``.gmt``, ``.gaf``, ``.json``, each also with ``.gz``.

    Raises
    ------
    InputError
        If the file is of another kind, or annotates nothing.
    """
    if isinstance(annotation, Mapping):
        return {str(gene): frozenset(map(str, terms)) for gene, terms in annotation.items()}
    path = existing(Path(annotation), what="annotation of genes")
    kind = next((one for one in reversed(path.suffixes) if one != ".gz"), "")
    readers = {".gmt": _read_gmt, ".gaf": _read_gaf, ".json": _read_json}
    if kind not in readers:
        msg = f"{path} is no annotation that is known; accepted are .gmt, .gaf and .json, each also with .gz."
        raise InputError(msg)
    with content_errors(path, what="annotation of genes"):
        found = readers[kind](path)
    if not found:
        msg = f"{path} annotates no gene; a .gmt line is a term, a description and genes, separated by tabs."
        raise InputError(msg)
    return {gene: frozenset(terms) for gene, terms in found.items()}


def _read_gmt(path: Path) -> dict[str, set[str]]:
    """Read a term, its description and its genes from each line."""
    found: dict[str, set[str]] = {}
    with open_text(path) as lines:
        for line in lines:
            term, *rest = line.rstrip("\n").split("\t")
            for gene in filter(None, rest[1:]):
                found.setdefault(gene, set()).add(term)
    return found


def _read_gaf(path: Path) -> dict[str, set[str]]:
    """Read symbol and term from each line, without those that say NOT."""
    found: dict[str, set[str]] = {}
    with open_text(path) as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if not line.startswith("!") and len(fields) > 4 and "NOT" not in fields[3].split("|"):
                found.setdefault(fields[2], set()).add(fields[4])
    return found


def _read_json(path: Path) -> dict[str, set[str]]:
    """Read a mapping of genes to lists of terms."""
    try:
        with open_text(path) as handle:
            return {str(gene): set(map(str, terms)) for gene, terms in json.load(handle).items()}
    except (ValueError, AttributeError, TypeError) as error:
        msg = f"{path} does not map genes to lists of terms ({error})."
        raise InputError(msg) from error


def annotation_graph(
    annotation: Annotation, genes: Iterable[str] | None = None, *, threshold: float = 0.1, n_neighbors: int = 20
) -> tuple[pd.Index, csr_array]:
    """Join genes that share terms: Jaccard index above a threshold, the strongest for each target, and itself.

    Parameters
    ----------
    annotation
        See :func:`read_annotation`.
    genes
        Only these; all that are annotated if left out.
    threshold
        The index must be above it.
    n_neighbors
        How many neighbours a target has at most, itself not counted.

    Returns
    -------
    The annotated genes, sorted, and weights ``(n_genes, n_genes)``, targets in rows.
    """
    terms = read_annotation(annotation)
    nodes = pd.Index(sorted(terms if genes is None else set(genes) & set(terms)), dtype=object)
    number: dict[str, int] = {}
    rows, columns = [], []
    for row, gene in enumerate(nodes):
        for term in sorted(terms[gene]):
            rows.append(row)
            columns.append(number.setdefault(term, len(number)))
    shape = (len(nodes), max(len(number), 1))
    member = csr_array(coo_array((np.ones(len(rows), dtype=np.float64), (rows, columns)), shape=shape))
    size = member.sum(axis=1)
    blocks = []
    for start in range(0, len(nodes), BLOCK):
        common = coo_array(member[start : start + BLOCK] @ member.T)
        target, source = common.coords
        index = common.data / (size[start + target] + size[source] - common.data)
        keep = index > threshold
        blocks.append(_strongest(start + target[keep], source[keep], index[keep], n_neighbors + 1))
    target, source, weight = (np.concatenate(part) for part in zip(*blocks, strict=True)) if blocks else ([], [], [])
    return nodes, csr_array(coo_array((weight, (target, source)), shape=(len(nodes), len(nodes))))


def coexpression_graph(values: Any, *, threshold: float = 0.4, n_neighbors: int = 20) -> csr_array:
    """Join genes whose expression correlates: the strongest for each gene by size, and itself.

    Parameters
    ----------
    values
        Log-normalised expression, ``(n_cells, n_genes)``, sparse or dense.
    threshold
        The absolute Pearson correlation must be above it.
    n_neighbors
        How many neighbours a gene has at most, itself not counted.

    Returns
    -------
    Absolute correlations ``(n_genes, n_genes)``, targets in rows.
    """
    n_cells, n_genes = values.shape
    mean = np.asarray(values.mean(axis=0), dtype=np.float64).ravel()
    sparse = hasattr(values, "indptr")
    square = (values * values if not sparse else values.multiply(values)).mean(axis=0)
    spread = np.sqrt(np.maximum(np.asarray(square, dtype=np.float64).ravel() - mean**2, 0.0))
    spread[spread < 1e-6] = np.inf
    blocks = []
    for start in range(0, n_genes, BLOCK):
        stop = min(start + BLOCK, n_genes)
        part = values[:, start:stop].astype(np.float64)
        cross = part.T @ values
        cross = np.asarray(cross.toarray() if hasattr(cross, "toarray") else cross, dtype=np.float64) / n_cells
        r = np.abs((cross - np.outer(mean[start:stop], mean)) / np.outer(spread[start:stop], spread))
        target, source = np.nonzero(r > threshold)
        blocks.append(_strongest(start + target, source, r[target, source], n_neighbors + 1))
    target, source, weight = (np.concatenate(part) for part in zip(*blocks, strict=True))
    return csr_array(coo_array((weight, (target, source)), shape=(n_genes, n_genes)))


def _strongest(
    target: NDArray[Any], source: NDArray[Any], weight: NDArray[Any], n: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Keep the `n` largest weights of each target; among equals those that come first."""
    order = np.lexsort((source, -weight, target))
    target, source, weight = target[order], source[order], weight[order]
    first = np.searchsorted(target, target, side="left")
    keep = np.arange(len(target)) - first < n
    return target[keep], source[keep], weight[keep]


def normalised(graph: csr_array) -> csr_array:
    """Return ``D^-1/2 (A + I') D^-1/2``: genes without a loop get one of weight 1; degrees are sums over sources.

    Parameters
    ----------
    graph
        Weights, targets in rows.
    """
    loops = graph.diagonal()
    whole = csr_array(graph + diags_array(np.where(loops == 0, 1.0, 0.0)))
    degree = whole.sum(axis=1)
    scale = diags_array(np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0))
    return csr_array(scale @ whole @ scale)
