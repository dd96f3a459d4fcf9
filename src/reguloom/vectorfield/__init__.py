"""Where cells are going: velocities, the field behind them, what regulates it, and how a perturbation turns it."""

from reguloom.vectorfield.diagnose import checked, diagnose
from reguloom.vectorfield.embed import on_embedding, place
from reguloom.vectorfield.fate import Fates, fate_change, fates
from reguloom.vectorfield.field import VectorField
from reguloom.vectorfield.fit import fit
from reguloom.vectorfield.fixed_points import FixedPoints, basins, fixed_points, separatrices
from reguloom.vectorfield.geometry import acceleration, curl, curvature, geometry, sensitivity, torsion
from reguloom.vectorfield.helmholtz import helmholtz_kernel
from reguloom.vectorfield.integrate import Trajectories, diffuse, integrate
from reguloom.vectorfield.jacobian import cell_jacobian, jacobian, network
from reguloom.vectorfield.least_action import Path, action_matrix, least_action
from reguloom.vectorfield.lowrank import LowRank
from reguloom.vectorfield.moments import moments, pca, prepare
from reguloom.vectorfield.perturb import FieldPrediction, Knockout, predict
from reguloom.vectorfield.potential import potential
from reguloom.vectorfield.project import project
from reguloom.vectorfield.ranking import loops, rank_genes, rank_regulators
from reguloom.vectorfield.rates import labelling, velocity
from reguloom.vectorfield.response import dose_response
from reguloom.vectorfield.screen import screen
from reguloom.vectorfield.space import StateSpace
from reguloom.vectorfield.sparsevfc import SparseVFC, sparsevfc
from reguloom.vectorfield.transition import displacement, transition

__all__ = [
    "FieldPrediction",
    "FixedPoints",
    "Fates",
    "Knockout",
    "LowRank",
    "Path",
    "SparseVFC",
    "StateSpace",
    "Trajectories",
    "VectorField",
    "acceleration",
    "action_matrix",
    "basins",
    "cell_jacobian",
    "checked",
    "curl",
    "curvature",
    "diagnose",
    "diffuse",
    "displacement",
    "dose_response",
    "fate_change",
    "fates",
    "fit",
    "fixed_points",
    "geometry",
    "helmholtz_kernel",
    "integrate",
    "jacobian",
    "labelling",
    "least_action",
    "loops",
    "moments",
    "network",
    "on_embedding",
    "pca",
    "place",
    "potential",
    "predict",
    "prepare",
    "project",
    "rank_genes",
    "rank_regulators",
    "screen",
    "sensitivity",
    "separatrices",
    "sparsevfc",
    "torsion",
    "transition",
    "velocity",
]
