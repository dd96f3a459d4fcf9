"""``reguloom doctor``: says what is there, what is missing, and whether the answers are right."""

from __future__ import annotations

import pytest

from reguloom.cli import _checkup


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("REGULOOM_CACHE", str(tmp_path / "cache"))


def test_all_is_well(run):
    outcome = run("doctor")
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    for line in ("Packages", "Extras", "Machine", "Cache", "Self-test", "ok network inference", "ok regulon activity"):
        assert line in outcome.out
    assert outcome.out.endswith("All is well.\n")


def test_a_missing_package_is_exit_code_5(run, monkeypatch):
    found = _checkup._version
    monkeypatch.setattr(_checkup, "_version", lambda name: "" if name == "h5py" else found(name))
    outcome = run("doctor", "--no-self-test")
    assert outcome.code == 5
    assert outcome.errors == ["error: h5py: MISSING; pip install 'h5py>=3.11'."]
    assert "!! h5py" in outcome.out


def test_a_package_that_is_too_old_is_exit_code_5(run, monkeypatch):
    found = _checkup._version
    monkeypatch.setattr(_checkup, "_version", lambda name: "1.20.0" if name == "numpy" else found(name))
    outcome = run("doctor", "--no-self-test")
    assert outcome.code == 5
    assert "numpy: 1.20.0, and >=1.26 is needed; pip install 'numpy>=1.26'" in outcome.errors[0]


def test_a_missing_extra_is_a_note_with_the_command(monkeypatch):
    found = _checkup._version
    monkeypatch.setattr(_checkup, "_version", lambda name: "" if name == "torch" else found(name))
    notes = {finding.what: finding for finding in _checkup.extras()}
    assert set(notes) == {"deep", "boolean", "motif", "scanpy", "distributed"}
    assert notes["deep"].state == "note"
    assert notes["deep"].says.endswith("pip install 'reguloom[deep]'")


def test_a_wrong_answer_is_exit_code_1(run, monkeypatch):
    monkeypatch.setattr(_checkup, "_check_aucell", lambda: "WRONG: 1 for 2")
    outcome = run("doctor")
    assert outcome.code == 1
    assert "WRONG: 1 for 2" in outcome.errors[0]


def test_the_self_test_can_fail(monkeypatch):
    import pandas as pd

    from reguloom import Network, activity, grn

    swapped = Network.from_edges(["TF1", "TF2"] * 2, [f"gene{i}" for i in range(4)], [1.0] * 4)
    monkeypatch.setattr(grn, "infer", lambda *_, **__: swapped)
    assert _checkup._check_grn().startswith("WRONG: the factor of gene0, gene1, gene2, gene3 was not found")
    monkeypatch.setattr(activity, "aucell_frame", lambda *_, **__: pd.DataFrame([[0.5]]))
    assert "0.5 for 0.7" in _checkup._check_aucell()


def test_memory_is_positive():
    free = _checkup.available_memory()
    assert free is None or free > 0


def test_a_cache_that_cannot_be_written_is_a_note(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REGULOOM_CACHE", str(tmp_path / "file" / "cache"))
    folder = next(iter(_checkup.cache()))
    assert folder.state == "note"
    assert "REGULOOM_CACHE" in folder.says
