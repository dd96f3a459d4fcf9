"""Early and late responders: gene modules by their course in time, and when each gene answers."""

from reguloom.temporal.bins import bin_cells
from reguloom.temporal.dynamic import dynamic_genes
from reguloom.temporal.fit import fit
from reguloom.temporal.links import links
from reguloom.temporal.motifs import gene_sets, motif_contrast, permuted_sets, rankings_within
from reguloom.temporal.precedence import precedence
from reguloom.temporal.read import as_course, read
from reguloom.temporal.read_peaks import gene_activity, read_places
from reguloom.temporal.read_scores import Scores, check_scores
from reguloom.temporal.read_time import parse_times
from reguloom.temporal.result import TemporalModules
from reguloom.temporal.timecourse import TimeCourse
from reguloom.temporal.timing import timing

__all__ = [
    "Scores",
    "TemporalModules",
    "TimeCourse",
    "as_course",
    "bin_cells",
    "check_scores",
    "dynamic_genes",
    "fit",
    "gene_activity",
    "gene_sets",
    "links",
    "motif_contrast",
    "parse_times",
    "permuted_sets",
    "precedence",
    "rankings_within",
    "read",
    "read_places",
    "timing",
]
