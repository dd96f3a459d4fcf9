"""Regulons in files: GMT, JSON, YAML and pySCENIC's motif table."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from reguloom._errors import InputError
from reguloom._files import atomic_write, gzip_errors, open_text
from reguloom.core import Provenance, Regulon, Regulons
from reguloom.io._sniff import existing_file, suffix_of
from reguloom.io.motif_regulons import regulons_from_motifs
from reguloom.io.motif_table import read_motif_table, write_motif_table

_NOTE = re.compile(r"tf=(?P<tf>.+?)(?:,score=(?P<score>[-+0-9.e]+))?,?$")
FORMATS = ".gmt, .json, .yaml (.yml), and .csv or .tsv (a motif table); all but YAML also .gz"


def read_regulons(path: str | os.PathLike[str]) -> Regulons:
    """Read regulons or any gene sets.

    * GMT: ``name, description, gene, gene ...``; also with the stray commas of pySCENIC's own writer. TF, sign and
      score are read from the name and the description.
    * JSON: ``{name: [genes]}``, ``{name: {gene: weight}}``, a list of regulons, or what :func:`write_regulons` wrote.
    * YAML: pySCENIC's, by a parser that makes no objects; or a mapping as in JSON.
    * csv, tsv: a motif table, from which the regulons are derived (:func:`regulons_from_motifs`).

    Parameters
    ----------
    path
        The file; its suffix decides.

    Returns
    -------
    Regulons
        In the file's order.

    Raises
    ------
    InputError
        If the file is missing, of another kind, or holds no regulon.
    """
    path = existing_file(path, what="regulon file")
    match suffix_of(path):
        case ".gmt":
            regulons = _read_gmt(path)
        case ".json":
            regulons = _from_json(_load_json(path), path)
        case ".yaml" | ".yml":
            from reguloom.io._yaml import load_yaml

            regulons = _from_json(load_yaml(path), path)
        case ".csv" | ".tsv" | ".txt":
            regulons = regulons_from_motifs(read_motif_table(path))
        case suffix:
            msg = f"{path} has the suffix {suffix!r}; regulons are read from {FORMATS}; a pickle is never opened."
            raise InputError(msg)
    if not len(regulons):
        msg = f"{path} holds no regulon; the step that made it found nothing."
        raise InputError(msg)
    return regulons


def write_regulons(regulons: Regulons, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write regulons.

    JSON and YAML hold everything (weights, motifs, NES, score), GMT the genes. csv and tsv hold the motif table that
    the regulons came from (``regulons.motif_table``).

    Parameters
    ----------
    regulons
        What to write.
    path
        The file; its suffix decides.
    force
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If the suffix is not known, or a motif table is asked for and there is none.
    """
    path = Path(path)
    suffix = suffix_of(path)
    if suffix in (".csv", ".tsv"):
        if regulons.motif_table is None:
            msg = f"{path} would be a motif table, and these regulons carry none; write .gmt, .json or .yaml."
            raise InputError(msg)
        write_motif_table(regulons.motif_table, path, force=force)
        return
    writers = {".gmt": _write_gmt, ".json": _write_json, ".yaml": _write_yaml, ".yml": _write_yaml}
    if suffix not in writers:
        msg = f"{path} has the suffix {suffix!r}; regulons are written to {FORMATS}."
        raise InputError(msg)
    with atomic_write(path, force=force) as temporary, open_text(temporary, "w") as handle:
        writers[suffix](regulons, handle)


def _read_gmt(path: Path) -> Regulons:
    """Return the gene sets of a GMT file."""
    found = []
    with gzip_errors(path), open_text(path) as handle:
        for number, line in enumerate(handle, start=1):
            fields = line.rstrip("\r\n").split("\t")
            if fields == [""] or line.startswith("#"):
                continue
            if len(fields) < 3:
                msg = f"line {number} of {path} has {len(fields)} fields; GMT needs a name, a description, genes."
                raise InputError(msg)
            found.append(_gmt_regulon(fields))
    return Regulons(found)


def _gmt_regulon(fields: list[str]) -> Regulon:
    """Return the regulon of one GMT line.

    pySCENIC joins with ``,<tab>`` and leaves ``X(+),`` as the name and ``,tf=X,score=1.5,`` as the description.
    """
    name = fields[0].strip().removesuffix(",").strip()
    note = _NOTE.search(fields[1])
    genes = [gene.strip().strip(",") for gene in fields[2:]]
    one = Regulon.from_name(name, dict.fromkeys((gene for gene in genes if gene), 1.0))
    score = float(note["score"]) if note and note["score"] else float("nan")
    made = Regulon(note["tf"] if note else one.tf, one.sign, one.targets, one.weights, score=score, label=one.label)
    return made if made.name == name else replace(made, label=name)


def _write_gmt(regulons: Regulons, handle: TextIO) -> None:
    """Write one line for each regulon: name, ``tf=..,score=..``, genes."""
    for one in regulons:
        score = f",score={one.score!r}" if one.score == one.score else ""
        handle.write("\t".join([one.name, f"tf={one.tf}{score}", *one.targets]) + "\n")


def _load_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    InputError
        If it is not JSON.
    """
    try:
        with gzip_errors(path), open_text(path) as handle:
            return json.load(handle)
    except json.JSONDecodeError as error:
        msg = f"{path} is not valid JSON ({error.msg} in line {error.lineno}); it may be cut short."
        raise InputError(msg) from error
    except RecursionError as error:
        msg = f"{path} nests lists too deeply for a file of regulons; accepted is {{name: [genes]}}."
        raise InputError(msg) from error


def _from_json(content: Any, path: Path) -> Regulons:
    """Return the regulons in a parsed JSON or YAML file."""
    if isinstance(content, Mapping) and "regulons" in content and isinstance(content["regulons"], list):
        text = content.get("provenance")
        provenance = Provenance.from_json(json.dumps(text)) if text else None
        return Regulons([_from_entry(entry, path) for entry in content["regulons"]], provenance=provenance)
    if isinstance(content, list):
        return Regulons([_from_entry(entry, path) for entry in content])
    if isinstance(content, Mapping) and all(isinstance(genes, (list, Mapping)) for genes in content.values()):
        return Regulons.from_dict({str(name): genes for name, genes in content.items()})
    msg = f"{path} holds a {type(content).__name__} that is no set of regulons; accepted is {{name: [genes]}}."
    raise InputError(msg)


def _from_entry(entry: Any, path: Path) -> Regulon:
    """Return one regulon from its mapping, in our fields or in pySCENIC's."""
    if not isinstance(entry, Mapping) or "name" not in entry:
        msg = f"{path} lists {str(entry)[:60]!r} where a regulon with a name and genes should be."
        raise InputError(msg)
    try:
        return _regulon(entry)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        msg = (
            f"{path}: the fields of {str(entry['name'])[:60]!r} do not fit ({str(error)[:100]}); "
            "weights are one number for each gene, the sign is 1 or -1, and motifs are a list."
        )
        raise InputError(msg) from error


def _regulon(entry: Mapping[str, Any]) -> Regulon:
    """Return one regulon from its fields."""
    one = Regulon.from_name(str(entry["name"]), _entry_genes(entry))
    motifs = entry.get("motifs") or [
        str(name).removesuffix(".png") for name in entry.get("context") or () if str(name).endswith(".png")
    ]
    return Regulon(
        tf=str(entry.get("tf") or entry.get("transcription_factor") or one.tf),
        sign=int(entry.get("sign", one.sign)),
        targets=one.targets,
        weights=one.weights,
        motifs=tuple(str(motif) for motif in motifs),
        nes=_number(entry.get("nes")),
        score=_number(entry.get("score")),
        label=one.label,
    )


def _entry_genes(entry: Mapping[str, Any]) -> dict[str, float]:
    """Return gene → weight of one regulon's mapping."""
    if isinstance(entry.get("gene2weight"), Mapping):
        return {str(gene): float(weight) for gene, weight in entry["gene2weight"].items()}
    genes: Iterable[Any] = entry.get("targets") or entry.get("genes") or ()
    weights = entry.get("weights") or [1.0] * len(list(genes))
    return {str(gene): float(weight) for gene, weight in zip(genes, weights, strict=True)}


def _number(value: Any) -> float:
    """Return a number, NaN for none."""
    return float("nan") if value is None else float(value)


def _as_entry(one: Regulon) -> dict[str, Any]:
    """Return one regulon as plain types."""
    entry: dict[str, Any] = {"name": one.name, "tf": one.tf, "sign": one.sign}
    entry |= {key: value for key, value in (("nes", one.nes), ("score", one.score)) if value == value}
    return {**entry, "motifs": list(one.motifs), "gene2weight": one.to_dict()}


def _write_json(regulons: Regulons, handle: TextIO) -> None:
    """Write everything as JSON, one regulon a line."""
    provenance = json.dumps(None if regulons.provenance is None else regulons.provenance.to_dict(), sort_keys=True)
    entries = ",\n".join(json.dumps(_as_entry(one), ensure_ascii=False) for one in regulons)
    handle.write(f'{{"regulons": [\n{entries}\n],\n"provenance": {provenance}}}\n')


def _write_yaml(regulons: Regulons, handle: TextIO) -> None:
    """Write everything as a YAML list of plain mappings."""
    import yaml

    yaml.safe_dump([_as_entry(one) for one in regulons], handle, sort_keys=False, allow_unicode=True, width=4096)
