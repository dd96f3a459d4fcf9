"""Boolean wirings: their stable states, what a perturbation does to them, and cells simulated from them."""

from __future__ import annotations

from reguloom.mechanistic.attractors import Attractor, Attractors, attractors
from reguloom.mechanistic.boolean_network import Alternative, BooleanNetwork
from reguloom.mechanistic.boolode import read_boolode, read_initial, read_strengths, write_boolode
from reguloom.mechanistic.files import from_text, read, to_text, write
from reguloom.mechanistic.formula import Formula
from reguloom.mechanistic.ode import OdeModel
from reguloom.mechanistic.sde import Noise
from reguloom.mechanistic.simulate import counterfactual, simulate
from reguloom.mechanistic.simulate_dropout import dropout

__all__ = [
    "Alternative",
    "Attractor",
    "Attractors",
    "BooleanNetwork",
    "Formula",
    "Noise",
    "OdeModel",
    "attractors",
    "counterfactual",
    "dropout",
    "from_text",
    "read",
    "read_boolode",
    "read_initial",
    "read_strengths",
    "simulate",
    "to_text",
    "write",
    "write_boolode",
]
