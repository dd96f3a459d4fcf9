"""``reguloom convert`` from the outside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reguloom import io
from reguloom.cli.app import main
from reguloom.core import Regulons


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["convert", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_a_matrix_through_every_format(counts: pd.DataFrame, tmp_path: Path) -> None:
    counts.T.to_csv(tmp_path / "a.csv")
    chain = ["a.csv", "b.h5ad", "c.loom", "d.zarr", "e.tsv.gz"]
    for source, target in zip(chain, chain[1:], strict=False):
        assert run(tmp_path / source, tmp_path / target) == 0
    back = io.read(tmp_path / chain[-1])
    assert list(back.obs_names) == list(counts.index)
    np.testing.assert_array_equal(back.X.toarray(), counts.to_numpy())


def test_it_says_what_it_found(counts: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts.T.to_csv(tmp_path / "a.csv")
    assert run(tmp_path / "a.csv", tmp_path / "b.h5ad") == 0
    said = capsys.readouterr().err
    assert "holds a matrix" in said
    assert "genes x cells" in said
    assert run(tmp_path / "a.csv", tmp_path / "c.h5ad", "--no-transpose") == 0
    assert io.read(tmp_path / "c.h5ad").shape == counts.shape[::-1]


def test_networks_regulons_and_rankings(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("TF\ttarget\timportance\nA\tB\t1.5\nA\tC\t2.5\n")
    assert run(tmp_path / "a.tsv", tmp_path / "b.parquet") == 0
    assert run(tmp_path / "b.parquet", tmp_path / "c.tsv") == 0
    assert (tmp_path / "c.tsv").read_text() == (tmp_path / "a.tsv").read_text()
    assert run(tmp_path / "a.tsv", tmp_path / "d.csv", "--dialect", "decoupler") == 0
    assert (tmp_path / "d.csv").read_text().startswith("source,target,weight")
    assert run(tmp_path / "a.tsv", tmp_path / "e.gmt") == 0
    assert io.read_regulons(tmp_path / "e.gmt").to_dict() == {"A": ["C", "B"]}
    io.write_regulons(Regulons.from_dict({"A(-)": {"B": 2.0}}), tmp_path / "f.json")
    assert run(tmp_path / "f.json", tmp_path / "g.yaml") == 0
    assert io.read_regulons(tmp_path / "g.yaml") == io.read_regulons(tmp_path / "f.json")
    io.write_rankings(np.array([[1, 0]]), ["m"], ["A", "B"], tmp_path / "h.feather", compression="uncompressed")
    assert run(tmp_path / "h.feather", tmp_path / "i.feather") == 0
    np.testing.assert_array_equal(io.read_rankings(tmp_path / "i.feather").load(), [[1, 0]])


def test_exit_codes(counts: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts.to_csv(tmp_path / "a.csv")
    (tmp_path / "cut.feather").write_bytes(b"ARROW1\0\0" + b"x" * 200)
    (tmp_path / "there.h5ad").write_text("x")
    assert run(tmp_path / "none.csv", tmp_path / "b.h5ad") == 3
    assert run(tmp_path / "a.csv", tmp_path / "b.gmt") == 3
    assert run(tmp_path / "a.csv", tmp_path / "b.xlsx") == 3
    assert run(tmp_path / "a.csv", tmp_path / "there.h5ad") == 3
    assert run(tmp_path / "cut.feather", tmp_path / "b.feather") == 4
    assert run(tmp_path / "a.csv") == 2
    assert "Traceback" not in capsys.readouterr().err
    assert run(tmp_path / "a.csv", tmp_path / "there.h5ad", "--force") == 0
