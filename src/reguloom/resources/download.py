"""Downloads that go on where they stopped: HTTP ranges, retries, progress. Plugs into pooch as its downloader."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reguloom._errors import ResourceError
from reguloom._logging import logger
from reguloom._progress import Progress

if TYPE_CHECKING:
    from requests import Response

_TIMEOUT = (15.0, 60.0)  # seconds to connect, seconds without a byte
_CHUNK = 1 << 15  # a transfer that breaks off loses the chunk that was under way
_PAUSE = 1.0  # seconds before the first retry; doubled each time
_RETRY_STATUS = (408, 425, 429, 500, 502, 503, 504)


class _Interrupted(Exception):
    """The transfer broke off in a way that another try may mend."""


class ResumingDownloader:
    """Download a file in as many goes as it takes, keeping what has arrived.

    Parameters
    ----------
    part
        Where the unfinished file is kept, also from one run to the next.
    description
        Shown by the progress bar.
    retries
        Tries in a row without a single new byte before giving up.
    """

    def __init__(self, part: Path, *, description: str, retries: int = 4) -> None:
        self.part, self.description, self.retries = part, description, retries
        self._notes = part.with_name(part.name + ".json")

    def __call__(self, url: str, output_file: str, pooch: Any = None, check_only: bool = False) -> None:
        """Download `url` to `output_file`, which appears only when it is complete.

        Raises
        ------
        ResourceError
            If the server refuses, cannot be reached, or the disk is full.
        """
        failures = 0
        while True:
            before = self._size()
            try:
                with _readable_errors(url):
                    self._transfer(url)
                break
            except _Interrupted as error:
                failures = 1 if self._size() > before else failures + 1
                if failures > self.retries:
                    self._give_up(url, error)
                pause = min(_PAUSE * 2 ** (failures - 1), 30.0)
                logger.info("%s; trying again in %.0f s from byte %d", error, pause, self._size())
                time.sleep(pause)
        self._notes.unlink(missing_ok=True)
        # Over the file that pooch made for us, in the same folder: pooch checks it and renames it.
        self.part.replace(output_file)

    def discard(self) -> None:
        """Remove what has arrived."""
        self.part.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _give_up(self, url: str, error: _Interrupted) -> None:
        kept = self._size()
        hint = (
            f"{kept:,} bytes are kept, and the same command goes on from there"
            if kept
            else "check the network or proxy, or name a mirror in REGULOOM_RESOURCES_URL"
        )
        msg = f"{url} could not be downloaded ({error}); {hint}."
        raise ResourceError(msg) from error

    def _transfer(self, url: str) -> None:
        """Ask for what is missing and append it."""
        import requests

        headers = {"Accept-Encoding": "identity", **self._range(url)}
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            if response.status_code == 416:
                self.discard()
                msg = "the unfinished file does not fit the server's any more"
                raise _Interrupted(msg)
            _check_status(response, url)
            start = self._start(response)
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdigit() else 0
            self._check_space(total - start)
            self._remember(url, response)
            self._append(response, start, total)
        if total and self._size() != total:
            msg = f"the connection closed after {self._size():,} of {total:,} bytes"
            raise _Interrupted(msg)

    def _range(self, url: str) -> dict[str, str]:
        """Return the headers that ask for the rest, if what we have is surely of the same file."""
        try:
            notes = json.loads(self._notes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if notes.get("url") != url or not notes.get("validator") or not self._size():
            return {}
        return {"Range": f"bytes={self._size()}-", "If-Range": notes["validator"]}

    def _start(self, response: Response) -> int:
        """Return the byte at which the answer begins; a full answer begins anew."""
        have = self._size()
        if response.status_code == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            return have
        if response.status_code == 206:
            self.discard()
            msg = "the server sent another range than the one asked for"
            raise _Interrupted(msg)
        self.discard()
        return 0

    def _remember(self, url: str, response: Response) -> None:
        """Note what identifies the server's file. A weak ETag may not be used in If-Range (RFC 9110, 13.1.5)."""
        tag = response.headers.get("ETag", "")
        validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
        self._notes.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")

    def _append(self, response: Response, start: int, total: int) -> None:
        """Write the answer's bytes at the end of the unfinished file."""
        with self.part.open("ab") as handle, Progress(total, self.description, unit="bytes") as progress:
            progress.skip(start)
            for chunk in response.iter_content(_CHUNK):
                handle.write(chunk)
                progress.advance(len(chunk))

    def _check_space(self, needed: int) -> None:
        """Refuse at once what the disk cannot hold."""
        free = shutil.disk_usage(self.part.parent).free
        if needed > free:
            msg = (
                f"{self.part.parent} has {free / 1e6:,.0f} MB free, and {needed / 1e6:,.0f} MB more are needed; "
                "free some space or set REGULOOM_CACHE to another folder."
            )
            raise ResourceError(msg)


def get_text(url: str, *, retries: int = 2) -> str | None:
    """Return a small text from the network, or None if the server has no such file.

    Raises
    ------
    ResourceError
        If the server cannot be reached.
    """
    import requests

    for attempt in range(retries + 1):
        try:
            with _readable_errors(url):
                response = requests.get(url, timeout=_TIMEOUT)
                if response.status_code in (403, 404, 410):
                    return None
                _check_status(response, url)
                return response.text
        except _Interrupted as error:
            if attempt == retries:
                msg = (
                    f"{url} cannot be reached ({error}); check the network or proxy, name a mirror in "
                    "REGULOOM_RESOURCES_URL, or work from the cache with --offline."
                )
                raise ResourceError(msg) from error
            time.sleep(_PAUSE * 2**attempt)
    return None


def _check_status(response: Response, url: str) -> None:
    """Raise for an answer that is not the file."""
    code = response.status_code
    if code in (200, 206):
        return
    if code in _RETRY_STATUS:
        msg = f"the server answers {code} {response.reason}"
        raise _Interrupted(msg)
    msg = f"the server answers {code} {response.reason} for {url}; check the address, or report it to the publisher."
    raise ResourceError(msg)


@contextmanager
def _readable_errors(url: str) -> Iterator[None]:
    """Turn the errors of requests into ours."""
    import requests

    try:
        yield
    except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema) as e:
        msg = f"{url} is not an address that can be fetched; it begins with https:// or http://."
        raise ResourceError(msg) from e
    except requests.exceptions.RequestException as error:
        raise _Interrupted(_reason(error)) from error
    except OSError as error:
        if isinstance(error, ResourceError):
            raise
        msg = f"the download cannot be written ({os.strerror(error.errno or 0)}); free some space in the cache folder."
        raise ResourceError(msg) from error


def _reason(error: Exception) -> str:
    """Return the innermost reason, without the objects that urllib3 puts into its messages."""
    names = {"ConnectionRefusedError": "connection refused", "gaierror": "the name of the server is not known"}
    inner: BaseException | None = error
    while inner is not None:
        found = names.get(type(inner).__name__)
        if found:
            return found
        inner = inner.__cause__ or inner.__context__
    text = str(error)
    for mark, reason in (
        ("Connection refused", "connection refused"),
        ("NameResolution", "the name of the server is not known"),
        ("timed out", "no answer in time"),
        ("certificate", "its certificate cannot be verified"),
    ):
        if mark.lower() in text.lower():
            return reason
    return "the connection broke off"
