"""Feather version 1 (``FEA1``), which older ranking databases are stored in and Arrow is about to drop.

The file is: magic, columns, a flatbuffer that describes them, its length, magic. Every offset is checked, so that a
corrupt file raises and never crashes. Layout: the ``feather.fbs`` schema of Apache Arrow (Apache-2.0).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import ResourceError

MAGIC = b"FEA1"
_TYPES = {
    1: "int8", 2: "int16", 3: "int32", 4: "int64", 5: "uint8", 6: "uint16", 7: "uint32", 8: "uint64",
    9: "float32", 10: "float64", 11: "str",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """Where a column lies in the file."""

    name: str
    kind: str
    offset: int
    length: int
    null_count: int


def read_fields(path: Path) -> dict[str, str]:
    """Return the columns' names and types, in the file's order; ``str`` for text, else numpy's name."""
    return {column.name: column.kind for column in _columns(path)}


def read_columns(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return some columns: numbers in their own type, text as objects.

    Raises
    ------
    ResourceError
        If the file is corrupt.
    """
    wanted = set(names)
    chosen = [column for column in _columns(path) if column.name in wanted]
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return {column.name: _values(data, column) for column in chosen}
        except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
            raise _corrupt(path, error) from error


def _columns(path: Path) -> list[Column]:
    """Return the description of each column."""
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return list(_described(_footer(data)))
        except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
            raise _corrupt(path, error) from error


def _corrupt(path: Path, error: Exception) -> ResourceError:
    """Return the error for a broken file."""
    why = "its description points outside the file" if isinstance(error, struct.error) else error
    return ResourceError(f"{path} is cut short or corrupt ({why}); fetch or copy it again and compare its checksum.")


def _footer(data: mmap.mmap) -> bytes:
    """Return the flatbuffer at the end of the file."""
    size = len(data)
    if size < 16 or data[size - 4 :] != MAGIC:
        msg = "the end of a feather v1 file is not there"
        raise ValueError(msg)
    (length,) = struct.unpack("<I", data[size - 8 : size - 4])
    if length > size - 16:
        msg = "the description is longer than the file"
        raise ValueError(msg)
    return data[size - 8 - length : size - 8]


def _described(buffer: bytes) -> Iterator[Column]:
    """Go through the columns of the root table: (description, num_rows, columns, ...)."""
    root = _indirect(buffer, 0)
    vector = _follow(buffer, root, 2)
    (count,) = struct.unpack_from("<I", buffer, vector)
    if count * 4 > len(buffer):
        msg = "the description names more columns than it can hold"
        raise ValueError(msg)
    for i in range(count):
        table = _indirect(buffer, vector + 4 + 4 * i)
        values = _follow(buffer, table, 1)
        kind = _scalar(buffer, values, 0, "<b")
        if kind not in _TYPES:
            msg = f"type {kind} is not known"
            raise ValueError(msg)
        numbers = (_scalar(buffer, values, slot, "<q") for slot in (2, 3, 4))
        yield Column(_text(buffer, _follow(buffer, table, 0)), _TYPES[kind], *numbers)


def _indirect(buffer: bytes, at: int) -> int:
    """Return the position that the offset at `at` points to."""
    (offset,) = struct.unpack_from("<I", buffer, at)
    return at + int(offset)


def _slot(buffer: bytes, table: int, slot: int) -> int:
    """Return the position of a table's field, 0 if it is absent: tables point back to a list of their fields."""
    (back,) = struct.unpack_from("<i", buffer, table)
    vtable = table - back
    if vtable < 0:
        msg = "a table points outside the description"
        raise ValueError(msg)
    (size,) = struct.unpack_from("<H", buffer, vtable)
    if 4 + 2 * slot >= size:
        return 0
    (offset,) = struct.unpack_from("<H", buffer, vtable + 4 + 2 * slot)
    return table + int(offset) if offset else 0


def _follow(buffer: bytes, table: int, slot: int) -> int:
    """Return the position that a table's field points to."""
    at = _slot(buffer, table, slot)
    if not at:
        msg = f"field {slot} is missing"
        raise ValueError(msg)
    return _indirect(buffer, at)


def _scalar(buffer: bytes, table: int, slot: int, code: str) -> int:
    """Return a table's number, 0 if it is absent."""
    at = _slot(buffer, table, slot)
    return int(struct.unpack_from(code, buffer, at)[0]) if at else 0


def _text(buffer: bytes, at: int) -> str:
    """Return the text at a position."""
    (length,) = struct.unpack_from("<I", buffer, at)
    if at + 4 + length > len(buffer):
        msg = "a name is longer than the description"
        raise ValueError(msg)
    return buffer[at + 4 : at + 4 + length].decode()


def _values(data: mmap.mmap, column: Column) -> NDArray[Any]:
    """Return a column's values, copied out of the file."""
    if column.offset < 0 or column.length < 0 or column.null_count != 0:
        msg = f"column {column.name!r} has missing values or an impossible size"
        raise ValueError(msg)
    if column.kind != "str":
        return np.frombuffer(data, dtype=column.kind, count=column.length, offset=column.offset).copy()
    ends = np.frombuffer(data, dtype="<i4", count=column.length + 1, offset=column.offset).tolist()
    start = column.offset + -(-4 * len(ends) // 8) * 8
    if ends[0] < 0 or any(a > b for a, b in zip(ends, ends[1:], strict=False)) or start + ends[-1] > len(data):
        msg = f"the text column {column.name!r} points outside the file"
        raise ValueError(msg)
    texts = [data[start + a : start + b].decode() for a, b in zip(ends, ends[1:], strict=False)]
    return np.array(texts, dtype=object)
