"""The cell manifold: neighbours, transitions between them, their projection on an embedding, and grids."""

from reguloom.manifold.blocks import blocks
from reguloom.manifold.grid import Grid, GridWeights
from reguloom.manifold.neighborhood import Neighborhood
from reguloom.manifold.neighbors import balanced_neighbors, nearest, smoothing_weights

__all__ = ["Grid", "GridWeights", "Neighborhood", "balanced_neighbors", "blocks", "nearest", "smoothing_weights"]
