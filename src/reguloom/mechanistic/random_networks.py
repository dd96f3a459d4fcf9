"""Random networks to compare with: given in-degrees and bias, or those of a real network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, generator
from reguloom.mechanistic import _truth
from reguloom.mechanistic.boolean_network import BooleanNetwork

_TRIES = 10_000


@accepts_seed
def random_network(
    n_genes: int,
    in_degrees: int | Sequence[int] = 2,
    *,
    functions: str = "uniform",
    bias: float = 0.5,
    genes: Sequence[str] | None = None,
    rng: SeedLike = 0,
) -> BooleanNetwork:
    """Draw a random NK network (Kauffman 1969).

    Parameters
    ----------
    n_genes
        Number of genes.
    in_degrees
        Regulators of each gene: one number for all, or one for each.
    functions
        ``uniform`` (each row of a table on with probability `bias`) or ``nested-canalyzing``.
    bias
        Probability that a row is on.
    genes
        Names; ``G1`` … by default.
    rng
        Seed.

    Returns
    -------
    The network; every regulator matters.

    Raises
    ------
    InputError
        If a gene is to have more regulators than there are genes, or more than 12.
    """
    degrees = np.broadcast_to(np.asarray(in_degrees, dtype=np.int64), n_genes)
    if degrees.min(initial=0) < 0 or degrees.max(initial=0) > min(n_genes, 12):
        msg = f"in-degrees run up to {degrees.max()}; give 0 to {min(n_genes, 12)} for {n_genes} genes."
        raise InputError(msg)
    if functions not in ("uniform", "nested-canalyzing") or not 0 < bias < 1:
        msg = f"functions={functions!r}, bias={bias}; accepted are uniform or nested-canalyzing, and 0 < bias < 1."
        raise InputError(msg)
    draws = generator(rng)
    names = [f"G{i + 1}" for i in range(n_genes)] if genes is None else list(genes)
    tables = {}
    for name, k in zip(names, degrees.tolist(), strict=True):
        chosen = [names[i] for i in draws.choice(n_genes, k, replace=False)]
        tables[name] = (chosen, random_table(k, functions=functions, bias=bias, draws=draws))
    return BooleanNetwork.from_tables(tables)


def random_table(k: int, *, functions: str, bias: float, draws: np.random.Generator) -> NDArray[np.bool_]:
    """Return a random table of `k` regulators that all matter.

    Parameters
    ----------
    k
        Number of regulators.
    functions, bias
        As in :func:`random_network`.
    draws
        Source of chance.
    """
    if k and functions == "nested-canalyzing":
        return _nested(k, draws)
    for _ in range(_TRIES):
        table = draws.random(1 << k) < bias
        if all(_matters(table, i) for i in range(k)):
            return table
    msg = f"no table of {k} regulators that all matter was drawn with bias {bias}; bring the bias nearer to 0.5."
    raise InputError(msg)


def _matters(table: NDArray[np.bool_], i: int) -> bool:
    """Tell whether regulator `i` can change the result."""
    halves = table.reshape(-1, 2, 1 << i)
    return bool((halves[:, 0] != halves[:, 1]).any())


def _nested(k: int, draws: np.random.Generator) -> NDArray[np.bool_]:
    """Return "if the first has its canalyzing value then …, else if the second …" (Kauffman et al. 2003)."""
    rows = np.arange(1 << k)
    inputs, outputs = draws.integers(0, 2, k), draws.integers(0, 2, k).astype(bool)
    table = np.full(1 << k, not outputs[-1])
    for i in reversed(range(k)):
        table = np.where((rows >> i) & 1 == inputs[i], outputs[i], table)
    return table


def rewired(network: BooleanNetwork, draws: np.random.Generator) -> BooleanNetwork:
    """Return a random network with the same in-degrees and the same share of ones in each table.

    Parameters
    ----------
    network
        The network to imitate; its fixed genes and inputs stay.
    draws
        Source of chance.
    """
    tables = {}
    for gene in network.genes:
        if gene in network.fixed or gene in network.inputs:
            continue
        function = network.function(gene)
        k = len(function.regulators)
        if k > _truth.MAX_TABLE:
            msg = f"{gene} has {k} regulators; random networks are drawn for up to {_truth.MAX_TABLE}."
            raise InputError(msg)
        chosen = [network.genes[i] for i in draws.choice(len(network.genes), k, replace=False)]
        tables[gene] = (chosen, draws.permutation(function.table))
    random = BooleanNetwork.from_tables(tables)
    rules = {gene: random.expression(gene) for gene in tables}
    rules.update({gene: network.expression(gene) for gene in network.genes if gene not in tables})
    return BooleanNetwork.from_rules(rules, genes=network.genes)
