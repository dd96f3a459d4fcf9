"""The publisher's checksums: fetched beside the data, parsed, compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from reguloom._errors import ResourceError
from reguloom._logging import logger
from reguloom.resources.registry import Resource

_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_HEX = re.compile(r"[0-9a-fA-F]+")


@dataclass(frozen=True)
class Expected:
    """A checksum and who vouches for it.

    Parameters
    ----------
    digest
        ``"sha1:…"``, ``"sha256:…"``; empty if nobody gives one.
    source
        Address of the publisher's checksum file, ``"registry"``, or empty.
    """

    digest: str = ""
    source: str = ""


def expected_checksum(resource: Resource, *, base_url: str | None = None) -> Expected:
    """Return the publisher's checksum of a resource, else the recorded one, else an empty one.

    Raises
    ------
    ResourceError
        If the server cannot be reached.
    """
    from reguloom.resources.download import get_text

    address = resource.checksum_url(base_url)
    text = get_text(address) if address else None
    digest = parse_checksum(text, resource.file) if text is not None else ""
    if digest:
        return Expected(digest, address)
    if text is not None:
        logger.warning("warning: %s holds no checksum of %s", address, resource.file)
    return Expected(f"sha256:{resource.sha256}", "registry") if resource.sha256 else Expected()


def parse_checksum(text: str, file: str) -> str:
    """Return ``algorithm:digest`` of `file` from the text of a checksum file, or an empty text.

    Parameters
    ----------
    text
        Lines ``<digest>  <file>`` as ``sha1sum`` writes them, or one digest alone.
    file
        Name of the file; folders in the list's names are ignored.
    """
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    for fields in lines:
        digest = fields[0].lstrip("\\")
        if _HEX.fullmatch(digest) is None or len(digest) not in _ALGORITHMS:
            continue
        name = fields[1].strip().lstrip("*").replace("\\", "/").rsplit("/", 1)[-1] if len(fields) > 1 else ""
        if name == file or (not name and len(lines) == 1):
            return f"{_ALGORITHMS[len(digest)]}:{digest.lower()}"
    return ""


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the hexadecimal digest of a file.

    Raises
    ------
    ResourceError
        If the file cannot be read.
    """
    import hashlib

    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, algorithm).hexdigest()
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror}); fetch it again."
        raise ResourceError(msg) from error


def matches(path: Path, digest: str) -> bool:
    """Tell whether a file has the checksum ``algorithm:digest``."""
    algorithm, _, value = digest.partition(":")
    return file_digest(path, algorithm) == value
