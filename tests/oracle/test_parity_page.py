"""Every row on the page of differences to CellOracle names tests, and they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def rows() -> list[str]:
    """Return the rows of the table below the heading."""
    text = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8").split("### CellOracle\n")[1].split("\n#")[0]
    return [line for line in text.splitlines() if line.startswith("| **")]


def functions(path: Path) -> set[str]:
    """Return the names of the tests of a file."""
    return {one.name for one in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(one, ast.FunctionDef)}


def test_every_difference_is_held_by_tests_that_exist() -> None:
    assert len(rows()) > 10
    for row in rows():
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row.split("|")[4])
        assert named, row
        for path, name in named:
            assert (ROOT / path).exists(), path
            assert name in functions(ROOT / path), name
