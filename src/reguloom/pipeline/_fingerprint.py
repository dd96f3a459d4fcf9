"""A hash of what a file holds, read in pieces."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from reguloom._files import existing


def file_fingerprint(path: str | os.PathLike[str]) -> str:
    """Return a hash of the bytes at `path`; of a folder (zarr, 10x), of every file in it.

    Raises
    ------
    InputError
        If there is no such file, or it is empty.
    """
    digest, place = hashlib.blake2b(digest_size=16), existing(path)
    if place.is_dir():
        for inner in sorted(one for one in place.rglob("*") if one.is_file()):
            digest.update(str(inner.relative_to(place)).encode())
            _feed(digest, inner)
    else:
        _feed(digest, place)
    return digest.hexdigest()


def _feed(digest: Any, path: Path) -> None:
    """Feed a file to the digest."""
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            digest.update(piece)
