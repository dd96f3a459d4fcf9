"""Every AnnData slot name that reguloom writes, made in one place.

Each public function that writes takes ``key_added`` to override its slot.
Names hold no ``/``: HDF5 and zarr read it as a folder.
"""

from __future__ import annotations

GRN = "grn"
"""``uns``: the network, as a table of edges with its provenance."""

REGULONS = "regulons"
"""``uns``: the regulons, as a table of members and a table of metadata."""

AUCELL = "aucell"
"""``obsm``: activity of each regulon in each cell; ``uns``: its parameters and summaries."""

ORACLE_DELTA = "oracle_delta"
"""``layers``: a predicted shift; ``uns``: which perturbation, and how it was made."""

VECTORFIELD = "vectorfield"
"""``uns``: a fitted velocity field; ``obs``: the beginning of the names of its geometry."""

ATTRACTOR = "attractor"
"""``obs``: the attractor of a Boolean network that is nearest to a cell; ``uns``: the attractors."""

TEMPORAL = "temporal"
"""``var``, ``varm``: the beginning of the names of a gene's module, timing and latent; ``uns``: what they rest on."""

PERTURBATION = "perturbation"
"""``obs``: which perturbation a cell received (scPerturb's name)."""


def binary(key: str = AUCELL) -> str:
    """Return the ``obsm`` slot of the binarized activity that belongs to `key`."""
    return f"{key}_binary"


def rss(groupby: str) -> str:
    """Return the entry of ``uns['aucell']`` that holds the specificity scores for `groupby`."""
    return safe(f"rss_{groupby}")


def differential(groupby: str) -> str:
    """Return the entry of ``uns['aucell']`` that holds the differential activity for `groupby`."""
    return safe(f"differential_{groupby}")


def delta_basis(basis: str, key: str = ORACLE_DELTA) -> str:
    """Return the ``obsm`` slot of a predicted shift projected on `basis`."""
    return safe(f"{key}_{basis.removeprefix('X_')}")


def transition(key: str = ORACLE_DELTA) -> str:
    """Return the ``obsp`` slot of the transition probabilities that belong to the shift in `key`."""
    return safe(f"{key.removesuffix('_delta')}_transition")


def temporal(what: str, key: str = TEMPORAL) -> str:
    """Return the ``var`` or ``varm`` slot of what is known about a gene's course: ``temporal_module`` ..."""
    return safe(f"{key}_{what}")


def safe(name: str) -> str:
    """Return `name` with the characters that HDF5 and zarr cannot store in a key replaced."""
    return name.replace("/", "_")
