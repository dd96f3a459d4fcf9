"""What can be fetched: the built-in registry of public cisTarget resources, and the user's own ones."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from reguloom._errors import InputError
from reguloom._reading import content_errors

if TYPE_CHECKING:
    import pandas as pd

#: Environment variable: TOML files (joined by the path separator) whose entries are added to the registry.
REGISTRY_VARIABLE = "REGULOOM_REGISTRY"
#: Environment variable: a mirror that takes the place of the publisher's address.
MIRROR_VARIABLE = "REGULOOM_RESOURCES_URL"

KINDS = ("rankings", "annotations", "tfs", "motifs", "data")
_SPECIES = {
    **dict.fromkeys(("human", "homo_sapiens", "hs", "hg38", "hgnc"), "human"),
    **dict.fromkeys(("mouse", "mus_musculus", "mm", "mm10", "mgi"), "mouse"),
    **dict.fromkeys(("fly", "drosophila_melanogaster", "drosophila", "dmel", "dm6", "flybase"), "fly"),
}


@dataclass(frozen=True)
class Resource:
    """One file that can be fetched.

    Parameters
    ----------
    name
        What it is called here.
    kind
        ``"rankings"``, ``"annotations"``, ``"tfs"``, ``"motifs"`` or ``"data"``.
    path
        Address below `base_url`, or a whole address.
    base_url
        The publisher's address; a mirror takes its place, unless `path` is a whole address.
    checksum
        Pattern of the address of the publisher's checksum file, with ``{url}`` for the file's; empty if there is none.
    sha256
        Recorded checksum, used where the publisher gives none; empty if it is not known.
    species, genome, version, search_space
        What the file is about; empty where that does not apply.
    size_mb
        Approximate size in 10^6 bytes; 0 if it is not known.
    terms
        Who publishes it and where the terms of use stand.
    about
        What it contains, where its name does not say.
    """

    name: str
    kind: str
    path: str
    base_url: str = ""
    checksum: str = ""
    sha256: str = ""
    species: str = ""
    genome: str = ""
    version: str = ""
    search_space: str = ""
    size_mb: float = 0.0
    terms: str = ""
    about: str = ""

    @property
    def file(self) -> str:
        """Name of the file."""
        return PurePosixPath(self.path.split("?")[0]).name

    def url(self, base_url: str | None = None) -> str:
        """Return the address of the file, at the mirror `base_url` if one is given or set in the environment."""
        if "://" in self.path:
            return self.path
        base = base_url or os.environ.get(MIRROR_VARIABLE) or self.base_url
        return f"{base.rstrip('/')}/{self.path}"

    def checksum_url(self, base_url: str | None = None) -> str:
        """Return the address of the publisher's checksum file (under `base_url`, if given), or an empty text."""
        return self.checksum.format(url=self.url(base_url)) if self.checksum else ""


def registry() -> dict[str, Resource]:
    """Return every resource by its name: the built-in ones, then those of the files in ``REGULOOM_REGISTRY``.

    Returns
    -------
    Name → :class:`Resource`, in the order of the files; an entry of the user's replaces a built-in one of its name.

    Raises
    ------
    InputError
        If a registry file is missing or malformed.
    """
    entries = _read(Path(__file__).with_name("registry.toml"))
    for text in os.environ.get(REGISTRY_VARIABLE, "").split(os.pathsep):
        if text:
            entries |= _read(Path(text).expanduser())
    return entries


def find(name: str) -> Resource:
    """Return the resource called `name`, or whose file is called so.

    Raises
    ------
    InputError
        If there is none; the message lists the nearest names.
    """
    entries = registry()
    if name in entries:
        return entries[name]
    by_file = {entry.file: entry for entry in entries.values()}
    if name in by_file:
        return by_file[name]
    containing = [entry for entry in entries if name.lower() in entry]
    near = containing[:3] or difflib.get_close_matches(name, entries, n=3, cutoff=0.4) or list(entries)[:3]
    msg = f"there is no resource {name!r}; did you mean {' or '.join(near)}? 'reguloom resources list' shows all."
    raise InputError(msg)


def select(*, species: str | None = None, version: str | None = None, kind: str | None = None) -> list[Resource]:
    """Return the resources that fit.

    Parameters
    ----------
    species
        ``"human"``, ``"mouse"``, ``"fly"`` ...; a genome or nomenclature (``"mm10"``, ``"mgi"``) does as well.
    version
        Motif collection, ``"v10"`` or ``"10"``; files that belong to no collection (TF lists) fit every one.
    kind
        ``"rankings"``, ``"annotations"``, ``"tfs"``, ``"motifs"`` or ``"data"``.

    Raises
    ------
    InputError
        If nothing fits; the message lists what there is.
    """
    entries = list(registry().values())
    wanted = {
        "species": _SPECIES.get(species.lower(), species.lower()) if species else None,
        "version": f"v{version.lower().lstrip('v')}" if version else None,
        "kind": kind,
    }
    chosen = [entry for entry in entries if _fits(entry, wanted)]
    if not chosen:
        known = {key: sorted({getattr(entry, key) for entry in entries} - {""}) for key in wanted}
        asked = ", ".join(f"{key} {value!r}" for key, value in wanted.items() if value)
        offered = "; ".join(f"{key}: {', '.join(values)}" for key, values in known.items())
        msg = f"the registry has nothing for {asked}; it has {offered}."
        raise InputError(msg)
    return chosen


def list_resources(*, species: str | None = None, version: str | None = None, kind: str | None = None) -> pd.DataFrame:
    """Return what can be fetched, and what is in the cache already.

    Parameters
    ----------
    species, version, kind
        As in :func:`select`; None shows all.

    Returns
    -------
    One row per resource, indexed by ``name``, with ``kind``, ``species``, ``genome``, ``version``, ``size_mb``,
    ``state`` (``"cached"``, ``"partial"``, or empty), ``search_space``, ``file``, ``url``, ``terms`` and ``about``.

    Raises
    ------
    InputError
        If nothing fits.
    """
    import pandas as pd

    from reguloom.resources.cache import state

    columns = ("name", "kind", "species", "genome", "version", "size_mb", "search_space", "file", "terms", "about")
    rows = []
    for entry in select(species=species, version=version, kind=kind):
        row = {column: getattr(entry, column) for column in columns}
        rows.append({**row, "state": state(entry), "url": entry.url()})
    order = [
        "kind",
        "species",
        "genome",
        "version",
        "size_mb",
        "state",
        "search_space",
        "file",
        "url",
        "terms",
        "about",
    ]
    return pd.DataFrame(rows).set_index("name")[order]


def _fits(entry: Resource, wanted: dict[str, str | None]) -> bool:
    """Tell whether an entry has what is wanted."""
    for key, value in wanted.items():
        own = getattr(entry, key)
        if value is not None and own != value and not (key == "version" and not own):
            return False
    return True


def _read(path: Path) -> dict[str, Resource]:
    """Read one registry file."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        msg = f"the registry file {path} does not exist; check {REGISTRY_VARIABLE}."
        raise InputError(msg) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"the registry file {path} is not TOML ({error}); each entry is a table [resources.NAME]."
        raise InputError(msg) from error
    with content_errors(path, what="registry file", mend="each entry is a table [resources.NAME]"):
        shared: dict[str, Any] = {key: content[key] for key in ("base_url", "checksum", "terms") if key in content}
        entries = content.get("resources", {})
        return {name: _resource(path, name, {**shared, **fields}) for name, fields in entries.items()}


def _resource(source: Path, name: str, fields: dict[str, Any]) -> Resource:
    """Make one entry, or say what is wrong with it."""
    known = set(Resource.__dataclass_fields__) - {"name"}
    problem = _problem(name, fields, known)
    if problem:
        msg = f"the entry {name!r} of the registry file {source} {problem}; its fields are {', '.join(sorted(known))}."
        raise InputError(msg)
    return Resource(name=name, **fields)


def _problem(name: str, fields: dict[str, Any], known: set[str]) -> str:
    """Return what is wrong with an entry, or an empty text."""
    missing = [key for key in ("kind", "path") if not fields.get(key)]
    if missing:
        return f"lacks {_join(missing)}"
    if unknown := sorted(set(fields) - known):
        return f"has the unknown field {_join(unknown)}"
    if fields["kind"] not in KINDS:
        return f"is of kind {fields['kind']!r}, which is none of {_join(KINDS)}"
    if "://" not in fields["path"] and not fields.get("base_url"):
        return "has a relative path and no base_url"
    if "/" in name or name.startswith("."):
        return "has a name with '/' or a leading '.'"
    return ""


def _join(names: Sequence[str]) -> str:
    """Join names with commas."""
    return ", ".join(names)
