"""Which motifs of a database are annotated to which transcription factor."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError

COLUMNS = ("TF", "MotifID", "MotifSimilarityQvalue", "OrthologousIdentity", "Annotation")


def read_annotations(annotations: pd.DataFrame | str | os.PathLike[str]) -> pd.DataFrame:
    """Return motif annotations, read from a file or a file's columns if need be, each (factor, motif) pair once.

    Of several rows for a pair, the one of lowest q-value, then highest identity, is kept; ``attrs['n_repeated']``
    counts the others.

    Raises
    ------
    InputError
        If a column is missing.
    """
    if isinstance(annotations, (str, os.PathLike)) or "#motif_id" in annotations:
        from reguloom.io.annotations import read_motif_annotations

        return read_motif_annotations(annotations)
    missing = [name for name in COLUMNS if name not in annotations]
    if missing:
        msg = f"the motif annotations lack the columns {missing}; read them with reguloom.io.read_motif_annotations."
        raise InputError(msg)
    n_repeated = int(annotations.duplicated(["TF", "MotifID"]).sum())
    if n_repeated == 0:
        return annotations.reset_index(drop=True)
    best = annotations.reset_index(drop=True).sort_values(
        ["MotifSimilarityQvalue", "OrthologousIdentity"], ascending=[True, False], kind="stable"
    )
    once = best.drop_duplicates(["TF", "MotifID"]).sort_index().reset_index(drop=True)
    once.attrs["n_repeated"] = n_repeated
    return once


@dataclass(frozen=True)
class AnnotationIndex:
    """Looks up (factor, motif) pairs of one database in the annotation table.

    Parameters
    ----------
    table
        The annotations.
    rows_of
        For each factor, positions of its motifs in the database, rising, and the rows of `table`.
    """

    table: pd.DataFrame
    rows_of: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]

    @classmethod
    def of(cls, table: pd.DataFrame, motifs: Sequence[str], tfs: Iterable[str]) -> AnnotationIndex:
        """Index the rows of `table` whose motif is among `motifs` and whose factor is among `tfs`."""
        place = pd.Index(motifs, dtype=object).get_indexer(pd.Index(table["MotifID"], dtype=object))
        rows = np.flatnonzero((place >= 0) & table["TF"].isin(set(tfs)).to_numpy())
        rows_of = {}
        for tf, group in pd.Series(rows).groupby(table["TF"].to_numpy(dtype=object)[rows]):
            found = group.to_numpy(dtype=np.int64)
            order = np.argsort(place[found], kind="stable")
            rows_of[str(tf)] = (place[found][order].astype(np.int64), found[order])
        return cls(table, rows_of)

    def rows(self, tf: str | None, motifs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of the table for each motif and `tf`, -1 where the motif is not annotated to it."""
        found = np.full(len(motifs), -1, dtype=np.int64)
        if tf is None or tf not in self.rows_of:
            return found
        known, rows = self.rows_of[tf]
        spot = np.minimum(np.searchsorted(known, motifs), len(known) - 1)
        return np.where(known[spot] == motifs, rows[spot], found)
