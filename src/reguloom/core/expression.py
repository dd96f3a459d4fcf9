"""The one door through which every stage takes its cells × genes matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom._logging import logger
from reguloom.core.provenance import fingerprint

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy.sparse import csc_array, csr_array


@dataclass(frozen=True, eq=False)
class Expression:
    """Expression values with the names of cells and genes.

    Parameters
    ----------
    X
        ``(n_cells, n_genes)``: a numpy array, a scipy sparse matrix, or the matrix of an AnnData opened in backed
        mode, which is read in blocks and never held whole.
    cells, genes
        Names, unique.
    """

    X: Any
    cells: pd.Index
    genes: pd.Index

    @classmethod
    def of(cls, data: Any, *, layer: str | None = None, mask_var: str | Sequence[bool] | None = None) -> Expression:
        """Take the matrix out of whatever the user has.

        Parameters
        ----------
        data
            AnnData (in memory or backed), a DataFrame of cells × genes, or an Expression.
        layer
            Name of an AnnData layer to use in place of ``X``; ``"raw"`` takes ``adata.raw``.
        mask_var
            Column of ``adata.var``, or a mask, that says which genes to use.

        Raises
        ------
        InputError
            If the matrix is empty, or gene or cell names repeat.
        MissingKeyError
            If the layer or the column is not there.
        """
        if isinstance(data, cls):
            chosen = data
        elif isinstance(data, pd.DataFrame):
            chosen = cls(_numeric(data), data.index.astype(str), data.columns.astype(str))
        elif hasattr(data, "obs_names") and hasattr(data, "var_names"):
            chosen = _from_adata(cls, data, layer)
        else:
            msg = (
                f"expression is a {type(data).__name__}; accepted are AnnData, a DataFrame (cells x genes), Expression."
            )
            raise InputError(msg)
        if layer is not None and not hasattr(data, "layers"):
            msg = f"layer={layer!r} was given with a {type(data).__name__}; only AnnData has layers."
            raise InputError(msg)
        _check_shape_and_names(chosen)
        return chosen if mask_var is None else chosen.select_genes(_mask(data, mask_var, layer, chosen.n_genes))

    def __repr__(self) -> str:
        """Say the size and how the values are stored."""
        stored = f"{'sparse' if self.is_sparse else 'dense'}{', on disk' if self.is_backed else ''}"
        return f"Expression({self.n_cells} cells x {self.n_genes} genes, {stored})"

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.cells)

    @property
    def n_genes(self) -> int:
        """Number of genes."""
        return len(self.genes)

    @property
    def is_sparse(self) -> bool:
        """Whether the values are stored sparsely (in memory or on disk)."""
        return not isinstance(self.X, np.ndarray) and not _is_dense_dataset(self.X)

    @property
    def is_backed(self) -> bool:
        """Whether the values are still on disk."""
        return not isinstance(self.X, np.ndarray) and not hasattr(self.X, "indptr")

    @property
    def _is_backed_csc(self) -> bool:
        """Whether the values are on disk gene by gene: cells cannot be read alone, so blocks of them read it all."""
        return self.is_backed and getattr(self.X, "format", None) == "csc"

    def select_genes(self, which: Any) -> Expression:
        """Return the genes at `which` (positions, a mask, or names), read into memory."""
        positions = self._positions(which, self.genes)
        if self._is_backed_csc:
            # Columns lie together on disk; anndata wants them in increasing order, each once.
            order, back = np.unique(positions, return_inverse=True)
            return replace(self, X=self.X[:, order][:, back], genes=self.genes[positions])
        if self.is_backed:
            parts = [_columns(block, positions) for _, _, block in self.blocks()]
            return replace(self, X=_stack(parts), genes=self.genes[positions])
        return replace(self, X=_columns(self.X, positions), genes=self.genes[positions])

    def select_cells(self, which: Any) -> Expression:
        """Return the cells at `which` (positions, a mask, or names), read into memory."""
        positions = self._positions(which, self.cells)
        if self.is_backed:
            # Backed matrices are fastest, and h5py only correct, for increasing row numbers, each once.
            order, back = np.unique(positions, return_inverse=True)
            return replace(self, X=self.X[order][back], cells=self.cells[positions])
        rows = self.X.tocsr() if hasattr(self.X, "tocsr") else self.X
        return replace(self, X=rows[positions], cells=self.cells[positions])

    def _positions(self, which: Any, names: pd.Index) -> np.ndarray:
        """Return positions for a mask, positions or names."""
        array = np.asarray(which)
        if array.dtype == bool:
            return np.flatnonzero(array)
        if array.dtype.kind in "iu" or not array.size:
            return array.astype(np.intp)
        found = names.get_indexer(pd.Index(array))
        if (found < 0).any():
            msg = f"{list(array[found < 0][:3])} are not among the {len(names)} names, such as {list(names[:3])}."
            raise MissingKeyError(msg)
        return found

    def blocks(self, n_rows: int = 4096) -> Iterator[tuple[int, int, Any]]:
        """Yield ``(start, stop, values)`` for consecutive cells; values are in memory, CSR if sparse.

        Parameters
        ----------
        n_rows
            Cells in one block; bounds the memory.
        """
        source = self.X.to_memory() if self._is_backed_csc else self.X
        source = source.tocsr() if hasattr(source, "tocsr") else source
        for start in range(0, self.n_cells, n_rows):
            stop = min(start + n_rows, self.n_cells)
            yield start, stop, source[start:stop]

    def to_csr(self) -> csr_array:
        """Return the values as CSR in memory, explicit zeros dropped, indices sorted."""
        from scipy.sparse import csr_array, vstack

        if self.is_backed:
            return _clean(csr_array(vstack([csr_array(block) for _, _, block in self.blocks()], format="csr")))
        return _clean(csr_array(self.X))

    def to_csc(self) -> csc_array:
        """Return the values as CSC in memory, explicit zeros dropped, indices sorted."""
        from scipy.sparse import csc_array

        return _clean(csc_array(self.to_csr() if self.is_backed else self.X))

    def to_dense(self, dtype: Any = np.float64) -> np.ndarray:
        """Return the values as a dense array of `dtype`; for small selections of genes or cells."""
        if self.is_backed:
            return np.concatenate([_dense(block, dtype) for _, _, block in self.blocks()])
        return _dense(self.X, dtype)

    def to_frame(self) -> pd.DataFrame:
        """Return a dense DataFrame of cells × genes; for small selections."""
        return pd.DataFrame(self.to_dense(), index=self.cells, columns=self.genes)

    def check_values(self) -> Expression:
        """Check that every value is a finite number, and log what else is worth knowing.

        Raises
        ------
        InputError
            If a value is NaN or infinite; the message names the first gene and cell.
        """
        n_negative, n_total, whole, n_empty = 0, 0.0, True, 0
        for start, _, block in self.blocks():
            values = block.data if hasattr(block, "indptr") else np.asarray(block)
            if not np.isfinite(values).all():
                self._raise_not_finite(start, block)
            n_negative += int((values < 0).sum())
            whole = whole and bool((values == np.rint(values)).all())
            sums = np.asarray(abs(block).sum(axis=1)).ravel()
            n_empty += int((sums == 0).sum())
            n_total += float(sums.sum())
        if n_total == 0:
            msg = f"every value of the {self.n_cells} x {self.n_genes} matrix is 0; check the layer and the file."
            raise InputError(msg)
        if n_empty:
            logger.info("%d of %d cells have no counts at all; they are kept and score 0", n_empty, self.n_cells)
        if n_negative:
            logger.info("%d values are negative: the matrix looks scaled or centred", n_negative)
        logger.info("values look like %s", "raw counts" if whole else "normalised expression")
        return self

    def _raise_not_finite(self, start: int, block: Any) -> None:
        """Name the first value that is not a number."""
        dense = _dense(block, np.float64)
        row, column = (int(first[0]) for first in np.nonzero(~np.isfinite(dense)))
        msg = (
            f"gene {self.genes[column]!r} in cell {self.cells[start + row]!r} is {dense[row, column]}; "
            "every value must be a finite number, so fill or drop such genes first."
        )
        raise InputError(msg)

    def fingerprint(self) -> str:
        """Return a hash of names and values, as float32, the same for a dense and a sparse matrix."""
        parts: list[Any] = [list(self.cells), list(self.genes)]
        for _, _, block in self.blocks():
            from scipy.sparse import csr_array

            parts.append(_clean(csr_array(block)).astype(np.float32))
        return fingerprint(*parts)


def _from_adata(cls: type[Expression], adata: AnnData, layer: str | None) -> Expression:
    """Take X, raw or a layer out of an AnnData."""
    names = pd.Index(adata.var_names.astype(str))
    cells = pd.Index(adata.obs_names.astype(str))
    if layer == "raw":
        if adata.raw is None:
            msg = "adata.raw is empty; leave layer out to use X, or name a layer."
            raise MissingKeyError(msg)
        return cls(_matrix(adata.raw.X), cells, pd.Index(adata.raw.var_names.astype(str)))
    if layer is not None and layer not in adata.layers:
        msg = f"adata.layers has no {layer!r}; it has {_layers(adata)}, and layer=None uses X."
        raise MissingKeyError(msg)
    matrix = adata.X if layer is None else adata.layers[layer]
    if matrix is None:
        msg = f"adata.X is empty; name one of the layers {_layers(adata)} with layer=."
        raise InputError(msg)
    return cls(_matrix(matrix), cells, names)


def _layers(adata: AnnData) -> list[str]:
    """Return the names of the layers; newer AnnData lists X among them as None."""
    return sorted(name for name in adata.layers if name is not None)


def _matrix(values: Any) -> Any:
    """Return arrays as plain ndarrays; sparse and backed matrices as they are."""
    if hasattr(values, "indptr") or not isinstance(values, np.ndarray):
        return values
    return np.asarray(values)


def _numeric(frame: pd.DataFrame) -> np.ndarray:
    """Return the values of a DataFrame as numbers."""
    text = [name for name, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    if text:
        msg = f"columns {text[:3]} of the expression table hold text; a table of cells x genes holds numbers alone."
        raise InputError(msg)
    return frame.to_numpy()


def _mask(data: Any, mask_var: str | Sequence[bool], layer: str | None, n_genes: int) -> np.ndarray:
    """Return the mask over genes."""
    values: Any = mask_var
    if isinstance(mask_var, str):
        if not hasattr(data, "obs_names"):
            msg = f"mask_var={mask_var!r} names a column of adata.var; with a {type(data).__name__} give a mask."
            raise InputError(msg)
        var = data.raw.var if layer == "raw" else data.var
        if mask_var not in var:
            msg = f"adata.var has no column {mask_var!r}; it has {sorted(var)}."
            raise MissingKeyError(msg)
        values = var[mask_var]
    if not pd.api.types.is_bool_dtype(pd.Series(values).dtype) or pd.Series(values).isna().any():
        msg = f"mask_var holds {pd.Series(values).dtype} values; every gene needs True or False."
        raise InputError(msg)
    mask = np.asarray(values, dtype=bool)
    if mask.shape != (n_genes,):
        msg = f"mask_var has shape {mask.shape}; it needs one value for each of the {n_genes} genes."
        raise InputError(msg)
    if not mask.any():
        msg = f"mask_var leaves none of the {n_genes} genes; check the mask."
        raise InputError(msg)
    return mask


def _check_shape_and_names(expression: Expression) -> None:
    """Raise InputError for an empty matrix or repeated names."""
    if 0 in (expression.n_cells, expression.n_genes):
        msg = f"the matrix is empty ({expression.n_cells} cells x {expression.n_genes} genes); check the input file."
        raise InputError(msg)
    for what, names, fix in (
        ("gene", expression.genes, "make them unique (adata.var_names_make_unique()) or sum them"),
        ("cell", expression.cells, "make them unique (adata.obs_names_make_unique())"),
    ):
        if not names.is_unique:
            repeated = names[names.duplicated()].unique()
            msg = f"{len(repeated)} {what} names appear more than once, such as {list(repeated[:3])}; {fix}."
            raise InputError(msg)


def _is_dense_dataset(values: Any) -> bool:
    """Tell whether `values` is a dense array on disk (h5py or zarr)."""
    return type(values).__module__.split(".")[0] in ("h5py", "zarr")


def _columns(values: Any, positions: np.ndarray) -> Any:
    """Return the columns at `positions`."""
    if hasattr(values, "indptr"):
        return values.tocsc()[:, positions]
    return np.asarray(values)[:, positions]


def _stack(parts: list[Any]) -> Any:
    """Stack blocks of rows."""
    from scipy.sparse import vstack

    return vstack(parts, format="csc") if hasattr(parts[0], "indptr") else np.concatenate(parts)


def _clean(matrix: Any) -> Any:
    """Return `matrix` without explicit zeros and with sorted indices, leaving the caller's matrix as it was."""
    if not matrix.has_canonical_format or (matrix.data == 0).any():
        matrix = matrix.copy()
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
    return matrix


def _dense(values: Any, dtype: Any) -> np.ndarray:
    """Return `values` as a dense array."""
    return (values.toarray() if hasattr(values, "indptr") else np.asarray(values)).astype(dtype, copy=False)
