"""Shards of motif enrichment: joined, they are the bytes of one run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom import cistarget

OPTIONS = {"rank_threshold": 300, "nes_threshold": 2.0}


def database(seed: int) -> pd.DataFrame:
    ranks = np.argsort(np.random.default_rng(seed).random((50, 600)), axis=1).astype(np.int16)
    table = pd.DataFrame(ranks, [f"m{seed}-{i}" for i in range(50)], [f"G{i}" for i in range(600)])
    table.attrs["name"] = f"database {seed}"
    return table


@pytest.fixture(scope="module")
def databases() -> list[pd.DataFrame]:
    return [database(2), database(1)]


@pytest.fixture(scope="module")
def sets(databases: list[pd.DataFrame]) -> dict[str, list[str]]:
    rng, made = np.random.default_rng(0), {}
    for i in range(17):
        top = np.argsort(databases[i % 2].to_numpy()[i])[:60]
        made[f"s{i}"] = [f"G{j}" for j in rng.choice(top, 30, replace=False)]
    return made


@pytest.mark.parametrize("count", [1, 3, 20])
def test_joined_shards_are_one_run(
    databases: list[pd.DataFrame], sets: dict[str, list[str]], tmp_path: Path, count: int
) -> None:
    whole = cistarget.enrich(sets, databases, **OPTIONS)
    assert whole["Context"].map(str).str.contains("database 1").any()
    parts = []
    for number in range(count, 0, -1):
        path = tmp_path / f"{number}.parquet"
        cistarget.write_shard(cistarget.enrich(sets, databases, shard=(number, count), **OPTIONS), path)
        assert cistarget.is_shard(path)
        parts.append(cistarget.read_shard(path))
    joined = cistarget.merge_shards(parts)
    assert list(joined.columns) == list(whole.columns)
    for name, table in {"whole": whole, "joined": joined}.items():
        rl.io.write_motif_table(table, tmp_path / f"{name}.csv")
    assert (tmp_path / "whole.csv").read_bytes() == (tmp_path / "joined.csv").read_bytes()


def test_what_does_not_belong_together_is_refused(databases: list[pd.DataFrame], sets: dict[str, list[str]]) -> None:
    first, second = (cistarget.enrich(sets, databases, shard=(i, 2), **OPTIONS) for i in (1, 2))
    other = cistarget.enrich(sets, databases, shard=(2, 2), rank_threshold=200, nes_threshold=2.0)
    for tables, pattern in {
        "missing": ([first], r"shards \[2\] of 2 are missing"),
        "twice": ([first, second, second], "a shard is there twice"),
        "another run": ([first, other], "different runs"),
        "no shard": ([cistarget.enrich(sets, databases, **OPTIONS)], "no shards of a motif table"),
        "nothing": ([], "no shards of a motif table"),
    }.values():
        with pytest.raises(rl.InputError, match=pattern):
            cistarget.merge_shards(tables)
    with pytest.raises(rl.InputError, match="shard is '3/2'"):
        cistarget.enrich(sets, databases, shard="3/2", **OPTIONS)


def test_a_file_that_is_no_shard_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    assert not cistarget.is_shard(tmp_path / "a.parquet")
    with pytest.raises(rl.InputError, match="no shard of a motif table"):
        cistarget.read_shard(tmp_path / "a.parquet")
