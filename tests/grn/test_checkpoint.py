"""A killed run goes on where it stopped and ends with the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reguloom import grn, io
from reguloom._errors import InputError

FAST = {"n_estimators": 40}


def test_resume_continues_and_ends_the_same(world, tmp_path):
    cells, tfs = world
    io.write_network(grn.infer(cells, tfs, **FAST), tmp_path / "whole.tsv")
    folder = tmp_path / "checkpoint"
    grn.infer(cells, tfs, checkpoint=folder, **FAST)
    log = folder / "part-1-of-1.bin"
    whole = log.read_bytes()
    for keep in (0, 7, 1000, len(whole) // 2, len(whole) - 1, len(whole)):
        log.write_bytes(whole[:keep])
        io.write_network(
            grn.infer(cells, tfs, checkpoint=folder, resume=True, **FAST), tmp_path / "again.tsv", force=True
        )
        assert (tmp_path / "again.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()
        assert log.stat().st_size == len(whole)


def test_a_damaged_record_is_computed_again(world, tmp_path):
    cells, tfs = world
    whole = grn.infer(cells, tfs, checkpoint=tmp_path, **FAST)
    log = tmp_path / "part-1-of-1.bin"
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)
    again = grn.infer(cells, tfs, checkpoint=tmp_path, resume=True, **FAST)
    assert again.to_frame().equals(whole.to_frame())


def test_another_run_is_refused_and_says_what_differs(world, tmp_path):
    cells, tfs = world
    grn.infer(cells, tfs, checkpoint=tmp_path, **FAST)
    with pytest.raises(InputError, match="resume"):
        grn.infer(cells, tfs, checkpoint=tmp_path, **FAST)
    for change, word in (
        ({"rng": 1}, "seed"),
        ({"method": "pearson", "n_estimators": None}, "method"),
        ({"n_estimators": 41}, "params"),
        ({"targets": ["g1"]}, "genes"),
        ({"subsample": 100}, "expression"),
    ):
        options = {key: value for key, value in {**FAST, **change}.items() if value is not None}
        with pytest.raises(InputError, match=word):
            grn.infer(cells, tfs, checkpoint=tmp_path, resume=True, **options)


def test_shards_share_a_folder(world, tmp_path):
    cells, tfs = world
    whole = grn.infer(cells, tfs, **FAST)
    parts = [grn.infer(cells, tfs, checkpoint=tmp_path, shard=f"{i}/2", **FAST) for i in (1, 2)]
    assert sorted(path.name for path in tmp_path.glob("*.bin")) == ["part-1-of-2.bin", "part-2-of-2.bin"]
    assert grn.merge_shards(parts).to_frame().equals(whole.to_frame())


def test_resume_without_an_earlier_run_starts_one(world, tmp_path):
    cells, tfs = world
    network = grn.infer(cells, tfs, checkpoint=tmp_path / "new", resume=True, **FAST)
    assert network.to_frame().equals(grn.infer(cells, tfs, **FAST).to_frame())


@pytest.mark.slow
def test_kill_three_times_and_resume(world, tmp_path):
    cells, tfs = world
    cells.to_csv(tmp_path / "x.csv")
    (tmp_path / "tfs.txt").write_text("\n".join(tfs) + "\n")
    base = [sys.executable, "-m", "reguloom.cli", "grn", str(tmp_path / "x.csv"), str(tmp_path / "tfs.txt")]
    more = ["-m", "genie3", "-j", "1"]
    subprocess.run([*base, *more, "-o", str(tmp_path / "whole.tsv"), "-j", "2"], check=True)
    command = [*base, *more, "-o", str(tmp_path / "out.tsv"), "--checkpoint", str(tmp_path / "ck"), "--resume"]
    log = tmp_path / "ck" / "part-1-of-1.bin"
    for _ in range(3):
        _kill_after_growth(command, log)
        assert not (tmp_path / "out.tsv").exists()
    subprocess.run(command, check=True)
    assert (tmp_path / "out.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()


def _kill_after_growth(command: list[str], log: Path) -> None:
    """Start a run and kill it when it has written something more."""
    before = log.stat().st_size if log.exists() else 0
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if log.exists() and log.stat().st_size > before:
            break
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
