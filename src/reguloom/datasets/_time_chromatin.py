"""Open chromatin along a simulated course: promoters, enhancers that follow a gene, and peaks that only seem to."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

N_CHROMOSOMES = 5
SPACING = 120_000
"""Bases between genes."""
REACH = 200_000
"""How far an enhancer lies from its gene at most."""
FRAGMENTS = 1.2
"""Mean fragments of an open peak in a cell."""
KINDS = ("promoter", "linked", "time_only", "unlinked")
"""Promoters; enhancers that follow the gene from cell to cell; those that follow the hour alone; and the rest."""


def genome(genes: list[str], rng: np.random.Generator) -> pd.DataFrame:
    """Place genes on chromosomes in random order: ``gene`` → ``chrom``, ``start`` (its TSS), ``strand``."""
    place = rng.permutation(len(genes))
    chrom = place % N_CHROMOSOMES
    start = 500_000 + (place // N_CHROMOSOMES) * SPACING + rng.integers(0, SPACING // 3, len(genes))
    frame = {"chrom": [f"chr{i + 1}" for i in chrom], "start": start, "strand": rng.choice(["+", "-"], len(genes))}
    return pd.DataFrame(frame, index=pd.Index(genes, name="gene"))


def peaks(places: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return peaks around the genes: ``chrom``, ``start``, ``end``, ``gene`` (owner), ``kind``, ``gc``."""
    n_genes = len(places)
    owner = np.concatenate([np.arange(n_genes), np.repeat(np.arange(n_genes), 3)])
    kind = np.concatenate([np.zeros(n_genes, dtype=int), np.tile([1, 2, 3], n_genes)])
    away = rng.integers(3_000, REACH, len(owner)) * rng.choice([-1, 1], len(owner))
    start = places["start"].to_numpy()[owner] + np.where(kind == 0, -250, away)
    frame = pd.DataFrame(
        {
            "chrom": places["chrom"].to_numpy()[owner],
            "start": start,
            "end": start + 500,
            "gene": places.index.to_numpy()[owner],
            "kind": pd.Categorical.from_codes(kind, list(KINDS)),
            "gc": np.clip(rng.normal(np.where(kind == 0, 0.6, 0.45), 0.06), 0.2, 0.8),
        }
    )
    names = frame["chrom"] + "-" + frame["start"].astype(str) + "-" + frame["end"].astype(str)
    frame.index = pd.Index(names, name="peak")
    return frame[~frame.index.duplicated()].sort_values(["chrom", "start"], kind="stable")


def fragments(
    table: pd.DataFrame,
    course: NDArray[np.float64],
    cell: NDArray[np.float64],
    depth: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw fragments, ``(n_cells, n_peaks)``.

    Parameters
    ----------
    table
        From :func:`peaks`, with ``row``, the number of the owner.
    course
        What the hour does to the owner's log expression, ``(n_cells, n_genes)``.
    cell
        What the cell's own state does to it, ``(n_cells, n_genes)``.
    depth
        Relative depth of each cell.
    rng
        Source of randomness.
    """
    row, kind = table["row"].to_numpy(), table["kind"].cat.codes.to_numpy()
    level = rng.lognormal(np.log(0.35), 0.5, len(table))
    drift = rng.normal(0.0, 0.4, (course.shape[1],))
    log_open = np.broadcast_to(np.log(level), (len(course), len(table))).copy()
    follows_hour = np.isin(kind, (1, 2))
    log_open[:, follows_hour] += 0.8 * course[:, row[follows_hour]]
    log_open[:, kind == 0] += 0.25 * course[:, row[kind == 0]]  # promoters are often open before
    follows_cell = np.array([0.35, 1.0, 0.0, 0.0])[kind]
    log_open += follows_cell * cell[:, row] + 0.1 * drift[row]
    return rng.poisson(FRAGMENTS * depth[:, None] * np.exp(np.clip(log_open, -6.0, 1.5)))
