"""A reader and valid files of its format, to be broken."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reguloom._errors import ReguloomError

Reader = Callable[[Path], Any]


@dataclass(frozen=True)
class Target:
    """A reader, the suffix its files have, and valid files."""

    name: str
    read: Reader
    suffix: str
    seeds: tuple[bytes, ...]
    binary: bool = False

    def survives(self, data: bytes, folder: Path) -> bool:
        """Give the reader a file; tell whether it was read. What it refuses, it refuses with one of our own errors."""
        path = folder / f"case{self.suffix}"
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.read(path)
            except ReguloomError as error:
                assert str(error), f"{self.name}: an error without a sentence"
                return False
        return True
