"""The nouns that every stage speaks: networks, regulons, perturbations, predictions, and where they came from."""

from reguloom.core.expression import Expression
from reguloom.core.genes import GeneOverlap, check_genes, gene_overlap
from reguloom.core.network import Network
from reguloom.core.perturbation import Perturbation
from reguloom.core.perturbation_data import ControlPool, PerturbationData
from reguloom.core.prediction import Prediction, Predictor
from reguloom.core.provenance import Provenance
from reguloom.core.pseudobulk import Pseudobulk
from reguloom.core.regulon import Regulon
from reguloom.core.regulons import Regulons

__all__ = [
    "ControlPool",
    "Expression",
    "GeneOverlap",
    "Network",
    "Perturbation",
    "PerturbationData",
    "Prediction",
    "Predictor",
    "Provenance",
    "Pseudobulk",
    "Regulon",
    "Regulons",
    "check_genes",
    "gene_overlap",
]
