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


def enable(on: bool = True) -> None:
    """Switch progress reports on or off for this process."""
    _state["enabled"] = on


class Progress:
    """Counts finished units of work and reports them.

    Parameters
    ----------
    total
        Number of units.
    description
        What is being done, in a few words.
    """

    def __init__(self, total: int, description: str) -> None:
        self.total, self.description, self.done = total, description, 0
        self._start = time.monotonic()
        self._reported = 0
        self._bar: Any = None

    def __enter__(self) -> Progress:
        """Start the clock, and the bar where there is a terminal."""
        self._start = time.monotonic()
        if _state["enabled"] and sys.stderr.isatty():
            self._bar = _rich_bar(self.total, self.description)
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar[0].stop()

    def advance(self, n: int = 1) -> None:
        """Say that `n` more units are done."""
        self.done += n
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=self.done)
        elif _state["enabled"] and self.total:
            twentieth = 20 * self.done // self.total
            if twentieth > self._reported:
                self._reported = twentieth
                self._log()

    def _log(self) -> None:
        elapsed = time.monotonic() - self._start
        left = elapsed / self.done * (self.total - self.done)
        logger.info(
            "%s: %d/%d (%d %%), %.0f s, %.0f s left",
            *(self.description, self.done, self.total, 100 * self.done // self.total, elapsed, left),
        )


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


def _rich_bar(total: int, description: str) -> tuple[Any, Any]:
    """Return a started rich bar on stderr and its task."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    bar.start()
    return bar, bar.add_task(description, total=total)
