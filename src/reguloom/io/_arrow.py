"""Arrow files read column by column: feather v2 (memory-mapped), feather v1, parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._errors import InputError, ResourceError
from reguloom.io import _feather_v1

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_VERSIONS = {b"ARROW1": "v2", b"FEA1": "v1", b"PAR1": "parquet"}


def fields(path: Path) -> dict[str, str]:
    """Return the columns' names and types (``str`` for text, else numpy's name), in the file's order.

    Raises
    ------
    InputError
        If the file is none of the three formats, or a name is repeated.
    ResourceError
        If it is cut short or corrupt.
    """
    if _version(path) == "v1":
        return _feather_v1.read_fields(path)
    with arrow_errors(path):
        found = [(column.name, _type_name(column.type)) for column in _schema(path)]
    if len(dict(found)) != len(found):
        msg = f"{path} has two columns of the same name; every gene must be there once."
        raise InputError(msg)
    return dict(found)


def strings(path: Path, name: str) -> list[str]:
    """Return one text column."""
    if _version(path) == "v1":
        return [str(value) for value in _feather_v1.read_columns(path, [name])[name]]
    with arrow_errors(path):
        table = _table(path, [name])
        # Arrow takes the places of texts in a file on trust, and reads outside of it where they are wrong.
        table.validate(full=True)
        return [str(value) for value in table.column(name).to_pylist()]


def columns(path: Path, names: Sequence[str]) -> Mapping[str, NDArray[Any]]:
    """Return numeric columns by name; of an uncompressed v2 file these are views on the memory map."""
    if _version(path) == "v1":
        return _feather_v1.read_columns(path, names)
    with arrow_errors(path):
        table = _table(path, list(dict.fromkeys(names)))
        table.validate()
        return {name: column.to_numpy() for name, column in zip(table.column_names, table.columns, strict=True)}


def write(path: Path, *, names: Sequence[str], values: NDArray[Any], motifs: Sequence[str], codec: str) -> None:
    """Write numeric columns and then the text column ``motifs`` as feather v2."""
    import pyarrow as pa
    from pyarrow import feather

    arrays = [pa.array(np.ascontiguousarray(column)) for column in np.ascontiguousarray(values.T)]
    table = pa.table([*arrays, pa.array([str(motif) for motif in motifs])], names=[*names, "motifs"])
    level = 6 if codec == "zstd" else None
    feather.write_feather(table, str(path), compression=codec, compression_level=level)


@contextmanager
def arrow_errors(path: Path) -> Iterator[None]:
    """Turn what Arrow says of a broken file into one sentence.

    Raises
    ------
    ResourceError
        If reading inside the block fails.
    """
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        if isinstance(error, (InputError, ResourceError)):
            raise
        why = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
        msg = f"{path} is cut short or corrupt ({why}); fetch or copy it again and compare its checksum."
        raise ResourceError(msg) from error


def _version(path: Path) -> str:
    """Return ``v1``, ``v2`` or ``parquet`` by the first bytes.

    Raises
    ------
    InputError
        If it is none of them.
    """
    with path.open("rb") as handle:
        head = handle.read(6)
    for magic, version in _VERSIONS.items():
        if head.startswith(magic):
            return version
    msg = f"{path} is no feather (v1, v2) or parquet file: it starts with {head!r}; give a *.rankings.feather."
    raise InputError(msg)


def _schema(path: Path) -> pa.Schema:
    """Return the schema without reading values."""
    import pyarrow as pa
    from pyarrow import parquet

    if _version(path) == "parquet":
        return parquet.read_schema(path)
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).schema


def _table(path: Path, names: list[str]) -> pa.Table:
    """Return the columns called `names`."""
    from pyarrow import feather, parquet

    if _version(path) == "parquet":
        return parquet.read_table(path, columns=names)
    return feather.read_table(str(path), columns=names, memory_map=True)


def _type_name(kind: pa.DataType) -> str:
    """Return ``str`` for text and numpy's name for anything else."""
    if _is_text(kind):
        return "str"
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def _is_text(kind: pa.DataType) -> bool:
    """Tell whether an Arrow type is text, plain or dictionary-encoded."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)
