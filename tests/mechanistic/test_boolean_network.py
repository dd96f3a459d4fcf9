from __future__ import annotations

import numpy as np
import pytest

import reguloom as rl
from reguloom import InputError, MissingKeyError
from reguloom.core import Network, Perturbation
from reguloom.mechanistic import BooleanNetwork, random_network

RULES = {"A": "B & !C", "B": "A | (C & !C)", "C": "in"}


@pytest.fixture
def small():
    return BooleanNetwork.from_rules(RULES)


def test_what_it_holds(small):
    assert small.genes == ("A", "B", "C", "in")
    assert small.inputs == ("in",)
    assert small.regulators("B") == ("A",)  # C makes no difference
    assert small.truth_table("A").tolist() == [False, True, False, False]  # B is the lowest bit
    assert small.signs("A") == {"B": 1, "C": -1}
    assert small.rules["A"] == "B & !C"
    assert repr(small) == "BooleanNetwork(4 genes, 1 inputs)"


def test_truth_tables_by_definition():
    network = random_network(8, [0, 1, 2, 3, 4, 5, 5, 3], rng=4)
    for gene in network.genes:
        names = network.regulators(gene)
        for row, expected in enumerate(network.truth_table(gene)):
            state = dict.fromkeys(network.genes, False) | {name: bool(row >> i & 1) for i, name in enumerate(names)}
            assert bool(network.expression(gene).evaluate(state)) == expected


def test_tables_and_rules_are_two_ways():
    rng = np.random.default_rng(1)
    tables = {f"G{k}": ([f"G{i}" for i in range(k)], rng.random(1 << k) < 0.4) for k in range(7)}
    network = BooleanNetwork.from_tables(tables)
    wanted = BooleanNetwork.from_rules(
        {
            gene: " | ".join(
                "(" + " & ".join(f"{'' if row >> i & 1 else '!'}{name}" for i, name in enumerate(names)) + ")"
                for row in np.flatnonzero(table)
            )
            if len(names) and table.any()
            else int(table.any())
            for gene, (names, table) in tables.items()
        }
    )
    assert network == wanted
    wide = rng.random(1 << 13) < 0.5  # beyond the terms' limit: nested choices
    names = [f"x{i}" for i in range(13)]
    network = BooleanNetwork.from_tables({"G": (names, wide)})
    place = [names.index(name) for name in network.regulators("G")]
    rows = (((np.arange(1 << 13)[:, None] >> np.array(place)) & 1) << np.arange(13)).sum(axis=1)
    assert network.truth_table("G")[rows].tolist() == wide.tolist()


def test_equality_looks_at_what_rules_do(small):
    assert small == BooleanNetwork.from_rules({"A": "!(C | !B)", "B": "A", "C": "in & (A | !A)"})
    assert small != BooleanNetwork.from_rules({"A": "!(C | B)", "B": "A", "C": "in"})
    assert small != BooleanNetwork.from_rules({"B": "A", "A": "B & !C", "C": "in"})  # another order


def test_forty_regulators_do_not_blow_up():
    names = [f"x{i}" for i in range(40)]
    text = " | ".join(f"({names[i]} & !{names[i + 1]})" for i in range(0, 40, 2))
    network = BooleanNetwork.from_rules({"G": f"({text}) & (x0 | !x0)", "H": f"!!({text})"})
    assert network.regulators("G") == tuple(names)
    assert network.signs("G")["x0"] == 1
    assert network.signs("G")["x1"] == -1
    assert network.function("G").constant_on({name: i % 2 for i, name in enumerate(names)}) == 0
    assert network.function("G").constant_on({"x0": 1, "x1": 0}) == 1
    assert network.function("G").constant_on({"x0": 1}) is None
    assert network == BooleanNetwork.from_rules({"G": network.rules["H"], "H": network.rules["G"]})
    assert network != BooleanNetwork.from_rules({"G": network.rules["H"], "H": text.replace("!x39", "x39")})
    with pytest.raises(InputError, match=r"2\*\*40 rows"):
        network.truth_table("G")


def test_fixed_and_perturbed(small):
    assert small.fixed == {}
    held = small.with_fixed({"A": 1})
    assert held.fixed == {"A": 1}
    assert held.free == ("B", "C", "in")
    both = small.perturbed(Perturbation.knockout("B") | Perturbation.overexpress("C"))
    assert both.fixed == {"B": 0, "C": 1}
    assert small.perturbed(Perturbation()).fixed == {}
    with pytest.raises(InputError, match="0 or 1"):
        small.with_fixed({"A": 2})
    with pytest.raises(MissingKeyError, match="close are"):
        small.with_fixed({"a": 1})
    with pytest.raises(InputError, match="neither switched off nor on"):
        small.perturbed(Perturbation.knockdown("A", 0.5))
    with pytest.raises(InputError, match="neither"):
        small.perturbed(Perturbation.parse("A"))


def test_network_and_back(small):
    edges = small.to_network().to_frame()
    assert sorted(zip(edges["source"], edges["target"], edges["sign"], strict=True)) == [
        ("A", "B", 1),
        ("B", "A", 1),
        ("C", "A", -1),
        ("in", "C", 1),
        ("in", "in", 1),
    ]
    dual = BooleanNetwork.from_rules({"A": "B ^ C"}).to_network().to_frame()
    assert set(dual.loc[dual["target"] == "A", "regulation"]) == {"dual"}
    wiring = Network.from_edges(["a", "b", "c", "d"], ["x", "x", "x", "x"], sign=[1, 1, -1, 0])
    assert BooleanNetwork.from_network(wiring).rules["x"] == "(a | b) & !c"
    assert BooleanNetwork.from_network(wiring, rule="all").rules["x"] == "a & b & !c"
    majority = BooleanNetwork.from_network(wiring, rule="majority").truth_table("x")
    assert majority.tolist() == [
        bin(row & 3).count("1") > (row >> 2 & 1) for row in range(8)
    ]  # more activators than repressors
    with pytest.raises(InputError, match="accepted are"):
        BooleanNetwork.from_network(wiring, rule="any")


def test_restrict_keeps_what_is_upstream(small):
    assert small.restrict(["C"]).genes == ("C", "in")
    assert set(small.restrict(["B"]).genes) == set(small.genes)


def test_probabilistic():
    network = BooleanNetwork.from_rules({"A": [("B", 0.3), ("!B", 0.7)], "B": "A"})
    assert network.is_probabilistic
    with pytest.raises(InputError, match="add up to 0.9"):
        BooleanNetwork.from_rules({"A": [("B", 0.3), ("!B", 0.6)]})
    with pytest.raises(InputError, match="2 rules"):
        network.expression("A")
    with pytest.raises(InputError, match="probabilistic"):
        network.attractors()


def test_it_is_a_predictor(small):
    assert isinstance(small, rl.Predictor)
    table = small.with_fixed({"A": 0}).available()
    assert table.loc["A"].tolist() == [False, "fixed at 0 by its rule"]
    assert table.loc["B", "available"]


def test_errors_name_the_gene():
    with pytest.raises(InputError, match="gene B: the rule 'A &'"):
        BooleanNetwork.from_rules({"A": "B", "B": "A &"})
    with pytest.raises(InputError, match="which is no gene"):
        BooleanNetwork(("A",), {"A": BooleanNetwork.from_rules({"A": "B"}).alternatives["A"]})
