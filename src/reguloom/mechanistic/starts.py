"""Where walks begin: given values for some genes, chance for the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError

if TYPE_CHECKING:
    from reguloom.mechanistic.boolean_network import BooleanNetwork


def check_initial(network: BooleanNetwork, initial: Mapping[str, int] | None) -> dict[str, int]:
    """Return the given start values, after checking names and values."""
    made = {}
    for gene, value in (initial or {}).items():
        network.with_fixed({gene: int(value) if value in (0, 1) else value})  # says what is wrong
        made[gene] = int(value)
    return made


def random_states(
    network: BooleanNetwork, initial: Mapping[str, int] | None, n: int, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Return `n` states, shape ``(n, n_genes)``: given and fixed genes as they are, the others by a fair coin.

    Parameters
    ----------
    network
        The network.
    initial
        Gene → start value.
    n
        Number of states.
    generator
        Source of the coin.
    """
    if n < 1:
        msg = f"{n} walks were asked for; give a number of 1 or more."
        raise InputError(msg)
    states = generator.integers(0, 2, (n, len(network.genes)), dtype=np.uint8)
    place = {gene: i for i, gene in enumerate(network.genes)}
    for gene, value in {**check_initial(network, initial), **network.fixed}.items():
        states[:, place[gene]] = value
    return states
