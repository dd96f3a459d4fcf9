"""Reading the Python text that pySCENIC's tables hold, without evaluating any of it."""

from __future__ import annotations

import ast
import re
from typing import Any

from reguloom._errors import InputError

_NUMBERS = {"nan": float("nan"), "inf": float("inf")}
_CONTAINERS = {"frozenset", "set", "list", "tuple"}
_SCALARS = re.compile(r"(float|int|uint)\d*|str_?|double")

# What almost every cell looks like: [('GENE', 1.5), ...]. Matching it whole is ten times faster than building a tree.
_PAIR = r"\('([^'\\]*)', (?:np\.float64\()?([-+0-9.e]+)\)?\)"
_PAIRS = re.compile(rf"\[(?:{_PAIR}(?:, {_PAIR})*)?\]")
_ONE_PAIR = re.compile(_PAIR)


def parse_pairs(text: str) -> list[tuple[str, float]]:
    """Return the (gene, weight) pairs of a ``TargetGenes`` cell.

    Raises
    ------
    InputError
        If `text` is not a list of such pairs.
    """
    value = _ONE_PAIR.findall(text) if _PAIRS.fullmatch(text) else parse_literal(text)
    try:
        return [(str(gene), float(weight)) for gene, weight in value]
    except (TypeError, ValueError) as error:
        msg = f"{text[:60]!r} is not a list of (gene, weight) pairs; the table may have been edited by a spreadsheet."
        raise InputError(msg) from error


def parse_names(text: str) -> tuple[str, ...]:
    """Return the sorted names of a ``Context`` cell, written as a frozenset, set, tuple or list.

    Raises
    ------
    InputError
        If `text` is none of these.
    """
    value = parse_literal(text)
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, (frozenset, set, tuple, list)):
        msg = f"{text[:60]!r} is not a set of names; the table may have been edited by a spreadsheet."
        raise InputError(msg)
    return tuple(sorted(str(name) for name in value))


def parse_literal(text: str) -> Any:
    """Return the value of a Python literal, also of ``frozenset({...})`` and ``np.float64(x)``.

    Raises
    ------
    InputError
        If the text is anything else: nothing is ever called.
    """
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        msg = f"{text[:60]!r} cannot be read as a Python literal; the table may be cut short or edited by hand."
        raise InputError(msg) from error


def _value(node: ast.expr) -> Any:
    """Return the value of one node of the syntax tree."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Set(elts=items):
            return frozenset(_value(item) for item in items)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.Name(id=name) if name in _NUMBERS:
            return _NUMBERS[name]
        case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name) if name in _NUMBERS:
            return _NUMBERS[name]
        case ast.Call(func=function, args=arguments, keywords=[]) if len(arguments) <= 1:
            return _call(function, arguments)
    msg = f"{ast.unparse(node)[:40]!r} is no literal"
    raise ValueError(msg)


def _call(function: ast.expr, arguments: list[ast.expr]) -> Any:
    """Return what the few constructors that appear in such tables would make."""
    match function:
        case ast.Name(id=name) if name in _CONTAINERS:
            items = _value(arguments[0]) if arguments else ()
            return tuple(items) if name == "tuple" else list(items) if name == "list" else frozenset(items)
        case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name) if arguments and _SCALARS.fullmatch(name):
            return _value(arguments[0])
    msg = f"{ast.unparse(function)[:40]!r} may not be called"
    raise ValueError(msg)
