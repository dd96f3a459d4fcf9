"""Writes one page for each public module before the build, so that a new module is documented by being there.

A module with a page of its own in ``docs/api`` keeps that one.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

from sphinx.application import Sphinx

PAGE = """# `reguloom.{name}`

```{{eval-rst}}
.. automodule:: reguloom.{name}
```
"""


def public_modules() -> dict[str, str]:
    """Return each public module that exports something, with the first sentence of its docstring."""
    import reguloom

    names = [one.name for one in pkgutil.iter_modules(reguloom.__path__) if not one.name.startswith("_")]
    found = {}
    for name in names:
        module = importlib.import_module(f"reguloom.{name}")
        if name != "cli" and getattr(module, "__all__", None):
            found[name] = " ".join((inspect.getdoc(module) or "").split("\n\n")[0].split())
    return found


def write_pages(application: Sphinx) -> None:
    """Write the pages and the table that leads to them, touching only what changed."""
    folder = Path(application.srcdir) / "api" / "generated"
    folder.mkdir(exist_ok=True)
    modules = public_modules()
    by_hand = {path.stem for path in folder.parent.glob("*.md")}
    pages = {name: f"{name}.md" if name in by_hand else f"generated/{name}.md" for name in modules}
    rows = [f"| [`{name}`]({pages[name]}) | {text} |" for name, text in modules.items()]
    wanted = {f"{name}.md": PAGE.format(name=name) for name in modules if name not in by_hand}
    wanted["table.txt"] = "\n".join(["| module | |", "|---|---|", *rows]) + "\n"
    for old in {path.name for path in folder.iterdir()} - set(wanted):
        (folder / old).unlink()
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(application: Sphinx) -> dict[str, bool]:
    """Run before the source folder is read."""
    application.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
