"""Perturbation: constructors, levels, and the labels of published screens."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reguloom import InputError, Perturbation

VALUES = np.array([0.0, 1.0, 2.0, 5.0])


@pytest.mark.parametrize(
    ("label", "sep", "genes"),
    [
        ("control", None, ()),  # scPerturb, pertpy
        ("ctrl", None, ()),  # GEARS
        ("Control", None, ()),
        ("non-targeting", None, ()),
        ("unperturbed", None, ()),
        ("GATA1", None, ("GATA1",)),
        ("GATA1+ctrl", None, ("GATA1",)),  # GEARS single
        ("ctrl+GATA1", None, ("GATA1",)),
        ("GATA1+SPI1", None, ("GATA1", "SPI1")),  # GEARS, pertpy
        ("GATA1, SPI1", None, ("GATA1", "SPI1")),
        ("GATA1_SPI1", "_", ("GATA1", "SPI1")),  # scPerturb
        ("GATA1_SPI1", None, ("GATA1_SPI1",)),  # not split: the underscore may be part of a name
        ("HLA-A", None, ("HLA-A",)),
    ],
)
def test_labels_of_screens(label: str, sep: str | None, genes: tuple[str, ...]) -> None:
    parsed = Perturbation.parse(label, sep=sep)
    assert parsed.genes == genes
    assert parsed.is_control is (not genes)
    assert parsed.label == ("+".join(genes) or "control")


def test_a_label_does_not_say_up_or_down() -> None:
    parsed = Perturbation.parse("GATA1+ctrl")
    with pytest.raises(InputError, match="up or down"):
        parsed.targets["GATA1"].level(VALUES)
    assert parsed.as_knockout() == Perturbation.knockout("GATA1")


@pytest.mark.parametrize(
    ("perturbation", "expected"),
    [
        (Perturbation.knockout("A"), [0, 0, 0, 0]),
        (Perturbation.knockdown("A", 0.8), VALUES * 0.2),
        (Perturbation.overexpress("A"), [5, 5, 5, 5]),
        (Perturbation.overexpress("A", level="max"), [5, 5, 5, 5]),
        (Perturbation.overexpress("A", level=3), [3, 3, 3, 3]),
        (Perturbation.overexpress("A", fold=2), VALUES * 2),
        (Perturbation.overexpress("A", quantile=0.5), [1.5, 1.5, 1.5, 1.5]),
    ],
)
def test_levels(perturbation: Perturbation, expected: np.ndarray) -> None:
    np.testing.assert_allclose(perturbation.targets["A"].level(VALUES), expected)


def test_the_highest_of_scaled_values_may_be_negative() -> None:
    assert Perturbation.overexpress("A").targets["A"].level(np.array([-3.0, -1.0])).tolist() == [-1.0, -1.0]


def test_no_cells_give_no_levels() -> None:
    for one in (Perturbation.overexpress("A"), Perturbation.overexpress("A", quantile=0.5), Perturbation.knockout("A")):
        assert one.targets["A"].level(np.array([])).shape == (0,)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Perturbation.knockout(), "no gene"),
        (lambda: Perturbation.knockout(" + "), "no gene"),
        (lambda: Perturbation.knockout("A+A"), "twice"),
        (lambda: Perturbation.knockdown("A", 0), "takes away 0"),
        (lambda: Perturbation.knockdown("A", 1.5), "takes away 1.5"),
        (lambda: Perturbation.overexpress("A", level=1, fold=2), "one of level, fold and quantile"),
        (lambda: Perturbation.overexpress("A", quantile=2), "between 0 and 1"),
        (lambda: Perturbation.overexpress("A", fold=float("nan")), "finite"),
        (lambda: Perturbation.knockout("A") | Perturbation.overexpress("A"), "both"),
        (lambda: Perturbation.knockout("A", mask="m") | Perturbation.knockout("B"), "dose or mask"),
    ],
)
def test_what_makes_no_sense_is_refused(make: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()  # type: ignore[operator]


def test_combinations() -> None:
    both = Perturbation.knockout("A") | Perturbation.overexpress("B", fold=2)
    assert both.genes == ("A", "B")
    assert both.label == "A=0+B=x2"
    assert Perturbation.knockout("A+B") == Perturbation.knockout("A", "B")


def test_labels_tell_dose_and_mask_apart() -> None:
    one = Perturbation.knockout("A")
    labels = {one.label, Perturbation.knockout("A", mask="late").label, Perturbation(one.targets, dose=2).label}
    assert labels == {"A=0", "A=0[late]", "A=0@2"}


@given(st.lists(st.sampled_from("ABCDE"), min_size=1, unique=True))
def test_equal_perturbations_are_one_member_of_a_set(genes: list[str]) -> None:
    assert len({Perturbation.knockout(*genes), Perturbation.knockout(*reversed(genes))}) == 1
    assert Perturbation.knockout(*genes) != Perturbation.overexpress("+".join(genes))


def test_to_dict_is_plain() -> None:
    assert json.loads(json.dumps(Perturbation.knockdown("A", 0.5, mask="m").to_dict())) == {
        "targets": {"A": {"mode": "fold", "value": 0.5}},
        "dose": None,
        "mask": "m",
    }
