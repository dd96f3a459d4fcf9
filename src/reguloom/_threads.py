"""Ordered work on a few threads. Kernels release the GIL, so threads share the data and nothing is copied."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from reguloom._errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """Return how many cores this process may use (its affinity, not the machine's size)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def resolve_n_jobs(n_jobs: int | None = None) -> int:
    """Return the number of threads to use.

    Parameters
    ----------
    n_jobs
        None takes ``REGULOOM_N_JOBS`` or every available core; -1 every available core.

    Raises
    ------
    InputError
        If the number is 0 or below -1, or the variable does not hold a number.
    """
    if n_jobs is None:
        text = os.environ.get("REGULOOM_N_JOBS", "-1")
        if not text.lstrip("-").isdigit():
            msg = f"REGULOOM_N_JOBS is {text!r}; set it to a whole number of threads, or unset it."
            raise InputError(msg)
        n_jobs = int(text)
    if n_jobs == -1:
        return available_cores()
    if n_jobs < 1:
        msg = f"n_jobs is {n_jobs}; accepted are a positive number of threads, or -1 for every core."
        raise InputError(msg)
    return int(n_jobs)


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], n_jobs: int | None = None
) -> Iterator[Result]:
    """Yield ``function(item)`` in the order of `items`, computed on `n_jobs` threads.

    At most ``4 * n_jobs`` results are in flight, so a slow consumer bounds the memory.
    """
    n_threads = resolve_n_jobs(n_jobs)
    if n_threads == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        window: deque[Future[Result]] = deque()
        try:
            for item in items:
                window.append(pool.submit(function, item))
                if len(window) >= 4 * n_threads:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
        finally:
            for future in window:
                future.cancel()
