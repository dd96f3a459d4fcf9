from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reguloom import InputError
from reguloom.mechanistic import formula, parse
from reguloom.mechanistic.formula import Formula, to_text, variable

NAMES = ("a", "b", "Pu.1", "HLA-A")


def value(node, state):
    """Evaluate by definition, one state at a time."""
    if node.kind == "const":
        return bool(node.number)
    if node.kind == "var":
        return state[node.name]
    args = [value(arg, state) for arg in node.args]
    return {
        "not": lambda: not args[0],
        "and": lambda: all(args),
        "or": lambda: any(args),
        "xor": lambda: sum(args) % 2 == 1,
        "iff": lambda: sum(not arg for arg in args) % 2 == 0,
        "implies": lambda: (not args[0]) or args[1],
        "maj": lambda: sum(args) > len(args) / 2,
        "sumis": lambda: sum(args) == node.number,
        "sumgt": lambda: sum(args) > node.number,
        "sumlt": lambda: sum(args) < node.number,
    }[node.kind]()


def states(names=NAMES):
    return [dict(zip(names, bits, strict=True)) for bits in itertools.product((False, True), repeat=len(names))]


def formulas():
    leaves = st.one_of(st.sampled_from(NAMES).map(variable), st.sampled_from([formula.TRUE, formula.FALSE]))

    def grow(inner):
        many = st.lists(inner, min_size=2, max_size=4)
        pair = st.tuples(inner, inner)
        counted = st.tuples(st.sampled_from(["sumis", "sumgt", "sumlt"]), many, st.integers(-1, 5))
        return st.one_of(
            inner.map(lambda x: Formula("not", (x,))),
            st.tuples(st.sampled_from(["and", "or", "xor"]), many).map(lambda x: formula.join(x[0], x[1])),
            st.tuples(st.sampled_from(["iff", "implies"]), pair).map(lambda x: Formula(x[0], x[1])),
            many.map(lambda x: Formula("maj", tuple(x))),
            counted.map(lambda x: Formula(x[0], tuple(x[1]), number=x[2])),
        )

    return st.recursive(leaves, grow, max_leaves=12)


@settings(max_examples=150, deadline=None)
@given(node=formulas())
def test_every_dialect_says_the_same(node):
    wanted = [value(node, state) for state in states()]
    assert [bool(node.evaluate(state)) for state in states()] == wanted
    assert [bool(formula.simplify(node).evaluate(state)) for state in states()] == wanted
    for dialect in formula.DIALECTS:
        again = parse.parse(to_text(node, dialect=dialect))
        assert [bool(again.evaluate(state)) for state in states()] == wanted, dialect


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a | b & !c", "a or (b and not c)"),
        ("!a & b", "(not a) and b"),
        ("a ^ b & c", "a ^ (b & c)"),
        ("a => b => c", "a => (b => c)"),
        ("a <=> b | c", "a <=> (b | c)"),
        ("all(a, b)", "a & b"),
        ("any(a, !b, c)", "a | !b | c"),
        ("ANY(a,b)", "any(a, b)"),
        ("a && b || c", "a & b | c"),
        ("!!a", "a"),
        ("TRUE & a", "a & 1"),
        ('"a gene" | b', "b | `a gene`"),
    ],
)
def test_precedence_and_spelling(text, same):
    left, right = parse.parse(text), parse.parse(same)
    for state in states(tuple(dict.fromkeys([*left.names, *right.names]))):
        assert left.evaluate(state) == right.evaluate(state)


def test_names_are_kept():
    assert parse.parse("Pu.1 & HLA-A | 14-3-3 & IL2+ & x:1").names == ("Pu.1", "HLA-A", "14-3-3", "IL2+", "x:1")


def test_time():
    assert parse.parse("g[-2] | g[t-3] & h").args[0] == variable("g", 2)
    assert parse.parse("all[t=-3..-1](g[t])") == parse.parse("g[-3] & g[-2] & g")
    assert parse.parse("sumgt[t=-2..-1](g[t], h[t-1], 2)") == parse.parse("sumgt(g[-2], h[-3], g, h[-2], 2)")
    assert parse.parse("timegt(4)") == Formula("timegt", number=4)
    assert parse.parse("g[-2]").max_delay == 2
    assert parse.parse("g[-\t2]").max_delay == 2


def test_thousands_of_brackets_are_no_obstacle():
    deep = "(" * 5000 + "a" + " & b)" * 5000
    assert parse.parse(deep).names == ("a", "b")
    assert len(parse.parse(" | ".join(f"x{i}" for i in range(5000))).args) == 5000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a &", "expected a gene at character 4"),
        ("a b", "did not expect 'b' at character 3"),
        ("(a", r"expected '\)'"),
        ("a)", r"did not expect '\)'"),
        ("()", "expected a gene"),
        ("a & %%]", "which no rule may"),
        ("a[2]", "looks back"),
        ("a[x y]", r"\[-2\] or \[t-2\]"),
        ("maj()", "expected a gene"),
        ("sumis(a, b)", "whole number k"),
        ("timeis(a)", "whole number k"),
        ("any[t=1](a)", "iterator"),
        ("", "expected a gene"),
    ],
)
def test_errors_point_at_the_place(text, words):
    with pytest.raises(InputError, match=words):
        parse.parse(text)


def test_a_state_has_no_clock():
    with pytest.raises(InputError, match="depends on the time"):
        parse.parse("timeis(3)").evaluate({})
    with pytest.raises(InputError, match="cannot say"):
        to_text(parse.parse("a[-2]"), dialect="bnet")
