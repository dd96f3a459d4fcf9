"""Names that a format cannot hold: spelled in a way it can, with a comment that brings them back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
_COMMENT = re.compile(r"#+\s*name\s+(\S+)\s*=\s*(.*?)\s*$")
RESERVED = frozenset(
    "and or not xor true false all any maj sumis sumgt sumlt timeis timegt timelt "
    "targets factors functions gene".split()
)


def spellings(genes: Iterable[str]) -> dict[str, str]:
    """Return gene → a unique name of letters, digits and underscores; plain names stay as they are."""
    genes = list(genes)
    plain = {gene for gene in genes if _is_plain(gene)}
    taken, made = set(plain), {}
    for gene in genes:
        if gene in plain:
            made[gene] = gene
            continue
        stem = re.sub(r"\W", "_", gene, flags=re.ASCII) or "_"
        stem = stem if _PLAIN.match(stem) and stem.lower() not in RESERVED else f"g_{stem}"
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name)
        made[gene] = name
    return made


def _is_plain(gene: str) -> bool:
    """Tell whether every format and tool takes the name."""
    return bool(_PLAIN.match(gene)) and gene.lower() not in RESERVED


def comments(names: Mapping[str, str]) -> list[str]:
    """Return the comment lines that say which names were respelled."""
    return [f"# name {name} = {gene}" for gene, name in names.items() if name != gene]


def read_comments(lines: Iterable[str]) -> dict[str, str]:
    """Return spelling → gene from the comment lines of a file."""
    found = (_COMMENT.match(line.strip()) for line in lines)
    return {match[1]: match[2] for match in found if match and match[2]}
