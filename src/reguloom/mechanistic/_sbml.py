"""SBML-qual (Level 3, qual version 1): the exchange format of GINsim, CellCollective and the model repositories."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

from reguloom._errors import InputError
from reguloom.mechanistic._names import spellings
from reguloom.mechanistic._truth import DUAL
from reguloom.mechanistic.boolean_network import Alternative, BooleanNetwork
from reguloom.mechanistic.formula import FALSE, TRUE, Formula, constant, join, spell_out, variable

CORE = "http://www.sbml.org/sbml/level3/version1/core"
QUAL = "http://www.sbml.org/sbml/level3/version1/qual/version1"
MATHML = "http://www.w3.org/1998/Math/MathML"
_LOGIC = ("and", "or", "not", "xor", "implies")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "eq": lambda a, b: a == b,
    "neq": lambda a, b: a != b,
    "geq": lambda a, b: a >= b,
    "leq": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "lt": lambda a, b: a < b,
}
_SIGNS = {1: "positive", -1: "negative", DUAL: "dual", 0: "unknown"}


@dataclass(frozen=True)
class _Model:
    """Names and thresholds that the mathematics of a file refers to."""

    where: str
    names: dict[str, str]  # species id -> gene
    thresholds: dict[str, int]  # input id -> level


def read_sbml(text: str, *, where: str) -> BooleanNetwork:
    """Return the network of an SBML-qual text.

    A species without a transition is an input, or fixed if it is constant and has an initial level. The default term
    and the function terms of a transition give the rule: later terms apply where earlier ones do not.

    Parameters
    ----------
    text
        The file's content.
    where
        Name of the file, for messages.

    Raises
    ------
    InputError
        If the XML is broken, a species has more than two levels, or a transition cannot be read as a rule.
    """
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        msg = f"{where} is no complete XML file ({error})."
        raise InputError(msg) from error
    names, rules = _species(root, where)
    thresholds = {
        _get(item, "id"): _level(_get(item, "thresholdLevel"), where)
        for item in root.iter(f"{{{QUAL}}}input")
        if _get(item, "id") and _get(item, "thresholdLevel")
    }
    model = _Model(where, names, thresholds)
    ruled: set[str] = set()
    for transition in root.iter(f"{{{QUAL}}}transition"):
        if transition.find(f".//{{{QUAL}}}defaultTerm") is None and transition.find(f".//{{{MATHML}}}math") is None:
            continue  # an input, as some tools write it
        for gene in _outputs(transition, model):
            if gene in ruled:
                msg = f"{where}: {gene} is the output of two transitions; a gene has one rule."
                raise InputError(msg)
            ruled.add(gene)
            rules[gene] = _rule(transition, gene, model)
    return BooleanNetwork(tuple(rules), {gene: (Alternative(rule),) for gene, rule in rules.items()})


def _get(item: ET.Element, name: str) -> str:
    """Return an attribute, whether it carries the qual prefix or not."""
    return item.get(f"{{{QUAL}}}{name}") or item.get(name) or ""


def _species(root: ET.Element, where: str) -> tuple[dict[str, str], dict[str, Formula]]:
    """Return id → gene, and gene → what it does unless a transition says otherwise."""
    items = list(root.iter(f"{{{QUAL}}}qualitativeSpecies"))
    if not items:
        msg = f"{where} holds no qualitative species, so it is no SBML-qual model."
        raise InputError(msg)
    labels = [_get(item, "name") for item in items]
    names: dict[str, str] = {}
    rules: dict[str, Formula] = {}
    for item, label in zip(items, labels, strict=True):
        key = _get(item, "id")
        gene = label if label and labels.count(label) == 1 and label not in rules else key
        level = _get(item, "maxLevel")
        if level and _level(level, where) > 1:
            msg = f"{where}: {gene} has levels 0 to {level}; make the model Boolean first (GINsim: Booleanize)."
            raise InputError(msg)
        names[key] = gene
        initial = _get(item, "initialLevel")
        is_constant = _get(item, "constant") == "true" and initial != ""
        rules[gene] = constant(_level(initial, where) > 0) if is_constant else variable(gene)
    return names, rules


def _level(text: str, where: str) -> int:
    """Return the level that an attribute gives, 0 where it is left out."""
    try:
        return int(float(text or 0))
    except (ValueError, OverflowError) as error:
        msg = f"{where}: a level is written {text[:30]!r}, which is no number; levels are 0 and 1."
        raise InputError(msg) from error


def _outputs(transition: ET.Element, model: _Model) -> list[str]:
    """Return the genes that a transition sets."""
    keys = [_get(item, "qualitativeSpecies") for item in transition.iter(f"{{{QUAL}}}output")]
    unknown = [key for key in keys if key not in model.names]
    if unknown:
        msg = f"{model.where}: a transition sets {unknown[0]!r}, which is no species."
        raise InputError(msg)
    return [model.names[key] for key in keys]


def _rule(transition: ET.Element, gene: str, model: _Model) -> Formula:
    """Return the rule: the first term that holds gives the level, else the default."""
    default = transition.find(f".//{{{QUAL}}}defaultTerm")
    if default is None:
        msg = f"{model.where}: the transition of {gene} has no default term."
        raise InputError(msg)
    result = constant(_level(_get(default, "resultLevel"), model.where) > 0)
    terms = [
        (_level(_get(term, "resultLevel"), model.where) > 0, _math(term, gene, model))
        for term in transition.iter(f"{{{QUAL}}}functionTerm")
    ]
    levels = {level for level, _ in terms}
    if levels == {True} and result == FALSE:
        return join("or", [formula for _, formula in terms])
    if levels == {False} and result == TRUE:
        return Formula("not", (join("or", [formula for _, formula in terms]),))
    for level, formula in reversed(terms):
        result = join("or", [formula, result]) if level else join("and", [Formula("not", (formula,)), result])
    return result


def _math(term: ET.Element, gene: str, model: _Model) -> Formula:
    """Return the condition of a function term."""
    math = term.find(f"{{{MATHML}}}math")
    if math is None or len(math) != 1:
        msg = f"{model.where}: a term of {gene} has no mathematics; it needs one <math> with one condition."
        raise InputError(msg)
    try:
        return _formula(math[0], model)
    except RecursionError:
        msg = f"{model.where}: the rule of {gene} is nested too deeply."
        raise InputError(msg) from None
    except InputError as error:
        msg = f"{model.where}, rule of {gene}: {error}"
        raise InputError(msg) from error


def _formula(item: ET.Element, model: _Model) -> Formula:
    """Return one MathML element as a formula; chains of the same connective are followed without recursion."""
    tag = item.tag.rsplit("}", 1)[-1]
    if tag in ("true", "false"):
        return constant(tag == "true")
    if tag == "ci":
        return variable(_species_of(item, model))
    if tag != "apply" or not len(item):
        msg = f"<{tag}> is no Boolean condition."
        raise InputError(msg)
    operator = item[0].tag.rsplit("}", 1)[-1]
    if operator in _COMPARE and len(item) == 3:
        return _comparison(operator, item[1], item[2], model)
    if operator not in _LOGIC:
        msg = f"<{operator}> is not understood; conditions use {', '.join([*_LOGIC, *_COMPARE])}."
        raise InputError(msg)
    if operator in ("and", "or"):
        return join(operator, [_formula(arg, model) for arg in _chain(item, operator)])
    args = [_formula(arg, model) for arg in item[1:]]
    return join(operator, args)


def _chain(item: ET.Element, operator: str) -> list[ET.Element]:
    """Return the arguments of nested applications of one connective, left to right."""
    found, waiting = [], [item]
    while waiting:
        one = waiting.pop()
        if one.tag.endswith("apply") and len(one) and one[0].tag.rsplit("}", 1)[-1] == operator:
            waiting.extend(reversed(one[1:]))
        else:
            found.append(one)
    return found


def _species_of(item: ET.Element, model: _Model) -> str:
    """Return the gene that a ``<ci>`` names."""
    key = (item.text or "").strip()
    if key not in model.names:
        msg = f"{key!r} is no species of the model."
        raise InputError(msg)
    return model.names[key]


def _comparison(operator: str, left: ET.Element, right: ET.Element, model: _Model) -> Formula:
    """Return ``species >= level`` as the gene, its negation, or a constant."""
    sides = [_number(left, model), _number(right, model)]
    if sides.count(None) != 1:
        msg = f"<{operator}> must compare one species with one level."
        raise InputError(msg)
    compare = _COMPARE[operator]
    first = sides[0] is None
    gene = variable(_species_of(left if first else right, model))
    level = sides[1] if first else sides[0]
    off, on = (compare(x, level) if first else compare(level, x) for x in (0, 1))  # type: ignore[arg-type]
    if off == on:
        return constant(on)
    return gene if on else Formula("not", (gene,))


def _number(item: ET.Element, model: _Model) -> int | None:
    """Return the level that an element stands for, or None for a species."""
    text = (item.text or "").strip()
    if item.tag.endswith("}cn"):
        return _level(text, model.where)
    return model.thresholds.get(text) if text not in model.names else None


def write_sbml(network: BooleanNetwork) -> str:
    """Return the network as SBML-qual text.

    Raises
    ------
    InputError
        If the network is probabilistic or temporal.
    """
    if network.is_probabilistic or network.is_temporal:
        msg = "SBML-qual holds neither probabilities nor delays; write BoolNet's format (.txt)."
        raise InputError(msg)
    for prefix, uri in (("", CORE), ("qual", QUAL)):
        ET.register_namespace(prefix, uri)
    ids = spellings(network.genes)
    root = ET.Element(f"{{{CORE}}}sbml", {"level": "3", "version": "1", f"{{{QUAL}}}required": "true"})
    model = ET.SubElement(root, f"{{{CORE}}}model", {"id": "model"})
    compartments = ET.SubElement(model, f"{{{CORE}}}listOfCompartments")
    ET.SubElement(compartments, f"{{{CORE}}}compartment", {"id": "cell", "constant": "true"})
    species = _child(model, "listOfQualitativeSpecies")
    transitions = _child(model, "listOfTransitions")
    for gene in network.genes:
        attributes = {"id": ids[gene], "name": gene, "compartment": "cell", "maxLevel": "1"}
        is_input = gene in network.inputs
        if gene in network.fixed:
            attributes["initialLevel"] = str(network.fixed[gene])
        attributes["constant"] = "true" if gene in network.fixed else "false"
        _child(species, "qualitativeSpecies", **attributes)
        if not is_input and gene not in network.fixed:
            _write_transition(transitions, network, gene, ids)
    ET.indent(root)
    return "<?xml version='1.0' encoding='UTF-8'?>\n" + ET.tostring(root, encoding="unicode") + "\n"


def _child(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    """Add an element of the qual package."""
    return ET.SubElement(parent, f"{{{QUAL}}}{tag}", {f"{{{QUAL}}}{key}": text for key, text in attributes.items()})


def _write_transition(parent: ET.Element, network: BooleanNetwork, gene: str, ids: dict[str, str]) -> None:
    """Write the rule of a gene."""
    expression = spell_out(network.expression(gene), "bnet")
    function = network.function(gene)
    signs = dict(zip(function.regulators, function.signs, strict=True))
    transition = _child(parent, "transition", id=f"tr_{ids[gene]}")
    inputs = _child(transition, "listOfInputs") if expression.names else None
    for number, name in enumerate(expression.names):
        if inputs is not None:
            key = f"tr_{ids[gene]}_in_{number}"
            sign = _SIGNS[signs.get(name, 0)]
            _child(inputs, "input", id=key, qualitativeSpecies=ids[name], transitionEffect="none", sign=sign)
    outputs = _child(transition, "listOfOutputs")
    key = f"tr_{ids[gene]}_out"
    _child(outputs, "output", id=key, qualitativeSpecies=ids[gene], transitionEffect="assignmentLevel")
    terms = _child(transition, "listOfFunctionTerms")
    _child(terms, "defaultTerm", resultLevel="0")
    term = _child(terms, "functionTerm", resultLevel="1")
    _write_math(ET.SubElement(term, f"{{{MATHML}}}math"), expression, ids)


def _write_math(parent: ET.Element, node: Formula, ids: dict[str, str]) -> None:
    """Write a formula of and, or, not."""
    if node.kind == "const":
        ET.SubElement(parent, f"{{{MATHML}}}{'true' if node.number else 'false'}")
        return
    apply = ET.SubElement(parent, f"{{{MATHML}}}apply")
    ET.SubElement(apply, f"{{{MATHML}}}{'eq' if node.kind == 'var' else node.kind}")
    if node.kind == "var":
        ET.SubElement(apply, f"{{{MATHML}}}ci").text = ids[node.name]
        ET.SubElement(apply, f"{{{MATHML}}}cn", {"type": "integer"}).text = "1"
        return
    for arg in node.args:
        _write_math(apply, arg, ids)
