"""Ordered work on threads: the order, the bound on what is in flight, errors, and how many threads."""

from __future__ import annotations

import os
import threading
import time

import pytest

from reguloom import InputError
from reguloom._threads import available_cores, map_ordered, resolve_n_jobs


@pytest.mark.parametrize("n_jobs", [1, 2, 5])
def test_results_keep_the_order(n_jobs):
    def slow_start(i):
        time.sleep(0.002 * (7 - i % 7))
        return i * i

    assert list(map_ordered(slow_start, range(40), n_jobs)) == [i * i for i in range(40)]


def test_work_is_shared_among_threads():
    gate = threading.Barrier(2, timeout=10)
    assert list(map_ordered(lambda i: gate.wait() >= 0, range(4), 2)) == [True] * 4


def test_a_slow_consumer_bounds_what_is_in_flight():
    taken: list[int] = []

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    results = map_ordered(lambda i: i, items(), 2)
    assert next(results) == 0
    time.sleep(0.05)
    assert len(taken) <= 9
    assert list(results)[-1] == 99


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_an_error_comes_through(n_jobs):
    def fails_at_five(i):
        if i == 5:
            msg = "five"
            raise InputError(msg)
        return i

    seen = []
    with pytest.raises(InputError, match="five"):
        for result in map_ordered(fails_at_five, range(100), n_jobs):
            seen.append(result)
    assert seen == [0, 1, 2, 3, 4]


def test_a_consumer_that_stops_early_stops_the_work():
    done: list[int] = []
    results = map_ordered(lambda i: done.append(i), range(1000), 2)
    next(results)
    results.close()
    time.sleep(0.05)
    assert len(done) < 50


def test_how_many(monkeypatch):
    monkeypatch.delenv("REGULOOM_N_JOBS", raising=False)
    assert resolve_n_jobs(None) == resolve_n_jobs(-1) == available_cores() >= 1
    assert resolve_n_jobs(3) == 3
    monkeypatch.setenv("REGULOOM_N_JOBS", "2")
    assert resolve_n_jobs(None) == 2
    assert resolve_n_jobs(5) == 5
    monkeypatch.setenv("REGULOOM_N_JOBS", "many")
    with pytest.raises(InputError, match="REGULOOM_N_JOBS is 'many'; set it to a whole number"):
        resolve_n_jobs(None)
    for bad in (0, -2):
        with pytest.raises(InputError, match=f"n_jobs is {bad}; accepted"):
            resolve_n_jobs(bad)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no CPU affinity")
def test_affinity_counts_not_the_machine(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3})
    assert available_cores() == 2
