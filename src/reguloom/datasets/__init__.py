"""Small data made on the spot: toy sets, and simulated worlds whose network is known."""

from __future__ import annotations

from reguloom.datasets.scoring import recovery
from reguloom.datasets.toy import toy
from reguloom.datasets.world import World, regulon_world

__all__ = ["World", "recovery", "regulon_world", "toy"]
