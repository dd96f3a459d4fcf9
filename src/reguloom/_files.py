"""Files that are never half-written, and text that may be gzipped."""

from __future__ import annotations

import gzip
import io
import os
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

from reguloom._errors import InputError, ResourceError


def check_output(path: str | os.PathLike[str], *, force: bool = True) -> Path:
    """Return `path` after checking that a file can be written there.

    Parameters
    ----------
    path
        Where the output goes; its folder is made if it is missing.
    force
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If the file exists and `force` is off, or the folder cannot be written to.
    """
    path = Path(path)
    if path.exists() and not force:
        msg = f"{path} exists already; give --force (force=True) to replace it, or another name."
        raise InputError(msg)
    if path.is_dir():
        msg = f"{path} is a folder; give the name of a file to write."
        raise InputError(msg)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "it is a file" if path.parent.is_file() else error.strerror
        msg = f"the folder {path.parent} cannot be made ({why}); choose a folder that you may write to."
        raise InputError(msg) from error
    if not os.access(path.parent, os.W_OK):
        msg = f"the folder {path.parent} is read-only; choose a folder that you may write to."
        raise InputError(msg)
    return path


@contextmanager
def atomic_write(path: str | os.PathLike[str], *, force: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it on success, remove it on failure.

    The temporary name keeps the suffix, for writers that choose their format by it.

    Raises
    ------
    InputError
        If the file exists and `force` is off, or the folder or disk cannot take it.
    """
    path = check_output(path, force=force)
    suffixes = "".join(path.suffixes[-2:])
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=suffixes, dir=path.parent)
    except OSError as error:
        msg = f"{path} cannot be written ({error.strerror}); free some space or choose another folder."
        raise InputError(msg) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        if isinstance(error, (InputError, ResourceError)):
            raise
        msg = f"{path} could not be written ({_reason(error)}); free some space or choose another folder."
        raise InputError(msg) from error
    finally:
        temporary.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    """Return the system's words; HDF5 wraps them into pages of its own."""
    text = error.strerror or str(error)
    wrapped = re.search(r"error message = '([^']+)'", text)
    return wrapped[1] if wrapped else " ".join(text.split())


def _umask() -> int:
    """Return the process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def existing(path: str | os.PathLike[str], *, what: str = "file") -> Path:
    """Return `path` if it exists and is not empty.

    Raises
    ------
    InputError
        If there is nothing at `path`, or it is an empty file.
    """
    path = Path(path)
    if not path.exists():
        msg = f"the {what} {path} does not exist; check the name and the folder ({Path.cwd()})."
        raise InputError(msg)
    if path.is_file() and path.stat().st_size == 0:
        msg = f"the {what} {path} is empty (0 bytes); the program that wrote it may have been cut short."
        raise InputError(msg)
    return path


def open_text(path: str | os.PathLike[str], mode: str = "r") -> TextIO:
    """Open a text file for reading or writing, through gzip if its name ends in ``.gz``.

    Gzip files are written without a time stamp, so that the same content gives the same bytes.
    """
    path = Path(path)
    if path.suffix != ".gz":
        encoding = "utf-8-sig" if mode == "r" else "utf-8"
        return cast(TextIO, path.open(mode, encoding=encoding, newline="" if "w" in mode else None))
    if mode == "r":
        return gzip.open(path, "rt", encoding="utf-8-sig")
    raw = gzip.GzipFile(filename="", mode="wb", fileobj=path.open("wb"), compresslevel=6, mtime=0)
    return _OwningTextWrapper(raw, encoding="utf-8", newline="")


@contextmanager
def gzip_errors(path: Path) -> Iterator[None]:
    """Turn what gzip and the text decoder say of a broken file into one sentence.

    Raises
    ------
    InputError
        If reading inside the block fails.
    """
    try:
        yield
    except (EOFError, zlib.error) as error:
        msg = f"{path} is cut short or corrupt in the middle of its compressed data ({error}); copy or make it again."
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path} is not a text file ({error.reason} at byte {error.start}); check that it is the file you meant."
        raise InputError(msg) from error
    except OSError as error:
        if isinstance(error, (InputError, ResourceError)):
            raise
        msg = f"{path} cannot be read ({error.strerror or error}); copy or make it again."
        raise InputError(msg) from error


class _OwningTextWrapper(io.TextIOWrapper):
    """A text layer over a GzipFile that also closes the file beneath it (GzipFile leaves it open)."""

    def close(self) -> None:
        """Flush the gzip stream, then close the file it writes to."""
        raw = self.buffer
        beneath = getattr(raw, "fileobj", None)
        try:
            super().close()
        finally:
            # Also when the last flush fails, as on a full disk.
            if beneath is not None:
                beneath.close()
