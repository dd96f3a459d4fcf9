"""Motif pruning: a network and ranking databases in, regulons out (SCENIC's cisTarget step).

``modules`` makes co-expression modules of a network, ``enrich`` tests them (or any gene sets) for motifs,
``regulons_from_motifs`` joins the leading edges into regulons, and ``prune`` does all three. ``build_database``
makes a ranking database for a species that has none, and ``recovery`` the curves that a plot shows.
"""

from reguloom.cistarget.database import build_database, combine_rankings, rank_scores
from reguloom.cistarget.enrichment import enrich
from reguloom.cistarget.merge_shards import is_shard, merge_shards, read_shard, write_shard
from reguloom.cistarget.module import Module
from reguloom.cistarget.modules import modules
from reguloom.cistarget.prune import prune
from reguloom.cistarget.recovery import Recovery, recovery
from reguloom.io.motif_regulons import regulons_from_motifs

__all__ = [
    "Module",
    "Recovery",
    "build_database",
    "combine_rankings",
    "enrich",
    "is_shard",
    "merge_shards",
    "modules",
    "prune",
    "rank_scores",
    "read_shard",
    "recovery",
    "regulons_from_motifs",
    "write_shard",
]
