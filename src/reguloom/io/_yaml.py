"""pySCENIC's YAML, read by a parser that makes plain values and never objects."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from reguloom._errors import InputError
from reguloom._files import gzip_errors, open_text

_PYTHON = "tag:yaml.org,2002:python/"
_COLLECTIONS = {"frozenset", "set", "list", "tuple"}
_FORMATS = {"f8": "d", "f4": "f", "i8": "q", "i4": "i"}


def load_yaml(path: Path) -> Any:
    """Return the content of a YAML file as mappings, lists, text and numbers.

    Raises
    ------
    InputError
        If it is no YAML, or asks for an object that no regulon file needs.
    """
    import yaml

    try:
        with gzip_errors(path), open_text(path) as handle:
            return yaml.load(handle, Loader=_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        why = getattr(error, "problem", None) or str(error).splitlines()[0]
        msg = f"{path} is not a readable YAML file of regulons ({why}{where}); it may be cut short."
        raise InputError(msg) from error


@lru_cache(maxsize=1)
def _loader() -> Any:
    """Return a SafeLoader that also knows the few tags that pySCENIC writes."""
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    made: Any = type("RegulonLoader", (base,), {})
    made.add_multi_constructor("!", _plain)
    made.add_multi_constructor(_PYTHON, _plain)
    return made


def _plain(loader: Any, tag: str, node: Any) -> Any:
    """Return the plain value that stands for a tagged node.

    Raises
    ------
    yaml.constructor.ConstructorError
        For any tag that regulon files do not need.
    """
    import yaml

    kind, _, name = tag.partition(":")
    last = name.rsplit(".", 1)[-1]
    if "Regulon" in tag or "GeneSignature" in tag:
        return loader.construct_mapping(node, deep=True)
    if kind in ("tuple", "frozenset", "set"):
        return loader.construct_sequence(node, deep=True)
    if kind == "object/apply" and last in _COLLECTIONS:
        arguments = loader.construct_sequence(node, deep=True)
        return list(arguments[0]) if arguments else []
    if kind == "object/apply" and last == "frozendict":
        arguments = loader.construct_sequence(node, deep=True)
        return dict(arguments[0]) if arguments else {}
    if kind == "object/apply" and last == "dtype":
        return loader.construct_mapping(node, deep=True)["args"][0]
    if kind == "object/apply" and last == "scalar":
        return _scalar(*loader.construct_sequence(node, deep=True))
    raise yaml.constructor.ConstructorError(None, None, f"the tag {tag!r} is not accepted", node.start_mark)


def _scalar(dtype: Any, raw: bytes) -> float:
    """Return the number in a numpy scalar's bytes."""
    if isinstance(dtype, Mapping) or dtype not in _FORMATS:
        msg = f"a numpy number of type {dtype!r} in a regulon file cannot be read."
        raise InputError(msg)
    return float(struct.unpack("<" + _FORMATS[dtype], raw)[0])
