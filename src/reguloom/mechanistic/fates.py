"""Fates: how likely a network ends in each of its attractors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, child_seed, generator, root_seed
from reguloom.mechanistic import _spaces
from reguloom.mechanistic._program import compile_network, tabulate
from reguloom.mechanistic.attractors import Attractor, Attractors, attractors
from reguloom.mechanistic.starts import check_initial, random_states
from reguloom.mechanistic.synchronous import successor_map

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork

MAX_GENES = 20
"""Free genes up to which probabilities are computed and not estimated."""
MAX_WORK = 1 << 30
"""States times attractors up to which they are computed."""
_TOLERANCE, _SWEEPS = 1e-12, 10_000


@dataclass(frozen=True, eq=False)
class Fates:
    """Probabilities of ending in each attractor.

    Parameters
    ----------
    attractors
        The attractors.
    table
        One row for each attractor (and ``undecided`` where walks were given up): ``probability``, ``lower`` and
        ``upper`` end of the confidence interval, ``space``.
    method
        ``exact`` or ``simulation``.
    """

    attractors: Attractors
    table: pd.DataFrame
    method: str

    @property
    def probabilities(self) -> pd.Series:
        """Attractor → probability."""
        return self.table["probability"]

    def levels(self) -> pd.Series:
        """Return for each gene the expected share of the final attractor's states in which it is on."""
        weights = self.probabilities.reindex(self.attractors.names).to_numpy()
        total = weights.sum()
        weights = weights / total if total > 0 else weights
        return pd.Series(weights @ self.attractors.levels().to_numpy(), index=list(self.attractors.genes))

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


@accepts_seed
def fates(
    network: BooleanNetwork,
    *,
    update: str = "asynchronous",
    initial: Mapping[str, int] | None = None,
    method: str = "auto",
    n_walks: int = 10_000,
    max_steps: int | None = None,
    confidence: float = 0.95,
    interval: str = "wilson",
    rng: SeedLike = 0,
) -> Fates:
    """Compute how likely a network ends in each attractor.

    Parameters
    ----------
    network
        A deterministic network without delays.
    update
        ``asynchronous``: every gene that would change is equally likely to be next (the same holds in continuous
        time with equal rates). ``synchronous``: the share of states in each basin.
    initial
        Gene → start value; all combinations of the other genes are equally likely.
    method
        ``exact`` (absorbing Markov chain on the whole state graph, up to 20 free genes), ``simulation``, or ``auto``.
    n_walks
        Walks of a simulation.
    max_steps
        Updates after which a walk counts as undecided; 1,000 for each gene by default.
    confidence
        Level of the interval of a simulation.
    interval
        ``wilson`` or ``clopper-pearson``.
    rng
        Seed of a simulation.

    Returns
    -------
    Fates
        Exact probabilities have an interval of no width.

    Raises
    ------
    InputError
        If the exact method is asked for and the network is too large for it.
    """
    if update not in ("asynchronous", "synchronous") or method not in ("auto", "exact", "simulation"):
        msg = f"update={update!r}, method={method!r}; accepted are asynchronous, synchronous; auto, exact, simulation."
        raise InputError(msg)
    given = check_initial(network, initial)
    if update == "synchronous":
        return _synchronous(network, given)
    found = attractors(network, update=update)
    fits = len(network.free) <= MAX_GENES and len(found) << len(network.free) <= MAX_WORK
    if method == "exact" and not fits:
        msg = f"{len(network.free)} genes and {len(found)} attractors; exact fates go up to {MAX_GENES} genes."
        raise InputError(msg)
    if method == "simulation" or not fits:
        return _simulated(network, found, given, n_walks, max_steps, (confidence, interval), root_seed(rng))
    chances = np.array([one.mean() for one in Absorption(network, found).chances(_where(network, given))])
    return Fates(found, _table(found, chances, chances, chances), "exact")


def _where(network: BooleanNetwork, given: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the numbers of the states that agree with the given start."""
    states = np.zeros(1, dtype=np.int64)
    for bit, gene in enumerate(network.free):
        if gene in given:
            states = states | (given[gene] << bit)
        else:
            states = np.concatenate([states, states | (1 << bit)])
    return states


class Absorption:
    """The asynchronous state graph of a small network, ready to be asked where walks end.

    Parameters
    ----------
    network
        The network.
    found
        Its attractors.
    """

    def __init__(self, network: BooleanNetwork, found: Attractors) -> None:
        from reguloom.mechanistic._kernels import terminal_components

        self.n_genes = len(network.free)
        self.successor = successor_map(compile_network(network), self.n_genes)
        members, bounds, self.order, self.last = terminal_components(self.successor, self.n_genes)
        columns = [network.genes.index(gene) for gene in network.free]
        first = {self._first(one, columns): i for i, one in enumerate(found)}
        self.groups: list[NDArray[np.uint32]] = [np.zeros(0, dtype=np.uint32)] * len(found)
        for begin, end in zip(bounds[:-1], bounds[1:], strict=True):
            states = members[begin:end]
            low, high = int(np.bitwise_and.reduce(states)), int(np.bitwise_or.reduce(states))
            key = (int(states.min()), 0) if (int(states.min()), 0) in first else (low, high)
            self.groups[first[key]] = states

    @staticmethod
    def _first(one: Attractor, columns: list[int]) -> tuple[int, int]:
        """Return what tells an attractor from others: its smallest state, or where that is unknown its space."""
        if one.states is not None:
            return int((one.states[:, columns].astype(np.int64) << np.arange(len(columns))).sum(axis=1).min()), 0
        low = sum((one.space[c] == "1") << bit for bit, c in enumerate(columns))
        return low, sum((one.space[c] != "0") << bit for bit, c in enumerate(columns))

    def chances(self, states: NDArray[np.int64]) -> list[NDArray[np.float64]]:
        """Return for each attractor the probability of ending there from each of the states.

        Parameters
        ----------
        states
            Numbers of states; gene ``i`` of the free genes is bit ``i``.
        """
        from reguloom.mechanistic._kernels import absorption

        made = []
        kind = np.zeros(len(self.successor), dtype=np.int8)
        for group in self.groups:
            kind[group] = 2
        for group in self.groups:
            kind[group] = 1
            chance = np.zeros(len(self.successor))
            absorption(self.successor, self.n_genes, self.order, self.last, chance, kind, _TOLERANCE, _SWEEPS)
            kind[group] = 2
            made.append(chance[states])
        return made


def _synchronous(network: BooleanNetwork, given: Mapping[str, int]) -> Fates:
    """Return shares of basins."""
    found = attractors(network, update="synchronous")
    if not given:
        shares = np.array([float(one.basin or 0) for one in found]) / found.n_states
        return Fates(found, _table(found, shares, shares, shares), "exact")
    ends = synchronous_ends(network, found, _where(network, given))
    shares = np.bincount(ends, minlength=len(found)) / len(ends)
    return Fates(found, _table(found, shares, shares, shares), "exact")


def synchronous_ends(network: BooleanNetwork, found: Attractors, states: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the attractor that each state ends in.

    Parameters
    ----------
    network
        A network of up to 20 free genes.
    found
        Its synchronous attractors.
    states
        Numbers of states.
    """
    from reguloom.mechanistic._kernels import basins

    if len(network.free) > MAX_GENES:
        msg = (
            f"{len(network.free)} genes are free; starts can be given for up to {MAX_GENES} with synchronous updating."
        )
        raise InputError(msg)
    successor = successor_map(compile_network(network), len(network.free))
    labels = np.zeros(len(successor), dtype=np.uint32)
    starts, _ = basins(successor, labels, 1 << 30)
    columns = [network.genes.index(gene) for gene in network.free]
    place = np.zeros(len(starts) + 1, dtype=np.int64)
    for i, one in enumerate(found):
        if one.states is not None:
            first = int((one.states[0, columns].astype(np.int64) << np.arange(len(columns))).sum())
            place[labels[first]] = i
    return place[labels[successor[states]]]


def _simulated(
    network: BooleanNetwork,
    found: Attractors,
    given: Mapping[str, int],
    n_walks: int,
    max_steps: int | None,
    bounds: tuple[float, str],
    seed: int,
) -> Fates:
    """Estimate the probabilities from walks."""
    states = random_states(network, given, n_walks, generator(seed, "starts"))
    ends = walk_ends(network, found, states, max_steps, child_seed(seed, "walk"))
    counts = np.bincount(ends[ends >= 0], minlength=len(found))
    lower, upper = proportion_interval(counts, n_walks, confidence=bounds[0], interval=bounds[1])
    table = _table(found, counts / n_walks, lower, upper)
    lost = int((ends < 0).sum())
    if lost:
        low, high = proportion_interval(np.array([lost]), n_walks, confidence=bounds[0], interval=bounds[1])
        table.loc["undecided"] = [lost / n_walks, low[0], high[0], ""]
    return Fates(found, table, "simulation")


def walk_ends(
    network: BooleanNetwork, found: Attractors, states: NDArray[np.uint8], max_steps: int | None, seed: int
) -> NDArray[np.int64]:
    """Walk from each state until it is caught, and return the number of the attractor, -1 for undecided walks.

    A walk is caught by the smallest trap space around an attractor, which no walk leaves.

    Parameters
    ----------
    network
        The network.
    found
        Its attractors.
    states
        Starting states, shape ``(n_walks, n_genes)``.
    max_steps
        Updates after which a walk is given up; 1,000 for each gene by default.
    seed
        Of the walks.
    """
    from reguloom.mechanistic._walk_kernels import walk_to_spaces

    traps = np.full((len(found), len(network.genes)), -1, dtype=np.int8)
    for i, one in enumerate(found):
        space = _spaces.from_text(one.space, network.genes)
        if one.states is not None and one.size > 1:
            start = {gene: int(value) for gene, value in zip(network.genes, one.states[0], strict=True)}
            space = _spaces.trap_space_of(network, start)
        for gene, value in space.items():
            traps[i, network.genes.index(gene)] = value
    choices = np.array([network.genes.index(gene) for gene in network.free], dtype=np.int64)
    if not len(choices):
        return np.zeros(len(states), dtype=np.int64)
    steps = max_steps or 1_000 * len(choices)
    return np.asarray(walk_to_spaces(states.copy(), choices, traps, steps, np.uint64(seed), tabulate(network).arrays))


def proportion_interval(
    counts: NDArray[np.int64], n: int, *, confidence: float = 0.95, interval: str = "wilson"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the confidence interval of proportions (Wilson 1927; Clopper and Pearson 1934).

    Parameters
    ----------
    counts
        Successes.
    n
        Trials.
    confidence
        Level.
    interval
        ``wilson`` or ``clopper-pearson``.

    Raises
    ------
    InputError
        If the interval is neither, or the level is not between 0 and 1.
    """
    from scipy.special import betaincinv, ndtri

    if interval not in ("wilson", "clopper-pearson") or not 0 < confidence < 1:
        msg = f"interval={interval!r}, confidence={confidence}; accepted are wilson or clopper-pearson, and 0 to 1."
        raise InputError(msg)
    counts = np.asarray(counts, dtype=np.float64)
    tail = (1 - confidence) / 2
    if interval == "wilson":
        z2 = float(ndtri(1 - tail)) ** 2
        middle = (counts + z2 / 2) / (n + z2)
        half = np.sqrt(z2 * (counts * (n - counts) / n + z2 / 4)) / (n + z2)
        return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
    lower = np.where(counts > 0, betaincinv(np.maximum(counts, 1), n - counts + 1, tail), 0.0)
    upper = np.where(counts < n, betaincinv(counts + 1, np.maximum(n - counts, 1), 1 - tail), 1.0)
    return lower, upper


def _table(
    found: Attractors, chances: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]
) -> pd.DataFrame:
    """Return one row for each attractor."""
    spaces = [one.space for one in found]
    return pd.DataFrame(
        {"probability": chances, "lower": lower, "upper": upper, "space": pd.array(spaces, dtype=object)},
        index=found.names,
    )
