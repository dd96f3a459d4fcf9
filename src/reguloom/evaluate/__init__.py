"""Can I believe it? Scores of networks against a known one, beside chance and the baselines that cost nothing."""

from __future__ import annotations

from reguloom.evaluate._split import Split
from reguloom.evaluate.concentrations import FromConcentrations
from reguloom.evaluate.curves import curves
from reguloom.evaluate.diagnostics import response_diagnostics, systematic_variation
from reguloom.evaluate.differential_expression import DifferentialExpression, differential_expression
from reguloom.evaluate.distance_correlation import distance_correlation
from reguloom.evaluate.distances import energy_distance, maximum_mean_discrepancy, wasserstein
from reguloom.evaluate.dream4 import Dream4, dream4, read_dream4
from reguloom.evaluate.dual_knockouts import additive_knockouts, dual_knockouts
from reguloom.evaluate.gears_metrics import gears_metrics
from reguloom.evaluate.interactions import interaction, interaction_types, interactions
from reguloom.evaluate.network import network
from reguloom.evaluate.network_on_perturbations import network_on_perturbations
from reguloom.evaluate.response import ResponseScores, response
from reguloom.evaluate.splits import split
from reguloom.evaluate.stability import stability

__all__ = [
    "DifferentialExpression",
    "Dream4",
    "FromConcentrations",
    "ResponseScores",
    "Split",
    "additive_knockouts",
    "curves",
    "differential_expression",
    "distance_correlation",
    "dream4",
    "dual_knockouts",
    "energy_distance",
    "gears_metrics",
    "interaction",
    "interaction_types",
    "interactions",
    "maximum_mean_discrepancy",
    "network",
    "network_on_perturbations",
    "read_dream4",
    "response",
    "response_diagnostics",
    "split",
    "stability",
    "systematic_variation",
    "wasserstein",
]
