"""The best match of every motif in every sequence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._optional import import_optional
from reguloom._progress import Progress
from reguloom._threads import map_ordered, resolve_n_jobs
from reguloom.motifs.motif import BASES, Motif

CHUNK = 4_000_000
"""Bases scanned at a time by one thread: bounds the memory."""
NEVER = -1.0e4
"""Score of an unknown base, so that no match spans one, nor the gap between two sequences."""


def score_sequences(
    sequences: Mapping[str, str],
    motifs: Sequence[Motif],
    *,
    background: Sequence[float] | None = None,
    pseudocount: float = 0.01,
    both_strands: bool = True,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Score each sequence by the best match of each motif.

    The score is the largest log2 odds of any position, strand and variant of the motif against the background, and 0
    where nothing is better than the background. Needs lightmotif (``reguloom[motif]``).

    Parameters
    ----------
    sequences
        Name → sequence of A, C, G, T and N.
    motifs
        From :func:`read_motifs`.
    background
        Probabilities of A, C, G, T; by default those in `sequences`, both strands together.
    pseudocount
        Share of the background mixed into each position of a motif.
    both_strands
        Whether the reverse complement is scanned as well.
    n_jobs
        Threads; the result does not depend on it.

    Returns
    -------
    float32, shape ``(n_motifs, n_sequences)``.

    Raises
    ------
    InputError
        If there are no sequences or motifs, or the background is not four positive numbers.
    MissingDependencyError
        If lightmotif is not installed.
    """
    lightmotif = import_optional("lightmotif", extra="motif")
    if not sequences or not motifs:
        msg = f"there are {len(sequences)} sequences and {len(motifs)} motifs to score; at least one of each is needed."
        raise InputError(msg)
    base = _background(sequences, background)
    tables = [[_scoring(lightmotif, table) for table in one.log_odds(base, pseudocount=pseudocount)] for one in motifs]
    gap = "N" * max(one.width for one in motifs)
    chunks = list(_chunks(list(sequences.values()), resolve_n_jobs(n_jobs)))

    def scan(rows: slice) -> NDArray[np.float32]:
        return _scan(lightmotif, list(sequences.values())[rows], tables, gap, both_strands=both_strands)

    scores = np.zeros((len(motifs), len(sequences)), dtype=np.float32)
    with Progress(len(chunks), "motif scanning") as progress:
        for rows, found in zip(chunks, map_ordered(scan, chunks, n_jobs), strict=True):
            scores[:, rows] = found
            progress.advance()
    return pd.DataFrame(scores, [one.name for one in motifs], list(sequences))


def score_genes(
    sequences: Mapping[str, str],
    motifs: Sequence[Motif],
    *,
    gene_pattern: str = r"^(?P<gene>.+?)(#\d+)?$",
    background: Sequence[float] | None = None,
    pseudocount: float = 0.01,
    both_strands: bool = True,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    r"""Score each gene by the best match of each motif in any of its sequences.

    Parameters
    ----------
    sequences
        Name → sequence; a gene may have several, such as the promoters of its transcripts.
    motifs
        From :func:`read_motifs`.
    gene_pattern
        Regular expression with a group ``gene`` that finds the gene in a sequence's name. The default drops a number
        (``Gata1#2``); ``^.+@@(?P<gene>.+)$`` drops a prefix (``chr1:5-9@@Gata1``).
    background, pseudocount, both_strands, n_jobs
        As in :func:`score_sequences`.

    Returns
    -------
    float32, shape ``(n_motifs, n_genes)``, genes in alphabetical order.

    Raises
    ------
    InputError
        If the pattern has no group ``gene`` or does not fit a name.
    """
    genes = _genes(list(sequences), gene_pattern)
    scores = score_sequences(
        sequences, motifs, background=background, pseudocount=pseudocount, both_strands=both_strands, n_jobs=n_jobs
    )
    names, owner = np.unique(np.array(genes, dtype=object), return_inverse=True)
    best = np.zeros((len(scores), len(names)), dtype=np.float32)
    np.maximum.at(best.T, owner, scores.to_numpy().T)
    return pd.DataFrame(best, scores.index, list(names))


def _genes(names: Sequence[str], pattern: str) -> list[str]:
    """Return the gene that each sequence belongs to."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        msg = f"gene_pattern {pattern!r} is no regular expression ({error})."
        raise InputError(msg) from error
    if "gene" not in compiled.groupindex:
        msg = f"gene_pattern {pattern!r} has no group (?P<gene>...), which says what part of a name is the gene."
        raise InputError(msg)
    found = [compiled.search(name) for name in names]
    missed = [name for name, match in zip(names, found, strict=True) if match is None or not match["gene"]]
    if missed:
        msg = (
            f"gene_pattern {pattern!r} finds no gene in {len(missed)} names, such as {missed[0]!r}; change the pattern."
        )
        raise InputError(msg)
    return [match["gene"] for match in found if match is not None]


def _background(sequences: Mapping[str, str], given: Sequence[float] | None) -> NDArray[np.float64]:
    """Return the probabilities of A, C, G, T."""
    if given is not None:
        base = np.asarray(given, dtype=np.float64)
        if base.shape != (4,) or (base <= 0).any():
            msg = f"background is {list(given)}; accepted are four positive probabilities, of A, C, G and T."
            raise InputError(msg)
        return base / base.sum()
    counts = np.array([sum(one.count(letter) for one in sequences.values()) for letter in BASES], dtype=np.float64)
    both = counts + counts[::-1] + 1.0  # A pairs with T and C with G; the 1 is for sequences without some base
    return np.asarray(both / both.sum(), dtype=np.float64)


def _scoring(lightmotif: Any, table: NDArray[np.float64]) -> Any:
    """Return lightmotif's form of a table of log odds."""
    values = {letter: table[:, i].tolist() for i, letter in enumerate(BASES)}
    return lightmotif.ScoringMatrix({**values, "N": [NEVER] * len(table)})


def _chunks(sequences: Sequence[str], n_threads: int) -> Iterator[slice]:
    """Yield slices of the sequences of about the same number of bases."""
    lengths = np.array([len(one) for one in sequences])
    size = max(1, min(CHUNK, int(lengths.sum()) // n_threads + 1))
    part = np.cumsum(lengths) // size
    starts = np.flatnonzero(np.r_[True, part[1:] != part[:-1]])
    for start, stop in zip(starts, [*starts[1:], len(sequences)], strict=True):
        yield slice(int(start), int(stop))


def _scan(
    lightmotif: Any, sequences: Sequence[str], tables: Sequence[Sequence[Any]], gap: str, *, both_strands: bool
) -> NDArray[np.float32]:
    """Return the best score of each motif in each sequence, all sequences joined into one text."""
    striped = lightmotif.stripe(gap.join([*sequences, ""]))
    lengths = np.array([len(one) + len(gap) for one in sequences])
    starts = np.r_[0, np.cumsum(lengths)[:-1]]
    best = np.zeros((len(tables), len(sequences)), dtype=np.float32)
    for row, variants in zip(best, tables, strict=True):
        for table in variants:
            for one in (table, table.reverse_complement()) if both_strands else (table,):
                np.maximum(row, np.maximum.reduceat(_positions(one.calculate(striped)), starts), out=row)
    return best


def _positions(scores: Any) -> NDArray[np.float32]:
    """Return the scores by position: lightmotif keeps them in stripes, (column, row) is ``column * n_rows + row``."""
    return np.asarray(scores).ravel()[: len(scores)]
