"""What a file is: by its suffix first, by its first bytes where the suffix does not say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reguloom._errors import InputError, ReguloomError
from reguloom._files import existing

MATRIX_FORMATS = (
    ".h5ad",
    ".zarr",
    ".loom",
    ".h5 (10x)",
    "a 10x folder with matrix.mtx (or its .tar.gz)",
    ".csv",
    ".tsv",
    ".txt (each also .gz)",
)
"""The matrix formats that `read` takes, as words for messages."""

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def existing_file(path: str | os.PathLike[str], *, what: str = "file") -> Path:
    """Return `path` if it is a file that is not empty.

    Raises
    ------
    InputError
        If there is nothing there, it is empty, or it is a folder.
    """
    path = existing(path, what=what)
    if path.is_dir():
        msg = f"the {what} {path} is a folder, and a single file is needed; give the file inside it."
        raise InputError(msg)
    return path


def suffix_of(path: Path) -> str:
    """Return the suffix in lower case without a trailing ``.gz``: ``x.CSV.gz`` gives ``.csv``."""
    name = path.name.lower()
    if name.endswith((".tar.gz", ".tgz")):
        return ".tar.gz"
    return Path(name.removesuffix(".gz")).suffix


def delimiter_of(path: Path, first_line: str) -> str:
    """Return the column separator: the one of the suffix if the first line has it, else the one it does have."""
    expected = "," if suffix_of(path) == ".csv" else "\t"
    if expected in first_line:
        return expected
    present = [mark for mark in ("\t", ",", ";", " ") if mark in first_line]
    return present[0] if present else expected


def matrix_kind(path: Path) -> str:
    """Return which matrix format lies at `path`.

    Returns
    -------
    str
        One of ``h5ad``, ``loom``, ``10x-h5``, ``zarr``, ``10x-mtx``, ``10x-tar``, ``text``.

    Raises
    ------
    InputError
        If it is none of them.
    """
    if path.is_dir():
        return _folder_kind(path)
    if suffix_of(path) == ".tar.gz":
        return "10x-tar"
    with path.open("rb") as handle:
        head = handle.read(4096)
    if head.startswith(_HDF5_MAGIC) or suffix_of(path) in {".h5ad", ".loom", ".h5", ".hdf5"}:
        return _hdf5_kind(path)
    if path.name.lower().endswith((".mtx", ".mtx.gz")):
        return "10x-mtx"
    is_text = head.startswith(b"\x1f\x8b") or b"\0" not in head
    if suffix_of(path) in {".csv", ".tsv", ".txt", ".tab"} or (is_text and suffix_of(path) == ""):
        return "text"
    msg = f"{path} is not an expression matrix that can be read here; accepted are {', '.join(MATRIX_FORMATS)}."
    raise InputError(msg)


def _folder_kind(path: Path) -> str:
    if any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zmetadata")):
        return "zarr"
    if (path / "matrix.mtx").exists() or (path / "matrix.mtx.gz").exists():
        return "10x-mtx"
    msg = (
        f"the folder {path} holds neither a zarr store nor a 10x matrix.mtx(.gz); "
        "give the folder that holds matrix.mtx itself."
    )
    raise InputError(msg)


def _hdf5_kind(path: Path) -> str:
    """Return the kind of an HDF5 file by the names at its top."""
    import h5py

    with hdf5_errors(path), h5py.File(path, "r") as file:
        if isinstance(file.get("matrix"), h5py.Dataset):
            return "loom"
        if "X" in file or ("obs" in file and "var" in file):
            return "h5ad"
        if "matrix" in file or any(isinstance(item, h5py.Group) and "barcodes" in item for item in file.values()):
            return "10x-h5"
        names = sorted(file)
    msg = (
        f"{path} is an HDF5 file, but neither h5ad (X, obs, var), loom (matrix, row_attrs, col_attrs) "
        f"nor 10x (matrix/barcodes): it holds {names[:8]}."
    )
    raise InputError(msg)


@contextmanager
def hdf5_errors(path: Path) -> Iterator[None]:
    """Turn what h5py says of a broken file into one sentence.

    Raises
    ------
    InputError
        If reading inside the block fails.
    """
    try:
        yield
    except ReguloomError:
        raise
    except (OSError, RuntimeError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        why = str(error).split("(")[-1].strip("\"')") or type(error).__name__
        msg = f"{path} cannot be read as HDF5 ({why}): it is another format, or cut short; copy or make it again."
        raise InputError(msg) from error
