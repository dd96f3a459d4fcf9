"""The registry: complete, consistent, searchable, and open to the user's own entries."""

from __future__ import annotations

import os

import pytest

from reguloom import InputError
from reguloom.resources import list_resources, registry, select
from reguloom.resources.registry import find


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    for name in ("REGULOOM_REGISTRY", "REGULOOM_RESOURCES_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REGULOOM_CACHE", str(tmp_path))


def test_every_entry_is_sound():
    entries = registry().values()
    assert len({entry.url() for entry in entries}) == len(entries)
    for entry in entries:
        if entry.kind == "data":
            continue
        assert entry.url().startswith("https://resources.aertslab.org/cistarget/")
        assert entry.checksum_url() == entry.url() + ".sha1sum.txt"
        assert entry.size_mb > 0
        assert len(entry.sha256) in (0, 64)
        assert entry.terms
        suffix = {"rankings": ".genes_vs_motifs.rankings.feather", "annotations": ".tbl", "tfs": ".txt"}
        assert entry.file.endswith(suffix.get(entry.kind, ".zip"))
        if entry.kind == "rankings":
            assert entry.genome in entry.file
            assert entry.search_space or entry.name == "dm6-v10"


def test_data_say_what_they_contain():
    """The source that VRNN_Gene_Clustering names holds bulk peaks, and no set of an analysis takes it in."""
    entry = find("gse164498")
    assert entry.file == "GSE164498_RAW.tar"
    assert entry.checksum_url() == ""
    assert "No gene-activity matrix" in entry.about
    assert "gse164498" in list_resources(kind="data").index
    assert not any(one.kind == "data" for one in select(species="human"))


@pytest.mark.parametrize(
    ("species", "version", "n_rankings"),
    [
        ("human", "v10", 2),
        ("human", "v9", 2),
        ("mouse", "v10", 2),
        ("mouse", "v9", 2),
        ("fly", "v10", 1),
        ("fly", "8", 1),
    ],
)
def test_a_species_and_a_version_give_a_whole_set(species, version, n_rankings):
    kinds = [entry.kind for entry in select(species=species, version=version)]
    assert kinds.count("rankings") == n_rankings
    assert kinds.count("annotations") == kinds.count("tfs") == 1


@pytest.mark.parametrize("word", ["mouse", "Mouse", "mm10", "mgi", "Mus_musculus"])
def test_a_species_has_several_names(word):
    assert {entry.species for entry in select(species=word)} == {"mouse"}


def test_nothing_found_says_what_there_is():
    with pytest.raises(InputError, match=r"species 'axolotl'; it has species: chicken, fly, human, mouse; version"):
        select(species="axolotl")


def test_a_misspelt_name_is_helped():
    with pytest.raises(InputError, match="mm10-500bp-v10"):
        find("mm10-500bp-v1")


def test_a_file_name_is_a_name_too():
    assert find("allTFs_mm.txt").name == "mouse-tfs"


def test_the_list_is_a_table():
    table = list_resources(species="human", version="v10")
    assert list(table.columns[:6]) == ["kind", "species", "genome", "version", "size_mb", "state"]
    assert "hg38-10kbp-v10" in table.index
    assert (table["state"] == "").all()


def test_a_mirror_replaces_the_publisher(monkeypatch):
    monkeypatch.setenv("REGULOOM_RESOURCES_URL", "http://mirror/x")
    assert find("mouse-tfs").url() == "http://mirror/x/tf_lists/allTFs_mm.txt"
    assert find("mouse-tfs").url("http://other/") == "http://other/tf_lists/allTFs_mm.txt"


def test_user_entries_are_added_and_replace(tmp_path, monkeypatch):
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    first.write_text('[resources.pig]\nkind="rankings"\nspecies="pig"\npath="http://lab/pig.feather"\n')
    second.write_text('base_url="http://lab"\n[resources.mouse-tfs]\nkind="tfs"\npath="ours.txt"\nspecies="mouse"\n')
    monkeypatch.setenv("REGULOOM_REGISTRY", f"{first}{os.pathsep}{second}")
    assert find("pig").url("http://mirror") == "http://lab/pig.feather"
    assert find("pig").checksum_url() == ""
    assert find("mouse-tfs").url() == "http://lab/ours.txt"
    assert [entry.name for entry in select(species="pig")] == ["pig"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[resources.x]\nkind='tfs'\n", "lacks path"),
        ("[resources.x]\nkind='tf'\npath='http://a/b'\n", "kind 'tf'"),
        ("[resources.x]\nkind='tfs'\npath='http://a/b'\nurl='c'\n", "unknown field url"),
        ("[resources.x]\nkind='tfs'\npath='b'\n", "no base_url"),
        ("[resources.'../x']\nkind='tfs'\npath='http://a/b'\n", "has a name with"),
        ("[resources.x\n", "is not TOML"),
    ],
)
def test_a_broken_user_registry_is_explained(tmp_path, monkeypatch, text, message):
    path = tmp_path / "own.toml"
    path.write_text(text)
    monkeypatch.setenv("REGULOOM_REGISTRY", str(path))
    with pytest.raises(InputError, match=message):
        registry()


def test_a_missing_user_registry_is_explained(monkeypatch):
    monkeypatch.setenv("REGULOOM_REGISTRY", "/nowhere/x.toml")
    with pytest.raises(InputError, match="/nowhere/x.toml does not exist; check REGULOOM_REGISTRY"):
        registry()
