"""Units of work that do not depend on each other: on threads here, or wherever a caller has them done.

A unit is done by a picklable callable that holds what all units share; so it can be sent to another machine once, and
the items after it. Results come back in the order of the items, so nothing depends on who did what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from reguloom._errors import InputError
from reguloom._threads import map_ordered

Item = TypeVar("Item")
Result = TypeVar("Result")


class Mapper(Protocol):
    """Does units of work elsewhere."""

    def __call__(self, work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
        """Yield ``work(item)`` for each item, in their order."""


_elsewhere: ContextVar[Mapper | None] = ContextVar("reguloom_mapper", default=None)


@contextmanager
def elsewhere(mapper: Mapper) -> Iterator[None]:
    """Have the units of work in the block done by `mapper` in place of threads."""
    token = _elsewhere.set(mapper)
    try:
        yield
    finally:
        _elsewhere.reset(token)


def map_units(work: Callable[[Item], Result], items: Iterable[Item], n_jobs: int | None = None) -> Iterator[Result]:
    """Yield ``work(item)`` in the order of `items`.

    Parameters
    ----------
    work
        Picklable, with what all units share inside.
    items
        One for each unit, small.
    n_jobs
        Threads, where the work is done here.
    """
    mapper = _elsewhere.get()
    return map_ordered(work, items, n_jobs) if mapper is None else mapper(work, list(items))


def parse_shard(shard: str | tuple[int, int] | None) -> tuple[int, int]:
    """Return number (from 1) and count of a shard given as ``"2/10"`` or ``(2, 10)``; None is ``(1, 1)``.

    Raises
    ------
    InputError
        If it is no such pair.
    """
    if shard is None:
        return 1, 1
    parts = shard.split("/") if isinstance(shard, str) else [str(part) for part in shard]
    if len(parts) == 2 and all(part.strip().isdigit() for part in parts) and 1 <= int(parts[0]) <= int(parts[1]):
        return int(parts[0]), int(parts[1])
    msg = f"shard is {shard!r}; accepted is i/n with i from 1 to n, such as 2/10."
    raise InputError(msg)
