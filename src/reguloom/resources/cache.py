"""Where fetched files lie, and what is known about each: one folder and one manifest per resource."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from reguloom._errors import ResourceError
from reguloom._files import atomic_write
from reguloom._logging import logger
from reguloom.resources.registry import Resource

#: Environment variable: the cache folder.
CACHE_VARIABLE = "REGULOOM_CACHE"
#: Environment variable: ``1`` forbids every use of the network.
OFFLINE_VARIABLE = "REGULOOM_OFFLINE"


@dataclass(frozen=True)
class Manifest:
    """What is known about a fetched file.

    Parameters
    ----------
    url
        Where it came from; empty if it was put into the cache by hand.
    size
        Bytes.
    sha256
        Of the file as it was fetched; a later change shows against it.
    expected
        ``"sha1:…"`` or ``"sha256:…"`` that the file was checked against; empty if there was none.
    checked_by
        Address of the publisher's checksum file, ``"registry"``, or empty.
    """

    url: str
    size: int
    sha256: str
    expected: str = ""
    checked_by: str = ""


def cache_dir() -> Path:
    """Return the folder of fetched files: ``REGULOOM_CACHE``, or the system's folder for caches."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("reguloom"))


def is_offline(offline: bool | None = None) -> bool:
    """Tell whether the network is forbidden, by the argument or else by ``REGULOOM_OFFLINE``."""
    if offline is not None:
        return offline
    return os.environ.get(OFFLINE_VARIABLE, "").lower() in ("1", "true", "yes", "on")


def path_of(resource: Resource) -> Path:
    """Return where the file is, or will be."""
    return cache_dir() / resource.name / resource.file


def part_of(path: Path) -> Path:
    """Return where an unfinished download of `path` is kept."""
    return path.with_name(path.name + ".part")


def state(resource: Resource) -> str:
    """Return ``"cached"``, ``"partial"`` (a download that can be resumed) or an empty text."""
    path = path_of(resource)
    if path.is_file():
        return "cached"
    return "partial" if part_of(path).is_file() else ""


def read_manifest(path: Path) -> Manifest | None:
    """Return the manifest of the file at `path`, or None if there is no readable one."""
    try:
        return Manifest(**json.loads(_manifest_path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the manifest of the file at `path`."""
    with atomic_write(_manifest_path(path)) as temporary:
        temporary.write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")


def make_folder(folder: Path) -> None:
    """Make a folder of the cache.

    Raises
    ------
    ResourceError
        If that is not allowed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"the cache folder {folder} cannot be made ({error.strerror}); set {CACHE_VARIABLE} to another folder."
        raise ResourceError(msg) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time fetch `path`: in a job array, the others wait and then find it in the cache."""
    lock_path = path.with_name(f".{path.name}.lock")
    lock = _acquire(lock_path)
    try:
        yield
    finally:
        if lock is not None:
            lock_path.unlink(missing_ok=True)
            lock.close()


def _acquire(lock_path: Path) -> TextIO | None:
    """Return the open, locked file; None where there are no locks, and two downloads at once are merely wasteful."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    while True:
        try:
            lock = lock_path.open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                logger.info("another process is fetching %s; waiting for it", lock_path.name[1:-5])
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            logger.debug("no lock at %s (%s)", lock_path, error)
            return None
        # The one that held it has removed the file: then our lock is on a file that nobody else will open. Looked at
        # once, since between two looks it may be removed.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), lock_path.stat()):
                return lock
        lock.close()


def _manifest_path(path: Path) -> Path:
    """Return where the manifest of the file at `path` is."""
    return path.with_name(path.name + ".manifest.json")
