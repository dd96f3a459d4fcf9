"""What a file holds: a matrix, a network, regulons or rankings."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Literal

from reguloom._errors import InputError
from reguloom._files import existing, gzip_errors, open_text
from reguloom.core._dialects import DIALECTS
from reguloom.io import base_grn
from reguloom.io._sniff import delimiter_of, suffix_of
from reguloom.io.motif_table import is_motif_table

Noun = Literal["matrix", "network", "regulons", "rankings"]


def detect(path: str | os.PathLike[str]) -> Noun:
    """Return what a file holds, by its suffix, and by its header where a suffix serves several.

    Parameters
    ----------
    path
        The file, or the folder of a matrix.

    Returns
    -------
    str
        ``"matrix"``, ``"network"``, ``"regulons"`` or ``"rankings"``.

    Raises
    ------
    InputError
        If the file is missing, or empty.
    """
    path = existing(path)
    match suffix_of(path):
        case ".gmt" | ".json" | ".yaml" | ".yml":
            return "regulons"
        case ".feather":
            return "rankings"
        case ".parquet" | ".pq":
            return "network"
        case ".csv" | ".tsv" | ".txt" if path.is_file():
            return _detect_text(path)
    return "matrix"


def _detect_text(path: Path) -> Noun:
    """Return what a csv or tsv holds, by its header."""
    if is_motif_table(path):
        return "regulons"
    with gzip_errors(path), open_text(path) as handle:
        lines = [handle.readline().strip("\r\n") for _ in range(2)]
    delimiter = delimiter_of(path, lines[0])
    names, row = (next(csv.reader([line], delimiter=delimiter), []) for line in lines)
    first = dict(zip(names, row, strict=False))
    # A matrix may have columns called Gene1 and Gene2, but it has numbers in them.
    known = any(
        source in names and target in names and not _is_number(first.get(source, ""))
        for source, target, _, _ in DIALECTS
    )
    return "network" if known or base_grn.is_base_grn(names) else "matrix"


def _is_number(text: str) -> bool:
    """Tell whether a cell holds a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def noun_of_output(path: str | os.PathLike[str], source: Noun) -> Noun:
    """Return what a file of that suffix would hold, made from a `source`.

    Raises
    ------
    InputError
        If nothing of the kind can be written there.
    """
    path = Path(path)
    fits: dict[str, tuple[Noun, ...]] = {
        ".gmt": ("regulons",),
        ".json": ("regulons",),
        ".yaml": ("regulons",),
        ".yml": ("regulons",),
        ".parquet": ("network",),
        ".feather": ("rankings",),
        ".csv": ("matrix", "network", "regulons"),
        ".tsv": ("matrix", "network", "regulons"),
        ".h5ad": ("matrix",),
        ".zarr": ("matrix",),
        ".loom": ("matrix",),
    }
    nouns = fits.get(suffix_of(path), ())
    if source in nouns:
        return source
    if len(nouns) == 1 and {source, nouns[0]} == {"network", "regulons"}:
        return nouns[0]
    accepted = [suffix for suffix, held in fits.items() if source in held]
    msg = f"{path} cannot hold {source} (suffix {suffix_of(path)!r}); accepted are {', '.join(accepted)}."
    raise InputError(msg)
