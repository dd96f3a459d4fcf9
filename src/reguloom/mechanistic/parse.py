"""Text to expression: one grammar for .bnet, BoolNet, AEON and BoolODE rules.

From weakest to strongest: ``<=>``, ``=>``, ``|`` (``||``, ``or``), ``^`` (``xor``), ``&`` (``&&``, ``and``), ``!``
(``~``, ``not``). Names may hold anything but white space, brackets, commas and operator signs: ``Pu.1``, ``HLA-A``
and ``14-3-3`` are names. In quotes a name may hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

from reguloom._errors import InputError
from reguloom.mechanistic.formula import CLOCK, COUNTING, FALSE, TRUE, Formula, join, variable

_TOKEN = re.compile(
    r"""\s*(?: (?P<quoted>"[^"]*"|`[^`]*`)
             | (?P<bracket>\[[^\]]*\])
             | (?P<operator><=>|=>|&&|\|\||[!~&|^(),])
             | (?P<name>[^\s!~&|^(),\[\]"`<=>]+) )""",
    re.VERBOSE,
)
_SAME = {"&&": "&", "and": "&", "||": "|", "or": "|", "~": "!", "not": "!", "xor": "^"}
#: operator → connective, weakest first.
_CONNECTIVES = {"<=>": "iff", "=>": "implies", "|": "or", "^": "xor", "&": "and"}
_STRENGTH = {sign: strength for strength, sign in enumerate(_CONNECTIVES)}
_PREDICATES = {"all": "and", "any": "or", **{name: name for name in (*COUNTING, *CLOCK)}}
_STEP = re.compile(
    r"(?:(?P<letter>[A-Za-z]\w*)\s*(?:(?P<sign>[+-])\s*(?P<shift>\d{1,4}))?|(?P<plain>[+-]?\s*\d{1,4}))$"
)
_ITERATOR = re.compile(r"\[\s*([A-Za-z]\w*)\s*=\s*(-?\d{1,4})\s*\.\.\s*(-?\d{1,4})\s*\]$")


def parse(text: str) -> Formula:
    """Return the expression that `text` writes.

    Parameters
    ----------
    text
        A rule, such as ``Gata1 & !(Pu.1 | Fli1)``, ``not a or b``, ``maj(a, b, c)`` or ``a[-2]``.

    Raises
    ------
    InputError
        If the text is no Boolean expression; the message points at the place.
    """
    reader = _Reader(text)
    found = reader.expression()
    if reader.peek():
        reader.fail(f"did not expect {reader.peek()!r}")
    return found


class _Reader:
    """The tokens of one rule and where we are among them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        self.at = 0
        self.steps: dict[str, int] = {}
        self._tokenise()

    def _tokenise(self) -> None:
        """Split the text; words that are operators become operators."""
        position = 0
        while self.text[position:].strip():
            match = _TOKEN.match(self.text, position)
            if match is None:
                found = self.text[position:].lstrip()[:1]
                msg = f"the rule {_excerpt(self.text, position)} holds {found!r}, which no rule may."
                raise InputError(msg)
            kind = str(match.lastgroup)
            token = match[kind]
            if kind == "quoted":
                self.tokens.append(("name", token[1:-1], match.start(kind)))
            else:
                plain = _SAME.get(token.lower(), token) if kind != "bracket" else token
                word = "word" if kind == "name" and plain == token else "operator"
                self.tokens.append((word if kind != "bracket" else kind, plain, match.start(kind)))
            position = match.end()

    def peek(self) -> str:
        """Return the next token, or "" at the end."""
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def is_operator(self, sign: str) -> bool:
        """Tell whether the next token is this operator and not a quoted name."""
        return self.at < len(self.tokens) and self.tokens[self.at][:2] == ("operator", sign)

    def take(self, sign: str) -> None:
        """Step over an operator that must come now."""
        if not self.is_operator(sign):
            self.fail(f"expected {sign!r}" + (f" and found {self.peek()!r}" if self.peek() else ""))
        self.at += 1

    def fail(self, what: str) -> NoReturn:
        """Raise, pointing at the current token."""
        position = self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)
        msg = f"the rule {_excerpt(self.text, position)} {what} at character {position + 1}."
        raise InputError(msg)

    def expression(self) -> Formula:
        """Parse up to the end, a comma or a bracket that was not opened here.

        Dijkstra's shunting yard: published rules are nested hundreds deep, which recursion would not survive.
        """
        pending: list[str] = []  # operators and open brackets
        operands: list[Formula] = []
        while True:
            while self.is_operator("!") or self.is_operator("("):
                pending.append(self.peek())
                self.at += 1
            operands.append(self.atom())
            while self.is_operator(")") and "(" in pending:
                self.at += 1
                while pending[-1] != "(":
                    _apply(pending.pop(), operands)
                pending.pop()
            sign = self.peek() if self.at < len(self.tokens) and self.tokens[self.at][0] == "operator" else ""
            if sign not in _STRENGTH:
                break
            while pending and pending[-1] != "(" and _binds(pending[-1], sign):
                _apply(pending.pop(), operands)
            pending.append(sign)
            self.at += 1
        if "(" in pending:
            self.take(")")
        while pending:
            _apply(pending.pop(), operands)
        return operands[0]

    def atom(self) -> Formula:
        """Parse a constant, a predicate or a gene."""
        if self.at >= len(self.tokens) or self.tokens[self.at][0] in ("operator", "bracket"):
            self.fail("expected a gene" + (f" and found {self.peek()!r}" if self.peek() else ""))
        kind, token, _ = self.tokens[self.at]
        self.at += 1
        if kind == "word":
            lowered = token.lower()
            if lowered in _PREDICATES and (self.is_operator("(") or self.next_is_bracket()):
                return self.predicate(lowered)
            if lowered in ("1", "true", "0", "false"):
                return TRUE if lowered in ("1", "true") else FALSE
        return variable(token, self.delay()) if self.next_is_bracket() else variable(token)

    def predicate(self, name: str) -> Formula:
        """Parse ``maj(...)``, ``sumis(..., k)``, ``all[t=-3..-1](g[t])`` ..."""
        kind = _PREDICATES[name]
        letter, steps = self.iterator() if self.next_is_bracket() else ("", range(1))
        self.take("(")
        start, number = self.at, 0
        args: list[Formula] = []
        for step in steps:
            self.at = start
            if letter:
                self.steps[letter] = step
            found = self.arguments()
            if kind not in ("and", "or", "maj"):
                number = self.threshold(kind, found)
            args += found
        self.steps.pop(letter, None)
        self.take(")")
        return join(kind, args) if kind in ("and", "or") else Formula(kind, tuple(args), number=number)

    def arguments(self) -> list[Formula]:
        """Parse arguments up to the closing bracket."""
        args = [self.argument()]
        while self.is_operator(","):
            self.at += 1
            args.append(self.argument())
        return args

    def argument(self) -> Formula:
        """Parse one argument: an expression, or a whole number, which stands as a constant."""
        if self.at + 1 < len(self.tokens) and self.tokens[self.at + 1][1] in (",", ")"):
            kind, token, _ = self.tokens[self.at]
            if kind == "word" and re.fullmatch(r"-?\d+", token):
                self.at += 1
                return Formula("const", number=int(token))
        return self.expression()

    def threshold(self, kind: str, args: list[Formula]) -> int:
        """Take the threshold off the end of the arguments."""
        if args[-1].kind != "const" or (kind in CLOCK) != (len(args) == 1):
            self.fail(f"needs {kind}({'k' if kind in CLOCK else 'gene, …, k'}) with a whole number k at the end")
        return args.pop().number

    def next_is_bracket(self) -> bool:
        """Tell whether ``[...]`` comes next."""
        return self.at < len(self.tokens) and self.tokens[self.at][0] == "bracket"

    def delay(self) -> int:
        """Parse ``[-2]``, ``[t-2]`` or ``[t]`` inside an iterator."""
        inside = self.tokens[self.at][1]
        match = _STEP.match(inside[1:-1].strip())
        if match is None:
            self.fail(f"has the delay {inside}, where [-2] or [t-2] is expected,")
        if match["plain"]:
            step = int("".join(match["plain"].split()))
        else:
            shift = int(f"{match['sign']}{match['shift']}") if match["shift"] else 0
            step = self.steps.get(match["letter"], 0) + shift
        if step >= 0:
            self.fail(f"has the delay {inside}; a rule looks back, so the delay is -1 or less,")
        self.at += 1
        return -step

    def iterator(self) -> tuple[str, range]:
        """Parse ``[t=-3..-1]``."""
        match = _ITERATOR.match(self.tokens[self.at][1])
        if match is None or int(match[2]) > int(match[3]):
            self.fail("expected an iterator such as [t=-3..-1]")
        self.at += 1
        return match[1], range(int(match[2]), int(match[3]) + 1)


def _binds(left: str, right: str) -> bool:
    """Tell whether the operator on the left takes the operand between them."""
    if left == "!":
        return True
    if _STRENGTH[left] == _STRENGTH[right]:
        return left != "=>"  # a => b => c is a => (b => c)
    return _STRENGTH[left] > _STRENGTH[right]


def _apply(sign: str, operands: list[Formula]) -> None:
    """Replace the operands of an operator by the result."""
    last = operands.pop()
    if sign == "!":
        operands.append(Formula("not", (last,)))
    else:
        operands.append(join(_CONNECTIVES[sign], [operands.pop(), last]))


def _excerpt(text: str, position: int, width: int = 50) -> str:
    """Return the rule in quotes, or the part of a long one around the position."""
    text = text.strip()
    if len(text) <= 2 * width:
        return repr(text)
    low = max(0, position - width)
    return repr(f"{'…' if low else ''}{text[low : position + width]}…")


def rule(value: str | int | bool | Formula) -> Formula:
    """Return a rule given as text, as 0 or 1, or as an expression."""
    if isinstance(value, Formula):
        return value
    return parse(str(int(value)) if isinstance(value, (bool, int)) else value)


def rules(given: Mapping[str, str | int | bool | Formula]) -> dict[str, Formula]:
    """Return every rule of a mapping as an expression; errors name the gene.

    Parameters
    ----------
    given
        Gene → rule.

    Raises
    ------
    InputError
        If a rule cannot be read.
    """
    made = {}
    for gene, value in given.items():
        try:
            made[str(gene)] = rule(value)
        except InputError as error:
            msg = f"gene {gene}: {error}"
            raise InputError(msg) from error
    return made
