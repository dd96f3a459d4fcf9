"""``reguloom resources`` against a server of our own."""

from __future__ import annotations

import os

import pytest

from reguloom.resources.cache import path_of
from reguloom.resources.registry import find

NAME = "mm10-500bp-v10"
MOUSE = ("mm10-10kbp-v10", NAME, "mouse-annotations-v10", "mouse-tfs")


@pytest.fixture
def mouse(mirror, payload):
    """The server has everything for a mouse; the annotations with a checksum file, since their content is ours."""
    for name in MOUSE:
        mirror.add(find(name).path, payload)
    return mirror


def test_list_is_tab_separated_in_a_pipe(run, mouse):
    outcome = run("resources", "list", "--species", "mouse", "--version", "10")
    lines = outcome.out.splitlines()
    assert lines[0].split("\t")[:6] == ["name", "kind", "species", "genome", "version", "size_mb"]
    assert {line.split("\t")[0] for line in lines[1:]} == set(MOUSE)
    assert outcome.err == ""


def test_fetch_by_name_prints_the_path_alone(run, mouse):
    outcome = run("resources", "fetch", NAME)
    assert outcome.code == 0
    assert outcome.out == f"{path_of(find(NAME))}\n"
    assert "verified against the publisher's checksum" in outcome.err
    assert run("resources", "where", NAME).out == outcome.out


def test_fetch_by_species_takes_one_collection(run, mouse, cache):
    outcome = run("-q", "resources", "fetch", "--species", "mouse")
    assert outcome.code == 0
    assert outcome.out.split() == [str(path_of(find(name))) for name in MOUSE]
    assert outcome.err == ""
    listed = run("resources", "list", "-s", "mouse").out.splitlines()
    assert sum("\tcached\t" in line for line in listed) == 4


def test_fetch_needs_to_be_told_what(run, cache):
    outcome = run("resources", "fetch")
    assert outcome.code == 2
    assert "name at least one resource" in outcome.errors[0]


def test_unknown_name(run, cache):
    outcome = run("resources", "fetch", "mm10")
    assert outcome.code == 3
    assert "there is no resource 'mm10'; did you mean mm10-" in outcome.errors[0]


def test_a_corrupt_file_is_exit_code_4_and_nothing_stays(run, mouse, cache):
    mouse.files[find(NAME).path] = b"other"
    outcome = run("resources", "fetch", NAME)
    assert outcome.code == 4
    assert len(outcome.errors) == 1
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_offline_is_exit_code_4_and_asks_nobody(run, mouse):
    outcome = run("resources", "fetch", "--offline", NAME)
    assert outcome.code == 4
    assert "the network is off" in outcome.errors[0]
    assert mouse.requests == []
    assert "REGULOOM_OFFLINE" not in os.environ  # the option does not outlive the command


def test_mirror_and_cache_options(run, mouse, tmp_path, monkeypatch):
    monkeypatch.delenv("REGULOOM_RESOURCES_URL")
    elsewhere = tmp_path / "elsewhere"
    outcome = run("resources", "fetch", NAME, "--resources_url", mouse.url, "--cache", elsewhere)
    assert outcome.code == 0
    assert outcome.out.startswith(str(elsewhere))
    assert run("resources", "where").out.strip() == os.environ["REGULOOM_CACHE"]


def test_verify_names_what_changed(run, mouse):
    run("resources", "fetch", *MOUSE)
    assert run("resources", "verify").out.splitlines() == [f"{name}\tverified" for name in MOUSE]
    path_of(find(NAME)).write_bytes(b"bit rot")
    outcome = run("resources", "verify")
    assert outcome.code == 4
    assert f"{NAME}\tFAILED" in outcome.out
    assert outcome.out.count("verified") == 3
    assert f"--force {NAME}" in outcome.errors[0]
    assert run("resources", "fetch", "--force", NAME).code == 0
    assert run("resources", "verify", NAME).code == 0


def test_where_without_the_file(run, cache):
    outcome = run("resources", "where", NAME)
    assert outcome.code == 4
    assert f"reguloom resources fetch {NAME}" in outcome.errors[0]


def test_a_terminal_gets_a_table(run, mouse, monkeypatch):
    from reguloom.cli import resources

    monkeypatch.setattr(resources.sys.stdout, "isatty", lambda: True, raising=False)
    shown = run("resources", "list", "--kind", "tfs").out
    assert "mouse-tfs" in shown
    assert "\t" not in shown
    assert "Cache:" in shown
