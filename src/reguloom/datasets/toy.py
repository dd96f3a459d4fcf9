"""A tiny data set for examples and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reguloom._random import SeedLike, accepts_seed
from reguloom.datasets.regulon_world import regulon_world

if TYPE_CHECKING:
    from anndata import AnnData


@accepts_seed
def toy(*, rng: SeedLike = 0) -> AnnData:
    """Return 100 cells of three types with counts of 60 genes, six of them transcription factors.

    Parameters
    ----------
    rng
        Seed.

    Returns
    -------
    AnnData
        ``(100, 60)`` with what :func:`regulon_world` puts in, and the true regulons in ``uns['regulons']``.

    Examples
    --------
    >>> import reguloom as rl
    >>> rl.datasets.toy().obs["cell_type"].nunique()
    3
    """
    world = regulon_world(100, 3, 6, n_genes=60, n_database_genes=60, n_random_motifs=0, rng=rng)
    world.regulons.to_adata(world.adata)
    return world.adata
