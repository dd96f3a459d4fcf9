"""What a piece of work took: wall time, processor time and the peak of memory."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Yield a mapping that holds ``wall_s``, ``cpu_s`` and ``peak_mb`` once the block is done.

    Processor time is that of this process, all threads together. The peak is that of the block where the system can
    forget the earlier one (Linux), else that of the process so far.
    """
    cost: dict[str, float] = {}
    _forget_peak()
    wall, cpu = time.monotonic(), time.process_time()
    yield cost
    cost["wall_s"] = round(time.monotonic() - wall, 2)
    cost["cpu_s"] = round(time.process_time() - cpu, 2)
    cost["peak_mb"] = round(peak_megabytes(), 1)


def _forget_peak() -> None:
    """Set the system's record of the peak to what is in use now, where it can be set."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return


def peak_megabytes() -> float:
    """Return the most memory that this process has held, in megabytes (10^6 bytes)."""
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6
