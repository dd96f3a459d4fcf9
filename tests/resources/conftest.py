"""A small server of our own: nothing here ever asks a public one."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from reguloom.resources import download


@dataclass
class Server:
    """Files to serve, how to misbehave, and what was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    tag: str = '"one"'
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def add(self, path: str, content: bytes, *, checksum: str | None = "sha1") -> bytes:
        """Serve a file, and its checksum file beside it."""
        self.files[path] = content
        if checksum:
            digest = hashlib.new(checksum, content).hexdigest()
            self.files[f"{path}.sha1sum.txt"] = f"{digest}  {Path(path).name}\n".encode()
        return content

    def asked(self, path: str) -> list[str]:
        """Return the Range headers of the requests for a file."""
        return [asked for name, asked in self.requests if name == path]


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            wanted = self.headers.get("Range", "")
            server.requests.append((path, wanted))
            if path not in server.files:
                self.send_error(404)
                return
            is_data = not path.endswith(".sha1sum.txt")
            if is_data and server.statuses:
                self.send_error(server.statuses.pop(0))
                return
            content, start = server.files[path], 0
            if wanted and server.ranges and self.headers.get("If-Range") == server.tag:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            if server.tag:
                self.send_header("ETag", server.tag)
            body = content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = server.cuts.pop(0) if is_data and server.cuts else len(body)
            self.wfile.write(body[:cut])
            self.wfile.flush()
            if cut < len(body):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    state.url = f"http://127.0.0.1:{http.server_address[1]}/"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no waiting between tries, and no environment of the user's."""
    folder = tmp_path / "cache"
    for name in ("REGULOOM_OFFLINE", "REGULOOM_REGISTRY", "REGULOOM_RESOURCES_URL", "NO_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("REGULOOM_CACHE", str(folder))
    monkeypatch.setattr(download, "_PAUSE", 0.0)
    return folder


@pytest.fixture
def mirror(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server as the mirror of every built-in resource."""
    monkeypatch.setenv("REGULOOM_RESOURCES_URL", server.url)
    return server


@pytest.fixture
def payload() -> bytes:
    """A megabyte that does not compress into luck."""
    return np.random.default_rng(3).bytes(1_000_000)


def files_in(folder: Path) -> list[str]:
    """Return every file below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
