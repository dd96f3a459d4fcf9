"""Motif files: JASPAR, MEME, TRANSFAC and Cluster-Buster."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._files import existing, gzip_errors, open_text
from reguloom.motifs.motif import Motif

Format = Literal["auto", "jaspar", "meme", "transfac", "cb"]
Entry = tuple[str, list[list[float]]]
SUFFIXES = {
    ".jaspar": "jaspar",
    ".pfm": "jaspar",
    ".meme": "meme",
    ".transfac": "transfac",
    ".tf": "transfac",
    ".dat": "transfac",
    ".cb": "cb",
}


def read_motifs(path: str | os.PathLike[str], *, format: Format = "auto") -> list[Motif]:
    """Read motifs from a file, or from every motif file in a folder.

    Parameters
    ----------
    path
        A file (plain or ``.gz``) of JASPAR, MEME, TRANSFAC or Cluster-Buster matrices; or a folder of such files. In
        a folder, each Cluster-Buster file is one motif called as the file, all its matrices variants of it (so are
        the motif clusters of the cisTarget v10 collection); elsewhere each matrix is a motif.
    format
        ``"jaspar"``, ``"meme"``, ``"transfac"`` or ``"cb"``, if neither name nor content tells.

    Returns
    -------
    The motifs, in the order of the file, or of the files' names.

    Raises
    ------
    InputError
        If there is no motif, or a file is in none of the formats.
    """
    path = existing(path, what="motif file")
    if path.is_dir():
        motifs = [motif for file in sorted(path.iterdir()) for motif in _of_folder(file, format)]
    else:
        motifs = [Motif(name, (_matrix(rows, name),)) for name, rows in _entries(path, format)]
    if not motifs:
        msg = f"no motif was found in {path}; accepted are JASPAR, MEME, TRANSFAC and Cluster-Buster (.cb) files."
        raise InputError(msg)
    names = [motif.name for motif in motifs]
    repeated = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if repeated:
        msg = f"{len(repeated)} motif names in {path} repeat, such as {min(repeated)!r}; names must be unique."
        raise InputError(msg)
    return motifs


def _of_folder(file: Path, format: Format) -> list[Motif]:
    """Return the motifs of one file of a folder; none if it is no motif file."""
    suffix = Path(file.name.removesuffix(".gz")).suffix.lower()
    if not file.is_file() or (format == "auto" and suffix not in SUFFIXES):
        return []
    entries = list(_entries(file, format))
    if format == "cb" or suffix == ".cb":
        name = Path(file.name.removesuffix(".gz")).stem
        return [Motif(name, tuple(_matrix(rows, name) for _, rows in entries))]
    return [Motif(name, (_matrix(rows, name),)) for name, rows in entries]


def _entries(path: Path, format: Format) -> Iterator[Entry]:
    """Yield name and rows (A, C, G, T) of each matrix in a file."""
    with gzip_errors(path), open_text(path) as handle:
        lines = [line.rstrip() for line in handle]
    chosen = format if format != "auto" else _guess(path, lines)
    readers: dict[str, Callable[[list[str]], Iterator[Entry]]] = {
        "jaspar": _jaspar,
        "meme": _meme,
        "transfac": _transfac,
        "cb": _cluster_buster,
    }
    try:
        yield from readers[chosen](lines)
    except (ValueError, IndexError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        msg = f"{path} is not a {chosen} motif file ({error}); name another format, or mend the file."
        raise InputError(msg) from error


def _guess(path: Path, lines: list[str]) -> str:
    """Return the format by the name's suffix, else by the first lines."""
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    text = [line for line in lines[:200] if line.strip()]
    if any(line.startswith("MEME version") for line in text):
        return "meme"
    if any(re.match(r"P[0O]\s", line) for line in text):
        return "transfac"
    after = [below for above, below in zip(text, text[1:], strict=False) if above.startswith(">")]
    if after:
        return "cb" if len(_numbers(after[0])) == 4 and "[" not in after[0] else "jaspar"
    msg = f"{path} is in no known motif format; accepted are JASPAR, MEME, TRANSFAC and Cluster-Buster (.cb)."
    raise InputError(msg)


def _numbers(line: str) -> list[float]:
    """Return the numbers in a line, brackets and base letters left out."""
    cells = re.sub(r"[\[\]|,]", " ", line).split()
    if cells and cells[0].strip(":").upper() in ("A", "C", "G", "T"):
        cells = cells[1:]
    return [float(cell) for cell in cells]


def _blocks(lines: list[str]) -> Iterator[tuple[str, list[list[float]]]]:
    """Yield header and rows of numbers of each ``>`` block."""
    header, rows = "", list[list[float]]()
    for line in lines:
        if line.startswith(">"):
            if rows:
                yield header, rows
            header, rows = line[1:].strip(), []
        elif line.strip() and not line.startswith("#"):
            rows.append(_numbers(line))
    if rows:
        yield header, rows


def _jaspar(lines: list[str]) -> Iterator[Entry]:
    """Read JASPAR: four rows (A, C, G, T), one column per position."""
    for header, rows in _blocks(lines):
        if len(rows) != 4 or len({len(row) for row in rows}) != 1:
            msg = (
                f"the matrix {header!r} has {len(rows)} rows of {sorted({len(row) for row in rows})} numbers, not four"
            )
            raise ValueError(msg)
        yield header.split()[0], [list(position) for position in zip(*rows, strict=True)]


def _cluster_buster(lines: list[str]) -> Iterator[Entry]:
    """Read Cluster-Buster: one row (A, C, G, T) per position."""
    for header, rows in _blocks(lines):
        yield header.split()[0], rows


def _meme(lines: list[str]) -> Iterator[Entry]:
    """Read minimal MEME: ``MOTIF name`` and a letter-probability matrix."""
    name, left = "", 0
    rows: list[list[float]] = []
    for line in lines:
        if line.startswith("MOTIF"):
            name = line.split()[1]
        elif line.startswith("letter-probability matrix"):
            width = re.search(r"w\s*=\s*(\d+)", line)
            left, rows = int(width[1]) if width else 10**9, []
        elif left and line.strip() and not line.startswith(("URL", "-", "*")):
            rows.append([float(cell) for cell in line.split()])
            left -= 1
        elif rows and left:
            left = 0
        if rows and not left:
            yield name, rows
            rows = []
    if rows:
        yield name, rows


def _transfac(lines: list[str]) -> Iterator[Entry]:
    """Read TRANSFAC: ``AC``/``ID``, ``P0`` and one numbered row per position; the accession is the name."""
    names: dict[str, str] = {}
    rows: list[list[float]] = []
    inside = False
    for line in [*lines, "//"]:
        tag = line[:2]
        if tag in ("AC", "ID"):
            names[tag] = line[2:].split()[0]
        elif tag in ("P0", "PO"):
            inside = True
        elif inside and line[:2].strip().isdigit():
            rows.append([float(cell) for cell in line.split()[1:5]])
        elif line.startswith("//"):
            if rows:
                yield names.get("AC") or names["ID"], rows
            names, rows, inside = {}, [], False


def _matrix(rows: list[list[float]], name: str) -> NDArray[np.float64]:
    """Return the rows as a matrix."""
    if any(len(row) != 4 for row in rows):
        msg = f"motif {name!r} has a position without exactly four numbers (A, C, G, T); check its file."
        raise InputError(msg)
    return np.array(rows, dtype=np.float64)
