"""``run.toml`` read, changed by ``key=value``, checked, and written."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from reguloom._errors import InputError
from reguloom._files import existing
from reguloom.pipeline.config import RunConfig


def read_config(path: str | os.PathLike[str], *, changes: Sequence[str] = ()) -> RunConfig:
    """Read and check a run's configuration.

    Parameters
    ----------
    path
        A TOML file. Paths in it are relative to its folder.
    changes
        ``section.key=value`` each, in the place of what the file says.

    Returns
    -------
    The configuration, with absolute paths.

    Raises
    ------
    InputError
        If the file is no TOML, or a key or value is not accepted.
    """
    path = existing(path, what="configuration")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is no TOML ({error}); see reguloom run --init for an example."
        raise InputError(msg) from error
    for change in changes:
        _change(content, change)
    return make_config(content, folder=path.parent, source=str(path))


def make_config(content: Mapping[str, Any], *, folder: Path, source: str = "the configuration") -> RunConfig:
    """Check a configuration given as nested mappings.

    Parameters
    ----------
    content
        What the file would hold.
    folder
        What paths are relative to.
    source
        What the configuration is called in a message.

    Raises
    ------
    InputError
        If a key or value is not accepted.
    """
    try:
        config = RunConfig.model_validate(dict(content))
    except ValidationError as error:
        # A misspelt key also makes the right one missing; the misspelling is what helps.
        found = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        raise InputError(_sentence(found[0], source)) from error
    return _absolute(config, folder.resolve())


def write_config(config: RunConfig, path: Path) -> None:
    """Write a configuration with every default spelled out."""
    from reguloom._files import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_text(as_toml(config), encoding="utf-8")


def as_toml(config: RunConfig) -> str:
    """Return a configuration as TOML; what is not set is left out."""
    content = config.model_dump(mode="json", exclude_none=True)
    tables = {name: value for name, value in content.items() if isinstance(value, dict)}
    lines = [f"{name} = {_literal(value)}" for name, value in content.items() if name not in tables]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_literal(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def example() -> str:
    """Return a configuration to start from: every key with its meaning, what is optional commented out."""
    lines = [
        "# A run of reguloom: reguloom run run.toml (add --dry-run to see the plan first).",
        "# Paths are relative to this file. A section switches its stage on; delete what you do not want.",
        "# A line that begins with #: is a default; take the #: away to change it.",
    ]
    for name, field in RunConfig.model_fields.items():
        if _section(field) is None:
            lines += ["", *_entry(name, field)]
    for name, field in RunConfig.model_fields.items():
        section = _section(field)
        if section is not None:
            lines += ["", "", f"# {_first_line(section)}", f"[{name}]"]
            for key, inner in section.model_fields.items():
                lines += _entry(key, inner, EXAMPLE.get(f"{name}.{key}"))
    return "\n".join(lines) + "\n"


#: What the example sets; names are those of a typical project.
EXAMPLE: dict[str, Any] = {
    "input.expression": "cells.h5ad",
    "input.groupby": "cell_type",
    "input.basis": "umap",
    "grn.tfs": "tfs.txt",
    "ctx.rankings": ["db.genes_vs_motifs.rankings.feather"],
    "ctx.annotations": "motifs.tbl",
    "oracle.network": "regulons",
    "oracle.pseudotime": "pseudotime",
    "vectorfield.basis": "pca",
    "response.data": "screen.h5ad",
    "temporal.time": "hours",
}
#: What a default of None, or an optional key, could look like.
SAMPLES: dict[str, Any] = {"title": "Myeloid progenitors", "transpose": True, "n_control": 200, "genes": ["Gata1"]}
SAMPLES |= {"subsample": 20_000, "limit": 500_000, "network": "network.parquet", "regulons": "regulons.gmt"}
SAMPLES |= {"layer": "counts", "stratify": "cell_type", "groupby": "cell_type", "basis": "umap", "tfs": "tfs.txt"}
SAMPLES |= {"velocity": "velocity_umap", "gradient": "gradient.hdf5", "lineages": "lineage", "embedding": "umap"}
SAMPLES |= {"data": "time_course.h5ad", "unit": "h", "condition": "treatment", "batch": "donor", "n_bins": 10}
SAMPLES |= {"perturbation": "perturbation", "dose": "dose", "gene_sets": "go.gmt", "max_epochs": 20, "time": "hours"}
SAMPLES |= {"transition": "T_fwd", "n_modules": 6, "device": "cuda", "compat": "celloracle", "projection": "tangent"}


def _entry(name: str, field: FieldInfo, value: Any = None) -> list[str]:
    """Return the lines of one key: its meaning, then the key, commented out unless `value` is given."""
    if value is not None:
        return [f"# {field.description}", f"{name} = {_literal(value)}"]
    default = field.get_default(call_default_factory=True)
    unset = default is None or default is PydanticUndefined
    shown = SAMPLES.get(name, _first_choice(field)) if unset else default
    return [f"# {field.description}", f"#: {name} = {_literal(shown)}"]


def _first_choice(field: FieldInfo) -> Any:
    """Return the first accepted value of a field that takes one of several."""
    for part in get_args(field.annotation):
        if get_args(part):
            return get_args(part)[0]
    return ""


def _section(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a key that is a table, or None."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _first_line(section: type[BaseModel]) -> str:
    """Return what a section is for."""
    return (section.__doc__ or "").strip().splitlines()[0]


def _literal(value: Any) -> str:
    """Return a value as TOML; JSON's text, numbers and lists are TOML's."""
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def _change(content: dict[str, Any], change: str) -> None:
    """Put one ``section.key=value`` into the content."""
    name, equals, text = change.partition("=")
    if not equals or not name.strip():
        msg = f"--set {change} is no assignment; write section.key=value, such as grn.method=pearson."
        raise InputError(msg)
    *sections, key = name.strip().split(".")
    table = content
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            msg = f"--set {change}: {section} is a value and no section; write section.key=value."
            raise InputError(msg)
    table[key] = _value(text.strip())


def _value(text: str) -> Any:
    """Return text as the TOML value that it spells, or as text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _sentence(error: ErrorDetails, source: str) -> str:
    """Return what is wrong in one sentence, with the accepted keys or values."""
    place = [str(part) for part in error["loc"] if not _is_branch(part)]
    # An unknown key may itself look like the name of a branch.
    place = place or [str(part) for part in error["loc"][-1:]]
    name = ".".join(place)
    if error["type"] == "extra_forbidden" and place:
        accepted = _accepted(place[:-1])
        near = difflib.get_close_matches(place[-1], accepted, n=1, cutoff=0.5)
        what = f"section [{place[0]}]" if len(place) == 1 and isinstance(error["input"], dict) else f"key {name}"
        hint = f"accepted are {', '.join(accepted)}."
        if near:
            hint = f"did you mean {'.'.join([*place[:-1], *near])}? reguloom run --init shows every key."
        return f"{source} has the unknown {what}; {hint}"
    if error["type"] == "missing":
        return f"{source} lacks {name}; add it (reguloom run --init shows every key with its meaning)."
    what = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return f"{source}: {what}."
    shown = json.dumps(error["input"], default=str)[:60]
    return f"{source}: {name} is {shown}; accepted is {WORDS.get(error['type']) or _accepts(what)}."


WORDS = {
    "path_type": "the name of a file, as text in quotes",
    "string_type": "text in quotes",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "list_type": "a list, such as [1, 2]",
    "too_short": "a list with at least one entry",
    "model_type": "a section with keys of its own",
}
"""What a value of each kind looks like, by pydantic's name of the error."""


def _accepts(message: str) -> str:
    """Return what pydantic says is accepted, as the end of a sentence."""
    rest = message.removeprefix("Input should be ").rstrip(".")
    return f"a number {rest}" if rest.startswith(("greater", "less")) else rest


def _is_branch(part: str | int) -> bool:
    """Tell whether a place names a branch of a union, which the user did not write."""
    text = str(part)
    return isinstance(part, int) or "[" in text or text in {"path", "Path", "int", "str", "none", "lax-or-strict"}


def _accepted(place: Sequence[str]) -> list[str]:
    """Return the keys that a section has."""
    model: type[BaseModel] = RunConfig
    for part in place:
        field = model.model_fields.get(part)
        inner = _section(field) if field is not None else None
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _absolute(config: RunConfig, folder: Path) -> RunConfig:
    """Return the configuration with its paths made absolute."""

    def place(value: Any) -> Any:
        if isinstance(value, Path):
            return folder / value.expanduser()
        if isinstance(value, BaseModel):
            return value.model_copy(update={name: place(getattr(value, name)) for name in type(value).model_fields})
        return [place(one) for one in value] if isinstance(value, list) else value

    made: RunConfig = place(config)
    return made
