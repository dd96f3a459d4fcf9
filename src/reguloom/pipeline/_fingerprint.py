"""A hash of a file's content, read in pieces."""

from __future__ import annotations

import hashlib
import os

from reguloom._files import existing


def file_fingerprint(path: str | os.PathLike[str]) -> str:
    """Return a hash of the bytes at `path`.

    Raises
    ------
    InputError
        If there is no such file, or it is empty.
    """
    digest = hashlib.blake2b(digest_size=16)
    with existing(path).open("rb") as file:
        while piece := file.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()
