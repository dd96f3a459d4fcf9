"""Result tables: exact numbers, row names as text, the same table from every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reguloom as rl


@pytest.fixture
def table() -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=(5, 3)) * 10.0 ** np.array([-300, 0, 300])
    columns = ["Spi1(+)", "Gata1(-)", "weight>75.0%, odd"]
    return pd.DataFrame(values, ["007", "1e5", "NA", "cell,4", 'quo"te'], columns)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.tsv.gz", "t.parquet"])
@pytest.mark.parametrize("label", ["Cell", ""])
def test_round_trip_is_exact(name: str, label: str, table: pd.DataFrame, tmp_path: Path) -> None:
    rl.io.write_table(table, tmp_path / name, index_label=label)
    back = rl.io.read_table(tmp_path / name)
    pd.testing.assert_frame_equal(back, table, check_exact=True, check_names=False)
    assert list(back.index) == ["007", "1e5", "NA", "cell,4", 'quo"te']


def test_whole_numbers_stay_whole(tmp_path: Path) -> None:
    rl.io.write_table(pd.DataFrame({"a": [0, 1]}, ["x", "y"]), tmp_path / "binary.csv", index_label="Cell")
    assert (tmp_path / "binary.csv").read_text() == "Cell,a\nx,0\ny,1\n"
    assert rl.io.read_table(tmp_path / "binary.csv")["a"].dtype.kind == "i"


def test_the_same_bytes_twice(table: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("a", "b"):
        rl.io.write_table(table, tmp_path / f"{name}.csv.gz", index_label="Cell")
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def test_stdout(table: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    rl.io.write_table(table, "-", index_label="Cell")
    assert capsys.readouterr().out.startswith("Cell,Spi1(+),")


@pytest.mark.parametrize(
    ("name", "content", "error", "says"),
    [
        ("t.xlsx", b"x", rl.InputError, "suffix '.xlsx'"),
        ("t.csv", b"Cell,a\nx,1\ny,1,2\n", rl.InputError, "not a readable table"),
        ("t.csv", b"", rl.InputError, "is empty"),
        ("t.parquet", b"PAR1 and nothing else", rl.ResourceError, "cut short"),
    ],
)
def test_bad_files(name: str, content: bytes, error: type[Exception], says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=says):
        rl.io.read_table(tmp_path / name)


def test_an_existing_file_is_kept(table: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("precious")
    with pytest.raises(rl.InputError, match="exists already"):
        rl.io.write_table(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "precious"
