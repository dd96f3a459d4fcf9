"""cisTarget ranking databases: which genes a motif ranks first. Feather v1 and v2, parquet; read by column."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, MissingKeyError, ResourceError
from reguloom._files import atomic_write
from reguloom.io import _arrow
from reguloom.io._sniff import existing_file

INDEX_COLUMNS = ("motifs", "tracks", "features", "genes", "regions")
_READ_BYTES = 64 * 2**20
_INT16_GENES = 32_768


@dataclass(frozen=True)
class RankingDatabase:
    """A ranking (or score) database on disk; nothing is read but the names until values are asked for.

    Make one with :func:`read_rankings`. It holds no open file, so it can be pickled and used from several threads.

    Parameters
    ----------
    path
        The file.
    genes
        Genes (or regions, ``chr:start-end``) in the file's order.
    motifs
        Motifs (or tracks) in the file's order.
    dtype
        Type of the values.
    kind
        ``"rankings"`` (0 is best) or ``"scores"``.
    index_column
        Name of the column that holds the row names.
    """

    path: Path
    genes: list[str] = field(repr=False)
    motifs: list[str] = field(repr=False)
    dtype: np.dtype[Any]
    kind: Literal["rankings", "scores"]
    index_column: str

    @property
    def name(self) -> str:
        """Name of the database: the file's name without its last suffix, as pySCENIC calls it in the motif table."""
        return self.path.stem

    @property
    def n_genes(self) -> int:
        """Number of genes (or regions)."""
        return len(self.genes)

    @property
    def n_motifs(self) -> int:
        """Number of motifs (or tracks)."""
        return len(self.motifs)

    @property
    def by_gene(self) -> bool:
        """Whether the file has one column per gene; else it has one per motif."""
        return self.index_column not in ("genes", "regions")

    @property
    def regions(self) -> bool:
        """Whether the database ranks genomic regions (``chr:start-end``) in place of genes."""
        return self.index_column == "regions" or _look_like_regions(self.genes[:20])

    @cached_property
    def _position(self) -> pd.Index:
        return pd.Index(self.genes)

    def positions(self, genes: Sequence[str]) -> NDArray[np.int64]:
        """Return where each gene stands in :attr:`genes`, -1 for those the database does not have."""
        return self._position.get_indexer(pd.Index(genes, dtype=object)).astype(np.int64)

    def load(self, genes: Sequence[str] | None = None) -> NDArray[Any]:
        """Return the values of some genes for all motifs.

        Parameters
        ----------
        genes
            Which genes, in which order; all if left out. Only their columns are read.

        Returns
        -------
        numpy.ndarray
            Shape ``(n_motifs, n_genes_asked)``, C order, in the file's own type.

        Raises
        ------
        MissingKeyError
            If a gene is not in the database (:meth:`positions` tells which are).
        ResourceError
            If the file is corrupt.
        """
        genes = self.genes if genes is None else list(genes)
        out = np.empty((self.n_motifs, len(genes)), dtype=self.dtype)
        for rows, block in self._pieces(genes, 0, self.n_motifs):
            out[rows] = block
        return out

    def blocks(
        self, genes: Sequence[str] | None = None, *, n_motifs_per_block: int = 2048
    ) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Go through the motifs block by block, so that memory stays bounded whatever the database.

        Parameters
        ----------
        genes
            Which genes, in which order; all if left out.
        n_motifs_per_block
            Number of motifs in each block but the last.

        Yields
        ------
        tuple of slice and numpy.ndarray
            Which motifs, and their values, shape ``(n_block, n_genes_asked)``, C order.
        """
        genes = self.genes if genes is None else list(genes)
        for start in range(0, self.n_motifs, n_motifs_per_block):
            stop = min(start + n_motifs_per_block, self.n_motifs)
            out = np.empty((stop - start, len(genes)), dtype=self.dtype)
            for (_, columns), block in self._pieces(genes, start, stop):
                out[:, columns] = block
            yield slice(start, stop), out

    def _pieces(
        self, genes: Sequence[str], start: int, stop: int
    ) -> Iterator[tuple[tuple[slice, slice], NDArray[Any]]]:
        """Yield (where it belongs, values) for groups of genes and the motifs from `start` to `stop`.

        A group is as many columns as fit in a fixed number of bytes, since a compressed column is read whole.
        """
        self._check_genes(genes)
        if not self.by_gene:
            yield (slice(None), slice(None)), self._rows(genes, start, stop)
            return
        step = max(64, _READ_BYTES // max(1, self.n_motifs * self.dtype.itemsize))
        for first in range(0, len(genes), step):
            wanted = list(genes[first : first + step])
            columns = _arrow.columns(self.path, wanted)
            block = np.empty((len(wanted), stop - start), dtype=self.dtype)
            for i, name in enumerate(wanted):
                if len(columns[name]) != self.n_motifs:
                    msg = f"{self.path} is corrupt: its columns differ in length (see {name!r}); fetch it again."
                    raise ResourceError(msg)
                block[i] = columns[name][start:stop]
            self._check_values(block)
            yield (slice(None), slice(first, first + len(wanted))), block.T

    def _rows(self, genes: Sequence[str], start: int, stop: int) -> NDArray[Any]:
        """Return the same from a file that has genes in rows."""
        rows = self.positions(genes)
        columns = _arrow.columns(self.path, self.motifs[start:stop])
        return np.stack([columns[motif][rows] for motif in self.motifs[start:stop]])

    def _check_values(self, block: NDArray[Any]) -> None:
        """Refuse ranks below 0, which only a damaged file has.

        Raises
        ------
        ResourceError
            If there are such ranks.
        """
        if self.kind == "rankings" and block.size and block.min() < 0:
            msg = f"{self.path} is corrupt: it holds the rank {block.min()}, and the best is 0; fetch it again."
            raise ResourceError(msg)

    def _check_genes(self, genes: Sequence[str]) -> None:
        """Refuse genes that the database does not have.

        Raises
        ------
        MissingKeyError
            If there are such genes.
        """
        missing = [gene for gene, place in zip(genes, self.positions(genes), strict=True) if place < 0]
        if missing:
            msg = (
                f"{len(missing)} of {len(genes)} genes are not in {self.path.name}, such as {missing[:5]}; "
                f"it has {self.n_genes}, such as {self.genes[:3]}."
            )
            raise MissingKeyError(msg)


def read_rankings(path: str | os.PathLike[str]) -> RankingDatabase:
    """Open a cisTarget ranking or score database.

    The file's content decides what it is, not its name: integers are rankings and floats scores; the text column
    is ``motifs`` or ``tracks`` (``features`` in old files) where genes or regions are columns, ``genes`` or
    ``regions`` where motifs are.

    Parameters
    ----------
    path
        Feather v2 (Arrow IPC, compressed or not; memory-mapped), feather v1, or parquet.

    Returns
    -------
    RankingDatabase
        With the names read, and the values not.

    Raises
    ------
    InputError
        If the file is missing or no such database.
    ResourceError
        If it is cut short or corrupt.
    """
    path = existing_file(path, what="ranking database")
    fields = _arrow.fields(path)
    index = _index_column(path, fields)
    columns = [name for name in fields if name != index]
    dtype = _value_type(path, {fields[name] for name in columns})
    rows = _arrow.strings(path, index)
    by_gene = index not in ("genes", "regions")
    return RankingDatabase(
        path=path,
        genes=columns if by_gene else rows,
        motifs=rows if by_gene else columns,
        dtype=dtype,
        kind="scores" if dtype.kind == "f" else "rankings",
        index_column=index,
    )


def _index_column(path: Path, fields: dict[str, str]) -> str:
    """Return the name of the text column.

    Raises
    ------
    InputError
        If there is none, or more than one.
    """
    text = [name for name, kind in fields.items() if kind == "str"]
    known = [name for name in text if name in INDEX_COLUMNS]
    if len(text) == 1 and known:
        return text[0]
    msg = (
        f"{path} is no ranking database: it has {len(text)} text columns {text[:4]}, and needs exactly one, called "
        f"one of {', '.join(INDEX_COLUMNS)}; give a *.genes_vs_motifs.rankings.feather."
    )
    raise InputError(msg)


def _value_type(path: Path, kinds: set[str]) -> np.dtype[Any]:
    """Return the one type of all value columns.

    Raises
    ------
    InputError
        If they differ, or are not numbers.
    """
    numeric = {"int16", "uint16", "int32", "uint32", "int64", "float32", "float64"}
    if len(kinds) == 1 and kinds <= numeric:
        return np.dtype(kinds.pop())
    msg = f"{path} is no ranking database: its columns have the types {sorted(kinds)[:5]}, and need one numeric type."
    raise InputError(msg)


def _look_like_regions(names: Sequence[str]) -> bool:
    """Tell whether names read ``chr1:100-200``, with or without a ``prefix__``."""
    if not names:
        return False
    starts = [name.rpartition("__")[2].partition(":")[2].partition("-")[0] for name in names]
    return all(start.isdigit() for start in starts)


def write_rankings(
    ranks: NDArray[Any],
    motifs: Sequence[str],
    genes: Sequence[str],
    path: str | os.PathLike[str],
    *,
    compression: Literal["zstd", "lz4", "uncompressed"] = "zstd",
    force: bool = False,
) -> None:
    """Write a database in the cisTarget v2 format, which pySCENIC reads too.

    Columns are genes in alphabetical order, then the text column ``motifs``. Integers are stored as int16 up to
    32,768 genes and as int32 above, floats (scores) as float32.

    Parameters
    ----------
    ranks
        Ranks from 0 (best) or scores, shape ``(n_motifs, n_genes)``.
    motifs
        Names of the rows.
    genes
        Names of the columns.
    path
        pySCENIC asks for a name that ends in ``.genes_vs_motifs.rankings.feather``.
    compression
        ``"zstd"`` is small, ``"uncompressed"`` is read straight from the disk.
    force
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If the shapes do not fit, a name is repeated, or the file cannot be written.
    """
    ranks = np.asarray(ranks)
    if ranks.shape != (len(motifs), len(genes)):
        msg = f"the values have shape {ranks.shape}, and there are {len(motifs)} motifs and {len(genes)} genes."
        raise InputError(msg)
    names = pd.Index(genes, dtype=object)
    if names.has_duplicates or set(INDEX_COLUMNS) & set(names) or pd.Index(motifs).has_duplicates:
        msg = "a ranking database needs every gene and every motif once; drop the duplicates."
        raise InputError(msg)
    integers = np.dtype(np.int16 if len(genes) <= _INT16_GENES else np.int32)
    dtype = np.dtype(np.float32) if ranks.dtype.kind == "f" else integers
    order = np.argsort(names.to_numpy(), kind="stable")
    with atomic_write(path, force=force) as temporary:
        _arrow.write(
            temporary, names=names[order], values=ranks[:, order].astype(dtype), motifs=motifs, codec=compression
        )
