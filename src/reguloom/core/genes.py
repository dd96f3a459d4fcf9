"""The gene-name check: do two sets of names speak the same language, and if not, why not.

Every call that joins two gene sets (transcription factors and a matrix, regulons and a matrix, a network and a
ranking database) comes through here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reguloom._errors import InputError
from reguloom._logging import logger
from reguloom.core._gene_names import CHANGES, describe, partner

#: A change of spelling is called the cause if it gains this share of the query ...
_NOTABLE = 0.2
#: ... or so many times what is shared as it is, and a fair part of the smaller set is shared then.
_TELLING, _FAIR = 3, 0.1
#: Below this share of the smaller set, two sets that ought to overlap are called strangers.
_STRANGERS = 0.05
#: Where species or spelling differ throughout, a share of the query below this is a match by chance.
_CHANCE_MATCHES = 0.05


@dataclass(frozen=True)
class GeneOverlap:
    """How far two sets of gene names agree.

    Parameters
    ----------
    n_query, n_reference, n_shared
        Sizes of the two sets and of what they share.
    cause
        The likely reason for a poor overlap and how to mend it, as a sentence; empty if there is none.
    missing
        Names of the query that the reference lacks, sorted.
    systematic
        Whether the cause holds for the sets as a whole (species, kind of id, spelling), not for single genes.
    """

    n_query: int
    n_reference: int
    n_shared: int
    cause: str
    missing: tuple[str, ...]
    systematic: bool = False

    @property
    def fraction(self) -> float:
        """Share of the query that the reference has, between 0 and 1."""
        return self.n_shared / self.n_query if self.n_query else 0.0


def gene_overlap(
    query: Iterable[str],
    reference: Iterable[str],
    *,
    what: str = "names of the first set",
    where: str = "the second set",
) -> GeneOverlap:
    """Compare two sets of gene names and look for the cause of a mismatch.

    Parameters
    ----------
    query
        The names that are looked up, e.g. transcription factors.
    reference
        The names that they are looked up in, e.g. the genes of the matrix.
    what, where
        What the two sets are called in the sentence: a plural, and a place.

    Returns
    -------
    Counts, the likely cause, and the names that are missing.
    """
    wanted, present = {str(gene) for gene in query}, {str(gene) for gene in reference}
    shared = wanted & present
    missing = tuple(sorted(wanted - present))
    cause = _systematic_cause(wanted, present, what, where) if missing and present else ""
    hint = ""
    if present and not cause:
        hint = _aliases(wanted, present) or _strangers(wanted, present, what, where)
    return GeneOverlap(len(wanted), len(present), len(shared), cause or hint, missing, systematic=bool(cause))


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
        If the overlap is below `floor` or `min_shared`, or below 5 % of the query for a reason that holds for the sets
        as a whole (another species finds a few genes of the same name); the message names the likely cause.
    """
    reference = list(reference)
    overlap = gene_overlap(query, reference, what=what, where=where)
    because = f" {overlap.cause}" if overlap.cause else ""
    floor = max(floor, _CHANCE_MATCHES) if overlap.systematic else floor
    if overlap.n_shared < min_shared or overlap.fraction < floor:
        need = f"at least {min_shared}" if overlap.n_shared < min_shared else f"at least {floor:.0%}"
        hint = because or _examples(overlap, set(map(str, reference)), what, where)
        msg = f"{overlap.n_shared} of {overlap.n_query} {what} are in {where}, and {need} must be.{hint}"
        raise InputError(msg)
    logger.info("%d of %d %s are in %s.%s", overlap.n_shared, overlap.n_query, what, where, because)
    if overlap.missing:
        logger.debug("not in %s: %s", where, ", ".join(overlap.missing))
    return overlap


def _examples(overlap: GeneOverlap, reference: set[str], what: str, where: str) -> str:
    """Show names of both sides, where no cause is known."""
    if not overlap.n_query:
        return f" There are no {what} at all."
    there = f", whereas {where} has {', '.join(sorted(reference)[:3])}" if reference else ""
    return f" Not found are, for instance, {', '.join(overlap.missing[:3])}{there}: check that the files go together."


def _systematic_cause(query: set[str], reference: set[str], what: str, where: str) -> str:
    """Return why names are missing all over the sets, or an empty text. A good overlap gets the benefit of doubt."""
    n_shared = len(query & reference)
    kinds = describe(query), describe(reference)
    if n_shared < 0.5 * len(query):
        if "row numbers" in kinds or "cell barcodes" in kinds:
            return _no_genes(kinds, what, where)
        if _is_id(kinds[0]) != _is_id(kinds[1]):
            return f"Most {what} are {kinds[0]}, those of {where} {kinds[1]}: convert one to the other."
        if _is_id(kinds[0]) and _is_id(kinds[1]) and kinds[0] != kinds[1]:
            return f"Most {what} are {kinds[0]}, those of {where} {kinds[1]}: use one species and one kind of id."
    return _spelling(query, reference, kinds, what, where)


def _strangers(query: set[str], reference: set[str], what: str, where: str) -> str:
    """Show names of both sets if they hardly overlap. A small panel may share little too: this is but a hint."""
    smaller = min(len(query), len(reference))
    if smaller < 20 or len(query & reference) >= _STRANGERS * smaller:
        return ""
    shown = [" and ".join(sorted(names)[len(names) // 2 :][:2]) for names in (query, reference)]
    return f"The {what} have names like {shown[0]}, {where} like {shown[1]}: check that they are of one species."


def _is_id(kind: str) -> bool:
    """Tell whether names of this kind are identifiers, not symbols."""
    return kind.endswith("ids") or kind == "numbers"


def _no_genes(kinds: tuple[str, str], what: str, where: str) -> str:
    """Say that one of the sets does not hold genes."""
    of_query = kinds[0] in ("row numbers", "cell barcodes")
    side, kind = (f"The {what}", kinds[0]) if of_query else (f"The names in {where}", kinds[1])
    mend = (
        "name the genes in the file (adata.var_names)"
        if kind == "row numbers"
        else "turn the matrix round (--transpose, adata.T)"
    )
    return f"{side} are {kind}, not genes: {mend}."


def _spelling(query: set[str], reference: set[str], kinds: tuple[str, str], what: str, where: str) -> str:
    """Return the change of spelling that would match the most names, if that is notable."""
    shared = query & reference
    gains = []
    for change, difference, mend in CHANGES:
        changed = {change(name) for name in reference}
        gained = [name for name in query - shared if change(name) in changed]
        gains.append((len(gained), difference, mend))
    gain, difference, mend = max(gains, key=lambda one: one[0])
    smaller = min(len(query), len(reference))
    telling = gain >= _TELLING * max(len(shared), 1) and (not shared or gain + len(shared) >= _FAIR * smaller)
    if not gain or not (telling or gain >= _NOTABLE * len(query)):
        return ""
    if set(kinds) == {"human symbols", "mouse symbols"}:
        more = f"{gain} more would match if case were ignored"
        return f"Most {what} look like {kinds[0]}, those of {where} like {kinds[1]} ({more}): use one species."
    return f"{gain} more would match but for {difference}: {mend}."


def _aliases(query: set[str], reference: set[str]) -> str:
    """Name genes that the reference has under another name. A name that is in both sets is a gene of its own."""
    by_upper = {name.upper(): name for name in reference - query}
    taken = {name.upper() for name in query}
    found = []
    for name in sorted(query - reference):
        other = partner(name)
        if other and other in by_upper and other not in taken:
            found.append((name, by_upper[other]))
    renamed = [pair for pair in found if not pair[0].upper().startswith(("ZFP", "ZNF"))]
    # ZFP36 and ZNF36 are two human genes: a few such pairs say nothing, many say that the lists are of two species.
    if len(found) - len(renamed) < max(3, 0.02 * len(query)):
        found = renamed
    if not found:
        return ""
    shown = ", ".join(f"{name} as {other}" for name, other in found[:3])
    return f"{len(found)} more {'is' if len(found) == 1 else 'are'} there under another name ({shown}): rename them."
