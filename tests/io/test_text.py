"""csv and tsv matrices: layouts, separators, what cannot be read."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path

import numpy as np
import pytest

from reguloom import io
from reguloom._errors import InputError

CELLS = ["AAACCTGAGA-1", "AAACCTGCAT-1", "AAACGGGTTC-1"]
GENES = ["Gata1", "Rpl13", "Spi1", "Klf1"]
VALUES = np.array([[0, 1.5, 2, 0], [3, 0, 0, 0.1], [0, 0, 7, 1e-5]])


def table(*, genes_in_rows: bool = False, delimiter: str = ",", corner: str = "", quote: str = "") -> str:
    rows, columns, values = (GENES, CELLS, VALUES.T) if genes_in_rows else (CELLS, GENES, VALUES)
    lines = [delimiter.join([corner, *(f"{quote}{name}{quote}" for name in columns)])]
    lines += [delimiter.join([f"{quote}{name}{quote}", *map(str, row)]) for name, row in zip(rows, values, strict=True)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("genes_in_rows", [False, True])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_layout_gives_cells_by_genes(
    genes_in_rows: bool, delimiter: str, quote: str, end: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.csv"
    content = table(genes_in_rows=genes_in_rows, delimiter=delimiter, quote=quote)
    path.write_bytes(content.replace("\n", end).encode())
    adata = io.read_text(path)
    assert list(adata.obs_names) == CELLS
    assert list(adata.var_names) == GENES
    np.testing.assert_array_equal(adata.X.toarray(), VALUES.astype(np.float32))


def test_the_decision_is_said_and_can_be_overruled(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "m.tsv"
    path.write_text(table(genes_in_rows=True, delimiter="\t"))
    with caplog.at_level(logging.INFO, logger="reguloom"):
        assert io.read_text(path).shape == (3, 4)
    assert "genes x cells" in caplog.text
    assert "--no-transpose" in caplog.text
    assert io.read_text(path, transpose=False).shape == (4, 3)
    assert io.read_text(path, transpose=True).shape == (3, 4)


def test_corner_decides_over_the_names(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(table(corner="CellID").replace("AAACCTGAGA-1", "Rpl3"))
    assert list(io.read_text(path).var_names) == GENES
    path.write_text(table(genes_in_rows=True, corner="gene"))
    assert list(io.read_text(path).var_names) == GENES


def test_r_header_without_corner(tmp_path: Path) -> None:
    path = tmp_path / "m.tsv"
    path.write_text(table(genes_in_rows=True, delimiter="\t").lstrip("\t"))
    assert list(io.read_text(path).obs_names) == CELLS


def test_no_row_names(tmp_path: Path) -> None:
    path = tmp_path / "m.tsv"
    path.write_text("Gata1\tRpl13\n1\t2\n3\t4\n")
    adata = io.read_text(path)
    assert list(adata.obs_names) == ["0", "1"]
    assert list(adata.var_names) == ["Gata1", "Rpl13"]


def test_missing_values_are_nan_and_numbers_with_exponents_read(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(",Gata1,Rpl13,Spi1\nc1,NA,1e-3,\nc2,1,nan,-2\n")
    dense = io.read_text(path, transpose=False).X.toarray()
    np.testing.assert_array_equal(dense, np.array([[np.nan, 1e-3, np.nan], [1, np.nan, -2]], dtype=np.float32))


def test_gene_names_that_look_like_other_things_survive(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("gene,c1,c2\nNA,1,2\n1-Mar,3,4\n7SK,5,6\nnull,0,1\n")
    assert list(io.read_text(path).var_names) == ["NA", "1-Mar", "7SK", "null"]


def test_many_lines_are_one_matrix(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.poisson(0.3, (400, 30))
    path = tmp_path / "m.csv.gz"
    with gzip.open(path, "wt") as handle:
        handle.write("," + ",".join(f"Gene{i}" for i in range(30)) + "\n")
        for i, row in enumerate(values):
            handle.write(f"cell{i}," + ",".join(map(str, row)) + "\n")
    adata = io.read_text(path)
    np.testing.assert_array_equal(adata.X.toarray(), values)
    assert adata.obs_names[-1] == "cell399"


def test_text_rounds_as_a_binary_double_does(tmp_path: Path) -> None:
    # Just above the middle between two float32 numbers: rounding straight to float32 would go up.
    literal = "1.00000005960464477540"
    path = tmp_path / "m.csv"
    path.write_text(f",Gata1\ncell1,{literal}\n")
    assert io.read_text(path, transpose=False).X[0, 0] == np.float32(np.float64(literal))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (",Gata1,Spi1\nc1,1,2\nc2,1\n", r"line 3 of .*m\.csv has 2 fields and line 2 has 3"),
        (",Gata1,Spi1\nc1,1,2\nc2,1,high\n", "'Spi1'.*high"),
        (",Gata1,Spi1\n", "no rows"),
        (",Gata1,Spi1\nc1,1,2,3,4,5\n", "line 2"),
        ("just some words\nmore\n", "table of numbers|line 2"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        io.read_text(path)
    assert "\n" not in str(caught.value)


def test_truncated_gzip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = table() + "".join(f"c{i},{','.join(map(str, row))}\n" for i, row in enumerate(rng.random((3000, 4))))
    whole = gzip.compress(content.encode())
    (tmp_path / "m.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"m\.csv\.gz"):
        io.read_text(tmp_path / "m.csv.gz")


def test_real_matrices_come_the_right_way_round(shared: Path) -> None:
    data = shared / "data"
    shapes = {
        "scenic/GSE103322.sample.cells_x_genes.csv.gz": (100, 20684),
        "scenic/zeisel_small.tsv": (500, 50),
        "grn_benchmark/mDC/expression.csv.gz": (383, 821),
        "grn_benchmark/beeline/HSC/HSC_2000_0/ExpressionData.csv.gz": (2000, 11),
        "grn_benchmark/beeline/mCAD/mCAD_2000_0/ExpressionData.csv.gz": (2000, 5),
    }
    for name, shape in shapes.items():
        assert io.read(data / name).shape == shape
