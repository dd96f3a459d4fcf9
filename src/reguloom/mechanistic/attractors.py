"""Attractors: the states, cycles and sets of states that a Boolean network settles in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, root_seed

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork

UPDATES = ("asynchronous", "synchronous", "most-permissive", "probabilistic", "temporal")
MAX_ATTRACTORS = 10_000
MAX_STATES = 4_096
TIME_LIMIT = 60.0


@dataclass(frozen=True, eq=False)
class Attractor:
    """States that the network cannot leave, and that lead to each other.

    Parameters
    ----------
    space
        The smallest subspace that holds it: ``0``, ``1`` or ``*`` for each gene.
    size
        Number of states.
    states
        The states, shape ``(size, n_genes)``; in the order of the cycle for synchronous updating, otherwise sorted.
        None where there are too many, or they are not known one by one.
    basin
        Number of states that end here (synchronous updating), its own included; None where that is no number.
    """

    space: str
    size: int
    states: NDArray[np.bool_] | None = field(default=None, repr=False)
    basin: int | None = None

    @property
    def is_fixed_point(self) -> bool:
        """Whether it is a single state."""
        return self.size == 1

    @property
    def texts(self) -> list[str] | None:
        """The states as ``0101…``, one letter for each gene, or None."""
        return None if self.states is None else ["".join("01"[int(v)] for v in state) for state in self.states]

    @property
    def levels(self) -> NDArray[np.float64]:
        """Share of the attractor's states in which each gene is on, shape ``(n_genes,)``; 0.5 where unknown."""
        if self.states is not None:
            return np.asarray(self.states.mean(axis=0), dtype=np.float64)
        return np.array([{"0": 0.0, "1": 1.0, "*": 0.5}[letter] for letter in self.space])

    def to_dict(self) -> dict[str, Any]:
        """Return plain types: ``states`` (texts or None), ``space``, ``size``, ``basin``."""
        return {"states": self.texts, "space": self.space, "size": self.size, "basin": self.basin}


@dataclass(frozen=True, eq=False)
class Attractors(Sequence[Attractor]):
    """All attractors of a network under one update scheme; a sequence of :class:`Attractor`, smallest first.

    Parameters
    ----------
    genes
        Names, in the order of the states' letters.
    members
        The attractors.
    update
        The update scheme.
    complete
        Whether these are proven to be all of them.
    note
        If not, what is missing and what to do; otherwise empty, or how they were found.
    n_states
        Size of the state space that basins are shares of.
    """

    genes: tuple[str, ...]
    members: tuple[Attractor, ...]
    update: str
    complete: bool = True
    note: str = ""
    n_states: int = 0

    def __len__(self) -> int:
        """Return the number of attractors."""
        return len(self.members)

    def __getitem__(self, index: Any) -> Any:
        """Return one attractor, or several of a slice."""
        return self.members[index]

    def __iter__(self) -> Iterator[Attractor]:
        """Yield the attractors."""
        return iter(self.members)

    def __repr__(self) -> str:
        """Say how many there are."""
        n_fixed = sum(one.is_fixed_point for one in self.members)
        state = "" if self.complete else ", incomplete"
        return f"Attractors({self.update}: {n_fixed} fixed points, {len(self) - n_fixed} larger{state})"

    @property
    def names(self) -> list[str]:
        """``A1``, ``A2`` … in order."""
        return [f"A{i + 1}" for i in range(len(self))]

    @property
    def fixed_points(self) -> list[Attractor]:
        """The attractors of one state."""
        return [one for one in self.members if one.is_fixed_point]

    def levels(self) -> pd.DataFrame:
        """Return attractors × genes: the share of each attractor's states in which the gene is on."""
        values = np.array([one.levels for one in self.members]).reshape(len(self), len(self.genes))
        return pd.DataFrame(values, self.names, list(self.genes))

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each attractor: ``size``, ``basin``, ``basin_share``, ``space`` and every gene's level."""
        basins = [one.basin for one in self.members]
        share = [np.nan if one is None or not self.n_states else one / self.n_states for one in basins]
        table = pd.DataFrame(
            {
                "size": pd.array([one.size for one in self.members], dtype=object),
                "basin": pd.array([np.nan if one is None else one for one in basins], dtype="float64"),
                "basin_share": share,
                "space": [one.space for one in self.members],
            },
            index=self.names,
        )
        return pd.concat([table, self.levels()], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"genes": […], "complete": bool, "attractors": […]}`` of plain types."""
        return {
            "genes": list(self.genes),
            "complete": self.complete,
            "attractors": [one.to_dict() for one in self.members],
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def name_of(self, state: Mapping[str, int] | str) -> str | None:
        """Return the name of the attractor whose space holds a `state`, or None."""
        text = state if isinstance(state, str) else "".join(str(int(state[gene])) for gene in self.genes)
        for name, one in zip(self.names, self.members, strict=True):
            if all(a in ("*", b) for a, b in zip(one.space, text, strict=True)):
                return name
        return None


@accepts_seed
def attractors(
    network: BooleanNetwork,
    *,
    update: str = "asynchronous",
    fixed: Mapping[str, int] | None = None,
    max_attractors: int = MAX_ATTRACTORS,
    max_states: int = MAX_STATES,
    time_limit: float = TIME_LIMIT,
    n_samples: int | None = None,
    rng: SeedLike = 0,
) -> Attractors:
    """Find the attractors of a Boolean network.

    Parameters
    ----------
    network
        The network.
    update
        ``asynchronous``: one gene at a time, any of them; the attractors are the terminal components of the state
        graph. ``synchronous``: all genes at once, as BoolNet's default; exact basins up to 26 genes that matter.
        ``most-permissive``: the minimal trap spaces (Paulevé et al. 2020), which no refinement of the rules with
        levels or delays can make unreachable. ``temporal``: synchronous, over the histories of a network with
        delays. ``probabilistic``: the recurrent classes of a probabilistic network.
    fixed
        Genes to hold at 0 or 1, in addition to those that the network holds.
    max_attractors
        With more than so many, the call is refused instead of listing them.
    max_states
        States of an attractor are listed up to this number; larger ones have ``states=None``.
    time_limit
        Seconds that the solvers for large networks may take.
    n_samples
        For synchronous networks that are too large to be enumerated: follow so many random states instead. The
        result is then marked incomplete.
    rng
        Seed of these random states.

    Returns
    -------
    Attractors
        With ``complete`` saying whether there can be others.

    Raises
    ------
    InputError
        If there are more than `max_attractors`, or the network is too large; the message names the inputs to fix.
    MissingDependencyError
        If the network needs the solvers of the extra ``boolean``.

    Examples
    --------
    >>> from reguloom.mechanistic import BooleanNetwork
    >>> toggle = BooleanNetwork.from_rules({"Gata1": "not Spi1", "Spi1": "not Gata1"})
    >>> [one.space for one in toggle.attractors()]
    ['10', '01']
    """
    from reguloom.mechanistic import asynchronous, synchronous, trap_spaces

    if update not in UPDATES:
        msg = f"the update scheme is {update!r}; accepted are {', '.join(UPDATES)}."
        raise InputError(msg)
    network = network.with_fixed(fixed) if fixed else network
    if network.is_probabilistic and update != "probabilistic":
        msg = "the network is probabilistic; its attractors are found with update='probabilistic'."
        raise InputError(msg)
    if network.is_temporal and update != "temporal":
        msg = "rules of the network look back in time; its attractors are found with update='temporal'."
        raise InputError(msg)
    limits = Limits(max_attractors, max_states, time_limit)
    if update == "asynchronous":
        return asynchronous.attractors(network, limits)
    if update == "most-permissive":
        return trap_spaces.attractors(network, limits)
    if update == "probabilistic":
        from reguloom.mechanistic import probabilistic

        return probabilistic.attractors(network, limits)
    if n_samples is not None:
        return synchronous.sampled(network, limits, n_samples, root_seed(rng))
    return synchronous.attractors(network, limits, update)


def fixed_points(
    network: BooleanNetwork,
    *,
    fixed: Mapping[str, int] | None = None,
    max_attractors: int = MAX_ATTRACTORS,
    time_limit: float = TIME_LIMIT,
) -> Attractors:
    """Find the states that no update changes; they are the same under every update scheme.

    Parameters
    ----------
    network
        A deterministic network without delays.
    fixed
        Genes to hold at 0 or 1.
    max_attractors
        With more than so many, the call is refused with their exact number.
    time_limit
        Seconds that the solver for large networks may take.

    Returns
    -------
    Attractors
        Always complete.

    Raises
    ------
    InputError
        If there are more than `max_attractors`; the message names the inputs to fix.
    MissingDependencyError
        If more than 26 genes are free and the extra ``boolean`` is not installed.
    """
    from reguloom.mechanistic import _solvers, _spaces
    from reguloom.mechanistic._program import compile_rules
    from reguloom.mechanistic.synchronous import MAX_GENES, successor_map

    network = network.with_fixed(fixed) if fixed else network
    limits = Limits(max_attractors, 1, time_limit)
    known = _spaces.percolated(network)
    n_free = len(network.genes) - len(known)
    if n_free > MAX_GENES:
        _solvers.require(n_free, MAX_GENES, "fixed points")
        members = _solvers.fixed_points(network, known, limits)
    else:
        inside = network.with_fixed({gene: value for gene, value in known.items() if gene not in network.fixed})
        program = compile_rules([inside.expression(gene) for gene in inside.free], inside.free, inside.fixed)
        successor = successor_map(program, n_free)
        codes = np.flatnonzero(successor == np.arange(len(successor), dtype=np.uint32))
        if len(codes) > max_attractors:
            raise refuse_many(network, f"{len(codes):,} fixed points among its", max_attractors)
        rows = decode(codes, inside, inside.free)
        members = [Attractor(enclosing(row[None]), 1, row[None]) for row in rows]
    return Attractors(network.genes, ordered(members), "any", n_states=1 << len(network.free))


@dataclass(frozen=True)
class Limits:
    """How much may be listed and how long it may take.

    Parameters
    ----------
    max_attractors, max_states
        Attractors, and states of each.
    time_limit
        Seconds.
    """

    max_attractors: int = MAX_ATTRACTORS
    max_states: int = MAX_STATES
    time_limit: float = TIME_LIMIT


def refuse_many(network: BooleanNetwork, count: str, limit: int) -> InputError:
    """Return the error for more attractors than may be listed."""
    beyond = "" if "more than" in count else f", more than the {limit:,} that are listed"
    msg = f"the network has {count} attractors{beyond}; {advice(network)}, or raise max_attractors."
    return InputError(msg)


def advice(network: BooleanNetwork) -> str:
    """Return what to do about a network with too much freedom: the inputs to fix."""
    if not network.inputs:
        return "fix some genes with with_fixed (--fix GENE=0), or restrict the network to the genes of interest"
    names = ", ".join(network.inputs[:12]) + (f" … ({len(network.inputs)} in all)" if len(network.inputs) > 12 else "")
    return f"fix its inputs with with_fixed (--fix GENE=0): {names}"


def decode(codes: NDArray[Any], network: BooleanNetwork, genes: Sequence[str]) -> NDArray[np.bool_]:
    """Return states as rows over all genes, from numbers over the varying `genes` (gene 0 is the lowest bit)."""
    codes = np.asarray(codes, dtype=np.int64)
    bits = (codes[:, None] >> np.arange(len(genes))) & 1
    if len(genes) == len(network.genes) and tuple(genes) == network.genes:
        return bits.astype(bool)
    states = np.zeros((len(codes), len(network.genes)), dtype=bool)
    place = {gene: i for i, gene in enumerate(network.genes)}
    for gene, value in network.fixed.items():
        states[:, place[gene]] = bool(value)
    states[:, [place[gene] for gene in genes]] = bits
    return states


def enclosing(states: NDArray[np.bool_]) -> str:
    """Return the smallest subspace that holds some states."""
    low, high = states.min(axis=0), states.max(axis=0)
    return "".join("*" if a != b else "01"[int(a)] for a, b in zip(low, high, strict=True))


def ordered(members: list[Attractor]) -> tuple[Attractor, ...]:
    """Return attractors by size, then with the genes that come first on before off."""
    return tuple(sorted(members, key=lambda one: (one.size, one.space.translate(_ORDER))))


_ORDER = str.maketrans("01*", "b" + "a" + "c")
