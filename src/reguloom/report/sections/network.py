"""The network as a graph with places: computed here, so that the page only has to draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom import _keys
from reguloom._random import child_seed
from reguloom.core import Network
from reguloom.report._payload import Payload, quantise
from reguloom.report._source import Source

MOST_NODES, MOST_EDGES = 2000, 8000
_FEW = 600
_DENSE, _SPREAD = 3, 0.6


def panel(source: Source, payload: Payload) -> dict[str, Any] | None:
    """Return nodes with places and edges; None without a network.

    Parameters
    ----------
    source
        The pieces.
    payload
        Where places and edges go.
    """
    found = _edges(source)
    if found is None:
        return None
    origin, edges = found
    total = len(edges), int(pd.concat([edges["source"], edges["target"]]).nunique())
    edges = _strongest(edges)
    names = list(dict.fromkeys([*edges["source"], *edges["target"]]))
    position = {name: i for i, name in enumerate(names)}
    ends = edges[["source", "target"]].apply(lambda column: column.map(position)).to_numpy(dtype=np.int64)
    places = layout(len(names), ends)
    low, high = places.min(axis=0), places.max(axis=0)
    span = float((high - low).max()) or 1.0
    made: dict[str, Any] = {
        "origin": origin,
        "names": names,
        "regulators": sorted({int(i) for i in ends[:, 0]}),
        "n_edges": len(edges),
        "total_edges": total[0],
        "total_nodes": total[1],
        "extent": [float(value) for value in (high - low) / span],
    }
    for axis, name in enumerate("xy"):
        codes, _, _ = quantise(places[:, axis], "u2", low=float(low[axis]), high=float(low[axis]) + span)
        made[name] = payload.add(codes, "u2")
    made["source"], made["target"] = payload.add(ends[:, 0], "u2"), payload.add(ends[:, 1], "u2")
    made["strength"] = payload.add(quantise(edges["strength"], "u1", low=0.0, high=1.0)[0], "u1")
    made["sign"] = payload.add(edges["sign"], "i1")
    return made


def _edges(source: Source) -> tuple[str, pd.DataFrame] | None:
    """Return where the edges come from, and source, target, sign and strength (1 for the strongest of a factor)."""
    if source.regulons is not None and len(source.regulons):
        return "regulons", _table(source.regulons.to_network())
    if hasattr(source.cells.uns.get(_keys.GRN), "get") and "edges" in source.cells.uns[_keys.GRN]:
        return "inferred network", _table(Network.from_adata(source.cells))
    if source.oracle is not None and len(source.oracle.network):
        return "fitted network, every edge in the group where it is strongest", _table(source.oracle.network)
    return None


def _table(network: Network) -> pd.DataFrame:
    """Return the edges, each pair of genes once, strongest first within a factor."""
    frame = network.to_frame()
    weight = frame["weight"].to_numpy(dtype=np.float64)
    sign = np.where(frame["sign"].to_numpy() != 0, frame["sign"], np.where(weight < 0, -1, 0))
    table = pd.DataFrame(
        {
            "source": frame["source"].astype(str),
            "target": frame["target"].astype(str),
            "weight": np.abs(weight),
            "sign": sign,
        }
    )
    table = table.sort_values(["weight"], ascending=False, kind="stable").drop_duplicates(["source", "target"])
    table["strength"] = table["weight"] / table.groupby("source")["weight"].transform("max").replace(0.0, 1.0)
    return table.reset_index(drop=True)


def _strongest(edges: pd.DataFrame) -> pd.DataFrame:
    """Return the edges that fit: every factor's strongest in turn, until there are too many genes or edges."""
    edges = edges.sort_values("weight", ascending=False, kind="stable")
    turn = edges.groupby("source", sort=False).cumcount()
    ordered = edges.assign(turn=turn).sort_values(["turn", "weight"], ascending=[True, False], kind="stable")
    ordered = ordered.head(MOST_EDGES)
    pairs = ordered[["source", "target"]].to_numpy().ravel()
    seen = np.zeros(pairs.size, dtype=np.int64)
    seen[np.unique(pairs, return_index=True)[1]] = 1
    n_genes = np.cumsum(seen)[1::2]
    return ordered[n_genes <= MOST_NODES].reset_index(drop=True)


def layout(n_nodes: int, ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a place for every node by springs between those that are joined, ``(n_nodes, 2)``.

    Parameters
    ----------
    n_nodes
        Number of nodes; those that regulate come first.
    ends
        Source and target of every edge, ``(n_edges, 2)``.
    """
    import rustworkx

    rng = np.random.default_rng(child_seed(0, "report layout"))
    graph = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(n_nodes))
    graph.add_edges_from([(int(a), int(b), 1.0) for a, b in ends])
    start = _start(n_nodes, ends, rng)
    places = rustworkx.spring_layout(
        graph,
        weight_fn=float,
        pos={i: (float(x), float(y)) for i, (x, y) in enumerate(start)},
        k=1.8 / np.sqrt(max(n_nodes, 1)),
        num_iter=200 if n_nodes <= _FEW else 60,
        seed=int(rng.integers(2**31)),
    )
    found = np.array([places[i] for i in range(n_nodes)], dtype=np.float64)
    centred = found - np.median(found, axis=0)
    # Genes that hang on nothing are pushed far out; drawn in at the edge, the rest keeps its room.
    radius = np.linalg.norm(centred, axis=1, keepdims=True)
    limit = 1.15 * float(np.quantile(radius, 0.97)) or 1.0
    share = np.minimum(radius / limit, 1.0)
    # Where everything is joined to everything, all crowd in the middle: make room there.
    share = share ** (_SPREAD if len(ends) > _DENSE * n_nodes else 1.0)
    return np.asarray(centred / np.maximum(radius, 1e-12) * share)


def _start(n_nodes: int, ends: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return places to start from: regulators on a circle, targets between their regulators."""
    regulators = np.unique(ends[:, 0])
    turn = 2 * np.pi * np.arange(regulators.size) / max(regulators.size, 1)
    total, count = np.zeros((n_nodes, 2)), np.zeros(n_nodes)
    circle = np.zeros((n_nodes, 2))
    circle[regulators] = np.column_stack([np.cos(turn), np.sin(turn)])
    np.add.at(total, ends[:, 1], circle[ends[:, 0]])
    np.add.at(count, ends[:, 1], 1)
    start = total / np.maximum(count, 1)[:, None] + rng.normal(0.0, 0.15, (n_nodes, 2))
    start[regulators] = circle[regulators]
    return start
