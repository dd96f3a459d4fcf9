"""Python text in tables: read, never run."""

from __future__ import annotations

import math

import pytest

from reguloom._errors import InputError
from reguloom.io._literals import parse_literal, parse_names, parse_pairs


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[('A', 1.5), ('B', 2.0)]", [("A", 1.5), ("B", 2.0)]),
        ("[('A', np.float64(1.5))]", [("A", 1.5)]),
        ("[('A', np.float64(-1e-05)), ('B', 3)]", [("A", -1e-5), ("B", 3.0)]),
        ('[("HLA-A\'s", 1.0)]', [("HLA-A's", 1.0)]),
        (r"[('a\'b', 1.0)]", [("a'b", 1.0)]),
        ("(('A', 1), ['B', numpy.float32(2)])", [("A", 1.0), ("B", 2.0)]),
        ("[]", []),
        ("[('l(1)sc', 1.0), ('E(spl)m3-HLH', 2.0)]", [("l(1)sc", 1.0), ("E(spl)m3-HLH", 2.0)]),
    ],
)
def test_pairs(text: str, value: list[tuple[str, float]]) -> None:
    assert parse_pairs(text) == value


def test_pairs_that_are_not_finite() -> None:
    (a, b), (_, c) = parse_pairs("[('A', nan), ('B', np.inf)]")
    assert a == "A"
    assert math.isnan(b)
    assert c == math.inf


@pytest.mark.parametrize(
    "text",
    ["frozenset({'b', 'a'})", "{'a', 'b'}", "['b', 'a']", "('a', 'b')", "frozenset(['a', 'b'])", "set(('b', 'a'))"],
)
def test_names(text: str) -> None:
    assert parse_names(text) == ("a", "b")


@pytest.mark.parametrize("text", ["frozenset()", "[]", "set()"])
def test_no_names(text: str) -> None:
    assert parse_names(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "open('x')", "np.load('x')", "().__class__", "[x for x in ()]", "f'{1}'", "1 + 1", "lambda: 1",
        "frozenset(open('x'))", "np.float64(open('x'))", "numpy.float64.__class__", "'a' 'b", "", "(" * 500,
        "os.system('x')", "frozenset(*[1])", "__import__('os')", "a", "np.float64(x=1)", "{1: open('x')}",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_literal(text)
