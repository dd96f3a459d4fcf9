"""What a file holds, as a table of facts: for ``reguloom info``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from anndata import AnnData

    from reguloom.io import RankingDatabase

Facts = dict[str, Any]
_SAMPLE_BLOCKS, _BLOCK = 4, 500


def describe(names: Iterable[str]) -> str:
    """Say what gene names look like; see :func:`reguloom.core._gene_names.describe`."""
    from reguloom.core import _gene_names

    return _gene_names.describe(names)


def facts(path: Path) -> Facts:
    """Return what there is to know about a file, in the order in which it is shown.

    Raises
    ------
    InputError
        If the file is missing, empty or broken.
    """
    from reguloom._files import existing
    from reguloom.io.detect import detect

    path = existing(path)
    if _is_gene_list(path):
        return _of_gene_list(path)
    if path.suffixes and path.name.removesuffix(".gz").endswith(".tbl"):
        return _of_annotations(path)
    kinds = {"matrix": _of_matrix, "network": _of_network, "regulons": _of_regulons, "rankings": _of_rankings}
    return kinds[detect(path)](path)


def genes_of(path: Path) -> list[str]:
    """Return the names of the genes of a file, whatever it holds."""
    from reguloom import io
    from reguloom.io.detect import detect

    if _is_gene_list(path):
        return io.read_genes(path)
    match detect(path):
        case "network":
            return list(io.read_network(path).genes)
        case "regulons":
            return io.read_regulons(path).genes
        case "rankings":
            return io.read_rankings(path).genes
    return list(io.read(path).var_names)


def _is_gene_list(path: Path) -> bool:
    """Tell whether a text file has one name a line."""
    from reguloom._files import gzip_errors, open_text

    if not path.is_file() or path.name.removesuffix(".gz").rpartition(".")[2] not in ("txt", "csv", "tsv"):
        return False
    with gzip_errors(path), open_text(path) as handle:
        lines = [line.strip() for _, line in zip(range(20), handle, strict=False)]
    return any(lines) and not any(mark in line for line in lines for mark in "\t,; ")


def _of_gene_list(path: Path) -> Facts:
    from reguloom.io import read_genes

    genes = read_genes(path)
    return {
        "holds": "a list of genes",
        "genes": len(genes),
        "names look like": describe(genes),
        "such as": _some(genes),
    }


def _of_annotations(path: Path) -> Facts:
    from reguloom.io import read_motif_annotations

    table = read_motif_annotations(path)
    tfs = table["TF"].unique()
    return {
        "holds": "motif annotations",
        "annotations": len(table),
        "transcription factors": len(tfs),
        "motifs": table["MotifID"].nunique(),
        "names look like": describe(tfs),
        "such as": _some(tfs),
    }


def _of_network(path: Path) -> Facts:
    from reguloom.io import read_network

    network = read_network(path)
    frame = network.to_frame()
    weights = frame["weight"]
    signs = frame["sign"].value_counts().to_dict() if "sign" in frame else {}
    return {
        "holds": "a network",
        "edges": len(network),
        "transcription factors": frame["source"].nunique(),
        "targets": frame["target"].nunique(),
        "weights": f"{weights.min():.4g} to {weights.max():.4g}, median {weights.median():.4g}",
        "signs": _signs(signs),
        "groups": ", ".join(network.groups) or "none",
        "other columns": _some(set(frame) - {"source", "target", "weight", "sign", "group"}, 8),
        "names look like": describe(network.genes),
    }


def _signs(signs: dict[Any, int]) -> str:
    """Say how many edges activate and repress."""
    activating, repressing = (sum(n for sign, n in signs.items() if sign == value) for value in (1, -1))
    return f"{activating} activating, {repressing} repressing" if activating or repressing else "not known"


def _of_regulons(path: Path) -> Facts:
    import numpy as np

    from reguloom.io import read_regulons
    from reguloom.io.motif_table import is_motif_table

    regulons = read_regulons(path)
    sizes = [len(regulon.targets) for regulon in regulons]
    negative = sum(regulon.sign < 0 for regulon in regulons)
    table = path.name.removesuffix(".gz").endswith((".csv", ".tsv")) and is_motif_table(path)
    return {
        "holds": "a motif table (regulons with their motifs)" if table else "regulons",
        "regulons": f"{len(regulons)} ({len(regulons) - negative} activating, {negative} repressing)",
        "genes": len(regulons.genes),
        "sizes": f"{min(sizes)} to {max(sizes)}, median {np.median(sizes):g}" if sizes else "none",
        "names look like": describe(regulons.genes),
        "such as": _some(regulons.names),
    }


def _of_rankings(path: Path) -> Facts:
    from reguloom.io import read_rankings

    database: RankingDatabase = read_rankings(path)
    what = "regions" if database.regions else "genes"
    found: Facts = {
        "holds": f"motif {database.kind} of {what}",
        "motifs": database.n_motifs,
        what: database.n_genes,
        "values": str(database.dtype),
        "size": f"{path.stat().st_size / 1e6:,.1f} MB",
        "motifs such as": _some(database.motifs),
        f"{what} such as": _some(database.genes),
    }
    if not database.regions:
        found["names look like"] = describe(database.genes)
    return found


def _of_matrix(path: Path) -> Facts:
    from reguloom import io
    from reguloom.io._sniff import matrix_kind

    kind = matrix_kind(path)
    adata = io.read(path, backed=kind == "h5ad")
    try:
        return _of_adata(adata, kind)
    finally:
        if adata.isbacked:
            adata.file.close()


def _of_adata(adata: AnnData, kind: str) -> Facts:
    names = [str(name) for name in adata.var_names]
    regulons = sum(name.endswith(("(+)", "(-)")) for name in names) > 0.5 * len(names)
    found: Facts = {
        "holds": "regulon activity in cells" if regulons else "an expression matrix",
        "format": kind,
        "cells": adata.n_obs,
        "regulons" if regulons else "genes": adata.n_vars,
        **({} if regulons else _values(adata)),
    }
    if not regulons:
        found["gene names look like"] = describe(names)
    found["genes such as" if not regulons else "such as"] = _some(names)
    found["cells such as"] = _some(adata.obs_names)
    for what, index in (("gene", adata.var_names), ("cell", adata.obs_names)):
        if not index.is_unique:
            found[f"repeated {what} names"] = int(index.duplicated().sum())
    found["obs"] = ", ".join(_column(adata, name) for name in adata.obs) or "none"
    for slot in ("var", "layers", "obsm", "obsp", "uns"):
        # Newer AnnData lists X among the layers, as None.
        found[slot] = ", ".join(str(name) for name in getattr(adata, slot) if name is not None) or "none"
    found["raw"] = f"{adata.raw.shape[0]} x {adata.raw.shape[1]}" if adata.raw is not None else "none"
    return found


def _column(adata: AnnData, name: str) -> str:
    """Return a column's name, with the number of its groups where it has few."""
    column = adata.obs[name]
    if str(column.dtype) in ("category", "object", "string", "str", "bool"):
        return f"{name} ({column.nunique()} groups)"
    return name


def _values(adata: AnnData) -> Facts:
    """Return what the values look like, judged by a sample of cells."""
    import numpy as np

    if adata.X is None:
        return {"values": "none in X; see the layers"}
    starts = sorted({int(start) for start in np.linspace(0, max(adata.n_obs - _BLOCK, 0), _SAMPLE_BLOCKS)})
    rows = [adata.X[start : start + _BLOCK] for start in starts]
    blocks = [row.toarray() if hasattr(row, "toarray") else np.asarray(row) for row in rows]
    sample = np.concatenate(blocks).astype(np.float64) if blocks else np.zeros((0, adata.n_vars))
    if not sample.size:
        return {"values": "none: the matrix is empty"}
    stored = "sparse" if hasattr(rows[0], "indptr") else "dense"
    finite = sample[np.isfinite(sample)]
    span = f", {finite.min():g} to {finite.max():g}" if finite.size else ""
    return {
        "values": f"{_scale(sample)} ({rows[0].dtype}, {stored}{span})",
        "zeros": f"{(sample == 0).mean():.1%}",
        "detected genes per cell": f"median {np.median((sample > 0).sum(axis=1)):g}",
        **({"empty cells": f"{(sample == 0).all(axis=1).mean():.1%}"} if (sample == 0).all(axis=1).any() else {}),
    }


def _scale(sample: np.ndarray) -> str:
    """Tell counts from normalised, logarithmic and centred values."""
    import numpy as np

    if not np.isfinite(sample).all():
        return f"not all numbers: {(~np.isfinite(sample)).sum()} values of the sample are NaN or infinite"
    if (sample < 0).any():
        return "scaled or centred: some are negative"
    if (sample == np.rint(sample)).all():
        return "raw counts"
    if sample.max() <= 30:
        totals = np.expm1(sample).sum(axis=1)
        if totals.std() < 0.01 * totals.mean():
            return f"log(1 + x) of counts brought to {totals.mean():,.0f} per cell"
        return "logarithms, or normalised"
    return "normalised, not logarithmic"


def _some(names: Iterable[Any], n: int = 3) -> str:
    """Return the first few names."""
    listed = [str(name) for name in names]
    return ", ".join(listed[:n]) + (" ..." if len(listed) > n else "") if listed else "none"
