"""Fetching: complete, resumed, refused; what stays in the cache, and what the user is told."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import socket
import threading
from pathlib import Path

import pytest

from reguloom import InputError, ResourceError, resources
from reguloom.resources import download, fetch, where
from reguloom.resources.cache import part_of, path_of
from reguloom.resources.registry import find

NAME = "mm10-500bp-v10"
PATH = find(NAME).path
FILE = find(NAME).file
TFS = find("mouse-tfs").path
KEPT = 400_000 // 2**15 * 2**15  # whole chunks arrive


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_once_checked_and_found(mirror, cache, payload, caplog):
    mirror.add(PATH, payload)
    with caplog.at_level(logging.INFO, "reguloom"):
        path = fetch(NAME)
    assert path == cache / NAME / FILE
    assert path.read_bytes() == payload
    assert "verified against the publisher's checksum" in caplog.text
    assert fetch(NAME) == path == where(FILE)
    assert len(mirror.asked(PATH)) == 1
    assert resources.verify(NAME) == "verified"
    assert files_in(cache) == [f"{NAME}/{FILE}", f"{NAME}/{FILE}.manifest.json"]
    manifest = json.loads((cache / NAME / f"{FILE}.manifest.json").read_text())
    assert manifest["expected"] == "sha1:" + hashlib.sha1(payload).hexdigest()
    assert manifest["checked_by"].endswith(".sha1sum.txt")


def test_a_cut_transfer_is_resumed_in_the_same_run(mirror, payload):
    mirror.add(PATH, payload)
    mirror.cuts = [400_000, 300_000]
    assert fetch(NAME).read_bytes() == payload
    assert mirror.asked(PATH) == ["", f"bytes={KEPT}-", "bytes=688128-"]


def test_many_cuts_are_survived_as_long_as_bytes_arrive(mirror, payload):
    mirror.add(PATH, payload)
    mirror.cuts = [50_000] * 15
    assert fetch(NAME).read_bytes() == payload


def test_what_arrived_is_kept_for_the_next_run(mirror, cache, payload):
    mirror.add(PATH, payload)
    mirror.cuts = [400_000, 0, 0, 0, 0]
    with pytest.raises(ResourceError, match=f"{KEPT:,} bytes are kept, and the same command goes on from there"):
        fetch(NAME)
    assert not path_of(find(NAME)).exists()
    assert resources.list_resources().loc[NAME, "state"] == "partial"
    mirror.requests.clear()
    assert fetch(NAME).read_bytes() == payload
    assert mirror.asked(PATH) == [f"bytes={KEPT}-"]
    assert [name for name in files_in(cache) if ".part" in name] == []


def test_a_changed_file_is_not_glued_to_the_old_part(mirror, payload):
    mirror.add(PATH, payload)
    mirror.cuts = [400_000, 0, 0, 0, 0]
    with pytest.raises(ResourceError):
        fetch(NAME)
    newer = mirror.add(PATH, payload[::-1])
    mirror.tag = '"two"'
    assert fetch(NAME).read_bytes() == newer


def test_a_server_without_ranges_sends_it_all_again(mirror, payload):
    mirror.add(PATH, payload)
    mirror.ranges = False
    mirror.cuts = [400_000]
    assert fetch(NAME).read_bytes() == payload
    assert len(mirror.asked(PATH)) == 2


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_strong_validator_nothing_is_resumed(mirror, payload, tag):
    mirror.add(PATH, payload)
    mirror.tag = tag
    mirror.cuts = [400_000]
    assert fetch(NAME).read_bytes() == payload
    assert mirror.asked(PATH) == ["", ""]


def test_a_part_that_is_longer_than_the_file_is_thrown_away(mirror, payload):
    mirror.add(PATH, payload)
    part = part_of(path_of(find(NAME)))
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 2_000_000)
    assert fetch(NAME).read_bytes() == payload


def test_a_corrupt_file_is_refused_and_nothing_stays(mirror, cache, payload):
    mirror.add(PATH, payload)
    mirror.files[PATH] = payload[:-1] + b"?"
    with pytest.raises(ResourceError, match=r"does not have the checksum sha1:.* and was removed"):
        fetch(NAME)
    assert files_in(cache) == []


def test_a_corrupt_newer_file_leaves_the_good_one(mirror, payload):
    mirror.add(PATH, payload)
    path = fetch(NAME)
    mirror.files[PATH] = b"broken"
    with pytest.raises(ResourceError, match="checksum"):
        fetch(NAME, force=True)
    assert path.read_bytes() == payload
    assert resources.verify(NAME) == "verified"


def test_force_takes_the_newer_file(mirror, payload):
    mirror.add(PATH, payload)
    fetch(NAME)
    newer = mirror.add(PATH, payload[::-1])
    assert fetch(NAME, force=True).read_bytes() == newer


def test_404_names_the_address(mirror, cache):
    with pytest.raises(ResourceError, match=f"404 Not Found for {mirror.url}{PATH}"):
        fetch(NAME)
    assert files_in(cache) == []


def test_a_busy_server_is_asked_again(mirror, payload):
    mirror.add(PATH, payload)
    mirror.statuses = [503, 429]
    assert fetch(NAME).read_bytes() == payload


def test_no_server_at_all(cache, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("REGULOOM_RESOURCES_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(ResourceError, match="cannot be reached \\(connection refused\\)") as caught:
        fetch(NAME)
    assert caught.value.exit_code == 4
    assert files_in(cache) == []


def test_an_address_that_is_none(cache):
    with pytest.raises(ResourceError, match="not an address"):
        fetch(NAME, base_url="ftp://127.0.0.1")


def test_without_any_checksum_it_is_said_and_later_changes_show(mirror, caplog):
    mirror.add(TFS, b"Gata1\nSpi1\n", checksum=None)
    with caplog.at_level(logging.INFO, "reguloom"):
        path = fetch("mouse-tfs")
    assert "mouse-tfs is UNVERIFIED" in caplog.text
    assert resources.verify("mouse-tfs") == "unchanged"
    path.write_text("Gata1\nSpi2\n")
    with pytest.raises(ResourceError, match="has changed since it was downloaded"):
        resources.verify("mouse-tfs")


def test_the_recorded_checksum_decides_where_the_publisher_gives_none(mirror, cache, payload):
    name = "mouse-annotations-v10"
    mirror.add(find(name).path, payload, checksum=None)
    with pytest.raises(ResourceError, match="--no-check"):
        fetch(name)
    assert files_in(cache) == []
    assert fetch(name, check=False).read_bytes() == payload


def test_a_checksum_file_of_something_else_counts_as_none(mirror, payload, caplog):
    mirror.add(PATH, payload, checksum=None)
    mirror.files[f"{PATH}.sha1sum.txt"] = b"<html>maintenance</html>"
    assert fetch(NAME).read_bytes() == payload
    assert "holds no checksum" in caplog.text
    assert "UNVERIFIED" in caplog.text


def test_offline_uses_the_cache_alone(mirror, payload, monkeypatch):
    mirror.add(PATH, payload)
    path = fetch(NAME)
    mirror.requests.clear()
    monkeypatch.setenv("REGULOOM_OFFLINE", "1")
    assert fetch(NAME) == path
    with pytest.raises(ResourceError, match="mouse-tfs is not in the cache and the network is off; download http"):
        fetch("mouse-tfs")
    with pytest.raises(ResourceError, match="network is off"):
        fetch(NAME, force=True)
    path.write_bytes(b"short")
    with pytest.raises(ResourceError, match="changed and the network is off"):
        fetch(NAME)
    assert mirror.requests == []


def test_a_file_put_there_by_hand_is_taken(mirror, payload, caplog):
    mirror.add(PATH, payload)
    path = path_of(find(NAME))
    path.parent.mkdir(parents=True)
    path.write_bytes(payload)
    assert fetch(NAME, offline=True) == path
    assert "UNVERIFIED" in caplog.text
    path.with_name(path.name + ".manifest.json").unlink()
    assert resources.verify(NAME) == "verified"
    assert mirror.asked(PATH) == []


def test_a_wrong_file_put_there_by_hand_is_refused(mirror, payload):
    mirror.add(PATH, payload)
    path = path_of(find(NAME))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    with pytest.raises(ResourceError, match="cut short or another version"):
        fetch(NAME)


def test_two_at_once_download_once(mirror, payload):
    mirror.add(PATH, payload)
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(fetch(NAME))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 3
    assert len(mirror.asked(PATH)) == 1


def test_a_full_disk_is_refused_before_the_download(mirror, payload, monkeypatch):
    mirror.add(PATH, payload)
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ResourceError, match="set REGULOOM_CACHE to another folder"):
        fetch(NAME)


def test_a_cache_that_cannot_be_made(mirror, payload, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REGULOOM_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ResourceError, match="REGULOOM_CACHE"):
        fetch(NAME)


def test_fetch_set_gives_what_scenic_takes(mirror, payload):
    for name in ("mm10-500bp-v10", "mm10-10kbp-v10", "mouse-annotations-v10", "mouse-tfs"):
        mirror.add(find(name).path, payload)
    files = resources.fetch_set("mm10")
    assert set(files) == {"tfs", "rankings", "annotations"}
    assert [path.name.split("_full")[0] for path in files["rankings"]] == [
        "mm10_10kbp_up_10kbp_down",
        "mm10_500bp_up_100bp_down",
    ]
    with pytest.raises(InputError, match="no rankings for fly in v9; its rankings are of v10, v8"):
        resources.fetch_set("fly", version="v9")


def test_where_refuses_what_is_not_there(cache):
    with pytest.raises(ResourceError, match=f"reguloom resources fetch {NAME}"):
        where(NAME)


def test_the_default_cache_is_the_systems(monkeypatch):
    monkeypatch.delenv("REGULOOM_CACHE", raising=False)
    assert resources.cache_dir().name == "reguloom"
    monkeypatch.setenv("REGULOOM_CACHE", "~/somewhere")
    assert resources.cache_dir() == Path(os.path.expanduser("~/somewhere"))
