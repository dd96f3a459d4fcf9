"""A noun, a table or a path."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from reguloom import io
from reguloom._errors import InputError
from reguloom.core import Network, Regulons


def test_networks(tmp_path: Path) -> None:
    network = Network.from_edges(["A", "A"], ["B", "C"], [1.0, 2.0])
    io.write_network(network, tmp_path / "a.tsv")
    assert io.as_network(network) is network
    for other in (network.to_frame(), tmp_path / "a.tsv", str(tmp_path / "a.tsv")):
        assert list(io.as_network(other).weight) == [1.0, 2.0]
    assert len(io.as_network(Regulons.from_dict({"A(+)": ["B"]}))) == 1
    with pytest.raises(InputError, match="int"):
        io.as_network(3)


def test_regulons(tmp_path: Path) -> None:
    regulons = Regulons.from_dict({"A(+)": {"B": 1.0, "C": 2.0}})
    io.write_regulons(regulons, tmp_path / "a.json")
    assert io.as_regulons(regulons) is regulons
    for other in (regulons.members, tmp_path / "a.json", {"A(+)": {"B": 1.0, "C": 2.0}}):
        assert io.as_regulons(other) == regulons
    with pytest.raises(InputError, match="int"):
        io.as_regulons(3)


def test_a_motif_table_is_a_network_too(tmp_path: Path) -> None:
    columns = ["AUC", "NES", "MotifSimilarityQvalue", "OrthologousIdentity", "Annotation", "Context", "TargetGenes"]
    names = [*columns, "RankAtMax"]
    cells = ["0.05", "3.5", "0", "1", "direct", "\"frozenset({'activating', 'db'})\"", "\"[('B', 1.5)]\"", "9"]
    text = "\n".join([",," + ",".join(["Enrichment"] * 8), ",," + ",".join(names), "TF,MotifID" + "," * 8])
    (tmp_path / "motifs.csv").write_text(text + "\nA,m1," + ",".join(cells) + "\n")
    assert io.as_network(tmp_path / "motifs.csv").to_frame()[["source", "target"]].to_numpy().tolist() == [["A", "B"]]


def test_regulons_of_a_signed_network() -> None:
    table = pd.DataFrame({"source": ["B", "A", "A", "A"], "target": ["x", "x", "y", "z"], "weight": [1, 0.5, 2, -1]})
    regulons = io.as_regulons(table)
    assert regulons.to_dict() == {"A(-)": ["z"], "A(+)": ["y", "x"], "B(+)": ["x"]}
    assert regulons["A(-)"].weights == (1.0,)
