"""The page itself: one file with its styles, code and data inside, and nothing fetched from anywhere.

User text reaches the page as JSON alone, in which ``<``, ``>`` and ``&`` are escaped, and the page's code writes it
as text, never as markup. A content security policy names the one script and the one style sheet by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np

SCRIPTS = (
    "dom", "decode", "color", "frame", "points", "arrows", "combobox", "table", "charts",
    "cells", "regulons", "specificity", "network", "simulate", "knockout", "ranking", "whatif", "flow", "temporal",
    "tables", "record", "main",
)  # fmt: skip
STYLES = ("theme", "layout", "parts", "print")
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render(content: Mapping[str, Any], blobs: Mapping[str, str]) -> str:
    """Return the page.

    Parameters
    ----------
    content
        What the panels show, as plain values.
    blobs
        The binary parts, by name.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("reguloom.report", "template"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    script, style = assets("js", SCRIPTS), assets("css", STYLES)
    return environment.get_template("report.html.j2").render(
        title=content["title"],
        script=script,
        style=style,
        script_hash=_hash(script),
        style_hash=_hash(style),
        data=safe_json(content),
        blobs=blobs,
    )


def assets(suffix: str, names: tuple[str, ...]) -> str:
    """Return the files of one kind, joined in order."""
    folder = files("reguloom.report") / "assets"
    return "\n" + "\n".join((folder / f"{name}.{suffix}").read_text(encoding="utf-8") for name in names)


def safe_json(value: Any) -> str:
    """Return JSON that may stand inside a script element: no character of it can end one or begin a comment."""
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    # What is no text at all (half a surrogate pair) cannot be written as UTF-8; the escape can.
    return "".join(one if not 0xD800 <= ord(one) < 0xE000 else f"\\u{ord(one):04x}" for one in text)


def _plain(value: Any) -> Any:
    """Return `value` in JSON's types; numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _hash(text: str) -> str:
    """Return the hash by which the content security policy knows an inline element."""
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
