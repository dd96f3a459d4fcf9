"""The documentation says what is true: its code runs, and the names, commands and options in it exist."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import pkgutil
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest

import reguloom

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT / "docs", ROOT / "docs/howto", ROOT / "docs/migration", ROOT / "docs/tutorials")
PAGES = sorted([*(page for folder in FOLDERS for page in folder.glob("*.md")), ROOT / "README.md"])
PAGE_NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
#: Pages whose code needs no files and runs from the first line to the last.
RUNNABLE = ["docs/quickstart.md"]


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    """Return the words of every call of the program in a block of shell code."""
    lines = text.replace("\\\n", " ").splitlines()
    calls = [re.split(r"\s*(?:&&|\||;)\s*", line.split(" #")[0]) for line in lines]
    words = [shlex.split(call, comments=True) for line in calls for call in line]
    return [one for one in words if one[:1] == ["reguloom"]]


def complaints(words: list[str]) -> list[str]:
    """Return what is wrong with one call: a command or an option that does not exist."""
    from reguloom.cli.app import app

    command: Any = app
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(command), rest[0])
        if found is None:
            return [f"{' '.join(words)}: there is no command {rest[0]}"]
        command, rest = found, rest[1:]
    normalise = command.context_settings.get("token_normalize_func") or str
    known = {normalise(name) for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
    asked = [word.split("=")[0] for word in rest if re.match(r"--?[a-zA-Z]", word)]
    return [f"{' '.join(words)}: there is no option {name}" for name in asked if normalise(name) not in known]


def missing_names(code: str) -> list[str]:
    """Return the dotted names below ``rl`` in a block of Python that reguloom does not have."""
    found = []
    for node in ast.walk(ast.parse(code)):
        name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if not re.fullmatch(r"rl(\.\w+)+", name):
            continue
        value: Any = reguloom
        for part in name.split(".")[1:]:
            if not hasattr(value, part):
                found.append(name)
                break
            value = getattr(value, part)
    return found


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_names_in_the_documentation_exist(page: Path) -> None:
    inline = re.findall(r"`[^`\n]*\b(rl(?:\.\w+)+)", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S))
    assert [name for code in (*blocks(page, "python"), *inline) for name in missing_names(code)] == []


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_commands_in_the_documentation_exist(page: Path) -> None:
    found = [words for language in ("bash", "console") for text in blocks(page, language) for words in commands(text)]
    assert [complaint for words in found for complaint in complaints(words)] == []


@pytest.mark.parametrize("page", RUNNABLE)
def test_the_code_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = "\n".join(blocks(ROOT / page, "python"))
    exec(compile(code, page, "exec"), {"__name__": "page"})


def all_modules() -> list[str]:
    """Return every module of the package but the program's entry, and those of PyTorch where it is not installed."""
    found = pkgutil.walk_packages(reguloom.__path__, "reguloom.")
    deep = all(importlib.util.find_spec(name) for name in ("torch", "safetensors"))
    return [one.name for one in found if not one.name.endswith("__main__") and (deep or "._torch" not in one.name)]


def test_examples_in_docstrings_run() -> None:
    broken = []
    for name in ["reguloom", *all_modules()]:
        module = importlib.import_module(name)
        result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
        if result.failed:
            broken.append(f"{name}: {result.failed} of {result.attempted}")
    assert not broken


def test_the_citation_file_is_of_this_version() -> None:
    import yaml

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["version"] == reguloom.__version__
    assert citation["license"] == "BSD-3-Clause"


def test_the_changelog_names_this_version_or_the_next() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text or f"## [{reguloom.__version__}]" in text


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {
        word
        for text in blocks(page, "bash")
        for line in text.splitlines()
        if line.startswith("make ")
        for word in line.split("#")[0].split()[1:]
        if "=" not in word
    }
    assert named <= targets


def test_what_does_not_exist_is_noticed() -> None:
    assert missing_names("rl.grn.infre(adata)") == ["rl.grn.infre"]
    assert complaints(["reguloom", "gnr"]) == ["reguloom gnr: there is no command gnr"]
    assert len(complaints(["reguloom", "rss", "auc.csv", "--group-by", "x"])) == 1
    assert complaints(["reguloom", "rss", "auc.csv", "--log_base", "2", "-o", "rss.csv"]) == []
    assert commands("reguloom rss a.csv \\\n  -o b.csv | head  # why\npip install x") == [
        ["reguloom", "rss", "a.csv", "-o", "b.csv"]
    ]
