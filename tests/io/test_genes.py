"""Gene lists."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from reguloom import io
from reguloom._errors import InputError


@pytest.mark.parametrize(
    "content",
    [
        b"Spi1\nGata1\n",
        b"Spi1\r\n\r\nGata1\r\n",
        b"\xef\xbb\xbfSpi1\nGata1",
        b"# a list\nSpi1\tx\ty\n  \nGata1\tz\n",
        b'"Spi1",1\n"Gata1",2\n',
        b"Spi1 a factor\nGata1\nSpi1\n",
    ],
)
def test_one_name_a_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "tfs.txt").write_bytes(content)
    (tmp_path / "tfs.txt.gz").write_bytes(gzip.compress(content))
    assert io.read_genes(tmp_path / "tfs.txt") == ["Spi1", "Gata1"]
    assert io.read_genes(tmp_path / "tfs.txt.gz") == ["Spi1", "Gata1"]


def test_fly_names_survive(tmp_path: Path) -> None:
    (tmp_path / "tfs.txt").write_text("l(1)sc\nE(spl)m3-HLH\n14-3-3zeta\n")
    assert io.read_genes(tmp_path / "tfs.txt") == ["l(1)sc", "E(spl)m3-HLH", "14-3-3zeta"]


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty"), (b"# nothing\n\n", "no name"), (b"\xff\xfe\x00A\x01", "not a text file")]
)
def test_no_list(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "tfs.txt").write_bytes(content)
    with pytest.raises(InputError, match=words):
        io.read_genes(tmp_path / "tfs.txt")


def test_missing_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        io.read_genes(tmp_path / "tfs.txt")
    with pytest.raises(InputError, match="is a folder"):
        io.read_genes(tmp_path)


def test_published_lists(shared: Path) -> None:
    assert len(io.read_genes(shared / "data" / "scenic" / "allTFs_hg38.txt")) == 1797
    assert io.read_genes(shared / "data" / "scenic" / "test_TFs_small.txt") == ["BRF1", "FOS"]
