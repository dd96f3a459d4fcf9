"""Broken files made from good ones: a seed's bytes, put through a few mutations that a number decides."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

#: Texts that have broken parsers before: numbers that are none, separators, quotes, brackets, other alphabets, names
#: of Python, HTML and shells.
HOSTILE = (
    b"nan", b"-inf", b"1e999", b"-1", b"0", b"99999999999999999999", b"1_000", b"0x10", b"", b"\x00", b"\xff\xfe",
    b"\xef\xbb\xbf", b'"', b"'", b",", b",,,,", b"\t", b"\n", b"\r", b"\r\n\r\n", b";", b"|", b"(", b")", b"(" * 400,
    b"[" * 400, b"!" * 400, b"{", b"}", b"<script>", b"&amp;", b"&x;", b"%s%n", b"../../x", b"__import__('os')",
    b"!!python/object:os.system", b"&a [*a]", b"\xc3\xa9", b"\xed\xa0\x80", b"A" * 5000, b"True", b"None", b"null",
    b"#", b">", b"1,", b"=", b"!", b"&", b"T", b"F",
)  # fmt: skip
_INTEGERS = (0, 1, -1, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)


def mutate(seeds: Sequence[bytes], case: int) -> bytes:
    """Return one of the seeds with one to six mutations; the same for the same case.

    Parameters
    ----------
    seeds
        Bytes of valid files of one format.
    case
        Any number.
    """
    rng = random.Random(case)
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 6)):
        rng.choice(_OPERATIONS)(data, rng, seeds)
    return bytes(data)


def _place(data: bytearray, rng: random.Random) -> int:
    return rng.randrange(len(data) + 1)


def _flip(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.choice((0, 0xFF, 0x80, 0x20, rng.randrange(256)))


def _integer(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    size = rng.choice((2, 4, 8))
    value = rng.choice(_INTEGERS) & (2 ** (8 * size) - 1)
    at = _place(data, rng)
    data[at : at + size] = struct.pack("<Q", value)[:size]


def _insert(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at = _place(data, rng)
    data[at:at] = rng.choice(HOSTILE)


def _replace_word(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    """Replace the text between two separators, which leaves the rest of a table as it was."""
    at = _place(data, rng)
    marks = b",\t\n ;\"'"
    start = next((i + 1 for i in range(at - 1, -1, -1) if data[i] in marks), 0)
    end = next((i for i in range(at, len(data)) if data[i] in marks), len(data))
    data[start:end] = rng.choice(HOSTILE)


def _delete(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 8, 64, 512))]


def _repeat(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at = _place(data, rng)
    piece = data[at : at + rng.choice((1, 8, 64))]
    data[at:at] = piece * rng.choice((1, 2, 30))


def _truncate(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    del data[_place(data, rng) :]


def _swap_lines(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    lines = data.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    data[:] = b"\n".join(lines)


def _drop_line(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    lines = data.split(b"\n")
    del lines[rng.randrange(len(lines))]
    data[:] = b"\n".join(lines)


def _splice(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    other = rng.choice(seeds)
    data[_place(data, rng) :] = other[rng.randrange(len(other) + 1) :]


_OPERATIONS = (
    _flip, _overwrite, _integer, _insert, _replace_word, _replace_word, _delete, _repeat, _truncate, _swap_lines,
    _drop_line, _splice,
)  # fmt: skip
