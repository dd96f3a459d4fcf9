"""The record of a run folder: stages are skipped only when nothing that decides them has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reguloom import InputError
from reguloom.pipeline._manifest import MANIFEST, Manifest


def run_stage(manifest: Manifest, name: str, params: dict, text: str) -> bool:
    with manifest.stage(name, params, [f"{name}.txt"]) as needed:
        if needed:
            (manifest.folder / f"{name}.txt").write_text(text)
    return needed


def test_a_finished_stage_is_kept(tmp_path: Path) -> None:
    assert run_stage(Manifest(tmp_path, {"x": "1"}), "one", {"a": 1}, "first")
    assert not run_stage(Manifest(tmp_path, {"x": "1"}), "one", {"a": 1}, "second")
    assert (tmp_path / "one.txt").read_text() == "first"


def test_a_changed_option_runs_its_stage_and_all_later_ones_again(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path, {"x": "1"})
    for name in ("second", "third", "first"):  # the order is that of the run, not of the alphabet
        run_stage(manifest, name, {}, "old")
    again = Manifest(tmp_path, {"x": "1"})
    assert not run_stage(again, "second", {}, "new")
    assert run_stage(again, "third", {"changed": True}, "new")
    assert run_stage(again, "first", {}, "new")


def test_a_stage_killed_midway_takes_the_later_ones_off_the_record(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path, {"x": "1"})
    for name in ("second", "third", "first"):
        run_stage(manifest, name, {}, "old")
    (tmp_path / "third.txt").unlink()
    with pytest.raises(RuntimeError), Manifest(tmp_path, {"x": "1"}).stage("third", {}, ["third.txt"]):
        raise RuntimeError
    assert list(json.loads((tmp_path / MANIFEST).read_text())["stages"]) == ["second"]


def test_a_missing_file_runs_its_stage_again(tmp_path: Path) -> None:
    run_stage(Manifest(tmp_path, {"x": "1"}), "one", {}, "first")
    (tmp_path / "one.txt").unlink()
    assert run_stage(Manifest(tmp_path, {"x": "1"}), "one", {}, "second")


def test_a_stage_that_failed_is_not_on_record(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path, {"x": "1"})
    run_stage(manifest, "one", {}, "first")
    with pytest.raises(RuntimeError), manifest.stage("one", {"other": 1}, ["one.txt"]):
        raise RuntimeError
    # Its files may be half replaced by now, so not even the earlier run counts as done.
    assert "one" not in json.loads((tmp_path / MANIFEST).read_text())["stages"]
    assert run_stage(Manifest(tmp_path, {"x": "1"}), "one", {}, "second")


def test_another_input_is_refused_without_force(tmp_path: Path) -> None:
    run_stage(Manifest(tmp_path, {"x": "1"}), "one", {}, "first")
    with pytest.raises(InputError, match="other inputs"):
        Manifest(tmp_path, {"x": "2"})
    assert run_stage(Manifest(tmp_path, {"x": "2"}, force=True), "one", {}, "second")


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(InputError, match=r"not empty \(thesis\.docx\)"):
        Manifest(tmp_path, {"x": "1"})
    Manifest(tmp_path, {"x": "1"}, force=True)
    with pytest.raises(InputError, match="is a file"):
        Manifest(tmp_path / "thesis.docx", {"x": "1"})


def test_a_damaged_record_runs_everything_again(tmp_path: Path) -> None:
    run_stage(Manifest(tmp_path, {"x": "1"}), "one", {}, "first")
    (tmp_path / MANIFEST).write_text('{"inputs": {"x"')
    assert run_stage(Manifest(tmp_path, {"x": "1"}), "one", {}, "second")


def test_the_record_holds_no_clock_time(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        manifest = Manifest(tmp_path / name, {"x": "1"})
        (tmp_path / name).mkdir(exist_ok=True)
        run_stage(manifest, "one", {"p": 0.5, "q": None}, "first")
        texts.append((tmp_path / name / MANIFEST).read_text())
    assert texts[0] == texts[1]
