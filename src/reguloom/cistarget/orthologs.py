"""Motif annotations for a species that has none, by way of its orthologues."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pandas as pd

from reguloom._errors import InputError
from reguloom._files import atomic_write, open_text
from reguloom.cistarget._annotation import read_annotations
from reguloom.core import check_genes
from reguloom.core.motif_columns import ANNOTATION_COLUMNS


def annotations_by_orthology(
    annotations: pd.DataFrame | str | os.PathLike[str], orthologs: pd.DataFrame, *, species: str = "the source species"
) -> pd.DataFrame:
    """Carry motif annotations over to another species.

    Parameters
    ----------
    annotations
        Annotations of a well-studied species, or their path.
    orthologs
        Columns ``source`` (a factor of that species) and ``target`` (its orthologue), and optionally ``identity``
        (share of identical residues, 0 to 1, or percent). Several orthologues of one factor are all annotated.
    species
        What the source species is called in the descriptions.

    Returns
    -------
    Annotations of the targets in the same columns, and ``orthologous_gene``; each (factor, motif) once, by the best.
    The identity multiplies that of the source annotation; without the column it counts as 1.

    Raises
    ------
    InputError
        If a column is missing or the two tables share no factor.
    """
    source = read_annotations(annotations)
    missing = [name for name in ("source", "target") if name not in orthologs]
    if missing:
        msg = f"the orthologue table lacks the columns {missing}; it has {list(orthologs.columns)[:6]}."
        raise InputError(msg)
    check_genes(source["TF"], orthologs["source"], what="annotated factors", where="the orthologue table")
    pairs = orthologs.dropna(subset=["source", "target"]).astype({"source": str, "target": str})
    identity = pd.to_numeric(pairs["identity"], errors="coerce") if "identity" in pairs else pd.Series(1.0, pairs.index)
    pairs = pd.DataFrame(
        {"TF": pairs["source"], "target": pairs["target"], "identity": identity / (100.0 if identity.max() > 1 else 1)}
    )
    joined = source.merge(pairs, on="TF", how="inner")
    described = joined["Annotation"].astype(str) + "; by orthology to " + joined["TF"] + f" of {species}"
    carried = pd.DataFrame(
        {
            "TF": joined["target"],
            "MotifID": joined["MotifID"],
            "MotifSimilarityQvalue": joined["MotifSimilarityQvalue"],
            "OrthologousIdentity": joined["OrthologousIdentity"] * joined["identity"],
            "Annotation": described,
            "orthologous_gene": joined["TF"],
        }
    )
    return read_annotations(carried)


def write_annotations(
    annotations: pd.DataFrame, path: str | os.PathLike[str], *, species: str = "None", force: bool = True
) -> None:
    """Write annotations as a cisTarget ``.tbl`` with its 13 columns, which pySCENIC reads too.

    Parameters
    ----------
    annotations
        As :func:`annotations_by_orthology` returns them.
    path
        Where to.
    species
        What the source species is called.
    force
        Whether an existing file may be replaced.
    """
    with atomic_write(Path(path), force=force) as temporary, open_text(temporary, "w") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\")
        writer.writerow(ANNOTATION_COLUMNS)
        gene = annotations["orthologous_gene"] if "orthologous_gene" in annotations else ["None"] * len(annotations)
        columns = ["MotifID", "TF", "MotifSimilarityQvalue", "OrthologousIdentity", "Annotation"]
        rows = zip(annotations[columns].itertuples(index=False, name=None), gene, strict=True)
        for (motif, tf, q, identity, text), other in rows:
            origin = [identity, other, species if other != "None" else "None"]
            writer.writerow([motif, motif, "", "reguloom", "1", tf, q, "None", "None", *origin, text])
