"""Boolean wirings: their stable states, what a perturbation does to them, and cells simulated from them."""

from __future__ import annotations

from reguloom.mechanistic.attractors import Attractor, Attractors, attractors, fixed_points
from reguloom.mechanistic.binarize_expression import BinaryExpression, binarize_expression
from reguloom.mechanistic.boolean_network import Alternative, BooleanNetwork
from reguloom.mechanistic.boolode import read_boolode, read_initial, read_strengths, write_boolode
from reguloom.mechanistic.cells import assign_attractors, binary_states, cell_fates
from reguloom.mechanistic.fates import Fates, fates
from reguloom.mechanistic.files import from_text, read, to_text, write
from reguloom.mechanistic.formula import Formula
from reguloom.mechanistic.ode import OdeModel
from reguloom.mechanistic.ode_views import PhasePlane, phase_plane, time_courses
from reguloom.mechanistic.predict import perturb
from reguloom.mechanistic.probabilistic import markov_simulation, transition_matrix
from reguloom.mechanistic.random_networks import random_network
from reguloom.mechanistic.reconstruct import Reconstruction, reconstruct
from reguloom.mechanistic.robustness import robustness
from reguloom.mechanistic.sde import Noise
from reguloom.mechanistic.simulate import counterfactual, simulate
from reguloom.mechanistic.simulate_dropout import dropout
from reguloom.mechanistic.synchronous import transition_table
from reguloom.mechanistic.trajectories import trajectories

__all__ = [
    "Alternative",
    "Attractor",
    "Attractors",
    "BinaryExpression",
    "BooleanNetwork",
    "Fates",
    "Formula",
    "Noise",
    "OdeModel",
    "PhasePlane",
    "Reconstruction",
    "assign_attractors",
    "attractors",
    "binarize_expression",
    "binary_states",
    "cell_fates",
    "counterfactual",
    "dropout",
    "fates",
    "fixed_points",
    "from_text",
    "markov_simulation",
    "perturb",
    "phase_plane",
    "random_network",
    "read",
    "read_boolode",
    "read_initial",
    "read_strengths",
    "reconstruct",
    "robustness",
    "simulate",
    "time_courses",
    "to_text",
    "trajectories",
    "transition_matrix",
    "transition_table",
    "write",
    "write_boolode",
]
