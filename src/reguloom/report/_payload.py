"""Numbers as text that a browser reads back: quantised, byte planes apart, deflated, base64.

A value of a cell takes one byte before compression, a coordinate two. Byte planes lie apart (all low bytes, then all
high bytes), and neighbouring coordinates are stored as differences: both make the bytes alike, which deflate rewards.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError

KINDS = {"u1": np.uint8, "i1": np.int8, "u2": np.uint16, "u4": np.uint32, "f4": np.float32}
"""Names of the types that the page knows, little-endian."""
_LEVEL = 6


class Payload:
    """The binary parts of a report, each under a short name.

    Parameters
    ----------
    blobs
        Name → base64 text.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, str] = {}

    @property
    def size(self) -> int:
        """Bytes of text so far."""
        return sum(len(text) for text in self.blobs.values())

    def add(self, values: ArrayLike, kind: str, *, delta: bool = False) -> dict[str, Any]:
        """Add an array and return what the page needs to read it back: ``bin``, ``kind``, ``n``, ``delta``.

        Parameters
        ----------
        values
            Any shape; stored flat.
        kind
            One of :data:`KINDS`.
        delta
            Whether differences of neighbours are stored, for unsigned whole numbers.
        """
        text, reference = encode(values, kind, delta=delta)
        name = f"b{len(self.blobs)}"
        self.blobs[name] = text
        return {"bin": name, **reference}


def encode(values: ArrayLike, kind: str, *, delta: bool = False) -> tuple[str, dict[str, Any]]:
    """Return the text of an array and how to read it back.

    Parameters
    ----------
    values
        Any shape; stored flat.
    kind
        One of :data:`KINDS`.
    delta
        Whether differences of neighbours are stored, for unsigned whole numbers.
    """
    flat = np.ascontiguousarray(values, dtype=KINDS[kind]).ravel()
    if delta:
        flat = np.diff(flat, prepend=flat.dtype.type(0))  # wraps around, and back when it is summed
    raw = flat.astype(flat.dtype.newbyteorder("<")).view(np.uint8).reshape(flat.size, flat.dtype.itemsize)
    text = base64.b64encode(zlib.compress(np.ascontiguousarray(raw.T).tobytes(), _LEVEL)).decode("ascii")
    return text, {"kind": kind, "n": int(flat.size), "delta": delta}


def decode(reference: Mapping[str, Any], blobs: Mapping[str, str]) -> NDArray[Any]:
    """Return the array that :meth:`Payload.add` took: what the page does, for checking a report.

    Parameters
    ----------
    reference
        What :meth:`Payload.add` returned.
    blobs
        Name → base64 text.

    Raises
    ------
    InputError
        If the bytes do not make the stated number of values.
    """
    dtype = np.dtype(KINDS[reference["kind"]]).newbyteorder("<")
    raw = np.frombuffer(zlib.decompress(base64.b64decode(blobs[reference["bin"]])), dtype=np.uint8)
    if raw.size != reference["n"] * dtype.itemsize:
        msg = f"part {reference['bin']} holds {raw.size} bytes and {reference['n']} values; the report is damaged."
        raise InputError(msg)
    flat = np.ascontiguousarray(raw.reshape(dtype.itemsize, -1).T).view(dtype).ravel()
    if reference["delta"]:
        flat = np.cumsum(flat, dtype=flat.dtype)
    return flat.astype(KINDS[reference["kind"]])


def quantise(values: ArrayLike, kind: str, *, low: float | None = None, high: float | None = None) -> tuple[Any, ...]:
    """Return whole numbers that stand for `values`, and the values that the lowest and the highest of them mean.

    Parameters
    ----------
    values
        Numbers; those that are not finite count as the lowest.
    kind
        ``"u1"`` or ``"u2"``.
    low, high
        Bounds; the lowest and highest value if left out. What lies outside is moved to them.

    Returns
    -------
    Codes, low and high; a value lies within ``(high - low) / (2 * steps)`` of what its code means.
    """
    table = np.asarray(values, dtype=np.float64)
    finite = table[np.isfinite(table)]
    low = float(finite.min()) if low is None and finite.size else float(low or 0.0)
    high = float(finite.max()) if high is None and finite.size else float(high if high is not None else low)
    steps = 2 ** (8 * np.dtype(KINDS[kind]).itemsize) - 1
    scaled = (np.nan_to_num(table, nan=low, posinf=high, neginf=low) - low) / (high - low) if high > low else table * 0
    return np.rint(np.clip(np.nan_to_num(scaled), 0, 1) * steps).astype(KINDS[kind]), low, high
