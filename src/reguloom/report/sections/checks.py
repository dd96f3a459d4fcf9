"""Whatever was warned of: checks that failed, warnings in the log, and what this report leaves out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from reguloom import _keys
from reguloom.report._source import Source

MOST_LINES = 200
_LARGEST_LOG = 32 << 20
_WARNING = re.compile(r"^(?:\S+ +){0,3}?(?:warning: )(.+)$", re.IGNORECASE)
_FEW_R2 = 0.1
MEANING = {
    "out_of_range": "genes leave their observed range, so the network is asked about states that no cell showed",
    "growing": "the shift still grows with every step, so the direction alone can be read",
    "not_expressed": "the factor is silent in some groups, where nothing happens",
    "no_effect": "no other gene changes, which means 'no change' and not 'no role'",
    "poor_fit": "the regulators hardly tell their targets in held-out cells",
}
"""What a failed check of a knock-out means."""


def panel(source: Source, left_out: list[str]) -> list[dict[str, str]]:
    """Return one entry for each thing worth knowing: ``level``, ``where``, ``text``.

    Parameters
    ----------
    source
        The pieces.
    left_out
        What the report itself leaves out.
    """
    found = [*_screen(source), *_oracle(source), *_regulons(source), *_temporal(source), *_logs(source)]
    found += [_entry("note", "this report", text) for text in (*source.notes, *left_out)]
    unique = {(one["where"], one["text"]): one for one in found}
    return list(unique.values())[:MOST_LINES]


def _entry(level: str, where: str, text: str) -> dict[str, str]:
    """Return one entry."""
    return {"level": level, "where": where, "text": text}


def _screen(source: Source) -> Iterator[dict[str, str]]:
    """Yield the checks that knock-outs failed, counted."""
    table = source.screen
    if table is None or "checks" not in table or "gene" not in table:
        return
    failed = table[["gene", "checks"]].drop_duplicates()
    failed = failed[failed["checks"].fillna("").astype(str) != ""]
    names: dict[str, list[str]] = {}
    for gene, text in zip(failed["gene"], failed["checks"], strict=True):
        for name in filter(None, re.split(r"[;,|] *", str(text))):
            kind = "not_expressed" if name.startswith("not_expressed") else name
            names.setdefault(kind, []).append(str(gene))
    total = table["gene"].nunique()
    for kind, repeated in names.items():
        genes = list(dict.fromkeys(repeated))
        some = ", ".join(genes[:8]) + (", ..." if len(genes) > 8 else "")
        meaning = MEANING.get(kind, kind.replace("_", " "))
        yield _entry("warning", "knock-outs", f"{len(genes)} of {total} knock-outs: {meaning} ({some}).")


def _oracle(source: Source) -> Iterator[dict[str, str]]:
    """Yield how well the fitted network tells held-out cells."""
    if source.oracle is None or "r2_cv" not in source.oracle.targets:
        return
    r2 = source.oracle.targets["r2_cv"].to_numpy(dtype=np.float64)
    if np.isfinite(r2).any():
        median = float(np.nanmedian(r2))
        level = "warning" if median < _FEW_R2 else "ok"
        yield _entry(level, "network fit", f"the median target has R² {median:.2f} in held-out blocks of cells.")


def _regulons(source: Source) -> Iterator[dict[str, str]]:
    """Yield how many of the regulons' targets the matrix has."""
    regulons = source.regulons
    if regulons is None or not len(regulons):
        return
    genes = set(map(str, source.cells.var_names))
    targets = regulons.genes
    share = sum(gene in genes for gene in targets) / max(len(targets), 1)
    text = f"{share:.0%} of the {len(targets)} target genes are in the matrix."
    yield _entry("ok" if share >= 0.8 else "warning", "regulons", text)
    if source.activity is not None:
        silent = [str(name) for name in source.activity.columns if not (source.activity[name] > 0).any()]
        missing = [one.name for one in regulons if _keys.safe(one.name) not in source.activity.columns]
        if silent:
            yield _entry(
                "warning", "activity", f"{len(silent)} regulons are active in no cell ({', '.join(silent[:8])})."
            )
        if missing:
            yield _entry("warning", "activity", f"{len(missing)} regulons have no activity ({', '.join(missing[:8])}).")


def _temporal(source: Source) -> Iterator[dict[str, str]]:
    """Yield what a reader of the temporal modules has to know."""
    held = source.temporal.uns.get(_keys.TEMPORAL) if source.temporal is not None else None
    if not isinstance(held, Mapping):
        return
    try:
        notes = json.loads(str(held.get("notes", "[]")))
    except ValueError:
        return
    yield from (_entry("note", "temporal modules", str(text)) for text in notes)


def _logs(source: Source) -> Iterator[dict[str, str]]:
    """Yield the warnings in the logs of the run."""
    for path in source.files("*.log"):
        for text in _warnings(path):
            yield _entry("warning", path.name, text)


def _warnings(path: Path) -> list[str]:
    """Return the warnings in one log, each once."""
    if path.stat().st_size > _LARGEST_LOG:
        return [f"{path.name} is too large to look through."]
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return list(dict.fromkeys(match[1] for line in lines if (match := _WARNING.match(line))))
