"""Runs a method over all targets: blocks are units of work, finished ones go to the checkpoint, then into one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._logging import logger
from reguloom._progress import track
from reguloom._units import map_units
from reguloom.core import Network, Provenance
from reguloom.grn._checkpoint import Checkpoint
from reguloom.grn._problem import STATES, FitBlock, Problem, TargetEdges


def run(
    problem: Problem,
    fit: FitBlock,
    *,
    block: int,
    shard: tuple[int, int],
    n_jobs: int | None,
    checkpoint: Checkpoint | None,
    description: str,
) -> list[TargetEdges]:
    """Fit every target of a shard and return their edges, by target.

    Blocks are cut before they are dealt to shards, so a block holds the same targets however the run is divided.
    """
    targets = range(problem.n_targets)
    blocks = {n: targets[n * block : (n + 1) * block] for n in range(-(-problem.n_targets // block))}
    mine = {n: members for n, members in blocks.items() if n % shard[1] == shard[0] - 1}
    done = checkpoint.finished() if checkpoint is not None else {}
    if done:
        logger.info("%d of %d blocks of targets are in the checkpoint already", len(done), len(mine))
    left = [n for n in mine if n not in done]
    with checkpoint if checkpoint is not None else nullcontext():
        results = map_units(fit, [mine[n] for n in left], n_jobs)
        for n, edges in zip(left, track(results, len(left), description), strict=True):
            if checkpoint is not None:
                checkpoint.append(n, edges)
            done[n] = edges
    return [edges for n in sorted(done) for edges in done[n]]


def collect(problem: Problem, found: Sequence[TargetEdges], *, limit: int | None, provenance: Provenance) -> Network:
    """Return the edges as a network in canonical order: strongest first, ties by regulator, then by target."""
    sizes = [edges.regulators.size for edges in found]
    target = np.repeat(np.array([edges.target for edges in found], np.int32), sizes)
    source = _concatenate([edges.regulators for edges in found], np.int32)
    weight = _concatenate([edges.importance for edges in found], np.float64)
    sign = _concatenate([edges.sign for edges in found], np.int8)
    order = np.lexsort((target, source, -weight))[:limit]
    network = Network(
        regulators=problem.regulator_names.rename("source"),
        targets=problem.target_names.rename("target"),
        source=source[order],
        target=target[order],
        weight=weight[order],
        sign=sign[order],
        provenance=provenance,
    )
    return compact(network)


def compact(network: Network) -> Network:
    """Return the network without names that no edge uses."""
    changed = {}
    for names, codes in (("regulators", "source"), ("targets", "target")):
        used, new = np.unique(getattr(network, codes), return_inverse=True)
        changed[names] = getattr(network, names)[used]
        changed[codes] = new.astype(np.int32)
    return replace(network, **changed)


def _concatenate(parts: Sequence[NDArray[Any]], kind: Any) -> NDArray[Any]:
    """Concatenate, also nothing."""
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def target_table(problem: Problem, found: Sequence[TargetEdges]) -> pd.DataFrame:
    """Return one row per target: number of edges, trees, and how the fit ended."""
    return pd.DataFrame(
        {
            "target": problem.target_names[[edges.target for edges in found]],
            "n_estimators": [edges.n_trees for edges in found],
            "n_edges": [edges.regulators.size for edges in found],
            "state": [STATES[edges.state] for edges in found],
        }
    )


def report_states(table: pd.DataFrame) -> Mapping[str, int]:
    """Log every target that ended without an edge, and return how often each state occurs."""
    reasons = {
        "constant": "have the same value in every cell",
        "no regulator": "have no regulator that varies",
        "no split": "are not explained by any regulator",
    }
    for state, reason in reasons.items():
        names = table.loc[table["state"] == state, "target"]
        if len(names):
            logger.info("%d targets %s and get no edge: %s", len(names), reason, _some(list(names)))
    return {str(state): int(n) for state, n in table["state"].value_counts().sort_index().items()}


def _some(names: list[str]) -> str:
    """Return the first names as text."""
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
