"""Progress: a bar on a terminal, a line per 5 % elsewhere, nothing unless switched on."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from reguloom import _progress
from reguloom._progress import Progress, duration, stage, track


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when it is told to."""
    state = {"now": 0.0}
    monkeypatch.setattr(_progress.time, "monotonic", lambda: state["now"])

    def move(seconds):
        state["now"] += seconds

    return move


@pytest.fixture
def lines(caplog):
    _progress.enable()
    with caplog.at_level(logging.INFO, "reguloom"):
        yield caplog
    _progress.enable(False)


def test_silent_unless_enabled(caplog, clock):
    with caplog.at_level(logging.DEBUG, "reguloom"), Progress(10, "work") as progress:
        clock(100)
        progress.advance(10)
    assert caplog.messages == []


def test_a_line_per_five_percent_with_the_time_left(lines, clock):
    with Progress(1000, "work") as progress:
        for _ in range(1000):
            clock(1.0)
            progress.advance()
    assert len(lines.messages) == 20
    assert lines.messages[0] == "work: 50/1000 (5 %), 50 s, about 15 min 50 s left"
    assert lines.messages[-1] == "work: 1000/1000 (100 %), 16 min 40 s"


def test_quick_work_says_so_once(lines, clock):
    with Progress(1000, "work") as progress:
        for _ in range(1000):
            clock(0.0001)
            progress.advance()
    assert lines.messages == ["work: 1000/1000 (100 %), 0 s"]


def test_work_of_an_earlier_run_does_not_count_for_the_speed(lines, clock):
    with Progress(100, "work") as progress:
        progress.skip(90)
        clock(5)
        progress.advance(5)
    assert lines.messages == ["work: 95/100 (95 %), 5 s, about 5 s left"]


def test_bytes_are_megabytes(lines, clock):
    with Progress(10_000_000, "fetching", unit="bytes") as progress:
        clock(2)
        progress.advance(2_500_000)
    assert lines.messages == ["fetching: 2.5/10.0 MB (25 %), 2 s, about 6 s left"]


def test_an_unknown_total_is_no_error(lines, clock):
    with Progress(0, "fetching") as progress:
        clock(9)
        progress.advance(5)
    assert lines.messages == []


def test_track_yields_everything(lines):
    assert list(track(iter("abc"), 3, "letters")) == ["a", "b", "c"]
    assert lines.messages == ["letters: 3/3 (100 %), 0 s"]


def test_stage_says_how_long(lines, clock):
    with stage("thinking"):
        clock(3)
    assert lines.messages == ["thinking ...", "thinking: done in 3.0 s"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (61, "1 min 01 s"), (3600, "1 h 00 min"), (93784, "26 h 03 min")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal needs POSIX")
def test_a_terminal_gets_a_bar_that_goes_away_and_no_lines():
    import pty

    code = (
        "import sys, time\n"
        "from reguloom.cli._common import setup_logging\n"
        "from reguloom._progress import Progress\n"
        "from reguloom._logging import logger\n"
        "setup_logging(20)\n"
        "with Progress(20, 'inferring') as progress:\n"
        "    for i in range(20):\n"
        "        time.sleep(0.02); progress.advance()\n"
        "        i == 10 and logger.info('half way')\n"
    )
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen([sys.executable, "-c", code], stderr=follower, stdout=follower, env=env)
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    assert process.wait() == 0
    text = shown.decode()
    assert "inferring" in text
    assert "20/20" in text
    assert "half way" in text
    assert "(50 %)" not in text
    assert "\x1b[2K" in text  # the bar is wiped at the end
