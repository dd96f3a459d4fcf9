"""Response to perturbations that nobody tried yet: learned models, always beside the baselines that cost nothing."""

from __future__ import annotations

from reguloom.response.cpa import CPA
from reguloom.response.gears import GEARS
from reguloom.response.latent_additive import LatentAdditive
from reguloom.response.scgen import SCGen

__all__ = ["CPA", "GEARS", "LatentAdditive", "SCGen"]
