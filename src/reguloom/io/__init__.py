"""The door: expression matrices, networks, regulons, motif tables, ranking databases and gene lists, in and out."""

from reguloom.io.annotations import read_motif_annotations
from reguloom.io.coerce import as_network, as_regulons
from reguloom.io.genes import read_genes
from reguloom.io.h5ad import read_h5ad
from reguloom.io.loom import read_loom
from reguloom.io.matrix import read, write
from reguloom.io.motif_regulons import regulons_from_motifs
from reguloom.io.motif_table import read_motif_table, write_motif_table
from reguloom.io.networks import read_network, write_network
from reguloom.io.rankings import RankingDatabase, read_rankings, write_rankings
from reguloom.io.regulons import read_regulons, write_regulons
from reguloom.io.scope import write_scope_loom
from reguloom.io.tables import read_table, write_table
from reguloom.io.tenx import read_10x
from reguloom.io.text import read_text

__all__ = [
    "RankingDatabase",
    "as_network",
    "as_regulons",
    "read",
    "read_10x",
    "read_genes",
    "read_h5ad",
    "read_loom",
    "read_motif_annotations",
    "read_motif_table",
    "read_network",
    "read_rankings",
    "read_regulons",
    "read_table",
    "read_text",
    "regulons_from_motifs",
    "write",
    "write_motif_table",
    "write_network",
    "write_rankings",
    "write_regulons",
    "write_scope_loom",
    "write_table",
]
