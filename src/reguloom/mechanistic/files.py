"""Reading and writing Boolean networks in the formats in use."""

from __future__ import annotations

import os
import re
from pathlib import Path

from reguloom._errors import InputError
from reguloom._files import atomic_write, existing, open_text
from reguloom.mechanistic._aeon import read_aeon, write_aeon
from reguloom.mechanistic._rule_text import read_text, write_text
from reguloom.mechanistic._sbml import read_sbml, write_sbml
from reguloom.mechanistic.boolean_network import BooleanNetwork

FORMATS = ("bnet", "boolnet", "aeon", "boolode", "sbml")
_SUFFIXES = {
    ".bnet": "bnet",
    ".aeon": "aeon",
    ".sbml": "sbml",
    ".xml": "sbml",
    ".txt": "boolnet",
    ".boolnet": "boolnet",
}


def read(path: str | os.PathLike[str], *, format: str | None = None) -> BooleanNetwork:
    """Read a Boolean network.

    Formats: ``.bnet`` (PyBoolNet, GINsim), BoolNet text (``all/any/maj/sumis/sumgt/sumlt``, probabilities, delays),
    AEON, BoolODE rule files, SBML-qual; any of them gzipped. Names are kept as they are.

    Parameters
    ----------
    path
        The file.
    format
        ``bnet``, ``boolnet``, ``aeon``, ``boolode`` or ``sbml``; by default told from the suffix and the content.

    Returns
    -------
    The network. Names that have no rule of their own are inputs.

    Raises
    ------
    InputError
        If the file cannot be read; the message names the line.

    Examples
    --------
    >>> network = rl.mechanistic.read("myeloid.bnet")  # doctest: +SKIP
    """
    path = existing(path, what="network")
    try:
        with open_text(path) as handle:
            text = handle.read()
    except (UnicodeDecodeError, EOFError, OSError) as error:
        msg = f"{path} is no text file ({error}); a network is text such as 'Gata1, Gata2 & !Spi1', or SBML."
        raise InputError(msg) from error
    return from_text(text, format=format or _detect(path, text), name=str(path))


def from_text(text: str, *, format: str = "boolnet", name: str = "the text") -> BooleanNetwork:
    """Return the network that a text holds.

    Parameters
    ----------
    text
        What a file of the format contains.
    format
        One of those of :func:`read`.
    name
        What to call the text in messages.

    Raises
    ------
    InputError
        If the text cannot be read; the message names the line.
    """
    if format == "sbml":
        return read_sbml(text, where=name)
    if format == "aeon":
        return read_aeon(text, where=name)
    return read_text(text, where=name, probabilistic=_check(format) == "boolnet")


def write(
    network: BooleanNetwork, path: str | os.PathLike[str], *, format: str | None = None, force: bool = False
) -> None:
    """Write a Boolean network.

    Names that other tools cannot read (``Pu.1``) are respelled (``Pu_1``), with a comment that gives :func:`read` the
    original back; SBML holds every name as it is.

    Parameters
    ----------
    network
        The network.
    path
        The file; its suffix decides the format: ``.bnet``, ``.txt`` (BoolNet), ``.aeon``, ``.sbml``/``.xml``;
        ``.gz`` after it compresses.
    format
        ``bnet``, ``boolnet``, ``aeon``, ``boolode`` or ``sbml``, in place of the suffix.
    force
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If the format cannot hold the network: delays and several rules for a gene are BoolNet's alone.
    """
    chosen = format or _by_suffix(Path(path))
    if chosen is None:
        known = ", ".join(_SUFFIXES)
        msg = f"the suffix of {path} names no format; end it in one of {known}, or give format=."
        raise InputError(msg)
    text = to_text(network, format=chosen)
    with atomic_write(path, force=force) as temporary, open_text(temporary, "w") as handle:
        handle.write(text)


def to_text(network: BooleanNetwork, *, format: str = "bnet") -> str:
    """Return the text that :func:`write` writes.

    Parameters
    ----------
    network
        The network.
    format
        ``bnet``, ``boolnet``, ``aeon``, ``boolode`` or ``sbml``.
    """
    if _check(format) == "sbml":
        return write_sbml(network)
    return write_aeon(network) if format == "aeon" else write_text(network, dialect=format)


def _check(format: str) -> str:
    """Return a format that there is."""
    if format not in FORMATS:
        msg = f"there is no format {format!r}; accepted are {', '.join(FORMATS)}."
        raise InputError(msg)
    return format


def _by_suffix(path: Path) -> str | None:
    """Return the format that the suffix names, if any."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def _detect(path: Path, text: str) -> str:
    """Tell the format from the suffix, and where that leaves a choice, from the content."""
    start = text.lstrip()[:2000]
    if start.startswith("<"):
        return "sbml"
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    suffix = _by_suffix(path)
    if suffix in ("aeon", "bnet"):
        return suffix
    if any(line.startswith("$") or re.match(r"\S+\s+-[>|?]\??\s+\S+$", line) for line in lines):
        return "aeon"
    if lines and re.match(r"gene\s*[\t ,]\s*rule\s*$", lines[0], re.IGNORECASE):
        return "boolode"
    return "boolnet"
