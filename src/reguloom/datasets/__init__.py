"""Small data made on the spot: toy sets, and simulated worlds whose network is known."""

from __future__ import annotations

from reguloom.datasets.regulon_world import World, regulon_world
from reguloom.datasets.time_course import TimeWorld, time_course
from reguloom.datasets.toy import toy
from reguloom.datasets.world import SimulatedWorld, world

__all__ = ["SimulatedWorld", "TimeWorld", "World", "regulon_world", "time_course", "toy", "world"]
