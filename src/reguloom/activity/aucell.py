"""AUCell: how active each regulon is in each cell, by how early its targets come in the cell's ranking of genes.

Aibar et al., Nature Methods 14:1083 (2017). In every cell the genes are ranked by expression; a regulon scores the
area under the recovery curve of its targets over the top of that ranking (5 % of the genes)::

    AUC = sum over targets with rank r < C of weight * (C - r) / denominator        r = 0, 1, ...

The two published programs differ in C, in the denominator and in how ties are broken; `method` chooses one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from reguloom import _keys
from reguloom._errors import InputError, warn
from reguloom._progress import track
from reguloom._random import SeedLike, accepts_seed, child_seed, root_seed
from reguloom._threads import map_ordered, resolve_n_jobs
from reguloom.activity._recipe import Members, Recipe
from reguloom.core import Expression, Regulons, check_genes

if TYPE_CHECKING:
    from anndata import AnnData

#: Smallest share of all target genes that must be in the matrix; below it the names are taken to be of another kind.
GENE_FLOOR = 0.1
#: Share of cells that may detect fewer genes than are scored before this is worth a warning.
SHALLOW_CELLS = 0.1
_BLOCK_VALUES = 4_000_000

#: A block of cells: values, genes and indptr.
Csr: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]


@accepts_seed
def aucell(
    adata: AnnData,
    regulons: Any = None,
    *,
    layer: str | None = None,
    mask_var: str | Sequence[bool] | None = None,
    method: str = "pyscenic",
    weights: bool = False,
    auc_threshold: float = 0.05,
    normalize: bool = False,
    ties: str | None = None,
    min_overlap: float | None = None,
    key_added: str = _keys.AUCELL,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Score the activity of regulons in every cell and store it in `adata`.

    The options are those of :func:`aucell_frame`.

    Parameters
    ----------
    adata
        Cells × genes; X or `layer` may be raw counts or normalised per cell, dense, sparse or backed.
    regulons
        Regulons, a mapping name → genes, a table or a file; None takes those stored in ``adata.uns['regulons']``.
    layer, mask_var
        Which values and which genes to use.
    method, weights, auc_threshold, normalize, ties, min_overlap
        The variant of AUCell.
    key_added
        Slot to write.
    rng
        Seed of the tie-breaking.
    n_jobs
        Number of threads; changes nothing but the time.
    copy
        Return a changed copy and leave `adata` as it is.

    Returns
    -------
    The copy, or None.

    Writes
    ------
    ``adata.obsm[key_added]`` : DataFrame of float64 ``(n_cells, n_regulons)``
        Activity, columns in the order of `regulons`. ``/`` in a name becomes ``_``, which files cannot store.
    ``adata.uns[key_added]`` : dict
        ``params``: what was asked for, the seed, and how many genes were ranked. Earlier entries (thresholds,
        specificity) are dropped, since they belonged to other scores.

    Raises
    ------
    InputError, EmptyResultError
        As :func:`aucell_frame`.
    MissingKeyError
        If `regulons` is None and none are stored.
    """
    adata = adata.copy() if copy else adata
    chosen = Regulons.from_adata(adata) if regulons is None else regulons
    root = root_seed(rng)
    frame = aucell_frame(
        adata,
        chosen,
        layer=layer,
        mask_var=mask_var,
        method=method,
        weights=weights,
        auc_threshold=auc_threshold,
        normalize=normalize,
        ties=ties,
        min_overlap=min_overlap,
        rng=root,
        n_jobs=n_jobs,
    )
    adata.uns[key_added] = {"params": {**frame.attrs.pop("params"), "seed": root, "layer": layer or "X"}}
    frame.columns = storable(frame.columns)
    frame.index = adata.obs_names
    adata.obsm[key_added] = frame
    return adata if copy else None


@accepts_seed
def aucell_frame(
    data: Any,
    regulons: Any,
    *,
    layer: str | None = None,
    mask_var: str | Sequence[bool] | None = None,
    method: str = "pyscenic",
    weights: bool = False,
    auc_threshold: float = 0.05,
    normalize: bool = False,
    ties: str | None = None,
    min_overlap: float | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Score the activity of regulons in every cell and return it as a table.

    Parameters
    ----------
    data
        AnnData (in memory or backed), DataFrame of cells × genes, or Expression.
    regulons
        Regulons, a mapping name → genes (or gene → weight), a table in a known dialect, or a file.
    layer, mask_var
        Which values and which genes of an AnnData to use. All genes should be ranked, not the variable ones alone.
    method
        ``"pyscenic"`` (C = round half even(`auc_threshold` · genes) − 1, divided by (C + 1) · Σ weights, so 1 is
        never reached) or ``"r"`` (Bioconductor's AUCell: C = ceiling − 1, divided by the largest sum possible).
    weights
        Whether targets count by their weight. pySCENIC's command line does not by default, its Python function does.
        R has no weights; there the largest sum possible takes the heaviest targets first.
    auc_threshold
        Share of the ranking that scores; :func:`derive_auc_threshold` shows what the data allow.
    normalize
        Divide each regulon by its largest value over the cells (a regulon that is 0 everywhere stays 0).
    ties
        ``"shuffle"``: genes are put in one random order for all cells (pySCENIC's, the same as pandas'
        ``sample(frac=1, axis=1, random_state=seed)``); ``"random"``: another order in each cell, from the seed and
        the cell's name (R's rule); ``"order"``: the order of the matrix. None: the method's own.
    min_overlap
        Share of a regulon's targets that must be in the matrix. None: 0.8 for ``"pyscenic"``, where a regulon below
        it scores 0; 0.2 for ``"r"``, where a regulon at or below it is dropped.
    rng
        Seed of the tie-breaking; 777 gives what pySCENIC gives with ``--seed 777``.
    n_jobs
        Number of threads; changes nothing but the time.

    Returns
    -------
    float64 ``(n_cells, n_regulons)``, regulons in the order given. Cells without any non-zero value score 0.

    Raises
    ------
    InputError
        If an option or a value cannot be used (NaN in a cell; too few genes; gene names of another kind).
    EmptyResultError
        If no regulon has enough targets in the matrix.
    """
    from reguloom import io

    recipe = Recipe.of(
        method=method,
        weights=weights,
        auc_threshold=auc_threshold,
        ties=ties,
        min_overlap=min_overlap,
        normalize=normalize,
    )
    expression = Expression.of(data, layer=layer, mask_var=mask_var)
    regulons = io.as_regulons(regulons)
    targets = (gene for one in regulons for gene in one.targets)
    check_genes(targets, expression.genes, what="target genes", where="the matrix", floor=GENE_FLOOR)
    members = Members.of(regulons, expression.genes, recipe)
    scores = _score(expression, members, recipe, root_seed(rng), n_jobs)
    if normalize:
        largest = scores.max(axis=0)
        scores /= np.where(largest > 0, largest, 1.0)
    frame = pd.DataFrame(scores, index=pd.Index(expression.cells, name="Cell"), columns=pd.Index(members.names))
    frame.attrs["params"] = {**vars(recipe), "n_genes": expression.n_genes, "n_ranks": recipe.depth(expression.n_genes)}
    return frame


def storable(names: pd.Index) -> pd.Index:
    """Return regulon names with ``/`` replaced, which HDF5 and zarr read as a folder.

    Raises
    ------
    InputError
        If two names become the same.
    """
    safe = pd.Index([_keys.safe(str(name)) for name in names])
    if not safe.is_unique:
        msg = f"regulons {list(names[safe.duplicated(keep=False)][:2])} differ only in '/', which files cannot store."
        raise InputError(msg)
    return safe


def _score(expression: Expression, members: Members, recipe: Recipe, root: int, n_jobs: int | None) -> np.ndarray:
    """Return the scores, block by block of cells."""
    from reguloom.activity import _kernels

    n_genes, depth = expression.n_genes, recipe.depth(expression.n_genes)
    order = _tie_order(n_genes, recipe.ties, root)
    per_cell = recipe.ties == "random"
    ties = _kernels.TIES_PER_CELL if per_cell else _kernels.TIES_FIXED
    scores = np.empty((expression.n_cells, len(members.names)))
    memberships = (members.indptr, members.regulons, members.weights, members.denominators)

    def work(block: tuple[int, int, Csr]) -> int:
        start, stop, cells = block
        seeds = np.zeros(0, np.uint64)
        if per_cell:
            seeds = np.array([child_seed(root, "aucell", name) for name in expression.cells[start:stop]], np.uint64)
        n_detected = np.empty(stop - start, np.int64)
        _kernels.score_cells(*cells, depth, ties, seeds, order, *memberships, scores[start:stop], n_detected)
        if n_detected.min() < 0:
            cell = expression.cells[start + int(n_detected.argmin())]
            msg = f"cell {cell!r} holds a NaN; every value must be a number, so fill or drop such genes first."
            raise InputError(msg)
        return int((n_detected < depth).sum())

    blocks, n_blocks = _blocks(expression, n_jobs)
    n_shallow = sum(track(map_ordered(work, blocks, n_jobs), n_blocks, "AUCell"))
    if n_shallow > SHALLOW_CELLS * expression.n_cells:
        warn(
            f"{n_shallow} of {expression.n_cells} cells detect fewer genes than the {depth} that score, so undetected "
            "genes in arbitrary order enter: lower auc_threshold (see derive_auc_threshold) or filter cells."
        )
    return scores


def _tie_order(n_genes: int, ties: str, root: int) -> np.ndarray:
    """Return the genes in the order that breaks ties.

    The shuffle is the one of pandas' ``DataFrame.sample(frac=1, axis=1, random_state=seed)``, which takes 32 bits.
    """
    if ties == "shuffle":
        return np.random.RandomState(root % 2**32).permutation(n_genes).astype(np.int64)
    return np.arange(n_genes, dtype=np.int64)


def _blocks(expression: Expression, n_jobs: int | None) -> tuple[Iterator[tuple[int, int, Csr]], int]:
    """Return blocks of cells, small enough to bound the memory and enough of them for every thread, and how many."""
    even = -(-expression.n_cells // (4 * resolve_n_jobs(n_jobs)))
    n_rows = max(1, min(even, 4096, _BLOCK_VALUES // expression.n_genes))
    n_blocks = -(-expression.n_cells // n_rows)
    if expression.is_sparse and not expression.is_backed:
        return _views(expression.X.tocsr(), n_rows), n_blocks
    read = _as_csr if expression.is_sparse else _dense_reader(n_rows, expression.n_genes)
    return ((start, stop, read(values)) for start, stop, values in expression.blocks(n_rows)), n_blocks


def _views(matrix: Any, n_rows: int) -> Iterator[tuple[int, int, Csr]]:
    """Yield blocks of cells of a CSR matrix in memory without copying them."""
    values, genes, indptr = _as_csr(matrix)
    n_cells = len(indptr) - 1
    for start in range(0, n_cells, n_rows):
        stop = min(start + n_rows, n_cells)
        first, last = indptr[start], indptr[stop]
        yield start, stop, (values[first:last], genes[first:last], indptr[start : stop + 1] - first)


def _as_csr(matrix: Any) -> Csr:
    """Return cells in the few types that the kernel is compiled for."""
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return _values(matrix.data), matrix.indices.astype(np.int32, copy=False), matrix.indptr.astype(np.int64, copy=False)


def _dense_reader(n_rows: int, n_genes: int) -> Callable[[np.ndarray], Csr]:
    """Return what reads a dense block in place, as a sparse one with every value stored."""
    genes = np.tile(np.arange(n_genes, dtype=np.int32), n_rows)

    def read(block: np.ndarray) -> Csr:
        return _values(np.ascontiguousarray(block).ravel()), genes[: block.size], np.arange(len(block) + 1) * n_genes

    return read


def _values(stored: np.ndarray) -> np.ndarray:
    """Return values as float32 if they are that, else as float64."""
    return stored.astype(np.float32 if stored.dtype == np.float32 else np.float64, copy=False)
