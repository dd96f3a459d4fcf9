"""Gene names that R's ``read.table`` has bent (``HLA.B``), made straight again, with a report."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reguloom._logging import logger

#: Names in which a dot belongs: accession numbers of clones, and versions of Ensembl ids.
_OWN_DOT = re.compile(r"^(?:ENS[A-Z]*[GT]\d+\.\d+|[A-Z]{1,2}\d{5,6}\.\d+|[A-Z]{4}\d{8}\.\d+|LINC\d+\.\d+)$")
#: Names of clones: a dash after the library, a dot before the number (RP11-34P13.7).
_CLONE = re.compile(r"^(RP\d+|CT[ABCD]|GS1|LL\w+|KB|XX\w+)\.(.+)$")


def repair_names(names: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return gene names with the dashes back that R turned into dots, and which were changed.

    R writes ``HLA-B`` as ``HLA.B`` and ``1700001C02Rik`` as ``X1700001C02Rik`` whenever it reads a table with genes as
    columns. If a single name still has a dash, the table has not been through that, and nothing is changed.

    Parameters
    ----------
    names
        Gene names.

    Examples
    --------
    >>> from reguloom.temporal.read_names import repair_names
    >>> repair_names(["HLA.B", "IRF1", "AC012345.1", "RP11.34P13.7"])[0]
    ['HLA-B', 'IRF1', 'AC012345.1', 'RP11-34P13.7']
    """
    given = [str(name) for name in names]
    if any("-" in name for name in given):
        return given, {}
    straight = [_straight(name) for name in given]
    taken = set(given)
    made: list[str] = []
    for old, new in zip(given, straight, strict=True):
        # Two columns must not become one.
        made.append(new if new == old or new not in taken else old)
        taken.add(made[-1])
    changed = {old: new for old, new in zip(given, made, strict=True) if old != new}
    if changed:
        few = ", ".join(f"{old} -> {new}" for old, new in list(changed.items())[:3])
        logger.warning("names of genes that R had bent are put right: %d (%s)", len(changed), few)
    return made, changed


def _straight(name: str) -> str:
    """Return one name as it was before R read it."""
    if re.match(r"^X\d", name):
        name = name[1:]
    if "." not in name or _OWN_DOT.match(name):
        return name
    clone = _CLONE.match(name)
    if clone:
        return f"{clone[1]}-{clone[2]}"
    return name.replace(".", "-")
