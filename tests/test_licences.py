"""What reguloom pulls in may be used by everybody: the licence of every package that an installation brings."""

from __future__ import annotations

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement

#: Words of a licence field, an SPDX expression or a classifier that make it permissive.
PERMISSIVE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Zlib|Unlicense|0BSD|HPND|CC0|Public Domain|MPL|CNRI|"
    r"Historical Permission|Boost|BSL-1\.0)\b|MIT-CMU|LLVM",
    re.IGNORECASE,
)
#: What binds the programs that use it, or forbids some uses. The LGPL's and MPL's terms hold for their own files alone.
REFUSED = re.compile(
    r"(?<!L)(?<!Lesser )\bA?GPL|Affero|(?<!Lesser )General Public License|CeCILL|non-?commercial|CC[- ]BY-NC|SSPL|BUSL",
    re.IGNORECASE,
)
#: Packages whose metadata says too little, with what their own licence file says.
KNOWN = {"biobalm": "MIT"}


def installed(name: str, extras: frozenset[str], seen: dict[str, metadata.Distribution]) -> None:
    """Collect a distribution and what it needs, as far as it is installed."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return
    if key in seen and not extras:
        return
    seen[key] = distribution
    for text in distribution.requires or ():
        needed = Requirement(text)
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            if re.sub(r"[-_.]+", "-", needed.name).lower() not in seen:
                installed(needed.name, frozenset(needed.extras), seen)


def licence(distribution: metadata.Distribution) -> str:
    """Return what a distribution says of its licence: expression, classifiers, and a field that is no whole text."""
    if distribution.name in KNOWN:
        return KNOWN[distribution.name]
    fields = distribution.metadata
    said = [fields.get("License-Expression") or ""]
    said += [one for one in fields.get_all("Classifier") or () if one.startswith("License ::")]
    said.append((fields.get("License") or "").strip().partition("\n")[0])
    return "; ".join(one for one in said if one)


@pytest.fixture(scope="module")
def packages() -> dict[str, metadata.Distribution]:
    seen: dict[str, metadata.Distribution] = {}
    extras = frozenset(metadata.metadata("reguloom").get_all("Provides-Extra") or ())
    installed("reguloom", extras, seen)
    return seen


def test_every_package_is_permissive(packages: dict[str, metadata.Distribution]) -> None:
    assert len(packages) > 30
    wrong = {name: said for name, one in packages.items() if REFUSED.search(said := licence(one))}
    unclear = {name: said for name, one in packages.items() if not PERMISSIVE.search(said := licence(one))}
    assert not wrong
    assert not unclear


@pytest.mark.parametrize(
    "text",
    [
        "GPL-3.0-or-later",
        "GNU Affero General Public License v3",
        "CeCILL-2.1",
        "GNU General Public License v2 (GPLv2)",
        "Free for non-commercial use",
        "AGPL-3.0",
    ],
)
def test_what_would_be_refused(text: str) -> None:
    assert REFUSED.search(text)


@pytest.mark.parametrize(
    "text", ["MIT", "BSD-3-Clause", "License :: OSI Approved :: Apache Software License", "PSF-2.0"]
)
def test_what_is_permissive(text: str) -> None:
    assert PERMISSIVE.search(text) and not REFUSED.search(text)
