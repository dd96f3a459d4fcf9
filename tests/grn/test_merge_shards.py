"""Shards put together, and what is refused."""

from __future__ import annotations

import pytest

from reguloom import grn, io
from reguloom._errors import InputError

FAST = {"n_estimators": 40}


@pytest.fixture(scope="module")
def shards(world):
    cells, tfs = world
    return [grn.infer(cells, tfs, shard=(i, 3), **FAST) for i in (1, 2, 3)]


def test_a_missing_or_foreign_shard_is_noticed(world, shards):
    cells, tfs = world
    with pytest.raises(InputError, match=r"\[2\] of 3"):
        grn.merge_shards([shards[0], shards[2]])
    with pytest.raises(InputError, match="different runs"):
        grn.merge_shards([shards[0], shards[1], grn.infer(cells, tfs, shard=(3, 3), rng=9, **FAST)])
    with pytest.raises(InputError, match="two of the networks"):
        grn.merge_shards([*shards, shards[0]])
    with pytest.raises(InputError, match="no network"):
        grn.merge_shards([])


@pytest.mark.parametrize("suffix", [".tsv", ".csv.gz", ".parquet"])
def test_files_of_shards_give_the_bytes_of_one_run(world, shards, tmp_path, suffix):
    cells, tfs = world
    whole, merged = tmp_path / f"whole{suffix}", tmp_path / f"merged{suffix}"
    io.write_network(grn.infer(cells, tfs, **FAST), whole)
    for i, shard in enumerate(shards):
        io.write_network(shard, tmp_path / f"{i}{suffix}")
    read = [io.read_network(tmp_path / f"{i}{suffix}") for i in range(3)]
    io.write_network(grn.merge_shards(read), merged)
    assert merged.read_bytes() == whole.read_bytes()


def test_limit_holds_for_the_whole(world, shards):
    cells, tfs = world
    limited = grn.merge_shards(shards, limit=7)
    assert (
        limited.to_frame()
        .astype({"source": str, "target": str})
        .equals(grn.infer(cells, tfs, limit=7, **FAST).to_frame().astype({"source": str, "target": str}))
    )
