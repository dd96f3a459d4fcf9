"""A headless Chromium driven over its own pipe (the DevTools protocol), with the standard library alone."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions", "--mute-audio",
    "--disable-dev-shm-usage", "--force-device-scale-factor=1", "--hide-scrollbars", "--enable-unsafe-swiftshader",
    "--remote-debugging-pipe",
]  # fmt: skip


def find() -> str | None:
    """Return the browser: that of REGULOOM_CHROMIUM, or the first on the path."""
    named = os.environ.get("REGULOOM_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One browser with one page; everything it logs or asks of the network is kept."""

    def __init__(self, binary: str, *, width: int = 1280, height: int = 900) -> None:
        self.profile = tempfile.mkdtemp(prefix="reguloom-chromium-")
        # The browser reads commands on descriptor 3 and answers on 4, each message ended by a zero byte.
        read, self._write = os.pipe()
        self._read, write = os.pipe()

        def hand_over() -> None:
            # Both are moved out of the way first, lest one is overwritten by the other.
            a, b = os.dup(read), os.dup(write)
            a, b = (os.dup(one) if one in (3, 4) else one for one in (a, b))
            os.dup2(a, 3)
            os.dup2(b, 4)

        command = [binary, *FLAGS, f"--user-data-dir={self.profile}", f"--window-size={width},{height}", "about:blank"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": self.profile},
            close_fds=False,
            preexec_fn=hand_over,
        )
        os.close(read)
        os.close(write)
        self._numbers, self._buffer, self.events = itertools.count(1), b"", []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._read)
        os.close(self._write)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command to the page and return its answer."""
        return self._call(method, self.session, **params)

    def _call(self, method: str, session: str | None = None, *, wait: float = 120.0, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + wait
        while True:
            answer = self._receive(until, method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def _receive(self, until: float, what: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                raise TimeoutError(f"the browser did not answer {what}")
            piece = os.read(self._read, 1 << 20)
            if not piece:
                raise RuntimeError(f"the browser ended during {what}")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path, *, query: str = "", wait: float = 120.0) -> None:
        """Open a file and wait until the report says that it is ready."""
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri() + query)
        self.until("document.documentElement?.dataset.ready === 'true'", wait=wait)

    def run(self, script: str) -> Any:
        """Return what a piece of JavaScript gives, promises awaited."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            detail = found["exceptionDetails"]
            raise RuntimeError(detail.get("exception", {}).get("description", detail["text"]))
        return found["result"].get("value")

    def until(self, script: str, *, wait: float = 30.0) -> None:
        """Wait until a piece of JavaScript gives something true."""
        end = time.monotonic() + wait
        while time.monotonic() < end:
            try:
                if self.run(script):
                    return
            except RuntimeError as error:
                if "context" not in str(error):  # the page is being changed
                    raise
            time.sleep(0.05)
        raise TimeoutError(f"not true after {wait:g} s: {script}")

    def key(self, name: str, *, text: str = "", code: int = 0) -> None:
        """Press and release a key."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        number = code or codes.get(name, 0)
        text = text or {"Enter": "\r"}.get(name, "")
        down = {"type": "keyDown" if text else "rawKeyDown", "key": name, "windowsVirtualKeyCode": number, "code": name}
        self.call("Input.dispatchKeyEvent", **down, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=number, code=name)

    def type(self, text: str) -> None:
        """Type text into whatever has the focus."""
        self.call("Input.insertText", text=text)

    def size(self, width: int, height: int) -> None:
        """Set the size of the window."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name: str) -> None:
        """Say whether the system is light or dark."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write a PNG of the page."""
        settings: dict[str, Any] = {"format": "png", "captureBeyondViewport": whole}
        if whole:
            box = self.call("Page.getLayoutMetrics")["cssContentSize"]
            settings["clip"] = {"x": 0, "y": 0, "width": box["width"], "height": box["height"], "scale": 1}
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", **settings)["data"]))

    def pdf(self, path: Path) -> None:
        """Write the page as it would be printed."""
        made = self.call(
            "Page.printToPDF", printBackground=True, preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69
        )
        path.write_bytes(base64.b64decode(made["data"]))

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings in the console, and exceptions that nobody caught."""
        found = []
        for event in self.events:
            params = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                detail = params["exceptionDetails"]
                found.append(detail.get("exception", {}).get("description", detail["text"]))
            if event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(" ".join(str(one.get("value", one.get("description", ""))) for one in params["args"]))
            if event["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
        return [text for text in found if "GL Driver Message" not in text]  # the software renderer on its own speed

    @property
    def requests(self) -> list[str]:
        """Addresses that were asked for, the file itself and data inside it left out."""
        urls = [one["params"]["request"]["url"] for one in self.events if one["method"] == "Network.requestWillBeSent"]
        return [url for url in urls[1:] if not url.startswith(("data:", "blob:"))]
