"""Ranking databases: every layout gives the same numbers, and broken files say so."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from reguloom import io
from reguloom._errors import InputError, MissingKeyError, ResourceError
from reguloom.io import rankings

N_MOTIFS, N_GENES = 40, 300
GENES = [f"G{i:04d}" for i in range(N_GENES)]
MOTIFS = [f"jaspar__MA{i}" for i in range(N_MOTIFS)]


@pytest.fixture
def ranks() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([rng.permutation(N_GENES) for _ in range(N_MOTIFS)], dtype=np.int16)


def write_as(layout: str, ranks: np.ndarray, folder: Path) -> Path:
    """Write the same database in one of the layouts that exist."""
    path = folder / f"db.{layout}.feather"
    columns = pd.DataFrame(ranks, columns=GENES)
    match layout:
        case "v2" | "lz4" | "uncompressed":
            codec = {"v2": "zstd"}.get(layout, layout)
            feather.write_feather(columns.assign(motifs=MOTIFS), path, compression=codec)
        case "chunked":
            feather.write_feather(columns.assign(tracks=MOTIFS), path, chunksize=7)
        case "v1":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                table = columns.copy()
                table.insert(0, "features", MOTIFS)
                schema = pa.schema([("features", pa.string()), *((gene, pa.int16()) for gene in GENES)])
                feather.write_feather(pa.table(table, schema=schema), path, version=1)
        case "parquet":
            parquet.write_table(pa.table(columns.assign(motifs=MOTIFS)), path)
        case "motifs_vs_genes":
            feather.write_feather(pd.DataFrame(ranks.T, columns=MOTIFS).assign(genes=GENES), path)
    return path


LAYOUTS = ("v2", "lz4", "uncompressed", "chunked", "v1", "parquet", "motifs_vs_genes")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same(layout: str, ranks: np.ndarray, tmp_path: Path) -> None:
    database = io.read_rankings(write_as(layout, ranks, tmp_path))
    assert database.genes == GENES
    assert database.motifs == MOTIFS
    assert (database.n_genes, database.n_motifs) == (N_GENES, N_MOTIFS)
    assert database.kind == "rankings"
    assert database.dtype == np.int16
    assert database.name == f"db.{layout}"
    assert not database.regions
    np.testing.assert_array_equal(database.load(), ranks)
    chosen = [GENES[i] for i in (7, 3, 299, 0, 3)]
    loaded = database.load(chosen)
    np.testing.assert_array_equal(loaded, ranks[:, [7, 3, 299, 0, 3]])
    assert loaded.flags.c_contiguous
    assert loaded.dtype == np.int16
    blocks = list(database.blocks(chosen, n_motifs_per_block=17))
    assert [one.stop - one.start for one, _ in blocks] == [17, 17, 6]
    assert all(block.flags.c_contiguous for _, block in blocks)
    np.testing.assert_array_equal(np.vstack([block for _, block in blocks]), loaded)


@pytest.mark.parametrize("compression", ["zstd", "lz4", "uncompressed"])
def test_written_as_version_2(compression: str, ranks: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.genes_vs_motifs.rankings.feather"
    order = np.random.default_rng(1).permutation(N_GENES)
    io.write_rankings(ranks[:, order], MOTIFS, [GENES[i] for i in order], path, compression=compression)
    schema = pa.ipc.open_file(pa.memory_map(str(path))).schema
    assert schema.names == [*GENES, "motifs"]
    assert {str(kind) for kind in schema.types[:-1]} == {"int16"}
    assert not schema.metadata
    np.testing.assert_array_equal(io.read_rankings(path).load(), ranks)
    first = path.read_bytes()
    io.write_rankings(ranks, MOTIFS, GENES, path, compression=compression, force=True)
    assert path.read_bytes() == first


def test_scores_and_wide_ranks(tmp_path: Path) -> None:
    scores = np.random.default_rng(0).random((3, 5))
    io.write_rankings(scores, list("abc"), list("ABCDE"), tmp_path / "s.feather")
    database = io.read_rankings(tmp_path / "s.feather")
    assert (database.kind, database.dtype) == ("scores", np.float32)
    wide = np.arange(40_000)[None, :]
    io.write_rankings(wide, ["m"], [f"g{i:05d}" for i in range(40_000)], tmp_path / "w.feather")
    assert io.read_rankings(tmp_path / "w.feather").dtype == np.int32


def test_regions(tmp_path: Path) -> None:
    names = ["chr1:10-20", "chr1:30-40", "chr2:5-9"]
    io.write_rankings(np.array([[2, 0, 1]]), ["m"], names, tmp_path / "r.feather")
    database = io.read_rankings(tmp_path / "r.feather")
    assert database.regions
    assert database.genes == names


def test_only_the_needed_columns_are_read(ranks: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = io.read_rankings(write_as("v2", ranks, tmp_path))
    asked: list[list[str]] = []
    real = rankings._arrow.columns
    monkeypatch.setattr(rankings._arrow, "columns", lambda path, names: asked.append(names) or real(path, names))
    monkeypatch.setattr(rankings, "_READ_BYTES", 64 * N_MOTIFS * 2)
    database.load(GENES[:100])
    assert [len(names) for names in asked] == [64, 36]


def test_missing_genes_are_named_and_found(ranks: np.ndarray, tmp_path: Path) -> None:
    database = io.read_rankings(write_as("v2", ranks, tmp_path))
    assert database.positions(["G0003", "none"]).tolist() == [3, -1]
    with pytest.raises(MissingKeyError, match="1 of 2 genes.*'none'"):
        database.load(["G0003", "none"])


def test_it_travels_to_other_processes(ranks: np.ndarray, tmp_path: Path) -> None:
    database = pickle.loads(pickle.dumps(io.read_rankings(write_as("v2", ranks, tmp_path))))
    np.testing.assert_array_equal(database.load(GENES[:2]), ranks[:, :2])


@pytest.mark.parametrize("layout", ["v2", "uncompressed", "v1", "parquet"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_truncated(layout: str, share: float, ranks: np.ndarray, tmp_path: Path) -> None:
    path = write_as(layout, ranks, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ResourceError, match="cut short or corrupt") as caught:
        io.read_rankings(path)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_old_file_raises_and_never_crashes(seed: int, ranks: np.ndarray, tmp_path: Path) -> None:
    path = write_as("v1", ranks, tmp_path)
    rng = np.random.default_rng(seed)
    damaged = bytearray(path.read_bytes())
    start = int(rng.integers(len(damaged) // 2, len(damaged) - 64))
    damaged[start : start + 64] = rng.bytes(64)
    path.write_bytes(damaged)
    try:
        io.read_rankings(path).load()
    except (InputError, ResourceError, MissingKeyError) as error:
        assert "\n" not in str(error)


def test_damaged_compressed_values(ranks: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "db.feather"
    io.write_rankings(np.repeat(ranks, 50, axis=0), [f"m{i}" for i in range(50 * N_MOTIFS)], GENES, path)
    damaged = bytearray(path.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 4000] = bytes(4000)
    path.write_bytes(damaged)
    with pytest.raises(ResourceError, match="corrupt"):
        io.read_rankings(path).load()


def test_negative_ranks_are_damage(ranks: np.ndarray, tmp_path: Path) -> None:
    ranks[3, 4] = -1
    with pytest.raises(ResourceError, match="rank -1"):
        io.read_rankings(write_as("v2", ranks, tmp_path)).load()


def test_files_that_are_something_else(ranks: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "x.feather"
    path.write_text("motifs,A\n")
    with pytest.raises(InputError, match="no feather"):
        io.read_rankings(path)
    feather.write_feather(pd.DataFrame({"A": [1], "B": [2]}), path)
    with pytest.raises(InputError, match="0 text columns"):
        io.read_rankings(path)
    feather.write_feather(pd.DataFrame({"A": [1], "who": ["m"]}), path)
    with pytest.raises(InputError, match="'who'.*motifs, tracks"):
        io.read_rankings(path)
    feather.write_feather(pd.DataFrame({"A": [1], "B": [0.5], "motifs": ["m"]}), path)
    with pytest.raises(InputError, match="one numeric type"):
        io.read_rankings(path)
    with pytest.raises(InputError, match="does not exist"):
        io.read_rankings(tmp_path / "none.feather")
    path.write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        io.read_rankings(path)


def test_writing_what_does_not_fit(ranks: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shape"):
        io.write_rankings(ranks, MOTIFS[:-1], GENES, tmp_path / "a.feather")
    with pytest.raises(InputError, match="once"):
        io.write_rankings(ranks, MOTIFS, [*GENES[:-1], GENES[0]], tmp_path / "a.feather")


def test_real_databases(shared: Path) -> None:
    folder = shared / "data" / "scenic"
    new = io.read_rankings(folder / "hg19-tss-centered-10kb-10species.mc9nr.genes_vs_motifs.rankings.feather")
    old = io.read_rankings(folder / "hg19-tss-centered-10kb-10species.mc9nr.v1.feather")
    assert (new.n_motifs, new.n_genes) == (5, 22284)
    assert old.genes == new.genes
    assert old.motifs == new.motifs
    values = new.load()
    np.testing.assert_array_equal(old.load(), values)
    np.testing.assert_array_equal(np.sort(values, axis=1), np.broadcast_to(np.arange(22284), values.shape))
