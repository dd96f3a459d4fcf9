"""SCope's dialect of loom: the matrix with regulons, their activity, embeddings and clusterings, for the viewer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom import _keys
from reguloom._errors import InputError, MissingKeyError
from reguloom._files import atomic_write
from reguloom.core import Expression, Regulons
from reguloom.io.h5ad import layer_names

if TYPE_CHECKING:
    import h5py
    from anndata import AnnData

_RESERVED = {"CellID", "Gene", "nGene", "nUMI", "Embedding", "Embeddings_X", "Embeddings_Y", "Clusterings", "ClusterID"}
_BLOCK_BYTES = 64 * 2**20
_MAX_ANNOTATION_VALUES = 255
_NAMES = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA"}
_NO_MOTIF = "NA.png"


def write_scope_loom(
    adata: AnnData,
    path: str | os.PathLike[str],
    *,
    regulons: Regulons | None = None,
    auc: pd.DataFrame | None = None,
    thresholds: Mapping[str, float] | pd.Series | pd.DataFrame | None = None,
    title: str = "",
    genome: str = "",
    tree: Sequence[str] = (),
    embeddings: Sequence[str] | None = None,
    clusterings: Sequence[str] | None = None,
    rename: str | None = "_",
    force: bool = False,
) -> None:
    """Write a loom file (specification 3) that SCope, SCopeLoomR, loompy and pySCENIC read.

    The same input gives the same bytes: the file holds no time stamp.

    Parameters
    ----------
    adata
        Cells × genes; the columns of ``obs`` and ``var`` are written as attributes.
    path
        Where to write, ending in ``.loom``.
    regulons
        By default those in ``adata.uns['regulons']``, if any.
    auc
        Activity, cells × regulons; by default ``adata.obsm['aucell']``, if any.
    thresholds
        Regulon → AUC above which it is on; a table needs a column ``threshold``.
    title, genome
        What SCope shows.
    tree
        Up to three levels of folders in SCope.
    embeddings
        Slots of ``obsm``, the default embedding first; by default every ``X_...`` of two or more dimensions.
    clusterings
        Columns of ``obs``; by default the categorical ones.
    rename
        Put between TF and sign, as SCope wants it: ``"_"`` writes ``TF_(+)``. None keeps the names.
    force
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If tables do not fit the cells, there are more regulons than the format holds, or the file cannot be written.
    MissingKeyError
        If an embedding or a clustering is not there.
    """
    import h5py

    regulons = _stored_regulons(adata) if regulons is None else regulons
    auc = _stored_auc(adata) if auc is None else auc
    chosen = _embeddings(adata, embeddings)
    clusters = _clusterings(adata, clusterings)
    limits = _thresholds(thresholds)
    metadata = _metadata(adata, chosen, clusters, regulons=regulons, limits=limits, rename=rename)
    expression = Expression(adata.X, pd.Index(adata.obs_names.astype(str)), pd.Index(adata.var_names.astype(str)))
    with atomic_write(path, force=force) as temporary, h5py.File(temporary, "w") as file:
        for name in ("row_attrs", "col_attrs", "row_graphs", "col_graphs", "layers", "attrs"):
            file.create_group(name)
        n_genes, n_umi = _write_matrix(file, "matrix", expression)
        for layer in layer_names(adata):
            _write_matrix(file, f"layers/{layer}", Expression(adata.layers[layer], expression.cells, expression.genes))
        _write_columns(file["col_attrs"], adata.obs, {"CellID": expression.cells, "nGene": n_genes, "nUMI": n_umi})
        _write_columns(file["row_attrs"], adata.var, {"Gene": expression.genes})
        _write_embeddings(file["col_attrs"], chosen)
        _write_clusterings(file["col_attrs"], clusters)
        if auc is not None:
            _write_auc(file["col_attrs"], auc, expression.cells, rename)
        if regulons is not None:
            _write_regulons(file["row_attrs"], regulons, expression.genes, rename)
        levels = {f"SCopeTreeL{i + 1}": (list(tree) + ["", "", ""])[i] for i in range(3)}
        texts = {"LOOM_SPEC_VERSION": "3.0.0", "title": title, "Genome": genome, **levels, "MetaData": metadata}
        for name, text in texts.items():
            file["attrs"].create_dataset(name, data=text, dtype=h5py.string_dtype("utf-8"))


def _stored_regulons(adata: AnnData) -> Regulons | None:
    """Return the regulons in ``uns``, if there are."""
    entry = adata.uns.get(_keys.REGULONS)
    return Regulons.from_adata(adata) if isinstance(entry, Mapping) and "members" in entry else None


def _stored_auc(adata: AnnData) -> pd.DataFrame | None:
    """Return the activity table in ``obsm``, if there is one."""
    table = adata.obsm.get(_keys.AUCELL)
    return table if isinstance(table, pd.DataFrame) else None


def _thresholds(thresholds: Mapping[str, float] | pd.Series | pd.DataFrame | None) -> dict[str, float]:
    """Return regulon → threshold.

    Raises
    ------
    InputError
        If a table has no column of that name.
    """
    if thresholds is None:
        return {}
    if isinstance(thresholds, pd.DataFrame):
        if "threshold" not in thresholds:
            msg = (
                f"the table of thresholds has the columns {list(thresholds.columns)}, and needs one called 'threshold'."
            )
            raise InputError(msg)
        thresholds = thresholds["threshold"]
    return {str(name): float(value) for name, value in thresholds.items()}


def _embeddings(adata: AnnData, names: Sequence[str] | None) -> list[tuple[str, np.ndarray]]:
    """Return (name to show, first two coordinates) of each embedding.

    Raises
    ------
    MissingKeyError
        If one is not there.
    """
    slots = [name for name in adata.obsm if name.startswith("X_")] if names is None else list(names)
    missing = [name for name in slots if name not in adata.obsm]
    if missing:
        msg = f"adata.obsm has no {missing}; it has {sorted(adata.obsm)}."
        raise MissingKeyError(msg)
    found = []
    for slot in slots:
        values = np.asarray(adata.obsm[slot])
        if values.ndim == 2 and values.shape[1] >= 2 and values.dtype.kind in "fiu":
            name = slot.removeprefix("X_")
            found.append((_NAMES.get(name, name), values[:, :2].astype(np.float32)))
    return found


def _clusterings(adata: AnnData, names: Sequence[str] | None) -> list[tuple[str, pd.Categorical]]:
    """Return (name, categories) of each clustering.

    Raises
    ------
    MissingKeyError
        If one is not there.
    """
    if names is None:
        names = [name for name in adata.obs if isinstance(adata.obs[name].dtype, pd.CategoricalDtype)]
    missing = [name for name in names if name not in adata.obs]
    if missing:
        msg = f"adata.obs has no {missing}; it has {list(adata.obs)}."
        raise MissingKeyError(msg)
    return [(name, pd.Categorical(adata.obs[name])) for name in names]


def regulon_name(name: str, rename: str | None) -> str:
    """Return ``TF_(+)`` for ``TF(+)``, if `rename` is ``"_"``."""
    if rename is None or not name.endswith(("(+)", "(-)")) or name[:-3].endswith((rename, " ")):
        return name
    return f"{name[:-3]}{rename}{name[-3:]}"


def _metadata(
    adata: AnnData,
    embeddings: list[tuple[str, np.ndarray]],
    clusterings: list[tuple[str, pd.Categorical]],
    *,
    regulons: Regulons | None,
    limits: dict[str, float],
    rename: str | None,
) -> str:
    """Return SCope's description of the file as JSON."""
    shown = [(name, adata.obs[name].astype(str).unique().tolist()) for name in adata.obs if _is_annotation(adata, name)]
    motifs = {} if regulons is None else {one.name: one.motifs[0] for one in regulons if one.motifs}
    return json.dumps(
        {
            "embeddings": [{"id": number - 1, "name": name} for number, (name, _) in enumerate(embeddings)],
            "annotations": [{"name": name, "values": sorted(values)} for name, values in shown],
            "clusterings": [
                {
                    "id": number,
                    "group": "reguloom",
                    "name": name,
                    "clusters": [{"id": i, "description": str(value)} for i, value in enumerate(values.categories)],
                }
                for number, (name, values) in enumerate(clusterings)
            ],
            "regulonThresholds": [
                {
                    "regulon": regulon_name(name, rename),
                    "defaultThresholdValue": value,
                    "defaultThresholdName": "gaussian_mixture_split",
                    "allThresholds": {"gaussian_mixture_split": value},
                    "motifData": f"{motifs[name]}.png" if name in motifs else _NO_MOTIF,
                }
                for name, value in limits.items()
            ],
        }
    )


def _is_annotation(adata: AnnData, name: str) -> bool:
    """Tell whether a column of ``obs`` is text or categories with few enough values to choose from."""
    column = adata.obs[name]
    if name in _RESERVED or pd.api.types.is_numeric_dtype(column):
        return False
    return column.nunique() <= _MAX_ANNOTATION_VALUES


def _write_matrix(file: h5py.File, name: str, expression: Expression) -> tuple[np.ndarray, np.ndarray]:
    """Write cells × genes as genes × cells, some genes at a time; return detected genes and counts of each cell."""
    matrix = expression.to_csc()
    n_cells, n_genes = matrix.shape
    chunks = (min(64, n_genes), min(64, n_cells))
    # Level 2 is loompy's; a compressed empty chunk costs nothing, so that the file stays near the sparse size.
    dataset = file.create_dataset(
        name, (n_genes, n_cells), np.float32, chunks=chunks, compression="gzip", compression_opts=2, shuffle=False
    )
    step = max(64, _BLOCK_BYTES // (4 * n_cells) // 64 * 64)
    for start in range(0, n_genes, step):
        dataset[start : start + step] = matrix[:, start : start + step].T.toarray().astype(np.float32)
    detected = np.bincount(matrix.indices[matrix.data > 0], minlength=n_cells).astype(np.int64)
    total = np.bincount(matrix.indices, weights=matrix.data.astype(np.float64), minlength=n_cells)
    return detected, total


def _write_columns(group: h5py.Group, table: pd.DataFrame, first: dict[str, Any]) -> None:
    """Write the columns of a table as attributes."""
    for name, values in first.items():
        _write_attribute(group, name, values)
    for name in table.columns:
        if name not in _RESERVED and name not in group:
            _write_attribute(group, _keys.safe(str(name)), table[name])


def _write_attribute(group: h5py.Group, name: str, values: Any) -> None:
    """Write one attribute: numbers as they are, truth values as 0 and 1, anything else as text."""
    import h5py

    if isinstance(getattr(values, "dtype", None), np.dtype) and values.dtype.kind in "iufb":
        array = np.asarray(values)
        group.create_dataset(name, data=array.astype(np.int8) if array.dtype == bool else array)
        return
    texts = np.array(["" if value is None or value is pd.NA else str(value) for value in values], dtype=object)
    group.create_dataset(name, data=texts, dtype=h5py.string_dtype("utf-8"))


def _write_embeddings(group: h5py.Group, embeddings: list[tuple[str, np.ndarray]]) -> None:
    """Write the default embedding, and all of them by number, -1 first."""
    if not embeddings:
        return
    first = embeddings[0][1]
    _write_table(group, "Embedding", {"_X": first[:, 0], "_Y": first[:, 1]}, np.float32)
    for axis, name in enumerate(("Embeddings_X", "Embeddings_Y")):
        columns = {str(i - 1): values[:, axis] for i, (_, values) in enumerate(embeddings)}
        _write_table(group, name, columns, np.float32)


def _write_clusterings(group: h5py.Group, clusterings: list[tuple[str, pd.Categorical]]) -> None:
    """Write the clusterings by number, and the first one as the default."""
    if not clusterings:
        return
    codes = {str(i): values.codes for i, (_, values) in enumerate(clusterings)}
    _write_table(group, "Clusterings", codes, np.int32)
    group.create_dataset("ClusterID", data=clusterings[0][1].codes.astype(np.int32))


def _write_auc(group: h5py.Group, auc: pd.DataFrame, cells: pd.Index, rename: str | None) -> None:
    """Write the activity of each regulon.

    Raises
    ------
    InputError
        If its rows are not the cells.
    """
    index = auc.index.astype(str)
    if not index.equals(cells):
        if set(index) != set(cells):
            msg = f"the activity table has {len(index)} rows and there are {len(cells)} cells, or their names differ."
            raise InputError(msg)
        auc = auc.set_axis(index).loc[cells]
    columns = {regulon_name(str(name), rename): auc[name].to_numpy() for name in auc.columns}
    _write_table(group, "RegulonsAUC", columns, np.float64)


def _write_regulons(group: h5py.Group, regulons: Regulons, genes: pd.Index, rename: str | None) -> None:
    """Write which gene is in which regulon."""
    members = {regulon_name(one.name, rename): genes.isin(one.targets) for one in regulons}
    _write_table(group, "Regulons", members, np.int8)


def _write_table(group: h5py.Group, name: str, columns: Mapping[str, Any], dtype: Any) -> None:
    """Write a structured array.

    Raises
    ------
    InputError
        If HDF5 cannot describe so many columns (some 1,000).
    """
    if not columns:
        return
    first = next(iter(columns.values()))
    table = np.empty(len(first), dtype=[(str(column), dtype) for column in columns])
    for column, values in columns.items():
        table[str(column)] = values
    try:
        group.create_dataset(name, data=table, chunks=True, compression="gzip", compression_opts=2)
    except (ValueError, RuntimeError) as error:
        msg = f"{len(columns)} columns are more than the {name} of a SCope loom file can hold; write fewer regulons."
        raise InputError(msg) from error


def unpack_scope(adata: AnnData) -> None:
    """Turn SCope's attributes, as they were read, into AnnData's own slots; in place.

    Embeddings go to ``obsm['X_<name>']``, ``RegulonsAUC`` to ``obsm['aucell']``, ``Regulons`` to
    ``varm['regulons']``, and clusterings to categorical columns of ``obs``. ``TF_(+)`` becomes ``TF(+)``.
    """
    described = _described(adata.uns.get("loom", {}).get("MetaData"))
    x, y = adata.obsm.pop("Embeddings_X", None), adata.obsm.pop("Embeddings_Y", None)
    default = adata.obsm.pop("Embedding", None)
    if isinstance(x, pd.DataFrame) and isinstance(y, pd.DataFrame):
        names = {str(entry.get("id")): str(entry.get("name")) for entry in described.get("embeddings", [])}
        for number in [column for column in x.columns if column in y.columns]:
            slot = _slot(names.get(number, f"embedding{number}"))
            adata.obsm[slot] = np.column_stack([x[number], y[number]])
    elif isinstance(default, pd.DataFrame) and {"_X", "_Y"} <= set(default.columns):
        adata.obsm["X_embedding"] = default[["_X", "_Y"]].to_numpy()
    for holder, old, new in ((adata.obsm, "RegulonsAUC", _keys.AUCELL), (adata.varm, "Regulons", "regulons")):
        table = holder.pop(old, None)
        if isinstance(table, pd.DataFrame):
            holder[new] = table.rename(columns=_plain_name)
    _unpack_clusterings(adata, described)


def _described(text: Any) -> dict[str, Any]:
    """Return the parsed MetaData: JSON, or JSON compressed with zlib and written in base64; empty if neither."""
    import base64
    import binascii
    import zlib

    if not isinstance(text, str) or not text:
        return {}
    try:
        if not text.lstrip().startswith("{"):
            text = zlib.decompress(base64.b64decode(text)).decode()
        found = json.loads(text)
    except (ValueError, binascii.Error, zlib.error):
        return {}
    if not isinstance(found, dict):
        return {}
    lists = {key: value for key, value in found.items() if isinstance(value, list)}
    return {key: [entry for entry in value if isinstance(entry, dict)] for key, value in lists.items()}


def _slot(name: str) -> str:
    """Return the ``obsm`` slot for an embedding's name."""
    plain = {shown: slot for slot, shown in _NAMES.items()}.get(name, name)
    return f"X_{_keys.safe(plain)}"


def _plain_name(name: str) -> str:
    """Return ``TF(+)`` for ``TF_(+)`` and ``TF (+)``."""
    if name.endswith(("_(+)", "_(-)", " (+)", " (-)")):
        return f"{name[:-4]}{name[-3:]}"
    return name


def _unpack_clusterings(adata: AnnData, described: dict[str, Any]) -> None:
    """Turn the columns of ``Clusterings`` into categories; in place."""
    table = adata.obsm.pop("Clusterings", None)
    if not isinstance(table, pd.DataFrame):
        return
    for entry in described.get("clusterings", []):
        number, name = str(entry.get("id")), str(entry.get("name"))
        clusters = _clusters(entry.get("clusters"))
        if number not in table.columns or len(set(clusters.values())) != len(clusters):
            continue
        adata.obs[_keys.safe(name)] = pd.Categorical(table[number].map(clusters), categories=list(clusters.values()))


def _clusters(entries: Any) -> dict[int, str]:
    """Return id → name of the clusters that have both."""
    if not isinstance(entries, list):
        return {}
    found = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), int)]
    return {entry["id"]: str(entry["description"]) for entry in found if "description" in entry}
