from __future__ import annotations

import gzip

import pytest

from reguloom import InputError, mechanistic
from reguloom.mechanistic import BooleanNetwork

FORMATS = ["bnet", "boolnet", "aeon", "boolode", "sbml"]
NETWORK = BooleanNetwork.from_rules(
    {
        "Pu.1": "(Pu.1 | maj(Cebpa, HLA-A, x)) & !Gata1",
        "Pu_1": "Gata1 ^ Pu.1",
        "Gata1": 'sumis(Pu.1, "a gene", x, 2)',
        "HLA-A": "1",
        "a gene": "x => (Gata1 <=> HLA-A)",
        "14-3-3": "14-3-3",
        "not": "Gata1",
    }
)
BOOLNET = """# a comment
targets, factors, probabilities
A, B & !C, 0.7   # another
A, C, 0.3
B, maj(A, B, C), 1
C, A[-2] | timegt(3), 1.0
"""


@pytest.mark.parametrize("name", FORMATS)
def test_round_trip(name, tmp_path):
    text = mechanistic.to_text(NETWORK, format=name)
    again = mechanistic.from_text(text, format=name)
    assert again.genes == NETWORK.genes
    assert again == NETWORK
    suffix = {"boolnet": ".txt", "boolode": ".txt"}.get(name, f".{name}")
    for path in (tmp_path / f"network{suffix}", tmp_path / f"zipped{suffix}.gz"):
        mechanistic.write(NETWORK, path, format=name)
        assert mechanistic.read(path) == NETWORK  # suffix and content tell the format
        with pytest.raises(InputError, match="exists already"):
            mechanistic.write(NETWORK, path, format=name)
    assert gzip.open(path, "rt").read() == text


def test_other_tools_can_read_the_names():
    for line in mechanistic.to_text(NETWORK, format="bnet").splitlines():
        if not line.startswith("#"):
            assert not set("\"'.-") & set(line), line
    assert "# name Pu_1_2 = Pu.1" in mechanistic.to_text(NETWORK)  # Pu_1 is taken


def test_probabilistic_and_temporal_round_trip():
    network = mechanistic.from_text(BOOLNET)
    assert network.is_probabilistic
    assert network.is_temporal
    assert [one.probability for one in network.alternatives["A"]] == [0.7, 0.3]
    assert mechanistic.from_text(mechanistic.to_text(network, format="boolnet")) == network
    for name in ("bnet", "aeon", "sbml", "boolode"):
        with pytest.raises(InputError, match="BoolNet's format"):
            mechanistic.to_text(network, format=name)


def test_missing_probabilities_are_equal():
    network = mechanistic.from_text("targets, factors\nA, B\nA, !B\nB, A\n")
    assert [one.probability for one in network.alternatives["A"]] == [0.5, 0.5]


def test_names_without_rules_are_inputs():
    network = mechanistic.from_text("Targets; Functions\nA; B & in\nB; A\n")
    assert network.inputs == ("in",)
    assert network.genes == ("A", "B", "in")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("targets, factors\nA, B\n\nB, A &\n", "line 4: the rule 'A &' expected a gene"),
        ("targets, factors\nA\n", "line 2: 'A' is no rule"),
        ("targets, factors, probabilities\nA, B, 1.5\n", "line 2: the probability is '1.5'"),
        ("targets, factors\nA, B, 0.5\nA, C, 0.4\n", "line 2: the probabilities of A add up to 0.9"),
        ("targets, factors\nA, B, 0.5\nA, C\n", "some rules of A have a probability"),
        ("targets, factors\n", "holds no rules"),
    ],
)
def test_errors_name_the_line(text, words, tmp_path):
    path = tmp_path / "broken.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        mechanistic.read(path)
    assert str(path) in str(caught.value)


def test_a_repeated_gene_is_an_error_in_bnet():
    with pytest.raises(InputError, match="line 3: A has a rule already, on line 2"):
        mechanistic.from_text("targets, factors\nA, B\nA, C\n", format="bnet")


def test_aeon():
    network = mechanistic.from_text("# c\n$B: A & !C\nA -> B\nC -| B\nA ->? A\n$A: A\n", format="aeon")
    assert network.genes == ("B", "A", "C")
    assert network.inputs == ("A", "C")
    with pytest.raises(InputError, match="line 1: B has regulators and no rule"):
        mechanistic.from_text("A -> B\n", format="aeon")
    with pytest.raises(InputError, match="line 2: 'A > B' is neither"):
        mechanistic.from_text("A -> B\nA > B\n", format="aeon")


SBML = """<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"
 xmlns:q="http://www.sbml.org/sbml/level3/version1/qual/version1"><model><q:listOfQualitativeSpecies>
 <q:qualitativeSpecies q:id="s1" q:name="Pu.1" q:maxLevel="1" q:constant="false"/>
 <q:qualitativeSpecies q:id="s2" q:name="on" q:maxLevel="1" q:constant="true" q:initialLevel="1"/>
 <q:qualitativeSpecies q:id="s3" q:maxLevel="1" q:constant="false"/></q:listOfQualitativeSpecies>
 <q:listOfTransitions><q:transition q:id="t"><q:listOfInputs>
 <q:input q:id="i3" q:qualitativeSpecies="s3" q:transitionEffect="none" q:thresholdLevel="1"/></q:listOfInputs>
 <q:listOfOutputs><q:output q:qualitativeSpecies="s1" q:transitionEffect="assignmentLevel"/></q:listOfOutputs>
 <q:listOfFunctionTerms><q:defaultTerm q:resultLevel="1"/><q:functionTerm q:resultLevel="0">
 <math xmlns="http://www.w3.org/1998/Math/MathML"><apply><and/><apply><geq/><ci>s3</ci><ci>i3</ci></apply>
 <apply><lt/><cn>0</cn><ci>s2</ci></apply></apply></math></q:functionTerm></q:listOfFunctionTerms></q:transition>
 </q:listOfTransitions></model></sbml>"""


def test_sbml():
    network = mechanistic.from_text(SBML, format="sbml")
    assert network.genes == ("Pu.1", "on", "s3")
    assert network.fixed == {"on": 1}
    assert network.inputs == ("s3",)
    assert network == BooleanNetwork.from_rules({"Pu.1": "!(s3 & on)", "on": 1}, genes=["Pu.1", "on", "s3"])
    with pytest.raises(InputError, match="Booleanize"):
        mechanistic.from_text(SBML.replace('q:maxLevel="1"', 'q:maxLevel="2"', 1), format="sbml")
    with pytest.raises(InputError, match="no complete XML"):
        mechanistic.from_text(SBML[:500], format="sbml")
    with pytest.raises(InputError, match="no default term"):
        mechanistic.from_text(SBML.replace('<q:defaultTerm q:resultLevel="1"/>', ""), format="sbml")
    with pytest.raises(InputError, match="no species of the model"):
        mechanistic.from_text(SBML.replace("<ci>s2</ci>", "<ci>s9</ci>"), format="sbml")


def test_formats_are_checked(tmp_path):
    with pytest.raises(InputError, match="names no format"):
        mechanistic.write(NETWORK, tmp_path / "network.json")
    with pytest.raises(InputError, match="there is no format"):
        mechanistic.to_text(NETWORK, format="ginml")
    (tmp_path / "binary.bnet").write_bytes(b"\xff\xfe\x00\x81" * 9)
    with pytest.raises(InputError, match="no text file"):
        mechanistic.read(tmp_path / "binary.bnet")


def published(shared):
    return sorted((shared / "data/mechanistic/published_models").glob("*.bnet"))


def check_published(path):
    network = mechanistic.read(path)
    for name in FORMATS:
        again = mechanistic.from_text(mechanistic.to_text(network, format=name), format=name)
        assert set(again.genes) == set(network.genes), name
        assert BooleanNetwork(network.genes, again.alternatives) == network, name
    twin = path.with_suffix(".sbml")
    if twin.exists():
        again = mechanistic.read(twin)
        assert BooleanNetwork(network.genes, again.alternatives) == network


def test_some_published_models(shared):
    for path in published(shared)[::8]:
        check_published(path)


@pytest.mark.slow
def test_all_published_models(shared):
    assert len(published(shared)) == 132
    for path in published(shared):
        check_published(path)
