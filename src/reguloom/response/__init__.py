"""Response to perturbations that nobody tried yet: learned models, always beside the baselines that cost nothing."""

from __future__ import annotations

from reguloom.response.cpa import CPA
from reguloom.response.gears import GEARS
from reguloom.response.gene_graphs import annotation_graph, coexpression_graph, read_annotation
from reguloom.response.genetic_interactions import interactions
from reguloom.response.latent_additive import LatentAdditive
from reguloom.response.linear import Linear
from reguloom.response.registry import load, models
from reguloom.response.scgen import SCGen

__all__ = [
    "CPA",
    "GEARS",
    "LatentAdditive",
    "Linear",
    "SCGen",
    "annotation_graph",
    "coexpression_graph",
    "interactions",
    "load",
    "models",
    "read_annotation",
]
