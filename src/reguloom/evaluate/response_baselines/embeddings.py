"""Numbers that place genes or perturbations: from the screen itself, gene sets, another screen, or the user."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._files import existing, open_text
from reguloom._reading import content_errors, read_frame
from reguloom.core.perturbation_data import PerturbationData

N_DIMS = 10
DENSE = 500
"""Up to so many gene sets (or genes) components are computed at once; above, by Lanczos iterations."""
Source: TypeAlias = "str | pd.DataFrame | Mapping[str, Collection[str]] | os.PathLike[str] | PerturbationData"
"""``"pca"``; a table genes × dims; gene sets (term → genes) or a GMT file; another screen."""


def scores(matrix: NDArray[np.float64], n_dims: int = N_DIMS) -> NDArray[np.float64]:
    """Return principal component scores of the rows, columns centred, unscaled, ``(n_rows, n_dims)``.

    Parameters
    ----------
    matrix
        ``(n_rows, n_columns)``.
    n_dims
        How many; no more than there are.
    """
    centred = matrix - matrix.mean(axis=0)
    if centred.shape[1] < centred.shape[0]:
        # The same through the small Gram matrix: scores are the columns' combinations of largest variance.
        vectors = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
        return centred @ vectors[:, :n_dims]
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    return left[:, :n_dims] * singular[:n_dims]


def table_of(source: Source, n_dims: int = N_DIMS) -> pd.DataFrame:
    """Return embeddings of genes, one row each, from anything but ``"pca"``.

    Parameters
    ----------
    source
        See :data:`Source`.
    n_dims
        Dimensions that gene sets and other screens are brought to.

    Raises
    ------
    InputError
        If nothing can be made of it.
    """
    if isinstance(source, pd.DataFrame):
        table = source.astype(np.float64)
        if table.empty or not np.isfinite(table.to_numpy()).all():
            msg = f"the embedding has shape {table.shape} or holds NaN; give finite numbers, one row for each gene."
            raise InputError(msg)
        return table.set_axis(table.index.astype(str))
    if isinstance(source, PerturbationData):
        return _of_screen(source, n_dims)
    if isinstance(source, Mapping):
        return _of_gene_sets(source, n_dims)
    if isinstance(source, str | os.PathLike):
        path = existing(Path(source), what="embedding")
        if ".gmt" in path.suffixes:
            return _of_gene_sets(read_gene_sets(path), n_dims)
        separator = "\t" if ".tsv" in path.suffixes else ","
        with content_errors(path, what="table of numbers with genes in the first column"):
            return table_of(read_frame(path, what="embedding", index_col=0, sep=separator))
    msg = f"an embedding is a {type(source).__name__}; accepted are a table, gene sets, a GMT or CSV file, a screen."
    raise InputError(msg)


def read_gene_sets(path: str | os.PathLike[str]) -> dict[str, set[str]]:
    """Return term → genes from a GMT file: name, description, genes, separated by tabs.

    Parameters
    ----------
    path
        ``.gmt`` or ``.gmt.gz``.

    Raises
    ------
    InputError
        If no line has a gene.
    """
    sets: dict[str, set[str]] = {}
    with content_errors(path, what="GMT file"), open_text(existing(path, what="GMT file")) as lines:
        for line in lines:
            name, *fields = line.rstrip("\n").split("\t")
            # Enrichr's files follow a gene by a weight, "TP53,1.0".
            genes = {field.split(",")[0].strip() for field in fields[1:]} - {""}
            if genes:
                sets.setdefault(name, set()).update(genes)
    if not sets:
        msg = f"{path} holds no gene set; a GMT line is name, description and genes, separated by tabs."
        raise InputError(msg)
    return sets


def _of_gene_sets(sets: Mapping[str, Collection[str]], n_dims: int) -> pd.DataFrame:
    """Return principal components of the membership of genes in sets, through the smaller Gram matrix."""
    from scipy.sparse import csr_array

    genes = sorted({str(gene) for members in sets.values() for gene in members})
    row = {gene: i for i, gene in enumerate(genes)}
    pairs = [(row[str(gene)], j) for j, members in enumerate(sets.values()) for gene in sorted(map(str, members))]
    if not pairs:
        msg = "the gene sets are empty; give term -> genes."
        raise InputError(msg)
    i, j = np.array(pairs).T
    member = csr_array((np.ones(len(i)), (i, j)), shape=(len(genes), len(sets)))
    return pd.DataFrame(_sparse_scores(member, n_dims), index=genes)


def _sparse_scores(member: Any, n_dims: int) -> NDArray[np.float64]:
    """Return principal component scores of the rows of a sparse table, without making it dense."""
    from scipy.sparse.linalg import LinearOperator, svds

    if min(member.shape) <= DENSE:
        return scores(member.toarray(), n_dims)
    mean = np.asarray(member.mean(axis=0)).ravel()
    centred = LinearOperator(
        member.shape,
        matvec=lambda x: member @ np.ravel(x) - float(mean @ np.ravel(x)),
        rmatvec=lambda y: member.T @ np.ravel(y) - mean * float(np.sum(y)),
        dtype=np.float64,
    )
    # A fixed start gives the same bytes each time.
    start = np.random.default_rng(0).normal(size=min(member.shape))
    left, singular, right = svds(centred, k=n_dims, v0=start)
    order = np.argsort(-singular)
    # The sign of a component is free: the largest loading is made positive.
    sign = np.sign(right[order][np.arange(n_dims), np.abs(right[order]).argmax(axis=1)])
    return left[:, order] * singular[order] * sign


def _of_screen(screen: PerturbationData, n_dims: int) -> pd.DataFrame:
    """Return principal components of another screen's conditions: where its perturbations of one gene lie."""
    bulk = screen.pseudobulk()
    labels = [screen.conditions[code] for code in bulk.condition_codes]
    means = pd.DataFrame(scores(bulk.delta, n_dims))
    means.index = pd.Index([one.genes[0] if len(one.genes) == 1 else "" for one in labels])
    found = means[means.index != ""]
    return found.groupby(level=0).mean()
