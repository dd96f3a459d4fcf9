"""Progress with an ETA: a bar on a terminal, one log line per 5 % elsewhere, silent unless switched on.

The command line calls :func:`enable`; a notebook may do so as well.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from reguloom._logging import logger

Item = TypeVar("Item")
_state = {"enabled": False}
#: Seconds between two log lines: work that is done in a moment does not fill the log with twenty lines.
_MIN_INTERVAL = 1.0


def enable(on: bool = True) -> None:
    """Switch progress reports on or off for this process."""
    _state["enabled"] = on


class Progress:
    """Counts finished units of work and reports them.

    Parameters
    ----------
    total
        Number of units; 0 if it is not known.
    description
        What is being done, in a few words.
    unit
        ``"bytes"`` shows megabytes; anything else plain counts.
    """

    def __init__(self, total: int, description: str, *, unit: str = "") -> None:
        self.total, self.description, self.unit, self.done = total, description, unit, 0
        self._start = self._last_line = time.monotonic()
        self._offset = 0
        self._reported = 0
        self._bar: Any = None

    def __enter__(self) -> Progress:
        """Start the clock, and the bar where there is a terminal."""
        self._start = self._last_line = time.monotonic()
        if _state["enabled"] and sys.stderr.isatty():
            self._bar = _rich_bar(self.total, self.description, self.unit)
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar[0].stop()

    def skip(self, n: int) -> None:
        """Say that `n` units were done in an earlier run; they do not count for the speed."""
        self.done += n
        self._offset += n
        if self.total:
            self._reported = 20 * self.done // self.total
        if self._bar is not None:
            self._bar[0].update(self._bar[1], completed=self.done)

    def advance(self, n: int = 1) -> None:
        """Say that `n` more units are done."""
        self.done += n
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=self.done)
        elif _state["enabled"] and self.total:
            twentieth, now = 20 * self.done // self.total, time.monotonic()
            due = now - self._last_line >= _MIN_INTERVAL or self.done >= self.total
            if twentieth > self._reported and due:
                self._reported, self._last_line = twentieth, now
                self._log(now - self._start)

    def _log(self, elapsed: float) -> None:
        left = elapsed / max(self.done - self._offset, 1) * (self.total - self.done)
        percent = 100 * self.done // self.total
        done, total = str(self.done), str(self.total)
        if self.unit == "bytes":
            done, total = f"{self.done / 1e6:.1f}", f"{self.total / 1e6:.1f} MB"
        times = f"{duration(elapsed)}" + (f", about {duration(left)} left" if self.done < self.total else "")
        logger.info("%s: %s/%s (%d %%), %s", self.description, done, total, percent, times)


def duration(seconds: float) -> str:
    """Return a duration as people say it: ``"12 s"``, ``"3 min 05 s"``, ``"2 h 10 min"``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def track(items: Iterable[Item], total: int, description: str) -> Iterator[Item]:
    """Yield `items` and report progress as each one is taken up again."""
    with Progress(total, description) as progress:
        for item in items:
            yield item
            progress.advance()


@contextmanager
def stage(description: str) -> Iterator[None]:
    """Log when a stage begins and how long it took."""
    start = time.monotonic()
    logger.info("%s ...", description)
    yield
    logger.info("%s: done in %.1f s", description, time.monotonic() - start)


def _rich_bar(total: int, description: str, unit: str) -> tuple[Any, Any]:
    """Return a started rich bar on stderr and its task."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    count = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeElapsedColumn(), TimeRemainingColumn())
    bar = Bar(*columns, console=Console(stderr=True), transient=True)
    bar.start()
    return bar, bar.add_task(description, total=total or None)
