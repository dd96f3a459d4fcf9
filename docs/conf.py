"""Configuration of the documentation: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from reguloom import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "reguloom"
author = "The reguloom developers"
copyright = "2026, The reguloom developers"
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "commands",
    "modules",
]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build", "_ext", "**/.ipynb_checkpoints", "jupyter_execute"]
# Pages are added by being there: an empty pattern is no mistake.
suppress_warnings = ["toc.empty_glob"]

nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
# A dash of an option is no dash of a sentence.
smartquotes = False
myst_heading_anchors = 3

autosummary_generate = False
autodoc_default_options = {"members": True, "imported-members": True, "member-order": "bysource"}
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
# Types come from the annotations; as text, a name such as np.bool_ would be taken for a link.
napoleon_attr_annotations = False
# The slots of an AnnData that a function fills are a section of their own.
napoleon_custom_sections = [("Writes", "returns_style")]

html_theme = "sphinx_book_theme"
html_title = "reguloom"
html_theme_options = {"show_toc_level": 2, "home_page_in_toc": False, "use_download_button": False}
html_copy_source = False


def plain_slots(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Take the backticks off the slots under "Writes": napoleon sets the names of a section in bold by itself."""
    inside = False
    for i, line in enumerate(lines):
        below = lines[i + 1] if i + 1 < len(lines) else ""
        if set(below) == {"-"}:
            inside = line == "Writes"
        elif inside and line[:1] == "`":
            slot, colon, kind = line.partition(" : ")
            lines[i] = slot.replace("``", "") + colon + kind


def setup(app: Sphinx) -> None:
    """Run before napoleon, whose priority is 500."""
    app.connect("autodoc-process-docstring", plain_slots, priority=400)
