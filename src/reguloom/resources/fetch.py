"""Fetch a resource once, check it, and find it again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reguloom._errors import InputError, ResourceError
from reguloom._logging import logger
from reguloom.resources.cache import (
    CACHE_VARIABLE,
    Manifest,
    is_offline,
    locked,
    make_folder,
    part_of,
    path_of,
    read_manifest,
    write_manifest,
)
from reguloom.resources.checksum import Expected, expected_checksum, file_digest, matches
from reguloom.resources.registry import Resource, find, select


def fetch(
    name: str, *, force: bool = False, check: bool = True, offline: bool | None = None, base_url: str | None = None
) -> Path:
    """Return the path of a resource, downloading it if the cache does not have it.

    A transfer that broke off is resumed. The file is compared with the publisher's checksum before it appears in the
    cache; where the publisher gives none, with the recorded one; where there is none either, that is said, and the
    file's own SHA-256 is noted so that :func:`verify` sees later changes.

    Parameters
    ----------
    name
        Name of the resource, or of its file.
    force
        Download it although the cache has it.
    check
        Whether to compare checksums; off, a file that the publisher has changed can be taken.
    offline
        Use the cache alone; None asks ``REGULOOM_OFFLINE``.
    base_url
        A mirror in place of the publisher's address; None asks ``REGULOOM_RESOURCES_URL``.

    Returns
    -------
    Path of the file in the cache.

    Raises
    ------
    InputError
        If the registry has no such resource.
    ResourceError
        If it cannot be downloaded, its checksum differs, or it is not in the cache and `offline` is on.
    """
    resource = find(name)
    path = path_of(resource)
    if not force and _is_cached(path):
        return path
    by_hand = path.is_file() and read_manifest(path) is None
    if is_offline(offline) and (force or not by_hand):
        seen = "to be fetched anew" if force else "changed" if path.is_file() else "not in the cache"
        msg = (
            f"{resource.name} is {seen} and the network is off; download {resource.url(base_url)} on a machine with a "
            f"network and put it at {path}."
        )
        raise ResourceError(msg)
    make_folder(path.parent)
    with locked(path):
        if not force and _is_cached(path):
            return path
        if by_hand and not force:
            _adopt(resource, path, offline=is_offline(offline), base_url=base_url)
        else:
            _download(resource, path, check=check, base_url=base_url)
    return path


def fetch_set(
    species: str, *, version: str = "v10", offline: bool | None = None, base_url: str | None = None
) -> dict[str, Any]:
    """Fetch everything that one analysis needs.

    Parameters
    ----------
    species
        ``"human"``, ``"mouse"`` or ``"fly"``.
    version
        Motif collection; rankings and annotations must come from the same one.
    offline, base_url
        As in :func:`fetch`.

    Returns
    -------
    ``tfs``: path; ``rankings``: list of paths; ``annotations``: path — the arguments of ``reguloom.scenic``.

    Raises
    ------
    InputError
        If there are no rankings for the species in this version.
    ResourceError
        As in :func:`fetch`.
    """
    chosen = select(species=species, version=version)
    by_kind = {kind: [one for one in chosen if one.kind == kind] for kind in ("tfs", "rankings", "annotations")}
    missing = [kind for kind, entries in by_kind.items() if not entries]
    if missing:
        known = sorted({one.version for one in select(species=species, kind="rankings")})
        msg = f"there are no {' or '.join(missing)} for {species} in {version}; its rankings are of {', '.join(known)}."
        raise InputError(msg)
    paths = {
        kind: [fetch(one.name, offline=offline, base_url=base_url) for one in entries]
        for kind, entries in by_kind.items()
    }
    return {"tfs": paths["tfs"][0], "rankings": paths["rankings"], "annotations": paths["annotations"][0]}


def where(name: str) -> Path:
    """Return the path of a resource that is in the cache.

    Parameters
    ----------
    name
        Name of the resource, or of its file.

    Raises
    ------
    InputError
        If the registry has no such resource.
    ResourceError
        If it is not in the cache.
    """
    resource = find(name)
    path = path_of(resource)
    if not path.is_file():
        msg = f"{resource.name} is not in the cache; get it with 'reguloom resources fetch {resource.name}'."
        raise ResourceError(msg)
    return path


def verify(name: str, *, offline: bool | None = None, base_url: str | None = None) -> str:
    """Check that a cached file still has its checksum.

    Parameters
    ----------
    name
        Name of the resource, or of its file.
    offline, base_url
        As in :func:`fetch`; the network is asked only if the checksum has not been noted yet.

    Returns
    -------
    ``"verified"``: equal to the publisher's or the recorded checksum; ``"unchanged"``: as it was downloaded, and
    nobody gives a checksum.

    Raises
    ------
    ResourceError
        If the file is not in the cache, or has changed.
    """
    resource, path = find(name), where(name)
    manifest = read_manifest(path)
    if manifest is None:
        return _adopt(resource, path, offline=is_offline(offline), base_url=base_url)
    if path.stat().st_size != manifest.size or file_digest(path) != manifest.sha256:
        msg = (
            f"{path} has changed since it was downloaded ({path.stat().st_size:,} bytes now, {manifest.size:,} then); "
            f"replace it with 'reguloom resources fetch --force {resource.name}'."
        )
        raise ResourceError(msg)
    return "verified" if manifest.expected else "unchanged"


def _is_cached(path: Path) -> bool:
    """Tell whether the file is complete: as long as its manifest says. Its content is :func:`verify`'s concern."""
    manifest = read_manifest(path)
    return manifest is not None and path.is_file() and path.stat().st_size == manifest.size


def _adopt(resource: Resource, path: Path, *, offline: bool, base_url: str | None) -> str:
    """Take a file that somebody put into the cache, after checking it as far as that is possible."""
    expected = Expected()
    if not offline:
        try:
            expected = expected_checksum(resource, base_url=base_url)
        except ResourceError as error:
            logger.warning("warning: %s", error)
    elif resource.sha256:
        expected = Expected(f"sha256:{resource.sha256}", "registry")
    if expected.digest and not matches(path, expected.digest):
        msg = (
            f"{path} does not have the checksum {expected.digest}; it may be cut short or another version, so remove "
            f"it or replace it with 'reguloom resources fetch --force {resource.name}'."
        )
        raise ResourceError(msg)
    return _note(resource, path, url="", expected=expected)


def _note(resource: Resource, path: Path, *, url: str, expected: Expected) -> str:
    """Write the manifest and say how far the file can be trusted."""
    digest = file_digest(path)
    write_manifest(path, Manifest(url, path.stat().st_size, digest, expected.digest, expected.source))
    if expected.digest:
        by = "the checksum in the registry" if expected.source == "registry" else "the publisher's checksum"
        logger.info("%s: verified against %s", resource.name, by)
        return "verified"
    logger.warning(
        "warning: %s is UNVERIFIED: nobody gives a checksum for it; its SHA-256 %s... is noted, so that "
        "'reguloom resources verify' sees later changes",
        *(resource.name, digest[:16]),
    )
    return "unchanged"


def _download(resource: Resource, path: Path, *, check: bool, base_url: str | None) -> None:
    """Download, compare, and only then put the file in its place."""
    import pooch

    from reguloom.resources.download import ResumingDownloader

    expected = expected_checksum(resource, base_url=base_url) if check else Expected()
    url = resource.url(base_url)
    downloader = ResumingDownloader(part_of(path), description=f"fetching {resource.name}")
    fetched = path.with_name(f".{path.name}.fetched")
    fetched.unlink(missing_ok=True)
    logger.info("fetching %s from %s", resource.name, url)
    try:
        with _quiet_pooch():
            pooch.retrieve(url, expected.digest or None, fname=fetched.name, path=path.parent, downloader=downloader)
    except ValueError as error:
        downloader.discard()
        raise _mismatch(resource, url, expected) from error
    except OSError as error:
        if isinstance(error, ResourceError):
            raise
        msg = f"{path.parent} cannot be written ({error.strerror or error}); set {CACHE_VARIABLE} to another folder."
        raise ResourceError(msg) from error
    fetched.replace(path)
    _note(resource, path, url=url, expected=expected)


def _mismatch(resource: Resource, url: str, expected: Expected) -> ResourceError:
    """Return the error of a file that is not what its checksum says."""
    recorded = expected.source == "registry"
    hint = (
        "the publisher may have replaced the file; to take it as it is, give --no-check (check=False)"
        if recorded
        else "fetch it again, and if that does not help, try another network or mirror"
    )
    msg = f"{url} does not have the checksum {expected.digest} ({expected.source}) and was removed; {hint}."
    return ResourceError(msg)


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Keep pooch's own messages out of ours while it works."""
    import pooch

    log = pooch.get_logger()
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)
