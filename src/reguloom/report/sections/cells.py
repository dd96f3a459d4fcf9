"""The cells on their embedding, and what they can be coloured by, as far as the size of the file allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import _keys
from reguloom._errors import MissingKeyError
from reguloom._random import child_seed
from reguloom.report._payload import Payload, quantise
from reguloom.report._source import Source

if TYPE_CHECKING:
    from anndata import AnnData

BASES = ("umap", "tsne", "draw_graph_fa", "phate", "diffmap", "pca")
MOST_CELLS = 1_000_000
MOST_GROUPS, MOST_LABELINGS, MOST_NUMERIC = 60, 6, 6
MOST_GENES, GENE_VALUES, FEWEST_GENES = 5000, 40_000_000, 60
MOST_GENE_BYTES = 4_000_000
TAIL = 0.995
"""Quantile of a gene's positive values at which its colour is full; one extreme cell would grey out all others."""
MOST_CELLS_RANKED = 200_000
"""Cells up to which genes are ranked by how much they vary; beyond, only named ones are shown."""
_SCALES = ("pseudotime", "time", "score", "depth", "counts", "dpt")


@dataclass(frozen=True, eq=False)
class Shown:
    """Which cells are shown, in which order, and where.

    Parameters
    ----------
    rows
        Their positions in the data, neighbours on the embedding next to each other.
    places
        Their coordinates in units of the axes, ``(n_shown, 2)``.
    basis
        What the axes are.
    """

    rows: NDArray[np.int64]
    places: NDArray[np.float64]
    basis: str


def choose(source: Source, basis: str | None) -> Shown | None:
    """Return the cells to show; None if they have no place.

    Parameters
    ----------
    source
        The pieces.
    basis
        Embedding that was asked for.

    Raises
    ------
    MissingKeyError
        If the embedding that was asked for is not there.
    """
    found = _embedding(source.cells, basis)
    if found is None and source.activity is not None and source.activity.shape[1] > 1:
        found = _components(source.activity.to_numpy(dtype=np.float64)), "regulon activity, principal components"
    if found is None:
        return None
    places, name = found
    rows = np.flatnonzero(np.isfinite(places).all(axis=1))
    if rows.size < len(places):
        source.notes.append(f"{len(places) - rows.size} cells have no place on {name} and are not drawn.")
    if rows.size > MOST_CELLS:
        drawn = np.random.default_rng(child_seed(0, "report cells")).choice(rows.size, MOST_CELLS, replace=False)
        source.notes.append(f"{MOST_CELLS:,} of {rows.size:,} cells are drawn, chosen at random.")
        rows = rows[np.sort(drawn)]
    if not rows.size:
        return None
    order = _along_curve(places[rows])
    return Shown(rows[order], places[rows[order]], name)


def _embedding(adata: AnnData, basis: str | None) -> tuple[NDArray[np.float64], str] | None:
    """Return the first two dimensions of an embedding and its name."""
    names = [basis.removeprefix("X_")] if basis is not None else list(BASES)
    keys = [key for name in names for key in (f"X_{name}", name) if key in adata.obsm]
    if basis is None:
        keys += sorted(key for key in map(str, adata.obsm) if key.startswith("X_"))
    for key in keys:
        table = np.asarray(adata.obsm[key], dtype=np.float64)
        if table.ndim == 2 and table.shape[1] >= 2:
            return np.ascontiguousarray(table[:, :2]), key.removeprefix("X_")
    if basis is not None:
        msg = f"obsm has no embedding {basis!r} of two dimensions; it has {sorted(map(str, adata.obsm))}."
        raise MissingKeyError(msg)
    return None


def _components(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first two principal components, signs fixed, for data that come without an embedding."""
    centred = values - values.mean(axis=0)
    spread = centred.std(axis=0)
    centred /= np.where(spread > 0, spread, 1.0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    return np.asarray(centred @ axes)


def _along_curve(places: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the cells in the order of a space-filling curve (Morton's): neighbours compress well together."""
    key = np.zeros(len(places), dtype=np.uint64)
    for axis in (0, 1):
        bits, _, _ = quantise(places[:, axis], "u2")
        part = bits.astype(np.uint64)
        for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
            part = (part | (part << np.uint64(shift))) & np.uint64(mask)
        key |= part << np.uint64(axis)
    return np.argsort(key, kind="stable")


def panel(source: Source, payload: Payload, shown: Shown, groupby: str | None) -> dict[str, Any]:
    """Return the places, the labellings and the numbers of the cells."""
    made: dict[str, Any] = {"n": len(shown.rows), "total": source.cells.n_obs, "basis": shown.basis, "channels": []}
    # One scale for both axes, so that distances mean the same along both.
    low, high = shown.places.min(axis=0), shown.places.max(axis=0)
    span = float((high - low).max()) or 1.0
    for axis, name in enumerate("xy"):
        codes, _, _ = quantise(shown.places[:, axis], "u2", low=float(low[axis]), high=float(low[axis]) + span)
        made[name] = payload.add(codes, "u2", delta=True)
    made["extent"] = [float((high[axis] - low[axis]) / span) for axis in (0, 1)]
    made["origin"], made["span"] = [float(value) for value in low], span
    made["labelings"] = [
        {"key": key, **_labeling(source.cells.obs[key], shown.rows, payload)}
        for key in labelings(source.cells, groupby)
    ]
    for key in _numeric(source.cells):
        values = source.cells.obs[key].to_numpy(dtype=np.float64)[shown.rows]
        made["channels"].append(_channel(key, "annotation", values, payload, None))
    return made


def first_labeling(source: Source, groupby: str | None, scored: list[str]) -> str | None:
    """Return the column that cells are coloured by at first.

    Parameters
    ----------
    source
        The pieces.
    groupby
        The column that was asked for.
    scored
        Columns that specificity was scored for.

    Raises
    ------
    MissingKeyError
        If the column that was asked for is not there.
    """
    if groupby is not None and groupby not in source.cells.obs:
        msg = f"obs has no column {groupby!r}; it has {sorted(map(str, source.cells.obs.columns))[:20]}."
        raise MissingKeyError(msg)
    return groupby or next(iter(scored), None)


def labelings(adata: AnnData, groupby: str | None) -> list[str]:
    """Return the columns of ``obs`` that label cells, the grouping of the analysis first."""
    found = []
    for key in map(str, adata.obs.columns):
        column = adata.obs[key]
        text = isinstance(column.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(column)
        if (text or pd.api.types.is_bool_dtype(column)) and 1 < column.nunique() <= MOST_GROUPS:
            found.append(key)
    found.sort(
        key=lambda key: (key != groupby, not any(word in key for word in ("type", "cluster", "leiden", "group")))
    )
    return found[:MOST_LABELINGS]


def _labeling(column: pd.Series, rows: NDArray[np.int64], payload: Payload) -> dict[str, Any]:
    """Return names, colours and the code of each cell; 255 stands for none."""
    from reguloom.pl._style import group_colors

    labels = column.astype("category").cat.remove_unused_categories()
    codes = labels.cat.codes.to_numpy().astype(np.int64)[rows]
    names = [str(name) for name in labels.cat.categories]
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    stored = payload.add(np.where(codes < 0, 255, codes), "u1")
    return {"names": names, "colors": group_colors(len(names)), "counts": counts, "codes": stored}


def _numeric(adata: AnnData) -> list[str]:
    """Return the numeric columns of ``obs`` worth a colour: those that grow along something first."""
    found = [str(key) for key in adata.obs.columns if pd.api.types.is_float_dtype(adata.obs[key])]
    found = [key for key in found if adata.obs[key].nunique() > 1]
    found.sort(key=lambda key: not any(word in key.lower() for word in _SCALES))
    return found[:MOST_NUMERIC]


def _channel(
    name: str, kind: str, values: NDArray[Any], payload: Payload, bounds: tuple[float, float] | None
) -> dict[str, Any]:
    """Return one colouring: a byte for each cell, and what the lowest and highest byte mean."""
    low, high = bounds or (None, None)
    codes, low, high = quantise(values, "u1", low=low, high=high)
    return {"name": name, "kind": kind, "low": low, "high": high, "values": payload.add(codes, "u1")}


def add_channels(
    source: Source, payload: Payload, shown: Shown, cells: dict[str, Any], *, wanted: list[str], limit: int
) -> None:
    """Add as many regulons and genes as fit, the ones worth most first, and say what was left out.

    Parameters
    ----------
    source, payload, shown
        The pieces, where the bytes go, and the cells.
    cells
        The panel, whose ``channels`` are added to.
    wanted
        Genes worth showing, best first.
    limit
        Bytes that the binary parts may take in all.
    """
    chosen = list(_most_specific(source))
    # Genes keep a sixth of what is left, and at least the factors themselves are tried.
    room = limit - (limit - payload.size) // 6
    added = {"regulon": 0, "gene": 0}
    if source.activity is not None:
        for name in chosen:
            if payload.size >= room:
                break
            values = source.activity[name].to_numpy(dtype=np.float64)[shown.rows]
            cells["channels"].append(_channel(name, "regulon", values, payload, (0.0, float(values.max()))))
            added["regulon"] += 1
    limit = min(limit, payload.size + MOST_GENE_BYTES)
    for name, values in _genes(source, shown, wanted):
        if payload.size >= limit:
            break
        top = float(np.quantile(values[values > 0], TAIL)) if (values > 0).any() else 0.0
        cells["channels"].append(_channel(name, "gene", values, payload, (min(0.0, float(values.min())), top)))
        added["gene"] += 1
    cells["shipped"] = added
    cells["left_out"] = {"regulon": len(chosen) - added["regulon"], "gene": source.cells.n_vars - added["gene"]}


def _most_specific(source: Source) -> Iterator[str]:
    """Yield the regulons, the most specific one of each group in turn, then the rest by motif support."""
    if source.activity is None:
        return
    names = [str(name) for name in source.activity.columns]
    scored = [table for key, table in source.summary.items() if str(key).startswith("rss_")]
    tables = [table.rename(columns=str) for table in scored if isinstance(table, pd.DataFrame)]
    seen: dict[str, None] = {}
    for table in tables:
        ranked = [row.sort_values(ascending=False, kind="stable").index for _, row in table.iterrows()]
        for place in range(table.shape[1]):
            seen |= dict.fromkeys(line[place] for line in ranked)
    nes = {_keys.safe(one.name): one.nes for one in source.regulons or () if np.isfinite(one.nes)}
    rest = sorted(names, key=lambda name: (-nes.get(name, 0.0), name))
    yield from (name for name in dict.fromkeys([*seen, *rest]) if name in set(names))


def _genes(source: Source, shown: Shown, wanted: list[str]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield genes with their values in the shown cells; counts are logged."""
    from reguloom.core import Expression

    if source.cells.X is None:
        return
    data = Expression.of(source.cells)
    known = {str(name): i for i, name in enumerate(data.genes)}
    most = min(MOST_GENES, max(FEWEST_GENES, GENE_VALUES // max(data.n_cells, 1)))
    names = [name for name in dict.fromkeys(wanted) if name in known][:most]
    if len(names) < most and not data.is_backed and data.n_cells <= MOST_CELLS_RANKED:
        names += [name for name in _varied(data) if name not in set(names)][: most - len(names)]
    if not names:
        return
    columns = data.select_genes(np.array([known[name] for name in names])).to_csc()
    counts = bool(columns.data.size) and bool(
        (columns.data >= 0).all() and (columns.data == np.rint(columns.data)).all()
    )
    for i, name in enumerate(names):
        column = columns[:, [i]].toarray().ravel().astype(np.float64)[shown.rows]
        yield name, np.log1p(column) if counts else column


def _varied(data: Any) -> list[str]:
    """Return the genes by falling variance over mean."""
    matrix = data.to_csr()
    mean = np.asarray(matrix.mean(axis=0)).ravel()
    squares = np.asarray(matrix.multiply(matrix).mean(axis=0)).ravel()
    spread = np.divide(squares - mean**2, mean, out=np.zeros_like(mean), where=mean > 0)
    return [str(data.genes[i]) for i in np.argsort(-spread, kind="stable")]
