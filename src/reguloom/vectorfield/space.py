"""The space that a field lives in: components of a basis and, for a PCA, the genes behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom.core import Expression, gene_overlap

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, eq=False)
class StateSpace:
    """A basis, with its loadings where it has them.

    Parameters
    ----------
    basis
        Its name, e.g. ``"pca"``.
    genes
        Genes that have loadings; empty for an embedding such as UMAP.
    loadings
        ``(n_genes, k)``, columns orthonormal: expression = state @ loadings.T + mean.
    mean
        Mean expression of the genes, ``(n_genes,)``.
    maximum
        Largest observed expression of the genes, ``(n_genes,)``; NaN where expression was not at hand.
    """

    basis: str
    genes: pd.Index
    loadings: np.ndarray
    mean: np.ndarray
    maximum: np.ndarray

    @property
    def has_genes(self) -> bool:
        """Whether the basis can be read in genes."""
        return len(self.genes) > 0

    def positions(self, genes: str | Sequence[str]) -> np.ndarray:
        """Return the rows of `genes`, in the order given.

        Raises
        ------
        InputError
            If the basis has no genes behind it.
        MissingKeyError
            If a gene has no loading; the message says what is there.
        """
        self.need_genes()
        asked = [genes] if isinstance(genes, str) else [str(gene) for gene in genes]
        found = self.genes.get_indexer(pd.Index(asked))
        if (found < 0).any():
            absent = [gene for gene, at in zip(asked, found, strict=True) if at < 0]
            cause = gene_overlap(asked, self.genes, what="genes", where="the basis").cause
            msg = (
                f"{absent[0]!r} is not among the {len(self.genes)} genes of the basis {self.basis!r} (such as "
                f"{list(self.genes[:3])}); field.available() lists them, and fit(genes=...) adds expressed ones. "
                f"{cause}".strip()
            )
            raise MissingKeyError(msg)
        return found

    def need_genes(self) -> None:
        """Refuse a question about genes where the basis has none.

        Raises
        ------
        InputError
            If it has none.
        """
        if not self.has_genes:
            msg = (
                f"the basis {self.basis!r} has no loadings, so the field cannot be read in genes; fit it on 'pca' "
                "with varm['PCs']."
            )
            raise InputError(msg)

    def vectors(self, genes: str | Sequence[str]) -> np.ndarray:
        """Return the loadings of `genes`, ``(n, k)``."""
        return self.loadings[self.positions(genes)]

    def reconstruct(self, states: np.ndarray, genes: str | Sequence[str] | None = None) -> np.ndarray:
        """Return the expression of `genes` (all if left out) that `states` stand for, ``(n_states, n_genes)``."""
        self.need_genes()
        rows = slice(None) if genes is None else self.positions(genes)
        return np.asarray(states @ self.loadings[rows].T + self.mean[rows])

    @classmethod
    def of(cls, adata: AnnData, basis: str, *, genes: Sequence[str] = ()) -> StateSpace:
        """Find the loadings that belong to a basis.

        Loadings are ``varm['PCs']`` (scanpy) or ``uns['PCs']`` (Dynamo). scanpy does not store the mean that it took
        off, so it is computed from X.

        Parameters
        ----------
        adata
            The cells.
        basis
            Name of the basis, with or without ``X_``.
        genes
            Expressed genes without loadings to include, by least squares on the components.
        """
        states = coordinates(adata, basis)
        name = basis.removeprefix("X_")
        loadings, rows = _loadings(adata, states.shape[1]) if name == "pca" else (None, None)
        if loadings is None or rows is None:
            empty = np.empty(0)
            return cls(name, pd.Index([], dtype=str), np.empty((0, states.shape[1])), empty, empty)
        mean, maximum = _moments(adata, rows, loadings, states)
        made = cls(name, pd.Index(adata.var_names[rows].astype(str)), loadings, mean, maximum)
        return made if not len(genes) else _with_genes(made, adata, states, list(genes))


def coordinates(adata: AnnData, basis: str, prefix: str = "X_") -> np.ndarray:
    """Return ``obsm['X_<basis>']`` as float64, ``(n_cells, k)``.

    Raises
    ------
    MissingKeyError
        If it is not there.
    """
    key = basis if basis in adata.obsm and basis.startswith(prefix) else f"{prefix}{basis.removeprefix('X_')}"
    if key not in adata.obsm:
        msg = f"adata.obsm has no {key!r}; it has {sorted(adata.obsm)}."
        raise MissingKeyError(msg)
    values = adata.obsm[key]
    return np.asarray(getattr(values, "to_numpy", lambda: values)(), dtype=np.float64)


def _loadings(adata: AnnData, k: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return loadings with k columns and the rows of ``var`` that have them."""
    if "PCs" in adata.varm:
        every = np.asarray(adata.varm["PCs"], dtype=np.float64)[:, :k]
        rows = np.flatnonzero(np.abs(every).sum(axis=1) > 0)
        return (every[rows], rows) if every.shape[1] == k else (None, None)
    if "PCs" in adata.uns:
        every = np.asarray(adata.uns["PCs"], dtype=np.float64)[:, :k]
        used = np.asarray(adata.var.get("use_for_pca", np.ones(adata.n_vars, dtype=bool)), dtype=bool)
        rows = np.flatnonzero(used)
        return (every, rows) if every.shape == (len(rows), k) else (None, None)
    return None, None


def _moments(
    adata: AnnData, rows: np.ndarray, loadings: np.ndarray, states: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and maximum of the genes with loadings."""
    stored = adata.uns.get("pca_mean")
    if adata.X is None:
        mean = np.zeros(len(rows)) if stored is None else np.asarray(stored, dtype=np.float64)
        return mean, np.full(len(rows), np.nan)
    chosen = Expression.of(adata).select_genes(rows)
    mean, maximum = _column_stats(chosen.X)
    if stored is not None and len(stored) == len(rows):
        return np.asarray(stored, dtype=np.float64), maximum
    # Cells may have been left out after the PCA; then their states are not centred either.
    return mean - loadings @ states.mean(axis=0), maximum


def _column_stats(matrix: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and maximum of the columns."""
    mean = np.asarray(matrix.mean(axis=0), dtype=np.float64).ravel()
    top = matrix.max(axis=0)
    return mean, np.asarray(top.toarray() if hasattr(top, "toarray") else top, dtype=np.float64).ravel()


def _with_genes(space: StateSpace, adata: AnnData, states: np.ndarray, genes: list[str]) -> StateSpace:
    """Return the space with loadings for further genes: those that explain their expression best."""
    new = [gene for gene in dict.fromkeys(genes) if gene not in space.genes]
    if not new:
        return space
    expression = Expression.of(adata).select_genes(new)
    values = expression.to_dense()
    middle = states.mean(axis=0)
    centred = states - middle
    slopes = np.linalg.lstsq(centred, values - values.mean(axis=0), rcond=None)[0].T
    return StateSpace(
        space.basis,
        space.genes.append(pd.Index(new)),
        np.vstack([space.loadings, slopes]),
        np.concatenate([space.mean, values.mean(axis=0) - slopes @ middle]),
        np.concatenate([space.maximum, values.max(axis=0)]),
    )
