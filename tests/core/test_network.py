"""Network: the dialects it comes in, selection, matrices, storage."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reguloom import InputError, MissingKeyError, Network, Provenance

GENES = list("ABCDEFG")
edges = st.lists(
    st.tuples(
        st.sampled_from(GENES),
        st.sampled_from(GENES),
        st.floats(-5, 5, allow_subnormal=False),
        st.sampled_from([-1, 0, 1]),
    ),
    max_size=30,
)


def made(rows: list[tuple[str, str, float, int]]) -> Network:
    source, target, weight, sign = zip(*rows, strict=True) if rows else ([], [], [], [])
    return Network.from_edges(list(source), list(target), list(weight), sign=list(sign))


@pytest.fixture
def network() -> Network:
    frame = pd.DataFrame(
        {
            "source": ["Spi1", "Gata1", "Spi1", "Gata1"],
            "target": ["Csf1r", "Klf1", "Gata1", "Spi1"],
            "weight": [3.0, 1.0, 2.0, 2.0],
            "sign": [1, 1, -1, -1],
            "group": ["GMP", "Ery", "GMP", "Ery"],
            "rho": [0.5, 0.4, -0.3, -0.2],
        }
    )
    return Network.from_frame(frame, provenance=Provenance("grnboost2", {"learning_rate": 0.01}, seed=3))


@pytest.mark.parametrize(
    ("columns", "signs"),
    [
        ({"TF": "Spi1", "target": "Csf1r", "importance": 2.5}, 0),
        ({"TF": "Spi1", "target": "Csf1r", "importance": 2.5, "regulation": -1, "rho": -0.2}, -1),
        ({"source": "Spi1", "target": "Csf1r", "weight": 2.5}, 0),
        ({"source": "Spi1", "target": "Csf1r", "weight": 2.5, "sign": "-"}, -1),
        ({"source": "Spi1", "target": "Csf1r", "weight": -2.5}, -1),
        ({"source": "Spi1", "target": "Csf1r", "mor": 2.5}, 1),
        ({"source": "Spi1", "target": "Csf1r", "coef_mean": 2.5, "coef_abs": 2.5, "p": 0.01, "-logp": 2.0}, 1),
        ({"Gene1": "Spi1", "Gene2": "Csf1r", "EdgeWeight": 2.5}, 0),
        ({"Gene1": "Spi1", "Gene2": "Csf1r", "Type": "-", "EdgeWeight": 2.5}, -1),
        ({"regulatoryGene": "Spi1", "targetGene": "Csf1r", "weight": 2.5}, 0),
    ],
)
def test_every_dialect_gives_the_same_edge(columns: dict[str, object], signs: int) -> None:
    network = Network.from_frame(pd.DataFrame({name: [value] for name, value in columns.items()}))
    frame = network.to_frame()
    assert (frame.source[0], frame.target[0]) == ("Spi1", "Csf1r")
    assert abs(frame.weight[0]) == 2.5
    assert frame.sign[0] == signs


def test_a_table_without_weights_weighs_every_edge_alike() -> None:
    network = Network.from_frame(pd.DataFrame({"Gene1": ["A", "B"], "Gene2": ["B", "C"]}))
    assert network.weight.tolist() == [1.0, 1.0]


def test_further_columns_survive() -> None:
    frame = pd.DataFrame({"TF": ["A"], "target": ["B"], "importance": [1.0], "rho": [0.3], "cluster": ["Ery"]})
    network = Network.from_frame(frame)
    assert network.extra.iloc[0].to_dict() == {"importance": 1.0, "rho": 0.3, "group": "Ery"}
    assert network.groups == ["Ery"]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pd.DataFrame({"from": ["A"], "to": ["B"]}), "from"),
        (pd.DataFrame({"TF": ["A"], "target": ["B"], "importance": ["high"]}), "high"),
        (pd.DataFrame({"TF": ["A", None], "target": ["B", "C"], "importance": [1.0, 2.0]}), "no source or target"),
        (pd.DataFrame({"TF": ["A"], "target": ["B"], "importance": [np.nan]}), "not a number"),
    ],
)
def test_a_table_that_is_no_network_is_refused(frame: pd.DataFrame, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Network.from_frame(frame)


def test_codes_must_point_at_names() -> None:
    names = pd.Index(["A", "B"])
    one = np.ones(1)
    with pytest.raises(InputError, match="codes run from 0 to 2"):
        Network(names, names, np.array([0, 2], np.int32), np.array([0, 1], np.int32), np.ones(2), np.zeros(2, np.int8))
    with pytest.raises(InputError, match="different lengths"):
        Network(names, names, np.array([0], np.int32), np.array([0, 1], np.int32), one, np.zeros(1, np.int8))


@given(edges)
def test_frame_round_trip(rows: list[tuple[str, str, float, int]]) -> None:
    network = made(rows)
    again = Network.from_frame(network.to_frame())
    assert len(again) == len(rows)
    assert (
        again.to_frame()
        .astype({"source": str, "target": str})
        .equals(network.to_frame().astype({"source": str, "target": str}))
    )


@given(edges, st.booleans())
def test_the_matrix_sums_parallel_edges(rows: list[tuple[str, str, float, int]], signed: bool) -> None:
    expected = np.zeros((len(GENES), len(GENES)))
    for source, target, weight, sign in rows:
        expected[GENES.index(source), GENES.index(target)] += weight * (sign if signed else 1)
    np.testing.assert_allclose(made(rows).to_csr(GENES, signed=signed).toarray(), expected, atol=1e-12)


@given(edges, st.integers(0, 40))
def test_top_takes_the_strongest_and_keeps_the_order_of_ties(rows: list[tuple[str, str, float, int]], k: int) -> None:
    expected = sorted(rows, key=lambda row: -row[2])[:k]
    assert made(rows).top(k).weight.tolist() == [row[2] for row in expected]
    assert made(rows).top(k).to_frame()["source"].tolist() == [row[0] for row in expected]


@given(edges, st.sets(st.sampled_from(GENES)))
def test_restrict_keeps_edges_inside(rows: list[tuple[str, str, float, int]], genes: set[str]) -> None:
    inside = [row for row in rows if row[0] in genes and row[1] in genes]
    assert made(rows).restrict(genes).weight.tolist() == [row[2] for row in inside]


def test_filter_combines_its_conditions(network: Network) -> None:
    assert network.filter(min_weight=2.0).weight.tolist() == [3.0, 2.0, 2.0]
    assert network.filter(min_weight=2.0, sign=-1).extra["rho"].tolist() == [-0.3, -0.2]
    assert network.filter(group="Ery", sign=1).to_frame()["target"].tolist() == ["Klf1"]
    with pytest.raises(MissingKeyError, match="GMP"):
        network.filter(group="Meg")


def test_groups_stand_in_order_of_appearance(network: Network) -> None:
    assert network.groups == ["GMP", "Ery"]
    assert made([("A", "B", 1.0, 0)]).groups == []


def test_take_without_further_columns_and_with_nothing() -> None:
    network = made([("A", "B", 1.0, 0), ("B", "C", 2.0, 1)])
    assert network.take([1]).weight.tolist() == [2.0]
    assert network.take(np.array([False, True])).sign.tolist() == [1]
    assert len(network.take([])) == 0
    assert len(network.take([]).to_frame()) == 0


def test_the_matrix_refuses_genes_it_was_not_given(network: Network) -> None:
    with pytest.raises(InputError, match="2 of 4 edges"):
        network.to_csr(["Spi1", "Gata1"])
    assert network.restrict(["Spi1", "Gata1"]).to_csr(["Spi1", "Gata1"], signed=True).toarray().tolist() == [
        [0.0, -2.0],
        [-2.0, 0.0],
    ]


def test_genes_lists_regulators_first(network: Network) -> None:
    assert list(network.genes) == ["Gata1", "Spi1", "Csf1r", "Klf1"]


def test_repr_counts_what_is_there(network: Network) -> None:
    assert repr(network) == "Network(4 edges, 2 regulators, 4 targets, grnboost2)"


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_a_network_survives_in_adata(network: Network, tmp_path: Path, suffix: str) -> None:
    import anndata

    adata = anndata.AnnData(np.zeros((2, 1)))
    network.to_adata(adata)
    path = tmp_path / f"network.{suffix}"
    getattr(adata, f"write_{suffix}")(path)
    again = Network.from_adata(getattr(anndata, f"read_{suffix}")(path))
    left, right = (one.to_frame().astype({"source": str, "target": str, "group": str}) for one in (again, network))
    pd.testing.assert_frame_equal(left, right)
    assert again.provenance == network.provenance


def test_a_missing_entry_is_named() -> None:
    import anndata

    with pytest.raises(MissingKeyError, match="no 'grn'"):
        Network.from_adata(anndata.AnnData(np.zeros((2, 1))))


def test_a_million_edges_stay_small() -> None:
    rng = np.random.default_rng(0)
    names = np.array([f"Gene{i:05d}" for i in range(2000)])
    network = Network.from_edges(names[rng.integers(2000, size=10**6)], names[rng.integers(2000, size=10**6)], 1.0)
    held = sum(array.nbytes for array in (network.source, network.target, network.weight, network.sign))
    assert held < 20e6


def test_an_entry_of_another_tool_is_refused_with_a_sentence() -> None:
    adata = ad.AnnData(np.zeros((2, 2), np.float32), uns={"grn": np.zeros(3)})
    with pytest.raises(InputError, match=r"uns\['grn'\] is no Network \(ndarray"):
        Network.from_adata(adata)
