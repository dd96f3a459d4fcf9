"""Knock a transcription factor out in silico: which way do cells move, and how sure one can be of it.

Fit a prior network to the cells (:func:`fit`), simulate a perturbation (:meth:`Oracle.predict`), and hold its direction
against development (:func:`development`, :func:`perturbation_score`), for every factor at once with :func:`screen`.
"""

from reguloom.oracle.base_network import base_network
from reguloom.oracle.development import Development, development, read_gradient
from reguloom.oracle.dose import dose_response
from reguloom.oracle.fit import fit
from reguloom.oracle.impute import impute
from reguloom.oracle.links import filter_links
from reguloom.oracle.model import Oracle
from reguloom.oracle.network_scores import compare_groups, network_entropy, network_scores
from reguloom.oracle.persistence import read_prediction, write_prediction
from reguloom.oracle.project import project
from reguloom.oracle.score import PerturbationScore, perturbation_score
from reguloom.oracle.screen import screen

__all__ = [
    "Development",
    "Oracle",
    "PerturbationScore",
    "base_network",
    "compare_groups",
    "development",
    "dose_response",
    "filter_links",
    "fit",
    "impute",
    "network_entropy",
    "network_scores",
    "perturbation_score",
    "project",
    "read_gradient",
    "read_prediction",
    "screen",
    "write_prediction",
]
