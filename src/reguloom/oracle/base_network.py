"""A base network from open chromatin: a factor may regulate a gene if its motif lies in a peak tied to that gene."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import motifs as motif_tools
from reguloom._errors import EmptyResultError, InputError
from reguloom._files import existing, gzip_errors, open_text
from reguloom._logging import logger
from reguloom._optional import import_optional
from reguloom._progress import track
from reguloom._random import SeedLike, accepts_seed, generator
from reguloom._reading import content_errors, read_frame
from reguloom._threads import map_ordered
from reguloom.core import Network, Provenance, check_genes

_PEAK = re.compile(r"^(?P<chrom>.+?)[_:-](?P<start>\d+)[_-](?P<end>\d+)$")
_MOST_HITS, _SHORTEST, _GAP_SCORE = 100, 5, -1.0e4
BASES = "ACGT"


@accepts_seed
def base_network(
    peaks: str | os.PathLike[str] | Sequence[str],
    tss: str | os.PathLike[str] | pd.DataFrame,
    genome: str | os.PathLike[str],
    *,
    motifs: str | os.PathLike[str],
    factors: str | os.PathLike[str] | Mapping[str, Sequence[str]],
    coaccessibility: str | os.PathLike[str] | pd.DataFrame | None = None,
    min_coaccess: float = 0.8,
    fpr: float = 0.02,
    threshold: float = 10.0,
    background_length: int = 200,
    n_background: int = 1000,
    genes: Sequence[str] | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> Network:
    """Scan peaks near genes for motifs, and join each motif's factors to the genes.

    Peaks that overlap a promoter belong to its gene; with co-accessibility, so do the peaks that open with them. A
    motif counts in a peak if its hits (above the score that `fpr` of random genomic sequences reach) sum to
    `threshold`. Promoters alone miss distal enhancers. Needs lightmotif and pyfaidx (``reguloom[motif]``).

    Parameters
    ----------
    peaks
        Names ``chr1_100_600``, or a file of them (BED, or a csv column as Cicero's ``all_peaks.csv``).
    tss
        BED of promoter windows: chromosome, start, end, gene.
    genome
        FASTA.
    motifs
        File or folder that :func:`reguloom.motifs.read_motifs` takes.
    factors
        Motif → factors, or a table of two columns: motif, factor.
    coaccessibility
        Table ``Peak1, Peak2, coaccess``, as Cicero's ``cicero_connections.csv``.
    min_coaccess
        Least co-accessibility.
    fpr
        Share of random sequences in which a motif may be found.
    threshold
        Least sum of a motif's hit scores (log2 odds) in a peak.
    background_length, n_background
        Of the random genomic sequences.
    genes
        Names of the expression matrix, to check the factors' names against.
    rng
        Seed of the random sequences.
    n_jobs
        Threads; the result does not depend on it.

    Returns
    -------
    Network
        One edge per factor and gene, with ``n_peaks``.

    Raises
    ------
    InputError
        If a file is malformed, or peaks and genome share no chromosome.
    EmptyResultError
        If no peak is near a gene, or no motif is found.
    MissingDependencyError
        If the extra is not installed.
    """
    import_optional("lightmotif", extra="motif")
    # Everything small is read before the scan, so that nobody waits for a refusal.
    pairs, patterns = _factors(factors), motif_tools.read_motifs(motifs)
    if genes is not None:
        check_genes(set(pairs["factor"]), genes, what="factors of the motifs", where="the matrix")
    named = _peaks(peaks)
    links = peak_genes(named, _windows(tss), _connections(coaccessibility), min_coaccess=min_coaccess)
    used = sorted(set(links["peak"]))
    sequences = _cut(genome, used)
    chance = _random_sequences(genome, background_length, n_background, generator(rng, "background"))
    hits = motif_hits(sequences, chance, patterns, fpr=fpr, threshold=threshold, n_jobs=n_jobs)
    edges = _edges(links, hits, pairs)
    logger.info("%d edges of %d factors and %d genes", len(edges), edges["source"].nunique(), edges["target"].nunique())
    params = {"min_coaccess": min_coaccess, "fpr": fpr, "threshold": threshold, "n_background": n_background}
    return Network.from_edges(
        edges["source"], edges["target"], 1.0, extra=edges[["n_peaks"]], provenance=Provenance("base_network", params)
    )


def peak_genes(
    peaks: pd.DataFrame, windows: pd.DataFrame, connections: pd.DataFrame | None, *, min_coaccess: float
) -> pd.DataFrame:
    """Return which peak belongs to which gene: columns ``peak``, ``gene``, ``coaccess``.

    Parameters
    ----------
    peaks
        ``peak, chrom, start, end``.
    windows
        ``chrom, start, end, gene``; any overlap counts.
    connections
        ``Peak1, Peak2, coaccess``; a peak also gets the genes of the promoter peaks that it opens with.
    min_coaccess
        Least co-accessibility.

    Raises
    ------
    EmptyResultError
        If no peak overlaps a promoter.
    """
    found = []
    for chrom, part in windows.groupby("chrom", sort=True):
        near = peaks[peaks["chrom"] == chrom]
        # Intervals overlap if each begins before the other ends.
        touches = (near["start"].to_numpy()[:, None] < part["end"].to_numpy()) & (
            near["end"].to_numpy()[:, None] > part["start"].to_numpy()
        )
        row, column = np.nonzero(touches)
        found.append(pd.DataFrame({"peak": near["peak"].to_numpy()[row], "gene": part["gene"].to_numpy()[column]}))
    direct = pd.concat(found).drop_duplicates() if found else pd.DataFrame({"peak": [], "gene": []})
    if direct.empty:
        msg = "no peak overlaps a promoter; do peaks and TSS file name chromosomes alike (chr1 or 1), in one genome?"
        raise EmptyResultError(msg)
    direct["coaccess"] = 1.0
    if connections is not None:
        strong = connections[connections["coaccess"] >= max(min_coaccess, 1e-12)]
        distal = strong.merge(direct[["peak", "gene"]], left_on="Peak1", right_on="peak")[["Peak2", "gene", "coaccess"]]
        direct = pd.concat([direct, distal.rename(columns={"Peak2": "peak"})])
        direct = direct[direct["peak"].isin(set(peaks["peak"]))]
    return direct.groupby(["peak", "gene"], as_index=False)["coaccess"].max()


def motif_hits(
    sequences: Mapping[str, str],
    chance: Sequence[str],
    motifs: Sequence[motif_tools.Motif],
    *,
    fpr: float,
    threshold: float,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Return which motif is found in which peak: columns ``peak``, ``motif``, ``score`` (the sum over its hits).

    Parameters
    ----------
    sequences
        Peak → sequence.
    chance
        Random sequences that set each motif's threshold.
    motifs
        The motifs.
    fpr, threshold
        See :func:`base_network`.
    n_jobs
        Threads.
    """
    lightmotif = import_optional("lightmotif", extra="motif")
    names, texts = list(sequences), list(sequences.values())
    counts = np.array([sum(one.count(letter) for one in (*texts, *chance)) for letter in BASES], dtype=np.float64)
    background = (counts + counts[::-1] + 1.0) / (counts + counts[::-1] + 1.0).sum()
    gap = "N" * max(one.width for one in motifs)
    target_text, target_starts = _join(texts, gap)
    random_text, random_starts = _join(chance, gap)
    own = threading.local()  # a striped text serves one thread at a time

    def work(motif: motif_tools.Motif) -> pd.DataFrame:
        if not hasattr(own, "target"):
            own.target, own.random = lightmotif.stripe(target_text), lightmotif.stripe(random_text)
        tables = [_scoring(lightmotif, one) for one in motif.log_odds(background)]
        strands = [one for table in tables for one in (table, table.reverse_complement())]
        best = np.full(len(chance), -np.inf)
        for one in strands:
            best = np.maximum(best, np.maximum.reduceat(_positions(one.calculate(own.random)), random_starts))
        floor = max(float(np.quantile(best, 1.0 - fpr)), 1e-6)
        total = np.zeros(len(texts))
        for one in strands:
            total += _sum_hits(_positions(one.calculate(own.target)), target_starts, floor)
        rows = np.flatnonzero(total >= threshold)
        return pd.DataFrame({"peak": [names[i] for i in rows], "motif": motif.name, "score": total[rows]})

    parts = list(track(map_ordered(work, motifs, n_jobs), len(motifs), "motif scanning"))
    return pd.concat(parts, ignore_index=True)


def _sum_hits(scores: NDArray[Any], starts: NDArray[Any], floor: float) -> NDArray[np.float64]:
    """Return the sum of the scores above `floor` in each sequence, 100 hits at most."""
    where = np.flatnonzero(scores >= floor)
    owner = np.searchsorted(starts, where, side="right") - 1
    order = np.lexsort((-scores[where], owner))
    owner, values = owner[order], scores[where][order]
    rank = np.arange(owner.size) - np.searchsorted(owner, owner, side="left")
    kept = rank < _MOST_HITS
    return np.bincount(owner[kept], values[kept], minlength=len(starts)).astype(np.float64)


def _join(texts: Sequence[str], gap: str) -> tuple[str, NDArray[np.int64]]:
    """Return all sequences as one text, gaps between them, and where each begins."""
    lengths = np.array([len(one) + len(gap) for one in texts])
    return gap.join([*texts, ""]), np.r_[0, np.cumsum(lengths)[:-1]]


def _scoring(lightmotif: Any, table: NDArray[np.float64]) -> Any:
    """Return lightmotif's form of a table of log odds."""
    values = {letter: table[:, i].tolist() for i, letter in enumerate(BASES)}
    return lightmotif.ScoringMatrix({**values, "N": [_GAP_SCORE] * len(table)})


def _positions(scores: Any) -> NDArray[np.float64]:
    """Return the scores by position."""
    return np.asarray(scores).ravel()[: len(scores)].astype(np.float64)


def _edges(links: pd.DataFrame, hits: pd.DataFrame, factors: pd.DataFrame) -> pd.DataFrame:
    """Return one row per factor and gene with the number of peaks that join them."""
    joined = hits.merge(factors, on="motif")
    if joined.empty:
        msg = f"no motif with a factor is found in a peak ({len(hits)} hits); lower the threshold, or raise fpr."
        raise EmptyResultError(msg)
    pairs = joined[["peak", "factor"]].drop_duplicates().merge(links, on="peak")
    made = pairs.groupby(["factor", "gene"], as_index=False).agg(n_peaks=("peak", "nunique"))
    return made.rename(columns={"factor": "source", "gene": "target"})


def _peaks(peaks: Any) -> pd.DataFrame:
    """Return the peaks with their places."""
    names = list(peaks) if not isinstance(peaks, (str, os.PathLike)) else _peak_names(existing(peaks, what="peaks"))
    found = [_PEAK.match(str(name)) for name in names]
    wrong = [name for name, match in zip(names, found, strict=True) if match is None]
    if wrong or not names:
        msg = f"{len(wrong)} of {len(names)} peaks have no place in their name, such as {wrong[:1]}; use chr1_100_600."
        raise InputError(msg)
    with content_errors("the table of peaks", what="table of places", mend="starts and ends are whole numbers"):
        frame = pd.DataFrame([match.groupdict() for match in found if match is not None])
        frame = frame.astype({"start": int, "end": int})
    frame.insert(0, "peak", [f"{chrom}_{start}_{end}" for chrom, start, end in frame.itertuples(index=False)])
    return frame[frame["end"] - frame["start"] >= _SHORTEST].drop_duplicates("peak").reset_index(drop=True)


def _peak_names(path: Path) -> list[str]:
    """Return the names in a BED file or the last column of a csv."""
    with gzip_errors(path), open_text(path) as handle:
        rows = [re.split(r"[\t,]", line.strip().replace('"', "")) for line in handle if line.strip()]
    if rows and len(rows[0]) >= 3 and rows[0][1].isdigit():
        return ["_".join(row[:3]) for row in rows]
    names = [row[-1] for row in rows]
    return names[1:] if names and not _PEAK.match(names[0]) else names


def _windows(tss: Any) -> pd.DataFrame:
    """Return the promoter windows."""
    if not isinstance(tss, pd.DataFrame):
        with content_errors(tss, what="TSS file"):
            return _windows(read_frame(tss, what="TSS file", sep="\t", header=None, comment="#"))
    if tss.shape[1] < 4:
        msg = f"the TSS file has {tss.shape[1]} columns; it needs chromosome, start, end and gene, separated by tabs."
        raise InputError(msg)
    made = tss.iloc[:, :4].set_axis(["chrom", "start", "end", "gene"], axis=1)
    return made.astype({"chrom": str, "start": int, "end": int, "gene": str})


def _connections(table: Any) -> pd.DataFrame | None:
    """Return the table of co-accessible peaks, names as ours."""
    if table is None:
        return None
    if not isinstance(table, pd.DataFrame):
        with content_errors(table, what="co-accessibility table"):
            return _connections(read_frame(table, what="co-accessibility table"))
    frame = table
    lacking = sorted({"Peak1", "Peak2", "coaccess"} - set(frame.columns))
    if lacking:
        msg = f"the co-accessibility table lacks the columns {lacking}; it has {list(frame.columns)[:6]}."
        raise InputError(msg)
    clean = frame[["Peak1", "Peak2", "coaccess"]].dropna()
    names = {name: clean[name].astype(str).str.replace(r"[:-]", "_", regex=True) for name in ("Peak1", "Peak2")}
    return clean.assign(**names)


def _factors(table: Any) -> pd.DataFrame:
    """Return motif and factor of each pair."""
    if isinstance(table, Mapping):
        pairs = [(motif, factor) for motif, names in table.items() for factor in names]
        return pd.DataFrame(pairs, columns=["motif", "factor"])
    frame = read_frame(table, what="table of factors", sep=None, engine="python")
    if frame.shape[1] < 2:
        msg = f"the table of factors has the columns {list(frame.columns)}; it needs motif and factor."
        raise InputError(msg)
    return frame.iloc[:, :2].set_axis(["motif", "factor"], axis=1).astype(str).drop_duplicates()


def _cut(genome: Any, peaks: Sequence[str]) -> dict[str, str]:
    """Return the sequence of each peak."""
    with tempfile.TemporaryDirectory() as folder:
        regions = Path(folder) / "peaks.bed"
        places = [_PEAK.match(name) for name in peaks]
        lines = ["\t".join([*one.groups(), name]) for one, name in zip(places, peaks, strict=True) if one is not None]
        regions.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return motif_tools.extract_regions(genome, regions)


def _random_sequences(genome: Any, length: int, n: int, rng: np.random.Generator) -> list[str]:
    """Return random stretches of the genome, likelier from long chromosomes, none mostly unknown."""
    pyfaidx = import_optional("pyfaidx", extra="motif")
    with tempfile.TemporaryDirectory() as folder:
        index = str(Path(folder) / "genome.fai")
        with pyfaidx.Fasta(str(existing(genome, what="genome")), indexname=index, sequence_always_upper=True) as fasta:
            names = [name for name in sorted(fasta.keys()) if len(fasta[name]) >= length]
            if not names:
                msg = f"no chromosome of {genome} is {length} bases long; give a shorter background_length."
                raise InputError(msg)
            sizes = np.array([len(fasta[name]) - length + 1 for name in names], dtype=np.float64)
            made: list[str] = []
            for _ in range(20 * n):
                name = names[int(rng.choice(len(names), p=sizes / sizes.sum()))]
                start = int(rng.integers(0, len(fasta[name]) - length + 1))
                text = str(fasta[name][start : start + length])
                if text.count("N") < length / 2:
                    made.append(re.sub("[^ACGTN]", "N", text))
                if len(made) == n:
                    break
    return made
