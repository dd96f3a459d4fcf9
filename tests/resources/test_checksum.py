"""Checksum files as publishers write them."""

from __future__ import annotations

import pytest

from reguloom import ResourceError
from reguloom.resources.checksum import file_digest, matches, parse_checksum

SHA1, SHA256 = "a" * 40, "b" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{SHA1}  x.feather\n", f"sha1:{SHA1}"),
        (f"{SHA1} *x.feather\n", f"sha1:{SHA1}"),
        (f"{SHA1.upper()}  ./gene_based/x.feather\r\n", f"sha1:{SHA1}"),
        (f"{SHA256}  y.feather\n{SHA256[:-1]}c  x.feather\n", f"sha256:{SHA256[:-1]}c"),
        (f"{SHA256}\n", f"sha256:{SHA256}"),
        (f"{SHA1}  y.feather\n", ""),
        (f"{SHA1}\n{SHA1}\n", ""),
        ("<html>no such page</html>", ""),
        (f"{SHA1[:-1]}  x.feather\n", ""),
        ("", ""),
    ],
)
def test_parse(text, expected):
    assert parse_checksum(text, "x.feather") == expected


def test_digest(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert file_digest(path, "sha1") == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert matches(path, "md5:900150983cd24fb0d6963f7d28e17f72")
    assert not matches(path, "md5:00150983cd24fb0d6963f7d28e17f729")
    with pytest.raises(ResourceError, match="cannot be read"):
        file_digest(tmp_path / "y")
