"""From sequences and motifs to scores: what a ranking database of one's own is made of."""

from reguloom.motifs.motif import Motif
from reguloom.motifs.read import read_motifs
from reguloom.motifs.scan import score_genes, score_sequences
from reguloom.motifs.sequences import extract_regions, read_fasta

__all__ = ["Motif", "extract_regions", "read_fasta", "read_motifs", "score_genes", "score_sequences"]
