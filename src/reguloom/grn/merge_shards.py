"""Shards put together: the same network, to the byte, as from one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom._logging import logger
from reguloom._units import parse_shard
from reguloom.core import Network, Provenance
from reguloom.grn._runner import compact


def merge_shards(networks: Sequence[Network], *, limit: int | None = None) -> Network:
    """Merge the networks of ``infer(..., shard="i/n")``.

    Parameters
    ----------
    networks
        One network per shard, in any order.
    limit
        Keep this many edges, the strongest.

    Returns
    -------
    All edges, strongest first, ties by regulator and then target.

    Raises
    ------
    InputError
        If there is none, a target appears in two of them, or their provenance says that they belong to different runs
        or that a shard is missing. Networks read from csv carry no provenance; that check is then left out.
    """
    if not networks:
        msg = "there is no network to merge; give the result of each shard."
        raise InputError(msg)
    provenance = _common_provenance([network.provenance for network in networks])
    _check_disjoint(networks)
    frames = [network.to_frame().astype({"source": str, "target": str}) for network in networks]
    edges = pd.concat(frames, ignore_index=True)
    merged = Network.from_frame(edges, provenance=provenance)
    order = np.lexsort((merged.target, merged.source, -merged.weight))[:limit]
    return compact(merged.take(order))


def _check_disjoint(networks: Sequence[Network]) -> None:
    """Refuse networks that share a target."""
    seen: set[str] = set()
    for network in networks:
        names = set(network.targets[np.unique(network.target)])
        if seen & names:
            msg = f"target {min(seen & names)!r} is in two of the networks; give each shard once."
            raise InputError(msg)
        seen |= names


def _common_provenance(records: Sequence[Provenance | None]) -> Provenance | None:
    """Return the provenance that all shards share, after checking that they are all there."""
    known = [record for record in records if record is not None]
    if len(known) < len(records) or any("shard" not in record.params for record in known):
        return None
    shards = [parse_shard(str(record.params["shard"])) for record in known]
    count = shards[0][1]
    identities = {(record.method, record.seed, tuple(sorted(record.inputs.items()))) for record in known}
    if len(identities) > 1 or {n for _, n in shards} != {count}:
        msg = "the networks come from different runs; give the shards of one method, seed, input and count."
        raise InputError(msg)
    missing = sorted(set(range(1, count + 1)) - {i for i, _ in shards})
    if missing:
        msg = f"shards {missing} of {count} are missing; run them, or give their results as well."
        raise InputError(msg)
    logger.info("all %d shards are there", count)
    params = {key: value for key, value in known[0].params.items() if key not in ("shard", "targets")}
    return replace(known[0], params={**params, "targets": _summed(known)})


def _summed(records: Sequence[Provenance]) -> dict[str, int]:
    """Add up how the targets of all shards ended."""
    total: dict[str, int] = {}
    for record in records:
        for state, n in record.params["targets"].items():
            total[state] = total.get(state, 0) + n
    return dict(sorted(total.items()))
