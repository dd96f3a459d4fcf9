"""Every link inside the repository leads somewhere: to a file that is there, and to a heading that it has."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Pages that sphinx makes, to which links of the documentation lead.
GENERATED = ROOT / "docs" / "api" / "generated"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "benchmarks").glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PAGES = [page for page in PAGES if not {"_build", "generated"} & set(page.parts)]
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and MyST make it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Return what a link into a page can name; headings that repeat are numbered."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    found: set[str] = set(re.findall(r"^\(([^)]+)\)=$", text, re.MULTILINE))
    for heading in HEADING.findall(text):
        name, made, number = slug(heading), slug(heading), 0
        while made in found:
            number += 1
            made = f"{name}-{number}"
        found.add(made)
    return found


def dead_links(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    text = re.sub(r"`[^`\n]*`", "", CODE.sub("", page.read_text(encoding="utf-8")))
    dead = []
    for link in LINK.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        file, _, anchor = unquote(link).partition("#")
        target = page if not file else (page.parent / file).resolve()
        if target.is_relative_to(GENERATED) or any(char in link for char in "{}"):
            continue
        if not target.exists():
            dead.append(link)
        elif anchor and target.suffix == ".md" and anchor not in anchors(_included(target)):
            dead.append(link)
    return dead


def _included(page: Path) -> Path:
    """Return the page whose text a page shows, where it shows nothing else."""
    found = re.fullmatch(r"```\{include\}\s+(\S+)\n(?::.*\n)*```\s*", page.read_text(encoding="utf-8"))
    return (page.parent / found[1]).resolve() if found else page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert dead_links(page) == []


def test_dead_links_are_found(tmp_path: Path) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    other.write_text("# One `two`, three\n\n## Again\n\n## Again\n\n(label)=\n")
    fine = "[a](other.md#one-two-three) [b](other.md#again-1) [c](other.md#label) [d](#here) [e](https://x.org/y)"
    page.write_text(
        f"# Here\n\n{fine} `[f](code.md)`\n\n```\n[g](block.md)\n```\n![h](none.png) [i](other.md#none) [j](#gone)\n"
    )
    assert dead_links(page) == ["none.png", "other.md#none", "#gone"]
