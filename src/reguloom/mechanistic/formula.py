"""Boolean expressions: one small tree for the rules of every format, and its evaluation on bits.

A tree holds constants, genes (with a delay in temporal networks), the connectives and BoolNet's counting predicates.
Connectives take any number of arguments, so that a disjunction of a thousand terms is one node and not a deep tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reguloom._errors import InputError

#: connectives of n arguments; ``implies`` takes two.
CONNECTIVES = ("not", "and", "or", "xor", "iff", "implies")
#: predicates that count how many arguments are true.
COUNTING = ("maj", "sumis", "sumgt", "sumlt")
#: predicates of the absolute step since the start of a trajectory.
CLOCK = ("timeis", "timegt", "timelt")


@dataclass(frozen=True, slots=True)
class Formula:
    """A Boolean expression.

    Parameters
    ----------
    kind
        ``const``, ``var``, a connective (``not and or xor iff implies``), a counting predicate
        (``maj sumis sumgt sumlt``) or a clock predicate (``timeis timegt timelt``).
    args
        The arguments.
    name
        Gene of a ``var``.
    number
        Value of a ``const``; threshold of a predicate.
    delay
        How many steps back a ``var`` looks; 1 is the usual "previous state".
    """

    kind: str
    args: tuple[Formula, ...] = ()
    name: str = ""
    number: int = 0
    delay: int = 1

    def walk(self) -> Iterator[Formula]:
        """Yield this node and all below it, left to right."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.args))

    @property
    def names(self) -> tuple[str, ...]:
        """Genes that are named, in order of first appearance, whether they matter or not."""
        return tuple(dict.fromkeys(node.name for node in self.walk() if node.kind == "var"))

    @property
    def is_constant(self) -> bool:
        """Whether the expression names no gene and no clock, so that its value is written down."""
        return not any(node.kind == "var" or node.kind in CLOCK for node in self.walk())

    @property
    def max_delay(self) -> int:
        """How far back the expression looks; 1 for an ordinary rule, 0 for a constant."""
        return max((node.delay for node in self.walk() if node.kind == "var"), default=0)

    def substitute(self, change: Callable[[Formula], Formula]) -> Formula:
        """Return the expression with every gene and clock predicate replaced by what `change` makes of it."""
        if self.kind == "var" or self.kind in CLOCK:
            return change(self)
        if not self.args:
            return self
        return replace(self, args=tuple(arg.substitute(change) for arg in self.args))

    def evaluate(self, values: Mapping[str, Any], *, full: Any = True) -> Any:
        """Return the expression's value.

        Parameters
        ----------
        values
            Gene → its bits: booleans, boolean arrays, or integer words whose bits are states.
        full
            The value of true: ``True``, an array of ones, or a word of ones.

        Returns
        -------
        What the values are made of.

        Raises
        ------
        InputError
            If the expression asks for the time, which a state does not hold.
        """
        if self.kind == "const":
            return full if self.number else full ^ full
        if self.kind == "var":
            return values[self.name]
        if self.kind in CLOCK:
            msg = f"{self.kind}({self.number}) depends on the time; only trajectories of a temporal network have one."
            raise InputError(msg)
        return combine(self, [arg.evaluate(values, full=full) for arg in self.args], full)

    def __str__(self) -> str:
        """Return the expression as .bnet text."""
        return to_text(self)


def combine(node: Formula, values: list[Any], full: Any) -> Any:
    """Return the value of a connective or counting predicate from those of its arguments."""
    if node.kind == "not":
        return values[0] ^ full
    if node.kind == "implies":
        return (values[0] ^ full) | values[1]
    if node.kind in COUNTING:
        return _count(node, values, full)
    result = values[0]
    for value in values[1:]:
        if node.kind == "and":
            result = result & value
        elif node.kind == "or":
            result = result | value
        else:
            result = result ^ value if node.kind == "xor" else result ^ value ^ full
    return result


def _count(node: Formula, values: list[Any], full: Any) -> Any:
    """Compare the number of true arguments with a threshold, on bits: ``at_least[j]`` is "j of those so far"."""
    empty = full ^ full
    at_least = [full] + [empty] * (len(values) + 1)
    for value in values:
        for j in range(len(values), 0, -1):
            at_least[j] = at_least[j] | (at_least[j - 1] & value)

    def reached(j: int) -> Any:
        return full if j <= 0 else at_least[j] if j <= len(values) else empty

    if node.kind == "maj":
        return reached(len(values) // 2 + 1)
    if node.kind == "sumgt":
        return reached(node.number + 1)
    if node.kind == "sumlt":
        return reached(node.number) ^ full
    return reached(node.number) & (reached(node.number + 1) ^ full)


TRUE = Formula("const", number=1)
FALSE = Formula("const", number=0)


def constant(value: int | bool) -> Formula:
    """Return the expression that is always `value`."""
    return TRUE if value else FALSE


def variable(name: str, delay: int = 1) -> Formula:
    """Return the expression that is the gene `name`, `delay` steps back."""
    return Formula("var", name=name, delay=delay)


def join(kind: str, args: list[Formula] | tuple[Formula, ...]) -> Formula:
    """Return a connective over `args`; conjunctions in conjunctions are flattened, and so are disjunctions.

    Parameters
    ----------
    kind
        ``and``, ``or``, ``xor``, ``iff``, ``implies`` or ``not``.
    args
        The arguments; none is true for ``and`` and false for ``or``.
    """
    if kind in ("and", "or"):
        flat: list[Formula] = []
        for arg in args:
            flat.extend(arg.args if arg.kind == kind else (arg,))
        if len(flat) < 2:
            return flat[0] if flat else constant(kind == "and")
        return Formula(kind, tuple(flat))
    if kind in ("xor", "iff") and len(args) == 1:
        return args[0]
    return Formula(kind, tuple(args))


def simplify(node: Formula) -> Formula:
    """Return the expression with constants worked in: ``A & 1`` is ``A``, ``A | 1`` is ``1``."""
    if node.kind in CLOCK or not node.args:
        return node
    args = [simplify(arg) for arg in node.args]
    if all(arg.kind == "const" for arg in args):
        return constant(bool(combine(node, [bool(arg.number) for arg in args], True)))
    if node.kind in ("and", "or"):
        absorbing = node.kind == "or"
        if any(arg.kind == "const" and bool(arg.number) == absorbing for arg in args):
            return constant(absorbing)
        return join(node.kind, [arg for arg in args if arg.kind != "const"])
    return replace(node, args=tuple(args))


#: dialect → how its connectives are written. What a dialect lacks is spelled out with those it has.
DIALECTS: dict[str, dict[str, str]] = {
    "bnet": {"not": "!", "and": " & ", "or": " | "},
    "boolnet": {"not": "!", "and": " & ", "or": " | ", "counting": "yes"},
    "aeon": {"not": "!", "and": " & ", "or": " | ", "xor": " ^ ", "iff": " <=> ", "implies": " => "},
    "boolode": {"not": "not ", "and": " and ", "or": " or "},
}


def to_text(node: Formula, *, dialect: str = "bnet", name: Callable[[str], str] = str) -> str:
    """Return the expression as text.

    Parameters
    ----------
    node
        The expression.
    dialect
        ``bnet``, ``boolnet``, ``aeon`` or ``boolode``.
    name
        Spells a gene's name.

    Raises
    ------
    InputError
        If the dialect cannot say it (delays and clocks outside BoolNet's format).
    """
    return _text(spell_out(node, dialect), dialect, name, top=True)


def _text(node: Formula, dialect: str, name: Callable[[str], str], *, top: bool = False) -> str:
    """Return the text of a node whose connectives the dialect has."""
    words = DIALECTS[dialect]
    if node.kind == "const":
        return str(node.number)
    if node.kind == "var":
        return name(node.name) + _delay(node, dialect)
    if node.kind == "not":
        return words["not"] + _text(node.args[0], dialect, name)
    if node.kind in COUNTING or node.kind in CLOCK:
        inner = [_text(arg, dialect, name, top=True) for arg in node.args]
        return f"{node.kind}({', '.join(inner + ([] if node.kind == 'maj' else [str(node.number)]))})"
    text = words[node.kind].join(_text(arg, dialect, name) for arg in node.args)
    return text if top else f"({text})"


def _delay(node: Formula, dialect: str) -> str:
    """Return how a delay is written."""
    if node.delay == 1:
        return ""
    if dialect != "boolnet":
        msg = f"{node.name} is read {node.delay} steps back, which {dialect} cannot say; write BoolNet's format."
        raise InputError(msg)
    return f"[{-node.delay}]"


def spell_out(node: Formula, dialect: str) -> Formula:
    """Return the expression with connectives that the dialect lacks written with and, or, not."""
    words = DIALECTS[dialect]
    if node.kind in CLOCK:
        if "counting" not in words:
            msg = f"{node.kind}({node.number}) depends on the time, which {dialect} cannot say; write BoolNet's format."
            raise InputError(msg)
        return node
    if not node.args:
        return node
    args = tuple(spell_out(arg, dialect) for arg in node.args)
    if node.kind in COUNTING:
        return replace(node, args=args) if "counting" in words else _spelled_count(node.kind, args, node.number)
    if node.kind in words or node.kind == "not":
        return replace(node, args=args)
    if node.kind == "implies":
        return join("or", [Formula("not", args[:1]), args[1]])
    result = args[0]
    for arg in args[1:]:
        same = join("or", [join("and", [result, arg]), join("and", [_negated(result), _negated(arg)])])
        differ = join("or", [join("and", [result, _negated(arg)]), join("and", [_negated(result), arg])])
        result = same if node.kind == "iff" else differ
    return result


def _negated(node: Formula) -> Formula:
    """Return the negation, without doubling one."""
    return node.args[0] if node.kind == "not" else Formula("not", (node,))


def _spelled_count(kind: str, args: tuple[Formula, ...], number: int) -> Formula:
    """Return a counting predicate as nested choices on each argument: "j of the rest" on either side."""
    made: dict[tuple[int, int], Formula] = {}

    def at_least(start: int, j: int) -> Formula:
        if j <= 0 or j > len(args) - start:
            return constant(j <= 0)
        if (start, j) not in made:
            with_it = join("and", [args[start], at_least(start + 1, j - 1)])
            made[start, j] = simplify(join("or", [with_it, at_least(start + 1, j)]))
        return made[start, j]

    if kind == "maj":
        return at_least(0, len(args) // 2 + 1)
    if kind == "sumgt":
        return at_least(0, number + 1)
    if kind == "sumlt":
        return simplify(_negated(at_least(0, number)))
    return simplify(join("and", [at_least(0, number), _negated(at_least(0, number + 1))]))
