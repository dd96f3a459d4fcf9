"""The nouns that every stage speaks: networks, regulons, perturbations, predictions, and where they came from."""

from reguloom.core.expression import Expression
from reguloom.core.genes import GeneOverlap, check_genes, gene_overlap
from reguloom.core.network import Network
from reguloom.core.perturbation import Perturbation
from reguloom.core.prediction import Prediction, Predictor
from reguloom.core.provenance import Provenance
from reguloom.core.regulon import Regulon
from reguloom.core.regulons import Regulons

__all__ = [
    "Expression",
    "GeneOverlap",
    "Network",
    "Perturbation",
    "Prediction",
    "Predictor",
    "Provenance",
    "Regulon",
    "Regulons",
    "check_genes",
    "gene_overlap",
]
