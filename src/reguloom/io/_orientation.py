"""Are genes the columns of this table, or the rows? Decided by what the names look like."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

CELL_CORNERS = {"cell", "cells", "cellid", "cell_id", "cell_ids", "barcode", "barcodes", "sample", "samples", "spot"}
GENE_CORNERS = {"gene", "genes", "gene_id", "geneid", "gene_name", "gene_names", "genename", "symbol", "genesymbol"}
_SAMPLE = 2000

_BARCODE = re.compile(r"(?:.*[^A-Za-z])?[ACGT]{8,}(?:[-_.#].*)?")
_CELL = re.compile(r"(?i).*(?:cell|sample|spot|barcode).*\d.*|\d+|[A-Za-z]+\d*(?:[_.-][A-Za-z]*\d+){2,}|.*_.*_.*")
_ID = re.compile(r"ENS[A-Z]*[GT]\d{6,}(?:\.\d+)?|FBgn\d+|WBGene\d+|AT\dG\d{5}|ENSDARG\d+")
# Families that no cell is named after, and that any matrix of a few hundred genes has members of.
_FAMILY = re.compile(
    r"(?i)(?:RP[LS]P?\d+\w*|MT-\w+|MRP[LS]\d+|ACTB|GAPDH|MALAT1|B2M|TMSB\w+|EEF\w+|EIF\w+|HLA-\w+|H2-\w+|CD\d+\w*"
    r"|GATA\d|SOX\d+|FOX[A-Z]\d+\w*|HOX[A-D]\d+|KLF\d+|STAT\d\w?|IRF\d+|JUN[BD]?|FOS[BL]?\d?|MYC\w?|ZNF\d+\w*|ZFP\d+\w*"
    r"|TMEM\d+\w*|SLC\d+\w+|LINC\d+|MIR\d+\w*|SNOR[AD]\d+\w*|KRT\d+|COL\d+A\d|NDUF\w+|ATP\d\w+|COX\d\w+|PSM[A-G]\d+"
    r"|HSP\w+|UBE\w+|TNF\w+|IL\d+\w*|CXC[LR]\d+|CCL\d+|PPP\w+|LOC\d+|\w+RIK|GM\d+|OR\d+\w+|SERPIN\w+|CEBP\w|RUNX\d|PAX\d)"
)
_DIGITS = re.compile(r"\d+")
_MANY = 20
_GENE_WORDS = {"g", "gene", "genes", "gene_", "gene-", "tf", "target", "tg", "ens", "ensg", "ensmusg", "fbgn", "loc"}
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]{1,8}(?:-[A-Z0-9]+|orf\d+)?|[A-Z][a-z0-9]{1,9}")


def genes_in_rows(rows: Sequence[str], columns: Sequence[str], *, corner: str = "", name: str = "") -> tuple[bool, str]:
    """Decide which way round a table is.

    Parameters
    ----------
    rows, columns
        Names of the rows and of the columns.
    corner
        The header above the row names.
    name
        The file's name, which may say ``cells_x_genes``.

    Returns
    -------
    tuple of bool and str
        Whether genes are the rows, and the reason as words. Without evidence: columns, as pySCENIC has it.
    """
    label = corner.strip().lower().lstrip("#")
    if label in CELL_CORNERS or "cells_x_genes" in name:
        return False, f"the header says {corner or 'cells_x_genes'!r}"
    if label in GENE_CORNERS or "genes_x_cells" in name:
        return True, f"the header says {corner or 'genes_x_cells'!r}"
    evidence = _geneness(rows) - _geneness(columns)
    if abs(evidence) >= 0.2:
        genes, cells = (rows, columns) if evidence > 0 else (columns, rows)
        which = "row" if evidence > 0 else "column"
        words = f"the {which} names look more like genes ({genes[0]} ...) than the others ({cells[0]} ...)"
        return evidence > 0, words
    return False, "neither the row nor the column names look more like genes, so the usual layout is taken"


def _geneness(names: Sequence[str]) -> float:
    """Return how far names look like genes (up to 1.5) and not like cells (down to -1)."""
    if len(names) == 0:
        return 0.0
    sample = names[:: max(1, len(names) // _SAMPLE)]
    stems = {_DIGITS.sub("", name).lower() for name in sample}
    if len(names) >= _MANY and len(stems) <= max(2, len(sample) // 50):
        # Numbered names: W31105, W31106 ... are cells, unless the word says gene.
        return 0.5 if stems <= _GENE_WORDS else -1.0
    return float(np.mean([_one(name) for name in sample]))


def _one(name: str) -> float:
    """Return the evidence of one name."""
    if _ID.fullmatch(name) or _FAMILY.fullmatch(name):
        return 1.5
    if _BARCODE.fullmatch(name) or _CELL.fullmatch(name):
        return -1.0
    return 0.5 if _SYMBOL.fullmatch(name) else 0.0
