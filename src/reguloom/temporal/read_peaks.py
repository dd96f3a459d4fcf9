"""Peaks and genes on the genome, and gene activity: fragments in the gene's body and promoter."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix

from reguloom._errors import EmptyResultError, InputError
from reguloom._files import existing, open_text
from reguloom._logging import logger
from reguloom._reading import content_errors
from reguloom.core import Expression

if TYPE_CHECKING:
    from anndata import AnnData

PEAK = re.compile(r"^(?P<chrom>\S+?)[_:-](?P<start>\d+)[_-](?P<end>\d+)$")
UPSTREAM = 2000
"""Bases before the gene that count as its promoter (snapATAC2's default)."""
_GENE = ("gene", "symbol", "gene_name", "gene_short_name", "name")
_ALIASES = {
    "chrom": ("chrom", "chromosome", "chr", "seqname", "seqnames"),
    "start": ("start", "txstart", "chromstart", "start_position"),
    "end": ("end", "txend", "chromend", "end_position", "stop"),
    "strand": ("strand",),
}
_GTF_NAME = re.compile(r'gene_name "([^"]+)"')
_GTF_ID = re.compile(r'gene_id "([^"]+)"')


def is_peak_names(names: Sequence[str]) -> bool:
    """Tell whether features are peaks (``chr1-100-600``) rather than genes."""
    looked = [str(name) for name in names[:200]]
    return bool(looked) and sum(PEAK.match(name) is not None for name in looked) > 0.9 * len(looked)


def peak_places(var: pd.DataFrame) -> pd.DataFrame:
    """Return where peaks lie: ``chrom``, ``start``, ``end``, indexed as `var`.

    Parameters
    ----------
    var
        Table of peaks: columns ``chrom``, ``start``, ``end``, or names such as ``chr1:100-600`` and ``chr1_100_600``.

    Raises
    ------
    InputError
        If a name is no place.
    """
    if {"chrom", "start", "end"} <= set(var.columns):
        found = var[["chrom", "start", "end"]].copy()
    else:
        parsed = [PEAK.match(str(name)) for name in var.index]
        wrong = [str(name) for name, one in zip(var.index, parsed, strict=True) if one is None]
        if wrong:
            msg = f"{len(wrong)} peaks such as {wrong[0]!r} name no place; accepted are chr1-100-600 and chr1:100-600."
            raise InputError(msg)
        found = pd.DataFrame([one.groupdict() for one in parsed if one is not None], index=var.index)
    with content_errors("the table of peaks", what="table of places", mend="starts and ends are whole numbers"):
        return found.astype({"chrom": str, "start": np.int64, "end": np.int64})


def read_places(genes: pd.DataFrame | str | os.PathLike[str]) -> pd.DataFrame:
    """Return where genes lie: gene → ``chrom``, ``start``, ``end``, ``strand``, ``tss``.

    Rows of one gene (transcripts, exons) are joined from the first base to the last.

    Parameters
    ----------
    genes
        A table with chromosome, start, end (for a TSS alone, the start), strand and gene or symbol; or its path: csv,
        tsv, BED or GTF, plain or ``.gz``.

    Raises
    ------
    InputError
        If a column is missing.
    """
    if isinstance(genes, pd.DataFrame):
        return _places(genes)
    with content_errors(genes, what="table of genes"):
        return _places(_read_places(genes))


def _places(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the places of a table."""
    names = {str(name).lower().lstrip("#"): name for name in frame.columns}
    chosen: dict[str, NDArray[Any]] = {}
    for key, accepted in _ALIASES.items():
        hit = next((names[one] for one in accepted if one in names), None)
        if hit is None and key in ("chrom", "start"):
            msg = f"the table of genes has the columns {list(map(str, frame.columns))[:8]} and none for {key}."
            raise InputError(msg[:-1] + f"; accepted are {', '.join(accepted)}.")
        chosen[key] = np.array([]) if hit is None else frame[hit].to_numpy()
    # symbols before ids, where a table has both
    gene = next((names[one] for one in ("symbol", "gene_name", "gene_short_name", *_GENE) if one in names), None)
    table = pd.DataFrame({
        "gene": frame.index.astype(str) if gene is None else frame[gene].astype(str).to_numpy(),
        "chrom": [str(one) for one in chosen["chrom"]],
        "start": np.asarray(chosen["start"], dtype=np.int64),
        "end": np.asarray(chosen["start"] if chosen["end"].size == 0 else chosen["end"], dtype=np.int64),
        "strand": "+" if chosen["strand"].size == 0 else [str(one) for one in chosen["strand"]],
    })  # fmt: skip
    joined = table.groupby(["gene", "chrom"], sort=False).agg({"start": "min", "end": "max", "strand": "first"})
    joined = joined.reset_index("chrom")
    joined = joined[~joined.index.duplicated()]
    joined["tss"] = np.where(joined["strand"] == "-", joined["end"], joined["start"])
    return joined


def _read_places(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the rows of a csv, tsv, BED or GTF file."""
    path = existing(path, what="table of genes")
    name = path.name.lower().removesuffix(".gz")
    with open_text(path) as handle:
        if name.endswith((".gtf", ".gff")):
            return _gtf(handle)
        if name.endswith(".bed"):
            frame = pd.read_csv(handle, sep="\t", header=None, comment="#", dtype={0: str})
            labels = ["chrom", "start", "end", "gene", "score", "strand"][: frame.shape[1]]
            return frame.iloc[:, : len(labels)].set_axis(labels, axis=1)
        return pd.read_csv(handle, sep="," if name.endswith(".csv") else "\t")


def _gtf(handle: Any) -> pd.DataFrame:
    """Return the genes of a GTF file."""
    rows = []
    for line in handle:
        fields = line.split("\t")
        if len(fields) < 9 or fields[2] != "gene":
            continue
        name = _GTF_NAME.search(fields[8]) or _GTF_ID.search(fields[8])
        if name:
            rows.append((fields[0], int(fields[3]) - 1, int(fields[4]), fields[6], name[1]))
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "strand", "gene"])


def gene_activity(
    adata: AnnData, genes: pd.DataFrame | str | os.PathLike[str], *, layer: str | None = None, upstream: int = UPSTREAM
) -> AnnData:
    """Return fragments in each gene's body and promoter, cells × genes.

    Sums of counts stay counts, so the negative binomial fits them, which weighted scores lose.

    Parameters
    ----------
    adata
        Fragments (or insertions) in peaks, cells × peaks.
    genes
        Where genes lie; see :func:`read_places`.
    layer
        Which values.
    upstream
        Bases before the start of transcription that belong to the gene.

    Returns
    -------
    AnnData
        The cells' ``obs``; genes with at least one peak; ``var['n_peaks']``; ``uns['gene_peaks']``: which ``peak``
        counts for which ``gene``.

    Raises
    ------
    EmptyResultError
        If no peak lies in a gene.
    """
    from anndata import AnnData

    data = Expression.of(adata, layer=layer)
    places = read_places(genes)
    forward = (places["strand"] != "-").to_numpy()
    low = places["start"].to_numpy() - np.where(forward, upstream, 0)
    high = np.maximum(places["end"].to_numpy(), places["start"].to_numpy() + 1) + np.where(forward, 0, upstream)
    windows = pd.DataFrame({"chrom": places["chrom"].to_numpy(), "start": low, "end": high}, index=places.index)
    peak, gene = overlaps(peak_places(adata.var), windows)
    if len(peak) == 0:
        mine, theirs = sorted(set(peak_places(adata.var)["chrom"]))[:2], sorted(set(places["chrom"]))[:2]
        msg = f"no peak lies in a gene (peaks on {mine}, genes on {theirs}); name chromosomes alike, in one genome."
        raise EmptyResultError(msg)
    member = csr_array((np.ones(len(peak)), (peak, gene)), shape=(adata.n_vars, len(places)))
    kept = np.flatnonzero(member.sum(axis=0) > 0)
    member = member[:, kept]
    sums = [csr_matrix(csr_array(block) @ member).astype(np.float32) for _, _, block in data.blocks()]
    from scipy.sparse import vstack

    names = places.index[kept].astype(str)
    var = pd.DataFrame({"n_peaks": np.asarray(member.sum(axis=0)).ravel().astype(np.int64)}, index=pd.Index(names))
    made = AnnData(csr_matrix(vstack(sums, format="csr")), obs=adata.obs.copy(), var=var)
    made.uns["gene_peaks"] = pd.DataFrame(
        {"gene": places.index[gene].astype(str), "peak": adata.var_names[peak].astype(str)}, dtype=object
    )
    logger.info("%d peaks lie in %d genes (body and %d bases before)", len(np.unique(peak)), len(names), upstream)
    return made


def overlaps(first: pd.DataFrame, second: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which intervals of `first` and `second` overlap, as pairs of positions, sorted.

    Parameters
    ----------
    first, second
        ``chrom``, ``start``, ``end``; ends are not included.
    """
    rows, columns = [], []
    others = second.groupby("chrom", sort=True).indices
    for chrom, mine in first.groupby("chrom", sort=True).indices.items():
        if chrom not in others:
            continue
        theirs = others[chrom]
        order = mine[np.argsort(first["start"].to_numpy()[mine], kind="stable")]
        start, end = first["start"].to_numpy()[order], first["end"].to_numpy()[order]
        longest = int((end - start).max())
        for one in theirs:
            low, high = second["start"].to_numpy()[one], second["end"].to_numpy()[one]
            near = np.arange(np.searchsorted(start, low - longest), np.searchsorted(start, high))
            hit = order[near[end[near] > low]]
            rows.append(hit)
            columns.append(np.full(len(hit), one))
    if not rows:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    row, column = np.concatenate(rows).astype(np.int64), np.concatenate(columns).astype(np.int64)
    sort = np.lexsort((row, column))
    return row[sort], column[sort]
