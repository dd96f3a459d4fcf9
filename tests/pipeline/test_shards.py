"""Job arrays: each part by a command of its own, and the parts joined are the bytes of one run."""

from __future__ import annotations

from pathlib import Path


def test_parts_of_motif_enrichment_are_merged(finished: Path, small_world: Path, run, tmp_path: Path) -> None:
    rankings = small_world / "world.genes_vs_motifs.rankings.feather"
    options = ["--annotations", small_world / "motifs.tbl", "--expression", small_world / "cells.h5ad"]
    options += ["--rank-threshold", 300, "--nes-threshold", 2.5, "--min-genes", 10]
    ctx = ["ctx", finished / "grn" / "adjacencies.tsv", rankings, *options]
    parts = [tmp_path / f"{i}.parquet" for i in (1, 2)]
    for i, part in enumerate(parts, 1):
        assert run(*ctx, "--shard", f"{i}/2", "-o", part).code == 0
    for name in ("motifs.csv", "regulons.gmt"):
        assert run("merge", *parts, "-o", tmp_path / name).code == 0
        assert (tmp_path / name).read_bytes() == (finished / "ctx" / name).read_bytes()
    refused = run("merge", parts[0], "-o", tmp_path / "half.csv")
    assert refused.code == 3 and "shards [2] of 2 are missing" in refused.err
    refused = run(*ctx, "--shard", "1/2", "-o", tmp_path / "part.csv")
    assert refused.code == 2 and "a shard is written to a .parquet file" in refused.err


def test_parts_of_a_screen_are_put_together(finished: Path, small_world: Path, run, tmp_path: Path) -> None:
    screen = ["oracle", "screen", small_world / "cells.h5ad", "--base-network", finished / "ctx" / "regulons.gmt"]
    screen += ["--groupby", "cell_type", "--basis", "pca", "--pseudotime", "pseudotime", "--nulls", "rewired"]
    screen += ["--n-null", 10, "--n-bootstrap", 5, "--n-bags", 3, "-o", tmp_path]
    for i in (2, 1):
        done = run(*screen, "--shard", f"{i}/2")
        assert done.code == 0 and f"Shard {i}/2 is done" in done.out
    assert {path.name for path in tmp_path.iterdir()} == {f"screen.partial-{i}-of-2.jsonl" for i in (1, 2)}
    done = run(*screen)
    assert done.code == 0 and "knocking out:" not in done.err
    assert (tmp_path / "screen.csv").read_bytes() == (finished / "oracle" / "screen.csv").read_bytes()
    assert not list(tmp_path.glob("*.jsonl"))
