"""What a report is made from: AnnData files in their roles, and the tables, records and logs beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom import _keys
from reguloom._errors import EmptyResultError, InputError, ReguloomError
from reguloom._files import existing

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from reguloom.core import Regulons
    from reguloom.oracle import Oracle
    from reguloom.vectorfield import VectorField

ORACLE, SCREEN, DEVELOPMENT, TEMPORAL = "oracle", "oracle_screen", "oracle_development", "temporal"
FIELD = f"{_keys.VECTORFIELD}/control_points"
MARKS = (f"{ORACLE}/schema", FIELD)
"""Entries of ``uns`` by which a file's role is known."""
TABLES = ("leaderboard.csv", "recovery.csv")
RECORDS = ("manifest.json", "provenance.json")
_DEPTH = 3
_BACKED_FROM = 1 << 30
_LARGEST_TEXT = 8 << 20


@dataclass(eq=False)
class Source:
    """The pieces that panels are made from.

    Parameters
    ----------
    cells
        The cells that are shown, with whatever was found for them.
    oracle_file
        A file, or an AnnData, that holds a fitted oracle.
    temporal
        An AnnData with temporal modules.
    field_file
        A file, or an AnnData, that holds a fitted vector field.
    folders
        Folders with tables, records and logs.
    notes
        What could not be read, in words.
    """

    cells: AnnData
    oracle_file: Path | AnnData | None = None
    temporal: AnnData | None = None
    field_file: Path | AnnData | None = None
    folders: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @cached_property
    def regulons(self) -> Regulons | None:
        """The regulons, if there are any."""
        from reguloom.core import Regulons

        entry = self.cells.uns.get(_keys.REGULONS)
        has = hasattr(entry, "get") and "members" in entry and "meta" in entry
        return Regulons.from_adata(self.cells) if has else None

    @cached_property
    def activity(self) -> pd.DataFrame | None:
        """Activity of the regulons, ``(n_cells, n_regulons)``."""
        found = self.cells.obsm.get(_keys.AUCELL)
        return found if hasattr(found, "columns") and len(found.columns) else None

    @property
    def summary(self) -> Mapping[str, Any]:
        """What was summed up of the activity: thresholds, specificity scores."""
        found = self.cells.uns.get(_keys.AUCELL)
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def oracle(self) -> Oracle | None:
        """The fitted oracle, if there is one."""
        from reguloom.oracle.persistence import read_oracle

        if self.oracle_file is None or isinstance(self.oracle_file, Path):
            return None if self.oracle_file is None else read_oracle(self.oracle_file)
        import tempfile

        # An oracle is read from a file alone; an AnnData in memory goes through one.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "oracle.h5ad"
            self.oracle_file.write_h5ad(path)
            return read_oracle(path)

    @cached_property
    def oracle_cells(self) -> AnnData | None:
        """The oracle's cells with their annotation and embeddings."""
        if self.oracle_file is None or not isinstance(self.oracle_file, Path):
            return self.oracle_file
        return _read(self.oracle_file, backed=True)

    @cached_property
    def field_cells(self) -> AnnData | None:
        """The cells of the vector field, with their embeddings."""
        return self.field_file if not isinstance(self.field_file, Path) else _read(self.field_file, backed=True)

    @cached_property
    def field(self) -> VectorField | None:
        """The fitted vector field; None with a note if it is damaged."""
        from reguloom.vectorfield import VectorField

        if self.field_cells is None:
            return None
        try:
            return VectorField.from_adata(self.field_cells)
        except ReguloomError as error:
            self.notes.append(f"the vector field is left out: {error}")
            return None

    @cached_property
    def screen(self) -> pd.DataFrame | None:
        """The table of a screen."""
        held = self.oracle_cells.uns.get(SCREEN) if self.oracle_cells is not None else None
        if held is not None:
            return held.reset_index(drop=True)
        path = next(self.files("screen.csv"), None)
        return self.read_csv(path) if path is not None else None

    @cached_property
    def motif_table(self) -> pd.DataFrame | None:
        """The motif enrichment table of the regulons."""
        from reguloom import io

        path = next(self.files("motifs.csv"), None)
        if path is None:
            return None
        try:
            return io.read_motif_table(path)
        except ReguloomError as error:
            self.notes.append(f"{path.name} is left out: {error}")
            return None

    def files(self, name: str) -> Iterator[Path]:
        """Yield the files called `name`, those nearest to the top first."""
        for folder in self.folders:
            found = [path for depth in range(_DEPTH) for path in sorted(folder.glob("*/" * depth + name))]
            yield from (path for path in found if path.is_file())

    def read_csv(self, path: Path) -> pd.DataFrame | None:
        """Return a table, or None with a note if it is none."""
        import pandas as pd

        try:
            if path.stat().st_size <= _LARGEST_TEXT:
                return pd.read_csv(path)
            self.notes.append(f"{path.name} is left out: it is larger than {_LARGEST_TEXT >> 20} MB.")
        except (ValueError, OSError) as error:
            self.notes.append(f"{path.name} is left out: it is no table ({error}).")
        return None

    def read_json(self, path: Path) -> Any:
        """Return what a record holds, or None with a note if it is damaged."""
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            self.notes.append(f"{path.name} is left out: it cannot be read ({error}).")
            return None


def open_source(source: Any) -> Source:
    """Return the pieces of a run folder, a file, an AnnData, or several of these.

    Raises
    ------
    InputError
        If there is nothing there, or it holds no AnnData.
    """
    given = [source] if isinstance(source, (str, os.PathLike)) or hasattr(source, "obsm") else list(source)
    folders: list[Path] = []
    found: list[Path | AnnData] = []
    for one in given:
        if hasattr(one, "obsm"):
            found.append(one)
            continue
        path = existing(one, what="run folder or file")
        if path.is_dir() and not _is_zarr(path):
            folders.append(path)
            found += _results(path)
        else:
            found.append(path)
    if not found:
        where = ", ".join(map(str, given)) or "nothing"
        msg = f"{where} holds no result.h5ad; give the folder of a finished run, or an h5ad file."
        raise InputError(msg)
    return _in_roles(found, folders)


def _in_roles(found: Sequence[Path | AnnData], folders: list[Path]) -> Source:
    """Return the source with each file in its role: the cells with the most to show, the oracle, the time course."""
    slots = [_slots(one) for one in found]
    best = max(range(len(found)), key=lambda i: (_keys.AUCELL in slots[i], _keys.REGULONS in slots[i], -i))
    oracle = next((one for one, have in zip(found, slots, strict=True) if f"{ORACLE}/schema" in have), None)
    course = next((i for i, have in enumerate(slots) if TEMPORAL in have or "temporal_module" in have), None)
    field = next((one for one, have in zip(found, slots, strict=True) if FIELD in have), None)
    cells = _opened(found[best])
    if cells.n_obs == 0:
        msg = f"{found[best]} holds no cells; a report shows cells."
        raise EmptyResultError(msg)
    temporal = None if course is None else cells if course == best else _opened(found[course])
    return Source(cells, oracle, temporal, field, folders)


def _results(folder: Path) -> list[Path]:
    """Return the result files of a run folder and of its stages."""
    return [path for depth in range(_DEPTH) for path in sorted(folder.glob("*/" * depth + "result.h5ad"))]


def _slots(one: Path | AnnData) -> set[str]:
    """Return the names of the slots of a file, without reading what they hold."""
    if not isinstance(one, (str, os.PathLike)):
        held = {str(key): entry for key, entry in one.uns.items() if isinstance(entry, Mapping)}
        ours = {name for name in MARKS if name.partition("/")[2] in held.get(name.partition("/")[0], {})}
        return {*map(str, one.uns), *map(str, one.obsm), *map(str, one.var), *ours}
    if Path(one).is_dir():
        return _slots(_read(Path(one), backed=False))
    import h5py

    from reguloom.io._sniff import hdf5_errors

    if not h5py.is_hdf5(one):
        msg = f"{one} is no h5ad file; give the folder of a finished run, or an h5ad file."
        raise InputError(msg)
    with hdf5_errors(Path(one)), h5py.File(one, "r") as file:
        groups = [file[name] for name in ("uns", "obsm", "var") if isinstance(file.get(name), h5py.Group)]
        ours = {name for name in MARKS if f"uns/{name}" in file}
        return {str(name) for group in groups for name in group} | ours


def _opened(one: Path | AnnData) -> AnnData:
    """Return an AnnData, its matrix left on disk if it is large."""
    if not isinstance(one, (str, os.PathLike)):
        return one
    path = Path(one)
    return _read(path, backed=path.is_file() and path.stat().st_size > _BACKED_FROM)


def _read(path: Path, *, backed: bool) -> AnnData:
    """Read an AnnData as `io` does."""
    from reguloom import io

    return io.read(path, backed=backed)


def _is_zarr(path: Path) -> bool:
    """Tell whether a folder is a zarr store."""
    return any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zmetadata"))
