"""Numbers that place genes or perturbations: from the screen itself, gene sets, another screen, or the user."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._files import existing, open_text
from reguloom.core.perturbation_data import PerturbationData

N_DIMS = 10
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
        return table_of(pd.read_csv(path, index_col=0, sep="\t" if ".tsv" in path.suffixes else ","))
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
    with open_text(existing(path, what="GMT file")) as lines:
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
    mean = np.asarray(member.mean(axis=0)).ravel()
    gram = (member.T @ member).toarray() - len(genes) * np.outer(mean, mean)
    values, vectors = np.linalg.eigh(gram)
    keep = np.argsort(values)[::-1][:n_dims]
    return pd.DataFrame(member @ vectors[:, keep] - mean @ vectors[:, keep], index=genes)


def _of_screen(screen: PerturbationData, n_dims: int) -> pd.DataFrame:
    """Return principal components of another screen's conditions: where its perturbations of one gene lie."""
    bulk = screen.pseudobulk()
    labels = [screen.conditions[code] for code in bulk.condition_codes]
    means = pd.DataFrame(scores(bulk.delta, n_dims))
    means.index = pd.Index([one.genes[0] if len(one.genes) == 1 else "" for one in labels])
    found = means[means.index != ""]
    return found.groupby(level=0).mean()
