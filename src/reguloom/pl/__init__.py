"""Figures from results: every function takes what a stage returned and gives back a Figure; none of them shows it.

A figure saves itself with ``figure.savefig("name.png")`` (or ``.pdf``, ``.svg``) and shows itself at the end of a
notebook cell. Functions that draw a single panel also take ``ax=`` and draw there.
"""

from __future__ import annotations

from reguloom.pl.attractors import attractors
from reguloom.pl.binarization import binarization
from reguloom.pl.development import development
from reguloom.pl.dose_curve import dose_curve
from reguloom.pl.fates import fates
from reguloom.pl.fates_embedding import fates_embedding
from reguloom.pl.interaction_map import interaction_map
from reguloom.pl.jacobian import jacobian_embedding, jacobian_heatmap
from reguloom.pl.latent_space import latent_space
from reguloom.pl.metric_table import metric_table
from reguloom.pl.network import network
from reguloom.pl.oracle_flow import oracle_flow
from reguloom.pl.paths import action_matrix, path_heatmap, paths
from reguloom.pl.perturbation_score import perturbation_score
from reguloom.pl.phase import phase_portrait
from reguloom.pl.phase_plane import phase_plane
from reguloom.pl.precision_recall import precision_recall
from reguloom.pl.recovery import recovery
from reguloom.pl.regulon_embedding import regulon_embedding
from reguloom.pl.regulon_heatmap import regulon_heatmap
from reguloom.pl.regulon_violin import regulon_violin
from reguloom.pl.response_change import response_change
from reguloom.pl.response_leaderboard import response_leaderboard
from reguloom.pl.rss import rss
from reguloom.pl.state_graph import state_graph
from reguloom.pl.streamlines import streamlines
from reguloom.pl.temporal_courses import temporal_courses, temporal_genes
from reguloom.pl.temporal_heatmap import temporal_heatmap
from reguloom.pl.temporal_latent import temporal_latent
from reguloom.pl.temporal_motifs import temporal_motifs
from reguloom.pl.temporal_stability import temporal_number, temporal_stability
from reguloom.pl.temporal_timing import temporal_timing
from reguloom.pl.tf_ranking import tf_heatmap, tf_ranking, tf_volcano
from reguloom.pl.training_curves import training_curves
from reguloom.pl.trajectories import trajectories
from reguloom.pl.vectorfield import perturbation_flow, response_curve
from reguloom.pl.wiring import wiring

__all__ = [
    "action_matrix",
    "attractors",
    "binarization",
    "development",
    "dose_curve",
    "fates",
    "fates_embedding",
    "interaction_map",
    "jacobian_embedding",
    "jacobian_heatmap",
    "latent_space",
    "metric_table",
    "network",
    "oracle_flow",
    "path_heatmap",
    "paths",
    "perturbation_flow",
    "perturbation_score",
    "phase_plane",
    "phase_portrait",
    "precision_recall",
    "recovery",
    "regulon_embedding",
    "regulon_heatmap",
    "regulon_violin",
    "response_change",
    "response_curve",
    "response_leaderboard",
    "rss",
    "state_graph",
    "streamlines",
    "temporal_courses",
    "temporal_genes",
    "temporal_heatmap",
    "temporal_latent",
    "temporal_motifs",
    "temporal_number",
    "temporal_stability",
    "temporal_timing",
    "tf_heatmap",
    "tf_ranking",
    "tf_volcano",
    "training_curves",
    "trajectories",
    "wiring",
]
