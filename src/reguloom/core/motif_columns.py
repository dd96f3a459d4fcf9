"""The columns of the cisTarget collections' motif annotation tables: read, written and simulated in one place."""

from __future__ import annotations

ANNOTATION_COLUMNS = (
    "#motif_id",
    "motif_name",
    "motif_description",
    "source_name",
    "source_version",
    "gene_name",
    "motif_similarity_qvalue",
    "similar_motif_id",
    "similar_motif_description",
    "orthologous_identity",
    "orthologous_gene_name",
    "orthologous_species",
    "description",
)
"""All 13, in the order of the file."""
