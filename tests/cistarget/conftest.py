"""A small planted world: rankings in which the motifs of four factors put the factors' targets on top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from reguloom.cistarget import Module, rank_scores
from reguloom.core import Network

GENES = [f"G{i:03d}" for i in range(400)]
MOTIFS = [f"m{i:02d}" for i in range(80)]
TFS = ("G000", "G001", "G002", "G003")


@dataclass(frozen=True)
class World:
    """Ranks (motifs × genes), annotations, modules, and the genes planted on top of each factor's motif."""

    ranks: pd.DataFrame
    annotations: pd.DataFrame
    modules: list[Module]
    planted: dict[str, list[str]]
    network: Network


@pytest.fixture(scope="session")
def world() -> World:
    rng = np.random.default_rng(11)
    scores = pd.DataFrame(rng.normal(size=(len(MOTIFS), len(GENES))), MOTIFS, GENES)
    planted, modules, edges = {}, [], []
    for i, tf in enumerate(TFS):
        members = [GENES[g] for g in rng.choice(np.arange(10, 400), 40, replace=False)]
        planted[tf] = members[:20]
        scores.loc[f"m{7 * i + 3:02d}", planted[tf]] += 6.0
        scores.loc[f"m{7 * i + 5:02d}", members[:12]] += 6.0
        weights = rng.uniform(1, 9, 40)
        sign = 1 if i < 3 else -1
        context = frozenset({"activating" if sign > 0 else "repressing", "top50"})
        modules.append(Module(tf, f"Regulon for {tf}", np.array([*members, tf], object), np.r_[weights, 1.0], context))
        edges += [(tf, gene, weight, sign) for gene, weight in zip(members, weights, strict=True)]
    rows = [(tf, f"m{7 * i + j:02d}") for i, tf in enumerate(TFS) for j in (3, 5, 6)]
    annotations = pd.DataFrame(rows, columns=["TF", "MotifID"])
    annotations["MotifSimilarityQvalue"] = np.resize([0.0, 1e-5, 1e-7], len(rows))
    annotations["OrthologousIdentity"] = np.resize([1.0, 0.8, 0.9, 1.0], len(rows))
    annotations["Annotation"] = "gene is directly annotated"
    source, target, weight, signs = zip(*edges, strict=True)
    network = Network.from_edges(source, target, weight, sign=signs)
    ranks = rank_scores(scores)
    ranks.attrs["name"] = "world"
    return World(ranks, annotations, modules, planted, network)
