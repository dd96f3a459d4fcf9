"""Configuration of the documentation: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from reguloom import __version__

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
]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build", "_ext", "**/.ipynb_checkpoints", "jupyter_execute"]
# Pages are added by being there: an empty pattern is no mistake.
suppress_warnings = ["toc.empty_glob"]

nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "smartquotes"]
myst_heading_anchors = 3

autosummary_generate = False
autodoc_default_options = {"members": True, "imported-members": True, "member-order": "bysource"}
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
# The slots of an AnnData that a function fills are a section of their own.
napoleon_custom_sections = [("Writes", "returns_style")]

html_theme = "sphinx_book_theme"
html_title = "reguloom"
html_theme_options = {"show_toc_level": 2, "home_page_in_toc": False, "use_download_button": False}
html_copy_source = False
