"""How much a network's behaviour depends on single states and single rules, against random networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, generator, root_seed
from reguloom.mechanistic._program import tabulate
from reguloom.mechanistic.attractors import Limits
from reguloom.mechanistic.boolean_network import BooleanNetwork
from reguloom.mechanistic.random_networks import rewired
from reguloom.mechanistic.starts import random_states

if TYPE_CHECKING:
    from collections.abc import Callable

MEASURES = ("successor-distance", "attractor-kept", "attractors-found", "in-degree-gini")


@accepts_seed
def robustness(
    network: BooleanNetwork,
    *,
    measures: tuple[str, ...] = MEASURES[:3],
    n_flips: int = 1,
    n_samples: int = 1_000,
    n_copies: int = 100,
    n_random: int = 0,
    rng: SeedLike = 0,
) -> pd.DataFrame:
    """Measure how a network takes small changes, and how that compares with random networks of equal in-degrees.

    Parameters
    ----------
    network
        The network.
    measures
        ``successor-distance``: share of genes that differ after one synchronous step from states that differ in
        `n_flips` genes (low is robust). ``attractor-kept``: share of such pairs of states that end in the same
        synchronous attractor. ``attractors-found``: mean share of the network's synchronous attractors that a copy with
        one flipped row in one table still has. ``in-degree-gini``: how unevenly states are reached (0 evenly).
    n_flips
        Genes flipped.
    n_samples
        Pairs of states.
    n_copies
        Copies with a changed rule.
    n_random
        Random networks to compare with.
    rng
        Seed.

    Returns
    -------
    DataFrame
        One row for each measure: ``value``, ``standard_error`` (of the samples), and with random networks
        ``random_mean``, ``random_low`` and ``random_high`` (central 95 %) and ``p``: the share of random networks that
        are at least as robust, with one added to both counts.

    Raises
    ------
    InputError
        If a measure is none of these, or the network is too large for it (26 genes; 20 for the Gini coefficient).
    """
    unknown = [name for name in measures if name not in MEASURES]
    if unknown:
        msg = f"there is no measure {unknown[0]!r}; accepted are {', '.join(MEASURES)}."
        raise InputError(msg)
    seed = root_seed(rng)
    functions = _functions(n_flips, n_samples, n_copies)
    rows = []
    for name in measures:
        samples = functions[name](network, generator(seed, name))
        row = {"measure": name, "value": samples.mean(), "standard_error": _error(samples)}
        if n_random:
            others = [
                functions[name](rewired(network, generator(seed, "network", i)), generator(seed, name, i)).mean()
                for i in range(n_random)
            ]
            row |= _compared(name, float(samples.mean()), np.array(others))
        rows.append(row)
    return pd.DataFrame(rows).set_index("measure")


def _functions(
    n_flips: int, n_samples: int, n_copies: int
) -> dict[str, Callable[[BooleanNetwork, np.random.Generator], NDArray[np.float64]]]:
    """Return measure → its samples."""
    return {
        "successor-distance": lambda one, draws: _successor_distance(one, n_flips, n_samples, draws),
        "attractor-kept": lambda one, draws: _attractor_kept(one, n_flips, n_samples, draws),
        "attractors-found": lambda one, draws: _attractors_found(one, n_copies, draws),
        "in-degree-gini": lambda one, draws: _gini(one),
    }


def _error(samples: NDArray[np.float64]) -> float:
    """Return the standard error of the mean."""
    return float(samples.std(ddof=1) / np.sqrt(len(samples))) if len(samples) > 1 else 0.0


def _compared(name: str, value: float, others: NDArray[np.float64]) -> dict[str, float]:
    """Return how the value stands among those of random networks."""
    robust = others <= value if name == "successor-distance" else others >= value
    low, high = np.quantile(others, [0.025, 0.975])
    return {
        "random_mean": float(others.mean()),
        "random_low": float(low),
        "random_high": float(high),
        "p": (1 + int(robust.sum())) / (1 + len(others)),
    }


def _pairs(
    network: BooleanNetwork, n_flips: int, n_samples: int, draws: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return random states and copies of them with some free genes flipped."""
    if not 1 <= n_flips <= len(network.free):
        msg = f"{n_flips} genes are to be flipped; give 1 to {len(network.free)}."
        raise InputError(msg)
    states = random_states(network, None, n_samples, draws)
    columns = np.array([network.genes.index(gene) for gene in network.free])
    chosen = np.argsort(draws.random((n_samples, len(columns))), axis=1)[:, :n_flips]
    flipped = states.copy()
    rows = np.arange(n_samples)[:, None]
    flipped[rows, columns[chosen]] ^= 1
    return states, flipped


def _successor_distance(
    network: BooleanNetwork, n_flips: int, n_samples: int, draws: np.random.Generator
) -> NDArray[np.float64]:
    """Return the share of genes in which the successors of each pair differ."""
    states, flipped = _pairs(network, n_flips, n_samples, draws)
    after = [_stepped(network, one) for one in (states, flipped)]
    return (after[0] != after[1]).mean(axis=1)


def _stepped(network: BooleanNetwork, states: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the synchronous successors."""
    values = {gene: states[:, i].astype(bool) for i, gene in enumerate(network.genes)}
    full = np.ones(len(states), dtype=bool)
    columns = [
        np.broadcast_to(network.expression(gene).evaluate(values, full=full), len(full)) for gene in network.genes
    ]
    return np.stack(columns, axis=1)


def _attractor_kept(
    network: BooleanNetwork, n_flips: int, n_samples: int, draws: np.random.Generator
) -> NDArray[np.float64]:
    """Return for each pair whether both end in the same cycle."""
    from reguloom.mechanistic._walk_kernels import follow

    states, flipped = _pairs(network, n_flips, n_samples, draws)
    tables = tabulate(network).arrays

    def end(state: NDArray[np.uint8]) -> bytes:
        cycle = follow(state, *tables, 100_000, 100_000)
        return min((row.tobytes() for row in cycle), default=b"")

    return np.array([end(a) == end(b) for a, b in zip(states, flipped, strict=True)], dtype=np.float64)


def _cycles(network: BooleanNetwork) -> set[bytes]:
    """Return the synchronous cycles, each as its sorted states."""
    from reguloom.mechanistic.synchronous import attractors

    found = attractors(network, Limits(1 << 20, 1 << 20))
    return {b"".join(sorted(row.tobytes() for row in one.states)) for one in found if one.states is not None}


def _attractors_found(network: BooleanNetwork, n_copies: int, draws: np.random.Generator) -> NDArray[np.float64]:
    """Return the share of the cycles that each copy still has; only the cycles are compared, not their basins."""
    original = _cycles(network)
    return np.array([len(original & _cycles(copy)) / len(original) for copy in _copies(network, n_copies, draws)])


def _copies(network: BooleanNetwork, n_copies: int, draws: np.random.Generator) -> Iterator[BooleanNetwork]:
    """Yield copies in which one row of one gene's table is flipped."""
    eligible = [gene for gene in network.free if network.regulators(gene)]
    if not eligible:
        msg = "no gene has a regulator, so no rule can be changed."
        raise InputError(msg)
    for _ in range(n_copies):
        yield flip_rule(network, eligible[int(draws.integers(len(eligible)))], draws)


def flip_rule(network: BooleanNetwork, gene: str, draws: np.random.Generator, *, n_rows: int = 1) -> BooleanNetwork:
    """Return the network with some rows of one gene's table flipped.

    Parameters
    ----------
    network
        The network.
    gene
        Whose rule.
    draws
        Source of chance.
    n_rows
        How many rows.
    """
    from reguloom.mechanistic._minimise import cover

    table = network.truth_table(gene)
    rows = draws.choice(len(table), min(n_rows, len(table)), replace=False)
    table[rows] = ~table[rows]
    rule = cover(network.regulators(gene), table)
    if rule.is_constant:  # a gene that has become constant is still a gene
        own = rule.number
        rule = BooleanNetwork.from_rules(
            {gene: f'"{gene}" | !"{gene}"' if own else f'"{gene}" & !"{gene}"'}
        ).expression(gene)
    return network.with_rules({gene: rule})


def _gini(network: BooleanNetwork) -> NDArray[np.float64]:
    """Return the Gini coefficient of how many predecessors states have."""
    from reguloom.mechanistic._program import compile_network
    from reguloom.mechanistic.synchronous import successor_map

    if len(network.free) > 20:
        msg = f"{len(network.free)} genes are free; the Gini coefficient is computed for up to 20."
        raise InputError(msg)
    successor = successor_map(compile_network(network), len(network.free))
    counts = np.sort(np.bincount(successor, minlength=len(successor))).astype(np.float64)
    n = len(counts)
    return np.array([2 * (np.arange(1, n + 1) * counts).sum() / (n * counts.sum()) - (n + 1) / n])
