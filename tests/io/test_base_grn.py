"""CellOracle's base networks."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reguloom import io
from reguloom._errors import InputError
from reguloom.io import base_grn


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "peak_id": ["chr1_1_2", "chr1_5_6", "chr2_1_2", "chr2_7_8"],
            "gene_short_name": ["Gata1", "Gata1", "Spi1", "Mpo"],
            "Klf1": [1.0, 1.0, 0.0, 0.0],
            "Spi1": [0.0, 1.0, 0.0, 1.0],
            "Tal1": [0.0, 0.0, 0.0, 0.0],
        }
    )


@pytest.mark.parametrize("end", ["frame", ".parquet", ".csv"])
def test_one_edge_for_each_gene_with_a_peak(end: str, table: pd.DataFrame, tmp_path: Path) -> None:
    if end == "frame":
        network = io.read_network(table)
    else:
        path = tmp_path / f"base{end}"
        table.to_parquet(path) if end == ".parquet" else table.to_csv(path, index=False)
        network = io.read_network(path)
    edges = network.to_frame()
    assert list(zip(edges["source"], edges["target"], edges["n_peaks"], strict=True)) == [
        ("Klf1", "Gata1", 2),
        ("Spi1", "Gata1", 1),
        ("Spi1", "Mpo", 1),
    ]
    assert set(edges["weight"]) == {1.0}
    assert set(edges["sign"]) == {0}


def test_reading_in_parts_changes_nothing(table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table.to_parquet(tmp_path / "base.parquet")
    whole = io.read_network(tmp_path / "base.parquet").to_frame()
    monkeypatch.setattr(base_grn, "_TFS_PER_READ", 1)
    pd.testing.assert_frame_equal(io.read_network(tmp_path / "base.parquet").to_frame(), whole)


def test_without_factors_or_with_text(table: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="none for a transcription factor"):
        io.read_network(table[["peak_id", "gene_short_name"]])
    with pytest.raises(InputError, match="'Klf1'"):
        io.read_network(table.assign(Klf1="yes"))


def test_the_real_one_is_never_held_dense(shared: Path) -> None:
    path = shared / "data" / "paul15" / "mm10_promoter_base_grn.parquet"
    tracemalloc.start()
    network = io.read_network(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert network.to_frame()["source"].nunique() == 1079
    assert peak < 150e6  # 29,308 x 1,079 doubles would be 253 MB
    column = pd.read_parquet(path, columns=["gene_short_name", "Spi1"])
    expected = set(column.loc[column["Spi1"] != 0, "gene_short_name"])
    edges = network.to_frame()
    assert set(edges.loc[edges["source"] == "Spi1", "target"]) == expected
    assert np.all(edges["n_peaks"] >= 1)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match="differ in length"):
        base_grn._network(["Gata1"], [np.array([0, 2], np.int32)], np.array(["X", "Y"], dtype=object))
