"""Networks in every dialect."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reguloom import io
from reguloom._errors import InputError, ResourceError
from reguloom.core import Network

TABLES = {
    "pyscenic": "TF,target,importance\nA,B,1.5\nC,D,0.1\n",
    "pyscenic_rho": "TF,target,importance,regulation,rho\nA,B,1.5,1,0.5\nC,D,0.1,-1,-0.25\n",
    "decoupler": "source,target,weight\nA,B,1.5\nC,D,-0.1\n",
    "celloracle": "source,target,coef_mean,coef_abs,p,-logp,cluster\nA,B,1.5,1.5,0.1,1,x\nC,D,-0.1,0.1,0.2,2,y\n",
    "beeline_reference": "Gene1,Gene2,Type\nA,B,+\nC,D,-\n",
    "beeline_ranked": "Gene1,Gene2,EdgeWeight\nA,B,1.5\nC,D,0.1\n",
    "genelink": "TF,Target\nA,B\nC,D\n",
}
SIGNS = {
    "pyscenic_rho": [1, -1],
    "decoupler": [1, -1],
    "celloracle": [1, -1],
    "beeline_reference": [1, -1],
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("end", [".csv", ".tsv", ".tsv.gz"])
def test_every_dialect_is_found_by_its_columns(name: str, end: str, tmp_path: Path) -> None:
    text = TABLES[name] if end == ".csv" else TABLES[name].replace(",", "\t")
    path = tmp_path / f"net{end}"
    path.write_bytes(gzip.compress(text.encode()) if end.endswith("gz") else text.encode())
    frame = io.read_network(path).to_frame()
    assert list(frame["source"]) == ["A", "C"]
    assert list(frame["target"]) == ["B", "D"]
    if name in SIGNS:
        assert list(frame["sign"]) == SIGNS[name]
    if name not in ("beeline_reference", "genelink"):
        np.testing.assert_array_equal(frame["weight"].abs(), [1.5, 0.1])
    if name == "celloracle":
        assert list(frame["group"]) == ["x", "y"]
    if name == "pyscenic_rho":
        assert list(frame["rho"]) == [0.5, -0.25]


@pytest.mark.parametrize("end", [".csv", ".tsv", ".csv.gz", ".parquet"])
def test_round_trip_keeps_every_bit(end: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    n = 500
    network = Network.from_frame(
        pd.DataFrame(
            {
                "TF": rng.choice(["A", "NA", "nan", "1-Mar", "TRUE"], n),
                "target": rng.choice([f"g{i}" for i in range(50)], n),
                "importance": rng.random(n) * 10.0 ** rng.integers(-12, 12, n),
                "regulation": rng.choice([-1, 0, 1], n),
                "rho": np.where(rng.random(n) < 0.1, np.nan, rng.uniform(-1, 1, n)),
            }
        )
    )
    path = tmp_path / f"net{end}"
    io.write_network(network, path)
    back = io.read_network(path)
    columns = ["source", "target", "weight", "sign", "importance", "regulation", "rho"]
    pd.testing.assert_frame_equal(back.to_frame()[columns], network.to_frame()[columns], check_exact=True)
    first = path.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        io.write_network(back, path)
    io.write_network(back, path, force=True)
    assert path.read_bytes() == first


def test_pyscenic_header_and_numbers(tmp_path: Path) -> None:
    io.write_network(Network.from_edges(["A", "B"], ["C", "D"], [0.1, 1e-7]), tmp_path / "a.tsv")
    assert (tmp_path / "a.tsv").read_text() == "TF\ttarget\timportance\nA\tC\t0.1\nB\tD\t1e-07\n"


def test_other_dialects_are_written(tmp_path: Path) -> None:
    network = Network.from_edges(["A", "B"], ["C", "D"], [0.5, 2.0], sign=[-1, 1])
    io.write_network(network, tmp_path / "a.csv", dialect="decoupler")
    assert (tmp_path / "a.csv").read_text() == "source,target,weight\nA,C,-0.5\nB,D,2.0\n"
    back = io.read_network(tmp_path / "a.csv")
    assert list(back.sign) == [-1, 1]
    io.write_network(network, tmp_path / "b.csv", dialect="beeline")
    assert (tmp_path / "b.csv").read_text().splitlines()[0] == "Gene1,Gene2,EdgeWeight"
    io.write_network(network, tmp_path / "c.csv", dialect="native")
    assert (tmp_path / "c.csv").read_text().splitlines()[0] == "source,target,weight,sign"
    with pytest.raises(InputError, match="pyscenic"):
        io.write_network(network, tmp_path / "d.csv", dialect="graphml")
    with pytest.raises(InputError, match="graphml"):
        io.write_network(network, tmp_path / "d.graphml")


def test_decoupler_weights_that_are_negative_already_keep_their_sign(tmp_path: Path) -> None:
    network = io.read_network(pd.DataFrame({"source": ["A", "B"], "target": ["C", "D"], "weight": [-0.5, 0.25]}))
    io.write_network(network, tmp_path / "a.csv", dialect="decoupler")
    assert (tmp_path / "a.csv").read_text() == "source,target,weight\nA,C,-0.5\nB,D,0.25\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b\n1,2\n", r"'a', 'b'.*TF, target, importance.*Gene1, Gene2.*peak_id"),
        ("TF,target,importance\n", "no edge"),
        ("TF,target,importance\nA,B,high\n", "'high'"),
        ("TF,target,importance\nA,,1\n", "'target'"),
        ("TF,target,importance\nA,B,1\nA,B,1,2,3\n", "net.csv"),
    ],
)
def test_what_is_no_network_is_said_in_one_sentence(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "net.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        io.read_network(path)
    assert "\n" not in str(caught.value)


def test_insisting_on_a_dialect(tmp_path: Path) -> None:
    path = tmp_path / "net.csv"
    path.write_text(TABLES["decoupler"])
    assert len(io.read_network(path, dialect="decoupler")) == 2
    with pytest.raises(InputError, match="pyscenic dialect.*importance"):
        io.read_network(path, dialect="pyscenic")
    with pytest.raises(InputError, match="accepted are auto"):
        io.read_network(path, dialect="graphml")


def test_truncated_parquet(tmp_path: Path) -> None:
    path = tmp_path / "net.parquet"
    io.write_network(Network.from_edges(["A"] * 99, [f"g{i}" for i in range(99)]), path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ResourceError, match="cut short or corrupt"):
        io.read_network(path)


def test_pyscenics_own_file_is_written_byte_for_byte(shared: Path, tmp_path: Path) -> None:
    golden = shared / "golden" / "pyscenic" / "pbmc100" / "adj_with_rho.tsv.gz"
    io.write_network(io.read_network(golden), tmp_path / "adj.tsv")
    assert (tmp_path / "adj.tsv").read_bytes() == gzip.decompress(golden.read_bytes())


def test_real_tables(shared: Path) -> None:
    links = io.read_network(shared / "golden" / "celloracle" / "paul15" / "links_filtered.parquet")
    assert len(links) == 5400
    assert set(links.sign) == {-1, 1}
    assert len(links.groups) > 1
    beeline = shared / "data" / "grn_benchmark" / "beeline" / "HSC"
    reference = io.read_network(beeline / "HSC_2000_0" / "refNetwork.csv")
    assert len(reference) == 30
    assert set(reference.sign) == {-1, 1}
    assert len(io.read_network(beeline / "ranked_edges.tsv.gz")) == 4180
    assert len(io.read_network(shared / "data" / "grn_benchmark" / "mDC" / "specific_network.csv.gz")) == 756
