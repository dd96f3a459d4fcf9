"""Walks through the states of a network, under any update scheme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, MissingKeyError
from reguloom._random import SeedLike, accepts_seed, child_seed, generator, root_seed
from reguloom.mechanistic.formula import CLOCK, Formula, constant, variable
from reguloom.mechanistic.starts import random_states

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork

SCHEMES = ("asynchronous", "synchronous", "continuous-time", "probabilistic", "temporal")


@accepts_seed
def trajectories(
    network: BooleanNetwork,
    *,
    update: str = "asynchronous",
    initial: Mapping[str, int] | None = None,
    n_trajectories: int = 100,
    n_steps: int = 100,
    times: Sequence[float] | None = None,
    probabilities: Mapping[str, float] | None = None,
    rates: Mapping[str, tuple[float, float]] | None = None,
    noise: float = 0.0,
    rng: SeedLike = 0,
) -> pd.DataFrame:
    """Walk through the states of a network.

    Parameters
    ----------
    network
        The network.
    update
        ``asynchronous`` (a step updates one random gene), ``synchronous``, ``probabilistic`` (each gene draws one of
        its rules in each step), ``temporal`` (synchronous, rules looking back and at the clock), or
        ``continuous-time`` (Gillespie: a gene whose rule disagrees with it flips at its rate).
    initial
        Gene → start value; the others start by a fair coin.
    n_trajectories
        Number of walks.
    n_steps
        Steps of each.
    times
        For ``continuous-time``: when to record the state; by default 0, 1, … `n_steps` in units of one over the rate.
    probabilities
        For ``asynchronous``: gene → how likely it is chosen, relative to 1 for genes not named.
    rates
        For ``continuous-time``: gene → (rate of switching on, rate of switching off); 1 for genes not named.
    noise
        For schemes that update all genes: chance that a gene flips after a step.
    rng
        Seed.

    Returns
    -------
    DataFrame
        Rows (``trajectory``, ``step`` or ``time``), one column of 0 and 1 for each gene.

    Raises
    ------
    InputError
        If the scheme is none of these, or does not fit the network.

    Examples
    --------
    >>> from reguloom.mechanistic import BooleanNetwork
    >>> toggle = BooleanNetwork.from_rules({"Gata1": "not Spi1", "Spi1": "not Gata1"})
    >>> walks = trajectories(toggle, initial={"Gata1": 1, "Spi1": 1}, n_trajectories=2, n_steps=5)
    >>> walks.shape
    (12, 2)
    """
    _check(network, update, noise)
    seed = root_seed(rng)
    states = random_states(network, initial, n_trajectories, generator(seed, "starts"))
    label = "step"
    axis: Sequence[float] = range(n_steps + 1)
    if update == "continuous-time":
        label, axis = "time", list(range(n_steps + 1) if times is None else times)
        record = _continuous(network, states, np.array(axis, dtype=np.float64), rates, seed)
    elif update == "asynchronous":
        record = _asynchronous(network, states, n_steps, probabilities, seed)
    else:
        record = _together(network, states, n_steps, noise, generator(seed, "steps"))
    index = pd.MultiIndex.from_product([range(n_trajectories), axis], names=["trajectory", label])
    return pd.DataFrame(record.reshape(-1, len(network.genes)), index, list(network.genes))


def _check(network: BooleanNetwork, update: str, noise: float) -> None:
    """Check that the scheme exists and fits the network."""
    if update not in SCHEMES:
        msg = f"the update scheme is {update!r}; accepted are {', '.join(SCHEMES)}."
        raise InputError(msg)
    if network.is_probabilistic and update != "probabilistic":
        msg = f"the network is probabilistic, and {update} updating takes one rule for each gene; use 'probabilistic'."
        raise InputError(msg)
    if network.is_temporal and update not in ("temporal", "probabilistic"):
        msg = f"rules of the network look back in time, which {update} updating does not; use 'temporal'."
        raise InputError(msg)
    if not 0 <= noise <= 1:
        msg = f"the noise is {noise}; it is a probability between 0 and 1."
        raise InputError(msg)


def _asynchronous(
    network: BooleanNetwork,
    states: NDArray[np.uint8],
    n_steps: int,
    probabilities: Mapping[str, float] | None,
    seed: int,
) -> NDArray[np.uint8]:
    """Walk one gene at a time."""
    from reguloom.mechanistic._program import tabulate
    from reguloom.mechanistic._walk_kernels import walk_asynchronous

    weights = pd.Series(1.0, index=list(network.free))
    for gene, weight in (probabilities or {}).items():
        if gene not in weights.index or weight < 0:
            msg = f"the probability of {gene} is {weight}; give numbers of 0 or more to genes that are not fixed."
            raise InputError(msg)
        weights[gene] = weight
    if not weights.sum() > 0:
        msg = "no gene can be updated: all are fixed, or have probability 0."
        raise InputError(msg)
    choices = np.array([network.genes.index(gene) for gene in network.free], dtype=np.int64)
    cumulative = np.cumsum(weights.to_numpy() / weights.sum())
    cumulative[-1] = 1.0
    record = np.empty((len(states), n_steps + 1, states.shape[1]), dtype=np.uint8)
    tables = tabulate(network).arrays
    walk_asynchronous(states, cumulative, choices, record, np.uint64(child_seed(seed, "walk")), tables)
    return record


def _continuous(
    network: BooleanNetwork,
    states: NDArray[np.uint8],
    times: NDArray[np.float64],
    rates: Mapping[str, tuple[float, float]] | None,
    seed: int,
) -> NDArray[np.uint8]:
    """Walk in continuous time."""
    from reguloom.mechanistic._program import tabulate
    from reguloom.mechanistic._walk_kernels import walk_continuous

    if len(times) == 0 or times[0] < 0 or (np.diff(times) < 0).any():
        msg = "the times must ascend from 0 or later; there must be at least one."
        raise InputError(msg)
    up, down = np.ones(len(network.genes)), np.ones(len(network.genes))
    for gene, (on, off) in (rates or {}).items():
        if gene not in network.genes:
            msg = f"the rates name {gene!r}, which is no gene of the network."
            raise MissingKeyError(msg)
        if on < 0 or off < 0:
            msg = f"the rates of {gene} are {on} and {off}; rates are 0 or more."
            raise InputError(msg)
        up[network.genes.index(gene)], down[network.genes.index(gene)] = on, off
    record = np.repeat(states[:, None, :], len(times), axis=1)
    walk_continuous(states, up, down, times, record, np.uint64(child_seed(seed, "walk")), tabulate(network).arrays)
    return record


def _together(
    network: BooleanNetwork, states: NDArray[np.uint8], n_steps: int, noise: float, draws: np.random.Generator
) -> NDArray[np.uint8]:
    """Walk all genes at once, all walks side by side; before the start every gene was as at the start."""
    record = np.empty((n_steps + 1, *states.shape), dtype=np.uint8)
    record[0] = states
    history: list[NDArray[np.bool_]] = [states.astype(bool)]
    for step in range(1, n_steps + 1):
        after = np.empty(states.shape, dtype=bool)
        for column, gene in enumerate(network.genes):
            after[:, column] = _next(network, gene, history, step, draws)
        if noise:
            after ^= draws.random(after.shape) < noise
        history.append(after)
        record[step] = after
    return np.moveaxis(record, 0, 1)


def _next(
    network: BooleanNetwork, gene: str, history: list[NDArray[np.bool_]], step: int, draws: np.random.Generator
) -> NDArray[np.bool_]:
    """Return a gene's next value in every walk."""
    n_walks = len(history[0])
    full = np.ones(n_walks, dtype=bool)

    def at(rule: Formula) -> NDArray[np.bool_]:
        values = {}
        now = rule.substitute(lambda node: _dated(node, step))
        for node in now.walk():
            if node.kind == "var":
                name, back = node.name.rsplit("\n", 1)
                values[node.name] = history[max(step - int(back), 0)][:, network.genes.index(name)]
        return np.broadcast_to(now.evaluate(values, full=full), n_walks)

    choices = network.alternatives[gene]
    if len(choices) == 1:
        return at(choices[0].expression)
    drawn = draws.choice(
        len(choices), n_walks, p=np.array([c.probability for c in choices]) / sum(c.probability for c in choices)
    )
    result = np.zeros(n_walks, dtype=bool)
    for i, one in enumerate(choices):
        result[drawn == i] = at(one.expression)[drawn == i]
    return result


def _dated(node: Formula, step: int) -> Formula:
    """Give each delay a name of its own, and answer what asks for the time (the step that is being made)."""
    if node.kind in CLOCK:
        holds = {"timeis": step == node.number, "timegt": step > node.number, "timelt": step < node.number}
        return constant(holds[node.kind])
    return variable(f"{node.name}\n{node.delay}")
