"""Results in AnnData and in files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom import _keys
from reguloom._errors import InputError, ResourceError
from reguloom._files import atomic_write, existing
from reguloom._reading import content_errors
from reguloom.core import Provenance
from reguloom.io.h5ad import open_anndata
from reguloom.temporal.profile import Profile

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.temporal.result import TemporalModules

TABLES = ("timing", "summary", "selection", "benchmark", "curves", "history")
_BAND = 1.645
RESULT = "result.h5ad"


def to_adata(result: TemporalModules, adata: AnnData, key: str) -> None:
    """Write the slots that :meth:`TemporalModules.to_adata` names."""
    genes = pd.Index(adata.var_names.astype(str))
    shared = genes.intersection(result.modules.index)
    if not len(shared):
        msg = (
            f"none of the {len(genes)} genes of adata, such as {list(genes[:3])}, is in the result, which has "
            f"{list(result.modules.index[:3])}; give data with the same names."
        )
        raise InputError(msg)
    labels = result.modules.reindex(genes).fillna("static")
    first = result.first_timing()
    adata.var[_keys.temporal("module", key)] = _categories(result, labels)
    for name, column in (("halftime", "half_time"), ("onset", "onset")):
        values = first[column].reindex(genes) if len(first) else pd.Series(np.nan, index=genes)
        adata.var[_keys.temporal(name, key)] = values.to_numpy(np.float64)
    if result.latent.shape[1]:
        adata.varm[_keys.temporal("latent", key)] = result.latent.reindex(genes).to_numpy(np.float64)
    adata.uns[key] = {
        "method": result.method, "params": result.provenance.to_json(), "notes": json.dumps(list(result.notes)),
        **{name: _plain(getattr(result, name)) for name in ("benchmark", "selection", "summary")},
    }  # fmt: skip


def to_anndata(result: TemporalModules) -> AnnData:
    """Return what :meth:`TemporalModules.to_anndata` describes."""
    from anndata import AnnData

    profile = result.profile
    n_genes, n_tracks, n_times = profile.values.shape
    obs = pd.DataFrame(
        {"track": np.repeat(profile.tracks.astype(str), n_times), "time": np.tile(profile.times, n_tracks)},
        index=[f"{track} | {time:g}" for track in profile.tracks for time in profile.times],
    )
    obs["track"] = pd.Categorical(obs["track"], categories=list(profile.tracks.astype(str)))

    def flat(table: Any) -> Any:
        return np.ascontiguousarray(np.asarray(table, dtype=np.float64).reshape(n_genes, -1).T)

    var = result.genes.drop(columns="module").copy()
    var.index = pd.Index(profile.genes.astype(str).to_numpy(dtype=object))
    for number, track in enumerate(profile.tracks):
        var[_keys.safe(f"level_{track}")] = profile.level[:, number]
    made = AnnData(flat(profile.values), obs=obs, var=var)
    made.layers["fitted"] = flat(result.fitted)
    made.layers["lower"] = flat(result.fitted - _BAND * result.fitted_error)
    made.layers["upper"] = flat(result.fitted + _BAND * result.fitted_error)
    made.layers["error"] = flat(profile.error)
    made.layers["measured"] = flat(profile.mask)
    to_adata(result, made, _keys.TEMPORAL)
    if result.membership.shape[1]:
        made.varm[_keys.temporal("membership")] = result.membership.reindex(var.index).to_numpy(np.float64)
    made.uns[_keys.TEMPORAL] |= {name: _plain(getattr(result, name)) for name in TABLES}
    made.uns[_keys.TEMPORAL]["modules"] = np.array(result.names, dtype=object)
    made.uns[_keys.TEMPORAL]["latent_columns"] = np.array(list(result.latent.columns), dtype=object)
    return made


def from_anndata(adata: AnnData) -> TemporalModules:
    """Return the result that :func:`to_anndata` made plain.

    Raises
    ------
    InputError
        If there is none in `adata`.
    """
    with content_errors("this AnnData", what="result of temporal.fit"):
        return _from_anndata(adata)


def _from_anndata(adata: AnnData) -> TemporalModules:
    """Return the result of the slots."""
    from reguloom.temporal.result import TemporalModules

    stored = adata.uns.get(_keys.TEMPORAL, {})
    if not {"params", "timing", "modules"} <= set(stored) or "fitted" not in adata.layers:
        msg = "this AnnData holds no result of temporal.fit; give the result.h5ad that it wrote."
        raise InputError(msg)
    tracks = pd.Index(adata.obs["track"].astype(str).unique(), name="track")
    times = np.unique(adata.obs["time"].to_numpy(np.float64))
    genes = pd.Index(adata.var_names.astype(str), name="gene")

    def cube(table: Any) -> Any:
        return np.ascontiguousarray(np.asarray(table).T.reshape(len(genes), len(tracks), len(times)))

    level = np.column_stack([adata.var[_keys.safe(f"level_{track}")].to_numpy(np.float64) for track in tracks])
    profile = Profile(genes, tracks, times, level, adata.var["amplitude"].to_numpy(np.float64), cube(adata.X),
                      cube(adata.layers["error"]), cube(adata.layers["measured"]) > 0)  # fmt: skip
    modules = pd.Series(adata.var[_keys.temporal("module")].astype(str).to_numpy(dtype=object), genes, name="module")
    drop = [f"level_{_keys.safe(str(track))}" for track in tracks]
    drop += [_keys.temporal(name) for name in ("module", "halftime", "onset")]
    table = adata.var.drop(columns=[name for name in drop if name in adata.var])
    table.index = genes
    names = [str(name) for name in stored["modules"]]
    grouped = np.flatnonzero(table["probability"].notna())
    fitted = cube(adata.layers["fitted"])
    return TemporalModules(
        modules=modules,
        genes=table.assign(module=modules),
        membership=_slot(adata, "membership", names, grouped),
        latent=_slot(adata, "latent", [str(name) for name in stored["latent_columns"]], grouped),
        profile=profile,
        fitted=fitted,
        fitted_error=(cube(adata.layers["upper"]) - fitted) / _BAND,
        method=str(stored["method"]),
        notes=tuple(json.loads(str(stored["notes"]))),
        provenance=Provenance.from_json(str(stored["params"])),
        **{name: _read_table(stored[name]) for name in TABLES},
    )


def _slot(adata: AnnData, name: str, columns: list[str], rows: Any) -> pd.DataFrame:
    """Return a table of the genes that were grouped."""
    index = pd.Index(adata.var_names.astype(str), name="gene")[rows]
    key = _keys.temporal(name)
    if key not in adata.varm or not columns:
        return pd.DataFrame(index=index, columns=pd.Index(columns, dtype=object), dtype=np.float64)
    return pd.DataFrame(np.asarray(adata.varm[key])[rows], index=index, columns=pd.Index(columns, dtype=object))


def _read_table(stored: Any) -> pd.DataFrame:
    """Return a table with plain text and a plain index."""
    if isinstance(stored, Mapping):
        return pd.DataFrame()
    table = pd.DataFrame(stored).reset_index(drop=True)
    for name, kind in table.dtypes.items():
        if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)):
            table[name] = table[name].astype(str).to_numpy(dtype=object)
    return table


def _plain(table: pd.DataFrame) -> pd.DataFrame | dict[str, Any]:
    """Return a table that files can hold; an empty one becomes an empty mapping."""
    if table.empty:
        return {}
    made = table.reset_index(drop=True)
    made.index = made.index.astype(str)
    return made


def _categories(result: TemporalModules, labels: pd.Series) -> pd.Categorical:
    """Return labels as categories in the order of the modules."""
    used = [name for name in [*result.names, "unassigned", "static"] if (labels == name).any()]
    return pd.Categorical(labels.to_numpy(dtype=object), categories=used)


def write(result: TemporalModules, folder: Path, *, force: bool) -> dict[str, Path]:
    """Write the files of a result and return where they are."""
    paths = {name: folder / f"{name}.csv" for name in ("modules", "timing", "benchmark")}
    named = {name: folder / f"module_{name}.csv" for name in [*result.names, "static", "unassigned"]}
    grouped = result.modules[result.modules != "static"]
    tables = {
        "modules": pd.DataFrame({"Gene": grouped.index, "Cluster": grouped.to_numpy()}),
        "timing": result.timing.assign(module=result.modules.reindex(result.timing["gene"]).to_numpy()),
        "benchmark": result.benchmark,
    }
    for name, table in tables.items():
        _csv(table, paths[name], force=force)
    for name, path in named.items():
        rows = result.genes[result.modules == name]
        if len(rows):
            _csv(rows.rename_axis("Gene").reset_index(), path, force=force)
            paths[path.stem] = path
    for name in ("selection", "summary", "history"):
        if not getattr(result, name).empty:
            paths[name] = folder / f"{name}.csv"
            _csv(getattr(result, name), paths[name], force=force)
    paths["result"] = folder / RESULT
    with atomic_write(paths["result"], force=force) as temporary:
        to_anndata(result).write_h5ad(temporary)
    return paths


def _csv(table: pd.DataFrame, path: Path, *, force: bool) -> None:
    with atomic_write(path, force=force) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def read(path: Path) -> TemporalModules:
    """Read what :func:`write` wrote.

    Raises
    ------
    InputError
        If there is no such file, or it holds something else.
    """
    found = existing(path / RESULT if path.is_dir() else path, what="result")
    with content_errors(found, what="result of temporal.fit", kind=ResourceError):
        return from_anndata(open_anndata(found))
