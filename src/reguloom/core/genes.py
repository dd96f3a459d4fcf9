"""The gene-name check: do two sets of names speak the same language, and if not, why not.

Every call that joins two gene sets (transcription factors and a matrix, regulons and a matrix, a network and a
ranking database) comes through here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from reguloom._errors import InputError
from reguloom._logging import logger

ENSEMBL = re.compile(r"ENS[A-Z]*[GT]\d{6,}(\.\d+)?$|FBgn\d{7}$|WBGene\d{8}$")
ENTREZ = re.compile(r"\d+$")
#: Pairs of spellings that the same gene goes by in human and mouse tables of different years.
ALIASES = (("ZFP", "ZNF"), ("ZNF", "ZFP"), ("SFPI1", "SPI1"), ("SPI1", "SFPI1"), ("POU5F1", "OCT4"), ("T", "TBXT"))


@dataclass(frozen=True)
class GeneOverlap:
    """How far two sets of gene names agree.

    Parameters
    ----------
    n_query, n_reference, n_shared
        Sizes of the two sets and of what they share.
    cause
        The likely reason for a poor overlap, as a sentence; empty if there is none.
    missing
        Names of the query that the reference lacks, sorted.
    """

    n_query: int
    n_reference: int
    n_shared: int
    cause: str
    missing: tuple[str, ...]

    @property
    def fraction(self) -> float:
        """Share of the query that the reference has, between 0 and 1."""
        return self.n_shared / self.n_query if self.n_query else 0.0


def gene_overlap(query: Iterable[str], reference: Iterable[str]) -> GeneOverlap:
    """Compare two sets of gene names and look for the cause of a mismatch.

    Parameters
    ----------
    query
        The names that are looked up, e.g. transcription factors.
    reference
        The names that they are looked up in, e.g. the genes of the matrix.

    Returns
    -------
    Counts, the likely cause, and the names that are missing.
    """
    wanted, present = {str(gene) for gene in query}, {str(gene) for gene in reference}
    shared = wanted & present
    missing = tuple(sorted(wanted - present))
    cause = _cause(wanted, present, len(shared)) if missing else ""
    return GeneOverlap(len(wanted), len(present), len(shared), cause, missing)


def check_genes(
    query: Iterable[str],
    reference: Iterable[str],
    *,
    what: str,
    where: str,
    floor: float = 0.0,
    min_shared: int = 1,
) -> GeneOverlap:
    """Log the overlap of two gene sets, and refuse to go on when it is too small to mean anything.

    Parameters
    ----------
    query, reference
        The names looked up, and what they are looked up in.
    what, where
        What the two sets are, in words: ``"transcription factors"``, ``"the matrix"``.
    floor
        Smallest share of the query that must be found, between 0 and 1.
    min_shared
        Smallest number of names that must be found.

    Returns
    -------
    The overlap.

    Raises
    ------
    InputError
        If the overlap is below `floor` or `min_shared`; the message names the likely cause.
    """
    overlap = gene_overlap(query, reference)
    because = f" {overlap.cause}" if overlap.cause else ""
    if overlap.n_shared < min_shared or overlap.fraction < floor:
        need = f"at least {min_shared}" if overlap.n_shared < min_shared else f"at least {floor:.0%}"
        hint = because or f" Missing are, for instance, {', '.join(overlap.missing[:3])}."
        msg = f"{overlap.n_shared} of {overlap.n_query} {what} are in {where}, and {need} must be.{hint}"
        raise InputError(msg)
    logger.info("%d of %d %s are in %s.%s", overlap.n_shared, overlap.n_query, what, where, because)
    if overlap.missing:
        logger.debug("not in %s: %s", where, ", ".join(overlap.missing))
    return overlap


def _cause(query: set[str], reference: set[str], n_shared: int) -> str:
    """Return the likely reason why names are missing, or an empty text."""
    for pattern, kind in ((ENSEMBL, "Ensembl-like ids"), (ENTREZ, "numbers, as Entrez ids are")):
        share_query, share_reference = _share(pattern, query), _share(pattern, reference)
        if (share_query > 0.5) != (share_reference > 0.5):
            side, other = ("the first", "the second") if share_query > 0.5 else ("the second", "the first")
            return f"Most names of {side} set are {kind}, those of {other} are not: convert them to gene symbols."
    if any(ENSEMBL.match(name) and "." in name for name in query | reference) and _versionless(query, reference):
        return "The ids differ in their version suffix (.1, .2): strip it."
    case = _gained(query, reference, str.upper) - n_shared
    if case > max(n_shared, 0.2 * len(query)):
        return f"{case} more would match if case were ignored: {_species(query, reference)}."
    alias = _alias_matches(query, reference)
    if alias:
        return f"{len(alias)} more match under another spelling, such as {alias[0][0]} for {alias[0][1]}: rename them."
    if any(name != name.strip() for name in query | reference):
        return "Some names carry blanks at their ends: strip them."
    return ""


def _share(pattern: re.Pattern[str], names: set[str]) -> float:
    """Return the share of names that match."""
    return sum(bool(pattern.match(name)) for name in names) / max(len(names), 1)


def _gained(query: set[str], reference: set[str], change: object) -> int:
    """Return how many query names match once both sides are changed."""
    changed = {change(name) for name in reference}  # type: ignore[operator]
    return sum(change(name) in changed for name in query)  # type: ignore[operator]


def _versionless(query: set[str], reference: set[str]) -> bool:
    """Tell whether names match once what follows a dot is dropped."""
    stripped = {name.split(".")[0] for name in reference}
    return sum(name.split(".")[0] in stripped for name in query) > 0.2 * len(query)


def _species(query: set[str], reference: set[str]) -> str:
    """Say which species the case of the names looks like."""
    styles = [_style(query), _style(reference)]
    if set(styles) == {"human", "mouse"}:
        return f"the first set looks like {styles[0]} symbols, the second like {styles[1]} symbols; use one species"
    return "the two sets write gene symbols in different case; bring them to one"


def _style(names: set[str]) -> str:
    """Return the species that writes its symbols like this, or ``"other"``."""
    letters = [name for name in names if any(character.isalpha() for character in name)]
    upper = sum(name == name.upper() for name in letters) / max(len(letters), 1)
    capital = sum(name[:1].isupper() and name[1:] == name[1:].lower() for name in letters) / max(len(letters), 1)
    return "human" if upper > 0.7 else "mouse" if capital > 0.6 else "other"


def _alias_matches(query: set[str], reference: set[str]) -> list[tuple[str, str]]:
    """Return (name in the reference, name in the query) for known pairs of spellings."""
    by_upper = {name.upper(): name for name in reference}
    found = []
    for name in sorted(query - reference):
        for old, new in ALIASES:
            upper = name.upper()
            stem = upper.removeprefix(old)
            if (upper == old or (stem != upper and stem[:1].isdigit())) and new + stem in by_upper:
                found.append((by_upper[new + stem], name))
                break
    return found
