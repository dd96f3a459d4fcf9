"""The pairs that are scored, and a prediction ranked over them without ever writing all of them down."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.core import Network, Regulons

NetworkLike: TypeAlias = Network | Regulons | pd.DataFrame
Keys: TypeAlias = NDArray[np.int64]


def as_network(one: NetworkLike) -> Network:
    """Return a prediction or a truth as a network.

    Raises
    ------
    InputError
        If it is something else, or a weight is not a number.
    """
    if isinstance(one, pd.DataFrame):
        one = Network.from_frame(one)
    elif isinstance(one, Regulons):
        one = one.to_network()
    if not isinstance(one, Network):
        hint = "; read files with io.read_network" if isinstance(one, str | os.PathLike) else ""
        msg = f"a network is needed, and this is a {type(one).__name__}; accepted are Network, Regulons, a table{hint}."
        raise InputError(msg)
    if not np.isfinite(one.weight).all():
        msg = (
            f"{int((~np.isfinite(one.weight)).sum())} edges have a weight that is no finite number; drop or mend them."
        )
        raise InputError(msg)
    return one


@dataclass(frozen=True)
class Edges:
    """Candidate edges that a network names, each once.

    Parameters
    ----------
    keys
        Number of each candidate pair, increasing, shape ``(n_edges,)``.
    size
        Absolute weight.
    sign
        +1, -1, or 0 where it is not known.
    """

    keys: Keys
    size: NDArray[np.float64]
    sign: NDArray[np.int8]

    def __len__(self) -> int:
        """Return the number of edges."""
        return len(self.keys)

    def without(self, keys: Keys) -> Edges:
        """Return the edges whose number is not among `keys`."""
        keep = ~np.isin(self.keys, keys, assume_unique=True)
        return Edges(self.keys[keep], self.size[keep], self.sign[keep])

    def nonzero(self, *, decimals: int | None = None) -> Edges:
        """Return the edges whose weight, rounded or not, is not zero."""
        size = self.size if decimals is None else np.round(self.size, decimals)
        keep = size > 0
        return Edges(self.keys[keep], size[keep], self.sign[keep])


@dataclass(frozen=True)
class Candidates:
    """Every pair of a source and a target, the source itself left out.

    Parameters
    ----------
    sources, targets
        Names, each once.
    """

    sources: pd.Index
    targets: pd.Index

    @classmethod
    def of(cls, truth: Network, *, tfs: Iterable[str] | None, genes: Iterable[str] | None) -> Candidates:
        """Return the pairs of `tfs` and `genes`; what is left out comes from the true network."""
        sources = used(truth.regulators, truth.source) if tfs is None else [str(name) for name in tfs]
        everything = [*used(truth.regulators, truth.source), *used(truth.targets, truth.target)]
        targets = everything if genes is None else [str(name) for name in genes]
        return cls(pd.Index(dict.fromkeys(sources)), pd.Index(dict.fromkeys(targets)))

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.sources) * len(self.targets) - int(self.sources.isin(self.targets).sum())

    def edges(self, network: Network) -> Edges:
        """Return the candidate edges that `network` names; of several for one pair the strongest."""
        rows = self.sources.get_indexer(network.regulators)[network.source]
        columns = self.targets.get_indexer(network.targets)[network.target]
        own = self.targets.get_indexer(self.sources)
        inside = np.flatnonzero((rows >= 0) & (columns >= 0))
        inside = inside[own[rows[inside]] != columns[inside]]
        keys = rows[inside].astype(np.int64) * len(self.targets) + columns[inside]
        size = np.abs(network.weight[inside])
        order = np.lexsort((size, keys))
        keys = keys[order]
        strongest = np.append(keys[1:] != keys[:-1], True) if len(keys) else np.zeros(0, dtype=bool)
        chosen = order[strongest]
        return Edges(keys[strongest], size[chosen], network.sign[inside][chosen].astype(np.int8))

    def edges_of_matrix(self, values: NDArray[np.float64]) -> Edges:
        """Return the candidate edges of a matrix sources × targets whose value is a number other than zero."""
        own = self.targets.get_indexer(self.sources)
        there = np.isfinite(values) & (values != 0)
        there[np.flatnonzero(own >= 0), own[own >= 0]] = False
        keys = np.flatnonzero(there)
        chosen = values.ravel()[keys]
        return Edges(keys.astype(np.int64), np.abs(chosen), np.sign(chosen).astype(np.int8))

    def shuffled(self, keys: Keys, order: NDArray[np.intp], *, n_signs: int = 1) -> Keys:
        """Return the pairs with each target replaced by another, increasing; pairs with the source itself are dropped.

        Parameters
        ----------
        keys
            Numbers of pairs.
        order
            Which target takes the place of each, shape ``(n_targets,)``.
        n_signs
            2 if the numbers are those of pairs with their sign.
        """
        pairs, sign = np.divmod(keys, n_signs)
        rows, columns = np.divmod(pairs, len(self.targets))
        columns = order[columns]
        other = self.targets.get_indexer(self.sources)[rows] != columns
        moved: Keys = np.sort(((rows * len(self.targets) + columns) * n_signs + sign)[other])
        return moved


def candidate_truth(candidates: Candidates, truth: Network) -> Edges:
    """Return the true edges among the candidates.

    Raises
    ------
    InputError
        If there is none.
    """
    edges = candidates.edges(truth)
    if not len(edges):
        n_sources, n_targets = len(candidates.sources), len(candidates.targets)
        msg = f"the true network has no edge between the given {n_sources} TFs and {n_targets} genes."
        raise InputError(msg)
    return edges


def used(names: pd.Index, codes: NDArray[np.int32]) -> list[str]:
    """Return the names that some edge points to, in their order."""
    return [str(name) for name in names[np.unique(codes)]]


@dataclass(frozen=True)
class Ranking:
    """Candidates from the strongest edge to the weakest; equal weights are one place, all unnamed pairs the last one.

    Parameters
    ----------
    keys
        Named candidates, increasing, shape ``(n_named,)``.
    place
        The place of each, 0 is the strongest.
    stop
        Candidates down to the end of each place, shape ``(n_places,)``; the last is the number of candidates.
    n_named_places
        Places before that of the unnamed candidates.
    """

    keys: Keys
    place: NDArray[np.int64]
    stop: NDArray[np.int64]
    n_named_places: int

    @classmethod
    def of(cls, edges: Edges, n_candidates: int) -> Ranking:
        """Rank `edges`, which are some of `n_candidates`."""
        order = np.argsort(-edges.size, kind="stable")
        ordered = edges.size[order]
        new = np.append(False, ordered[1:] != ordered[:-1]) if len(ordered) else np.zeros(0, dtype=bool)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.cumsum(new)
        n_places = int(place.max()) + 1 if len(place) else 0
        stop = np.cumsum(np.bincount(place, minlength=n_places))
        if len(edges) < n_candidates:
            stop = np.append(stop, n_candidates)
        return cls(edges.keys, place, stop.astype(np.int64), n_places)

    @property
    def n_candidates(self) -> int:
        """Number of candidates, named or not."""
        return int(self.stop[-1])

    @property
    def n_named(self) -> int:
        """Number of candidates that the prediction names."""
        return len(self.keys)

    @property
    def start(self) -> NDArray[np.int64]:
        """Candidates before each place."""
        return np.append(0, self.stop[:-1])

    def places_of(self, keys: Keys) -> NDArray[np.int64]:
        """Return the place of each of `keys`, in increasing order."""
        if not len(self.keys):
            return np.zeros(len(keys), dtype=np.int64)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        places: NDArray[np.int64] = np.where(self.keys[at] == keys, self.place[at], len(self.stop) - 1)
        return np.sort(places)
