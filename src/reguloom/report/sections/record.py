"""How everything was made: methods, parameters, seeds, versions, and the papers to cite."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from reguloom import _keys
from reguloom._errors import InputError
from reguloom.core import Provenance
from reguloom.core.provenance import versions
from reguloom.pipeline._manifest import COSTS
from reguloom.report._source import RECORDS, Source

_LARGEST = 200
PLACES = ("provenance", "params")
"""Entries of a result in ``uns`` that may hold how it was made."""


def panel(source: Source) -> dict[str, Any]:
    """Return stages with their parameters and seeds, versions, run records and citations.

    Parameters
    ----------
    source
        The pieces.
    """
    stages, cited = [], []
    made_with: dict[str, str] = {}
    for where, one in _provenances(source):
        stages.append({"where": where, "method": one.method, "seed": one.seed, "params": _flat(one.params)})
        made_with |= one.versions
        cited += list(one.citations)
    return {
        "stages": stages,
        "records": [*_records(source)],
        "config": _config(source),
        "versions": made_with or versions(),
        "report_versions": versions(),
        "citations": _citations(source, cited),
    }


def _provenances(source: Source) -> Iterator[tuple[str, Provenance]]:
    """Yield every provenance that the data carry."""
    seen: set[str] = set()
    places = [source.cells, source.oracle_cells, source.temporal]
    for adata in (one for one in places if one is not None):
        for key in sorted(map(str, adata.uns)):
            entry = adata.uns[key]
            held = [entry.get(name) for name in PLACES] if isinstance(entry, Mapping) else []
            for text in (one for one in held if isinstance(one, str) and one.startswith("{") and one not in seen):
                seen.add(text)
                try:
                    yield key, Provenance.from_json(text)
                except (ValueError, TypeError, KeyError):
                    source.notes.append(f"the provenance of {key} cannot be read and is left out.")


def _records(source: Source) -> Iterator[dict[str, Any]]:
    """Yield the stages of the run records: fingerprint and parameters."""
    for name in RECORDS:
        for path in source.files(name):
            record = source.read_json(path)
            stages = record.get("stages") if isinstance(record, Mapping) else None
            if isinstance(stages, Mapping):
                # Times differ from run to run and would make another page of the same results; the record has them.
                kept = {key: _without_costs(one) for key, one in stages.items() if isinstance(one, Mapping)}
                rows = [{"stage": str(key), **_flat(one)} for key, one in kept.items()]
                inputs = _flat(record.get("inputs") if isinstance(record.get("inputs"), Mapping) else {})
                yield {"file": path.name, "folder": path.parent.name, "rows": rows, "inputs": inputs}


def _without_costs(stage: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stage's record without what it took."""
    return {key: value for key, value in stage.items() if key not in COSTS}


def _config(source: Source) -> dict[str, Any] | None:
    """Return the resolved configuration of a run."""
    path = next(source.files("run.resolved.toml"), None)
    if path is None:
        return None
    try:
        return _flat(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:
        source.notes.append(f"{path.name} is left out: {error}.")
        return None


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested parameters under dotted names, long values cut."""
    made: dict[str, Any] = {}
    for key, value in (values or {}).items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            made |= _flat(value, f"{name}.")
        else:
            text = value if isinstance(value, (int, float, bool)) or value is None else _text(value)
            made[name] = text if not isinstance(text, str) or len(text) <= _LARGEST else f"{text[:_LARGEST]} ..."
    return made


def _text(value: Any) -> str:
    """Return a value as text."""
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _citations(source: Source, cited: list[str]) -> list[str]:
    """Return the papers behind what is shown, each once."""
    from reguloom.pipeline.citations import PAPERS, citations

    slots = [source.cells.uns.get(key, {}) for key in (_keys.GRN, _keys.REGULONS, _keys.AUCELL)]
    lines = list(citations(source.cells)) if all(isinstance(one, Mapping) for one in slots) else []
    if source.oracle is not None:
        lines += PAPERS["oracle"]
    if source.regulons is not None:
        lines += PAPERS["scenic"]
    for name in cited:
        try:
            lines += citations(name)
        except InputError:
            lines.append(name if "doi" in name.lower() or " " in name else f"doi:{name}")
    return _once(lines)


def _once(lines: list[str]) -> list[str]:
    """Return each paper once; a bare DOI is left out where a full line holds it."""
    unique = list(dict.fromkeys(lines))
    full = [line for line in unique if " " in line]
    return [line for line in unique if " " in line or not any(line.removeprefix("doi:") in one for one in full)]
