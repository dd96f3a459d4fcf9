"""How long simulated worlds take, and how much memory: ``python benchmarks/world_speed.py [S] [M] [L]``."""

from __future__ import annotations

import resource
import sys
import time

import reguloom as rl

LIMITS = {"S": 5.0, "M": 60.0, "L": 600.0}


def measure(size: str) -> tuple[float, float, rl.datasets.SimulatedWorld]:
    """Return seconds, peak memory of the process so far in GB, and the world."""
    start = time.perf_counter()
    world = rl.datasets.world(size)
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, world


def main() -> None:
    """Print a line for each size."""
    rl.datasets.world("S", 20)  # compile
    for size in sys.argv[1:] or LIMITS:
        seconds, gigabytes, world = measure(size)
        print(f"{size}: {seconds:7.1f} s (limit {LIMITS[size]:.0f}), peak {gigabytes:.2f} GB, {world}")


if __name__ == "__main__":
    main()
