"""What gene names look like, and what stands between two ways of writing them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

ENSEMBL = re.compile(r"(ENS[A-Z]*[GTP])\d{6,}(\.\d+)?(_PAR_Y)?$|(FBgn)\d{7}$|(WBGene)\d{8}$|(ENTREZ|LOC)\d+$")
NUMBER = re.compile(r"\d+$")
BARCODE = re.compile(r"[^A-Za-z]*[ACGTN]{8,}(-\d+)?|.*[_#:.-][ACGTN]{10,}(-\d+)?$")
_SPECIES_OF_PREFIX = {
    **{"ENSG": "human", "ENSMUSG": "mouse", "ENSRNOG": "rat", "ENSDARG": "zebrafish", "ENSSSCG": "pig"},
    **{"ENSGALG": "chicken", "FBgn": "FlyBase", "WBGene": "WormBase"},
}

#: Names that changed: a list or a matrix of another year has the old one.
RENAMED = {
    **{"SFPI1": "SPI1", "T": "TBXT", "OCT4": "POU5F1", "EVI1": "MECOM", "MYCL1": "MYCL", "CART1": "ALX1"},
    **{"TCFAP2A": "TFAP2A", "TCFAP2B": "TFAP2B", "TCFAP2C": "TFAP2C", "TCFAP4": "TFAP4", "TCFCP2": "TFCP2"},
    **{"TCFCP2L1": "TFCP2L1", "TCFE2A": "TCF3", "TCFE3": "TFE3", "TCFEB": "TFEB", "TCFEC": "TFEC"},
    **{"BHLHB2": "BHLHE40", "BHLHB3": "BHLHE41", "BHLHB8": "BHLHA15", "CSDA": "YBX3", "MLL": "KMT2A"},
    **{"MLL3": "KMT2C", "WHSC1": "NSD2", "MKL1": "MRTFA", "MKL2": "MRTFB", "GCN5L2": "KAT2A", "MYST3": "KAT6A"},
}
_PARTNER = {**RENAMED, **{new: old for old, new in RENAMED.items()}}


def describe(names: Iterable[str]) -> str:
    """Say what names look like.

    Parameters
    ----------
    names
        Gene names.

    Returns
    -------
    ``"human symbols"``, ``"mouse symbols"``, ``"human Ensembl ids"``, ``"Ensembl ids"``, ``"numbers"`` (Entrez ids),
    ``"row numbers"``, ``"cell barcodes"`` or ``"other names"``.
    """
    known = {str(name) for name in names}
    if not known:
        return "other names"
    for kind, pattern in (("ids", ENSEMBL), ("numbers", NUMBER), ("cell barcodes", BARCODE)):
        found = [match for name in known if (match := pattern.match(name))]
        if len(found) > 0.5 * len(known):
            return _ids(found) if kind == "ids" else _numbers(known) if kind == "numbers" else kind
    return _symbols(known)


def partner(name: str) -> str:
    """Return the other spelling, in capitals, that a gene goes by, or an empty text."""
    upper = name.upper()
    if upper in _PARTNER:
        return _PARTNER[upper]
    for one, other in (("ZFP", "ZNF"), ("ZNF", "ZFP")):
        if upper.startswith(one) and upper[3:4].isdigit():
            return other + upper[3:]
    return ""


def without_version(name: str) -> str:
    """Return an Ensembl id without its version; other names as they are (``H3.3`` is a name)."""
    return name.split(".")[0] if "." in name and ENSEMBL.match(name) else name


def without_wrapping(name: str) -> str:
    """Return a name without blanks and quotes around it."""
    return name.strip(" \t\r\n\"'")


def with_hyphens(name: str) -> str:
    """Return a name as it was before R's ``make.names`` turned hyphens into dots."""
    return name.replace(".", "-")


def last_part(name: str) -> str:
    """Return what follows a genome's or an id's prefix: ``GATA1`` of ``hg38_GATA1`` or ``ENSG00000102145|GATA1``."""
    return re.split(r"_+|\|", name, maxsplit=1)[-1]


def first_part(name: str) -> str:
    """Return what precedes an id: ``GATA1`` of ``GATA1_ENSG00000102145`` or ``GATA1|2623``."""
    return re.split(r"_+|\|", name, maxsplit=1)[0]


#: (how a name is changed, what was wrong, what to do), tried in this order; the one that gains most is told.
CHANGES: tuple[tuple[Callable[[str], str], str, str], ...] = (
    (without_wrapping, "blanks or quotes around names", "strip them"),
    (without_version, "the version suffix of ids (.1, .2)", "strip it"),
    (with_hyphens, "dots in place of hyphens, as R's make.names writes", "put the hyphens back"),
    (last_part, "a prefix such as a genome or an id", "strip it"),
    (first_part, "a suffix such as an id", "strip it"),
    (str.upper, "upper and lower case", "bring both to one"),
)


def _ids(found: list[re.Match[str]]) -> str:
    """Name the species of ids, if they all are of one."""
    prefixes = {next((group for group in match.group(1, 4, 5) if group), "") for match in found}
    species = {_SPECIES_OF_PREFIX.get(prefix, "") for prefix in prefixes}
    name = species.pop() if len(species) == 1 else ""
    return f"{name} ids" if name.endswith("Base") else f"{name} Ensembl ids".strip()


def _numbers(known: set[str]) -> str:
    """Tell Entrez ids from the numbers that a table without names gets."""
    return "row numbers" if {"0", "1"} <= known and max(map(len, known)) <= len(str(len(known))) else "numbers"


def _symbols(known: set[str]) -> str:
    """Tell species by the case of their symbols."""
    letters = [name for name in known if any(character.isalpha() for character in name)]
    upper = sum(name == name.upper() for name in letters)
    capital = sum(name[:1].isupper() and name[1:] == name[1:].lower() for name in letters)
    single = sum(len(name) == 1 for name in letters)  # "T" is both
    if upper > 0.7 * len(letters) and upper > single:
        return "human symbols"
    return "mouse symbols" if capital > 0.6 * len(letters) and capital > single else "other names"
