"""Files are whole or not there, and a refusal says why."""

from __future__ import annotations

import gzip
import stat
from pathlib import Path

import pytest

from reguloom import InputError, ResourceError
from reguloom._files import atomic_write, check_output, existing, open_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "a.csv.gz"
    with atomic_write(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.name.endswith(".csv.gz")
        temporary.write_text("x")
        assert not path.exists()
    assert path.read_text() == "x"
    assert names(path.parent) == ["a.csv.gz"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o444 == 0o444  # not the 0600 of a temporary file


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interruption_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(error), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.csv"]


def test_an_error_of_the_disk_is_explained(tmp_path):
    with pytest.raises(InputError, match=r"a\.csv could not be written \(No space left on device\); free some space"):
        with atomic_write(tmp_path / "a.csv"):
            raise OSError(28, "No space left on device")
    assert names(tmp_path) == []


def test_pages_of_hdf5_become_one_reason(tmp_path):
    text = "Unable to write\n(file write failed: errno = 28, error message = 'No space left on device', buf = 0x5)"
    with pytest.raises(InputError) as caught, atomic_write(tmp_path / "a.h5"):
        raise OSError(text)
    assert "could not be written (No space left on device);" in str(caught.value)


def test_our_own_errors_pass_through(tmp_path):
    with pytest.raises(ResourceError, match="^as it is$"), atomic_write(tmp_path / "a"):
        msg = "as it is"
        raise ResourceError(msg)


def test_nothing_is_replaced_without_force(tmp_path):
    path = tmp_path / "a"
    path.write_text("mine")
    with pytest.raises(InputError, match="exists already; give --force"), atomic_write(path, force=False):
        pass
    assert path.read_text() == "mine"


def test_check_output_refuses_folders_and_makes_parents(tmp_path):
    with pytest.raises(InputError, match="is a folder; give the name"):
        check_output(tmp_path)
    assert check_output(tmp_path / "x" / "y" / "a").parent.is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be made \(it is a file\); choose a folder"):
        check_output(tmp_path / "file" / "a")
    with pytest.raises(InputError, match="cannot be made"):
        check_output("/proc/none/a")


def test_existing(tmp_path):
    with pytest.raises(InputError, match="the list .* does not exist; check the name"):
        existing(tmp_path / "a", what="list")
    (tmp_path / "a").write_text("")
    with pytest.raises(InputError, match=r"is empty \(0 bytes\)"):
        existing(tmp_path / "a")
    assert existing(tmp_path) == tmp_path


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_text_goes_round(tmp_path, name):
    with open_text(tmp_path / name, "w") as handle:
        handle.write("Gata1\nñ\n")
    with open_text(tmp_path / name) as handle:
        assert handle.read() == "Gata1\nñ\n"


def test_a_byte_order_mark_and_windows_lines_are_read_away(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfGata1\r\nSpi1\r\n")
    with open_text(tmp_path / "a.txt") as handle:
        assert handle.read() == "Gata1\nSpi1\n"


def test_the_same_text_gives_the_same_gzip(tmp_path):
    for name in ("a.gz", "b.gz"):
        with open_text(tmp_path / name, "w") as handle:
            handle.write("x" * 1000)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == b"x" * 1000
