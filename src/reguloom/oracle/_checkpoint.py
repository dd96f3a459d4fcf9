"""What a screen has done so far, one line of JSON per unit of work, so that an interrupted run goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reguloom._errors import InputError, ResourceError
from reguloom._files import check_output
from reguloom._logging import logger
from reguloom._progress import track
from reguloom._reading import content_errors
from reguloom._units import map_units


class Checkpoint:
    """Results by name, kept in memory and, if there is a path, on disk.

    Parameters
    ----------
    path
        File; None keeps nothing.
    key
        Fingerprint of the run: another run's results are refused.
    resume
        Whether to take what the file, and the files of shards beside it, hold; otherwise it is begun anew.
    shard
        Number, from 1, and count: units are dealt out in turn, and each shard has a file of its own.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None, key: str, *, resume: bool, shard: tuple[int, int] = (1, 1)
    ) -> None:
        self.path = None if path is None else Path(path)
        self.shard = shard
        self.key, self.done = key, {}  # type: tuple[str, dict[str, Any]]
        self._file: Any = None
        if self.path is None:
            return
        known = [self.path, *shard_files(self.path)]
        if shard[1] > 1:
            self.path = self.path.with_name(f"{self.path.stem}-{shard[0]}-of-{shard[1]}{self.path.suffix}")
            known = [self.path]
        check_output(self.path)
        for one in known if resume else ():
            if one.exists():
                self._load(one)

    def _load(self, path: Path) -> None:
        """Read finished units; a last line that was cut short is dropped."""
        with content_errors(path, what="checkpoint", kind=ResourceError, mend="remove it and start again"):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    break
                if number == 0 and entry.get("key") != self.key:
                    msg = f"the checkpoint {path} is of another run (data or settings); remove or rename it."
                    raise InputError(msg)
                if number:
                    self.done[entry["name"]] = entry["value"]
        logger.info("%d units of work are in the checkpoint already", len(self.done))

    def __enter__(self) -> Checkpoint:
        """Open the file and write what is known."""
        if self.path is not None:
            self._file = self.path.open("w", encoding="utf-8")
            self._write({"key": self.key})
            for name, value in self.done.items():
                self._write({"name": name, "value": value})
        return self

    def __exit__(self, *_what: object) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _write(self, entry: dict[str, Any]) -> None:
        """Append one line and hand it to the system."""
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def run(
        self, items: Sequence[Any], name: Callable[[Any], str], work: Callable[[Any], Any], description: str,
        n_jobs: int | None,
    ) -> list[Any]:  # fmt: skip
        """Return ``work(item)`` for each item in order, computing what is not done yet; a shard has its own alone."""
        items = items[self.shard[0] - 1 :: self.shard[1]]
        left = [one for one in items if name(one) not in self.done]
        found = map_units(work, left, n_jobs)
        for one, value in zip(left, track(found, len(left), description), strict=True):
            self.done[name(one)] = value
            self._write({"name": name(one), "value": value})
        return [self.done[name(one)] for one in items]


def shard_files(path: str | os.PathLike[str]) -> list[Path]:
    """Return the files of shards beside the checkpoint at `path`."""
    path = Path(path)
    return sorted(path.parent.glob(f"{path.stem}-*-of-*{path.suffix}"))
