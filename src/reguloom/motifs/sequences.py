"""Sequences to be scanned: FASTA records, or regions cut from a genome."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from reguloom._errors import InputError, ResourceError
from reguloom._files import existing, gzip_errors, open_text
from reguloom._optional import import_optional

_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
_UNKNOWN = {ord(letter): "N" for letter in "RYSWKMBDHVX.-*"}


def read_fasta(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read a FASTA file.

    Parameters
    ----------
    path
        The file, plain or ``.gz``.

    Returns
    -------
    Name (the header's first word) → sequence in upper case, other letters than A, C, G, T as N.

    Raises
    ------
    InputError
        If it is no FASTA file, or a name repeats.
    """
    path = existing(path, what="FASTA file")
    records: dict[str, list[str]] = {}
    current: list[str] | None = None
    with gzip_errors(path), open_text(path) as handle:
        for line in handle:
            if line.startswith(">"):
                name = (line[1:].split() or [""])[0]
                if not name or name in records:
                    msg = (
                        f"{path} has a record {'without a name' if not name else f'{name!r} twice'}; mend its headers."
                    )
                    raise InputError(msg)
                current = records.setdefault(name, [])
            elif line.strip():
                if current is None:
                    msg = f"{path} is no FASTA file: it starts with {line[:30]!r}, and not with a '>' header."
                    raise InputError(msg)
                current.append(line.strip())
    return {name: _clean("".join(parts), name, path) for name, parts in records.items()}


def _clean(sequence: str, name: str, path: Path) -> str:
    """Return upper-case A, C, G, T and N alone."""
    clean = sequence.upper().replace("U", "T").translate(_UNKNOWN)
    other = set(clean) - set("ACGTN")
    if other:
        msg = f"record {name!r} of {path} holds {sorted(other)[:5]}; a DNA sequence has A, C, G, T and N alone."
        raise InputError(msg)
    return clean


def extract_regions(genome: str | os.PathLike[str], regions: str | os.PathLike[str]) -> dict[str, str]:
    """Cut regions out of a genome, such as the promoters of all genes.

    Needs pyfaidx (``reguloom[motif]``), which reads the genome at random positions.

    Parameters
    ----------
    genome
        FASTA, plain or block-gzipped; its ``.fai`` index is made in a temporary folder if it is not beside it.
    regions
        BED: chromosome, start (from 0), end, name (such as ``Gene#1``), and optionally score and strand.

    Returns
    -------
    Name → sequence, in the order of the file; regions on the minus strand as their reverse complement.

    Raises
    ------
    InputError
        If a region is malformed, its name repeats, or none lies on the genome.
    MissingDependencyError
        If pyfaidx is not installed.
    """
    pyfaidx = import_optional("pyfaidx", extra="motif")
    genome, regions = existing(genome, what="genome"), existing(regions, what="BED file")
    with tempfile.TemporaryDirectory() as folder:
        beside = genome.with_name(f"{genome.name}.fai")
        index = beside if beside.exists() else Path(folder) / "genome.fai"
        try:
            with pyfaidx.Fasta(str(genome), indexname=str(index), rebuild=False, sequence_always_upper=True) as fasta:
                found = dict(_cut(fasta, line, regions) for line in _bed_lines(regions, set(fasta.keys())))
        except (pyfaidx.FastaIndexingError, pyfaidx.UnsupportedCompressionFormat) as error:
            msg = f"{genome} cannot be indexed ({error}); give an uncompressed or block-gzipped (bgzip) FASTA."
            raise ResourceError(msg) from error
    if not found:
        msg = f"no region of {regions} lies on a chromosome of {genome.name}; are the names alike (chr1 or 1)?"
        raise InputError(msg)
    return found


def _bed_lines(path: Path, chromosomes: set[str]) -> list[list[str]]:
    """Return the fields of the regions on known chromosomes."""
    with gzip_errors(path), open_text(path) as handle:
        rows = [line.rstrip("\r\n").split("\t") for line in handle if line.strip()]
    rows = [row for row in rows if not row[0].startswith(("#", "track", "browser"))]
    short = next((row for row in rows if len(row) < 4 or not (row[1].isdigit() and row[2].isdigit())), None)
    if short is not None:
        msg = f"{path} has a line {short[:4]}; a region needs chromosome, start, end and name, separated by tabs."
        raise InputError(msg)
    names = [row[3] for row in rows]
    if len(set(names)) < len(names):
        msg = f"{path} has region names twice; number them, as in Gene#1 and Gene#2."
        raise InputError(msg)
    return [row for row in rows if row[0] in chromosomes]


def _cut(fasta: object, row: list[str], path: Path) -> tuple[str, str]:
    """Return name and sequence of one region."""
    sequence = _clean(str(fasta[row[0]][int(row[1]) : int(row[2])]), row[3], path)  # type: ignore[index]
    if len(row) > 5 and row[5] == "-":
        sequence = sequence.translate(_COMPLEMENT)[::-1]
    return row[3], sequence
