"""Regulon and Regulons: names, checks, tables, matrices, storage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reguloom import InputError, MissingKeyError, Provenance, Regulon, Regulons

GENES = list("ABCDEFGH")
memberships = st.dictionaries(
    st.sampled_from(["Spi1(+)", "Spi1(-)", "Gata1(+)", "T-box_(+)", "HALLMARK_P53_PATHWAY"]),
    st.dictionaries(st.sampled_from(GENES), st.floats(0.1, 9), min_size=1),
)


@pytest.fixture
def regulons() -> Regulons:
    members = [
        Regulon("Spi1", 1, ("Csf1r", "Itgam"), (2.0, 1.0), motifs=("m1", "m2"), nes=4.5, score=9.0),
        Regulon("Gata1", -1, ("Spi1",), (0.5,), motifs=("m3",), nes=3.2),
    ]
    support = pd.DataFrame({"regulon": ["Spi1(+)"], "gene": ["Itgam"], "n_motifs": [2]})
    return Regulons(members, support=support, provenance=Provenance("prune", {"nes_threshold": 3.0}))


@pytest.mark.parametrize(
    ("name", "tf", "sign"),
    [
        ("Spi1(+)", "Spi1", 1),
        ("Spi1(-)", "Spi1", -1),
        ("Spi1_(+)", "Spi1", 1),
        ("Spi1(+) (12g)", "Spi1", 1),
        ("Spi1 (35g)", "Spi1", 0),
        ("Spi1_+", "Spi1", 1),
        ("Regulon for Spi1", "Spi1", 0),
        ("NKX2-5(-)", "NKX2-5", -1),
        ("HALLMARK_P53_PATHWAY", "HALLMARK_P53_PATHWAY", 0),
    ],
)
def test_names_say_factor_and_sign_and_are_kept(name: str, tf: str, sign: int) -> None:
    regulon = Regulon.from_name(name, {"A": 1.0})
    assert (regulon.tf, regulon.sign, regulon.name) == (tf, sign, name)


def test_name_follows_pyscenic() -> None:
    assert Regulon("Spi1", 1, ("A",)).name == "Spi1(+)"
    assert Regulon("Spi1", -1, ("A",)).name == "Spi1(-)"
    assert Regulon("Spi1", 0, ("A",)).name == "Spi1"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"targets": ("A", "B"), "weights": (1.0,)}, "2 targets and 1 weights"),
        ({"targets": ("A", "A")}, "more than once"),
        ({"targets": ("A",), "sign": 2}, "sign 2"),
    ],
)
def test_a_regulon_that_contradicts_itself_is_refused(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Regulon(**{"tf": "Spi1", "sign": 1, **arguments})


def test_weights_are_one_unless_given() -> None:
    assert Regulon("Spi1", 1, ("A", "B")).to_dict() == {"A": 1.0, "B": 1.0}


def test_lookup_names_what_is_there(regulons: Regulons) -> None:
    assert regulons["Spi1(+)"].tf == "Spi1"
    assert "Spi1(+)" in regulons
    assert "Spi1(-)" not in regulons
    with pytest.raises(MissingKeyError, match=r"Gata1\(-\)"):
        regulons["Klf1(+)"]


def test_names_are_unique() -> None:
    with pytest.raises(InputError, match="appears twice"):
        Regulons([Regulon("A", 1, ("x",)), Regulon("A", 1, ("y",))])


def test_tables(regulons: Regulons) -> None:
    assert regulons.members["gene"].tolist() == ["Csf1r", "Itgam", "Spi1"]
    assert regulons.members["n_motifs"].tolist()[1] == 2
    assert np.isnan(regulons.members["n_motifs"].tolist()[0])
    assert regulons.meta.loc["Spi1(+)", "motifs"] == "m1;m2"
    assert regulons.meta["n_targets"].tolist() == [2, 1]
    assert regulons.genes == ["Csf1r", "Itgam", "Spi1"]


def test_frames_round_trip(regulons: Regulons) -> None:
    again = Regulons.from_frames(regulons.members, regulons.meta, provenance=regulons.provenance)
    assert again == regulons
    assert again["Spi1(+)"].motifs == ("m1", "m2")


@given(memberships)
def test_gene_sets_round_trip(sets: dict[str, dict[str, float]]) -> None:
    regulons = Regulons.from_dict(sets)
    assert {one.name: one.to_dict() for one in regulons} == sets
    assert regulons.to_dict() == {name: list(genes) for name, genes in sets.items()}
    assert Regulons.from_frames(regulons.members, regulons.meta) == regulons


@given(memberships, st.sets(st.sampled_from(GENES)), st.booleans())
def test_matrix(sets: dict[str, dict[str, float]], genes: set[str], weighted: bool) -> None:
    columns = sorted(genes)
    expected = [[weights.get(gene, 0.0) for gene in columns] for weights in sets.values()]
    expected = np.array(expected).reshape(len(sets), len(columns))
    found = Regulons.from_dict(sets).to_csr(columns, weighted=weighted).toarray()
    np.testing.assert_array_equal(found, expected if weighted else expected > 0)


def test_subset_and_filter(regulons: Regulons) -> None:
    assert regulons.subset(["Gata1(-)", "Spi1(+)"]).names == ["Gata1(-)", "Spi1(+)"]
    assert regulons.filter(min_size=2).names == ["Spi1(+)"]
    assert regulons.filter(sign=-1).names == ["Gata1(-)"]
    assert regulons.filter(min_size=1, genes=["Spi1"]).names == ["Gata1(-)"]
    assert regulons.subset(["Spi1(+)"]).support["n_motifs"].tolist() == [2]


def test_to_network_carries_the_sign(regulons: Regulons) -> None:
    frame = regulons.to_network().to_frame()
    assert frame["source"].tolist() == ["Spi1", "Spi1", "Gata1"]
    assert frame["sign"].tolist() == [1, 1, -1]
    assert frame["weight"].tolist() == [2.0, 1.0, 0.5]
    assert frame["regulon"].tolist() == ["Spi1(+)", "Spi1(+)", "Gata1(-)"]


def test_no_regulons_is_a_set_too() -> None:
    empty = Regulons([])
    assert len(empty.members) == 0
    assert len(empty.to_network()) == 0
    assert empty.to_csr(["A"]).shape == (0, 1)
    assert Regulons.from_frames(empty.members, empty.meta) == empty


def test_members_need_their_columns() -> None:
    with pytest.raises(InputError, match="lacks"):
        Regulons.from_frames(pd.DataFrame({"gene": ["A"]}))


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_regulons_survive_in_adata(regulons: Regulons, tmp_path: Path, suffix: str) -> None:
    import anndata

    adata = anndata.AnnData(np.zeros((2, 1)))
    regulons.to_adata(adata)
    path = tmp_path / f"regulons.{suffix}"
    getattr(adata, f"write_{suffix}")(path)
    again = Regulons.from_adata(getattr(anndata, f"read_{suffix}")(path))
    assert again.names == regulons.names
    assert again == regulons
    assert again.provenance == regulons.provenance


def test_a_missing_entry_is_named() -> None:
    import anndata

    with pytest.raises(MissingKeyError, match="no 'regulons'"):
        Regulons.from_adata(anndata.AnnData(np.zeros((2, 1))))
