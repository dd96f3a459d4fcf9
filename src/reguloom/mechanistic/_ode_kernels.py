"""Kernels of the continuous models: counter-based noise, regulation as decision diagrams, and the time step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reguloom._numba import GOLDEN, mix, njit

BITS = np.uint64(12)
MASK = np.uint64(4095)
SHIFTS = (np.uint64(0), BITS, np.uint64(24), np.uint64(36))

LANGEVIN = 1
"""Kind of noise: 0 is none, 1 one term for each reaction, 2 in proportion to the root of the state (BoolODE's)."""


@njit
def hill_responses(
    theta: NDArray[np.float64],
    protein: NDArray[np.float64],
    regulator: NDArray[np.int32],
    inverse_threshold: NDArray[np.float64],
    hill: NDArray[np.float64],
    whole: NDArray[np.int32],
) -> None:
    """Fill `theta` with ``h / (1 + h)``, ``h = (p / K)^n``, for each edge.

    Parameters
    ----------
    theta
        Filled, shape ``(n_edges,)``.
    protein
        Level that regulates, shape ``(n_genes,)``.
    regulator, inverse_threshold, hill, whole
        Of each edge: index of the regulator, ``1 / K``, ``n``, and ``n`` as a whole number or 0 if it is none.
    """
    for edge in range(len(theta)):
        ratio = protein[regulator[edge]] * inverse_threshold[edge]
        power = ratio ** whole[edge] if whole[edge] > 0 else ratio ** hill[edge]
        theta[edge] = power / (1.0 + power) if power < 1e300 else 1.0


@njit
def diagram_value(
    values: NDArray[np.float64],
    theta: NDArray[np.float64],
    first: int,
    last: int,
    edge: NDArray[np.int32],
    low: NDArray[np.int32],
    high: NDArray[np.int32],
    leaf: NDArray[np.float64],
) -> float:
    """Return the multilinear interpolation of one gene's truth table.

    ``f = f_low + theta (f_high - f_low)`` at each node, children first: the probability that the rule is true when
    regulator ``i`` is on with probability ``theta_i``, independently.

    Parameters
    ----------
    values
        Scratch, at least ``last - first`` long; holds the value of every node afterwards.
    theta
        Response of each edge.
    first, last
        The gene's nodes; the last one is the root.
    edge, low, high, leaf
        Of each node: the edge it asks (-1 for a leaf), its children (counted from `first`), the value of a leaf.
    """
    for node in range(first, last):
        if edge[node] < 0:
            values[node - first] = leaf[node]
        else:
            below = values[low[node]]
            values[node - first] = below + theta[edge[node]] * (values[high[node]] - below)
    return values[last - first - 1]


@njit
def regulation(
    activity: NDArray[np.float64],
    protein: NDArray[np.float64],
    regulator: NDArray[np.int32],
    inverse_threshold: NDArray[np.float64],
    hill: NDArray[np.float64],
    whole: NDArray[np.int32],
    nodes: NDArray[np.int64],
    edge: NDArray[np.int32],
    low: NDArray[np.int32],
    high: NDArray[np.int32],
    leaf: NDArray[np.float64],
) -> None:
    """Fill `activity`, ``(n_cells, n_genes)``, from `protein` of the same shape."""
    theta = np.empty(len(regulator))
    values = np.empty(np.max(np.diff(nodes)))
    for cell in range(len(protein)):
        hill_responses(theta, protein[cell], regulator, inverse_threshold, hill, whole)
        for gene in range(len(nodes) - 1):
            activity[cell, gene] = diagram_value(values, theta, nodes[gene], nodes[gene + 1], edge, low, high, leaf)


@njit
def edge_slopes(
    slopes: NDArray[np.float64],
    protein: NDArray[np.float64],
    regulator: NDArray[np.int32],
    inverse_threshold: NDArray[np.float64],
    hill: NDArray[np.float64],
    whole: NDArray[np.int32],
    nodes: NDArray[np.int64],
    edge: NDArray[np.int32],
    low: NDArray[np.int32],
    high: NDArray[np.int32],
    leaf: NDArray[np.float64],
) -> None:
    """Fill `slopes`, ``(n_cells, n_edges)``, with ``d f_target / d p_regulator`` of each edge, root to leaves."""
    theta = np.empty(len(regulator))
    values = np.empty(np.max(np.diff(nodes)))
    weights = np.empty(len(values))
    slopes[:] = 0.0
    for cell in range(len(protein)):
        hill_responses(theta, protein[cell], regulator, inverse_threshold, hill, whole)
        for gene in range(len(nodes) - 1):
            first, last = nodes[gene], nodes[gene + 1]
            diagram_value(values, theta, first, last, edge, low, high, leaf)
            weights[: last - first] = 0.0
            weights[last - first - 1] = 1.0
            for node in range(last - 1, first - 1, -1):
                e, weight = edge[node], weights[node - first]
                if e >= 0:
                    weights[low[node]] += weight * (1.0 - theta[e])
                    weights[high[node]] += weight * theta[e]
                    slopes[cell, e] += weight * (values[high[node]] - values[low[node]])
        for e in range(len(theta)):
            level = max(protein[cell, regulator[e]], 1e-12)
            slopes[cell, e] *= hill[e] * theta[e] * (1.0 - theta[e]) / level


@njit(inline="always")
def _moved(
    level: float, born: float, gone: float, dt: float, kind: int, amplitude: float, normal: float, reject: bool
) -> float:
    """Return a level after one step of birth, loss and noise; below 0 it is 0, or with `reject` what it was."""
    new = level + dt * (born - gone)
    if kind != 0:
        size = np.sqrt(born + gone) if kind == LANGEVIN else np.sqrt(abs(level))
        new += amplitude * size * normal
    if new >= 0.0:
        return new
    return level if reject else 0.0


@njit
def simulate(
    snapshots: NDArray[np.float64],
    state: NDArray[np.float64],
    keys: NDArray[np.uint64],
    when: NDArray[np.int64],
    first_step: NDArray[np.int64],
    condition: NDArray[np.int64],
    onset: NDArray[np.int64],
    scale: NDArray[np.float64],
    add: NDArray[np.float64],
    capacity: NDArray[np.float64],
    rates: NDArray[np.float64],
    numbers: NDArray[np.uint64],
    makes_protein: NDArray[np.bool_],
    dt: float,
    kind: int,
    amplitude: float,
    reject: bool,
    normals: NDArray[np.float64],
    regulator: NDArray[np.int32],
    inverse_threshold: NDArray[np.float64],
    hill: NDArray[np.float64],
    whole: NDArray[np.int32],
    nodes: NDArray[np.int64],
    edge: NDArray[np.int32],
    low: NDArray[np.int32],
    high: NDArray[np.int32],
    leaf: NDArray[np.float64],
) -> None:
    """Follow trajectories by Euler-Maruyama and keep what was asked for.

    The increments take 4,096 values at the quantiles of the normal distribution: the simplified weak Euler scheme
    (Kloeden and Platen 1992, section 14.1), whose distributions converge as those of Gaussian increments do.

    Parameters
    ----------
    snapshots
        Filled: state after `when` steps, shape ``(n_trajectories, n_snapshots, n_compartments, n_genes)``.
    state
        Start, ``(n_trajectories, n_compartments, n_genes)``; holds the last state afterwards. One compartment is the
        regulator itself, two are mRNA and protein, three are unspliced, spliced and protein.
    keys
        Key of the noise of each trajectory.
    when
        Steps at which snapshots are taken, ascending in each row, ``(n_trajectories, n_snapshots)``; steps are
        counted from the beginning of the trajectory, of which `first_step` are done already.
    first_step
        Of each trajectory; noise is drawn for the step's own number, so a fork goes on with the same stream.
    condition, onset
        Row of `scale` and `add` for each trajectory (-1 for none), and the step from which it holds.
    scale, add
        Interventions ``(n_conditions, n_genes)``: transcription becomes ``scale f + add`` of its maximum.
    capacity
        What transcription is multiplied by in each cell, ``(n_trajectories, n_genes)``.
    rates
        ``(n_rates, n_genes)``: production of the first compartment, then what leaves it; production and decay of
        protein follow (see ``Kinetics``).
    numbers
        Number of each gene in the noise, from 1.
    makes_protein
        Whether the protein of a gene is followed, ``(n_genes,)``.
    dt
        Step.
    kind, amplitude, reject
        Noise: for kind 1 ``sqrt(dt / system size)``, for kind 2 the factor of ``sqrt(state)`` in one step;
        whether a step below zero is undone in place of cut at zero.
    normals
        Quantiles of the increments, 4,096 of them.
    """
    n_trajectories, n_compartments, n_genes = state.shape
    theta = np.empty(len(regulator))
    values = np.empty(np.max(np.diff(nodes)))
    production = np.empty(n_genes)
    for t in range(n_trajectories):
        now = state[t]
        taken = 0
        step = first_step[t]
        while taken < when.shape[1] and when[t, taken] <= step:
            snapshots[t, taken] = now
            taken += 1
        for step in range(first_step[t], when[t, -1]):
            hill_responses(theta, now[n_compartments - 1], regulator, inverse_threshold, hill, whole)
            change = condition[t] >= 0 and step >= onset[t]
            for gene in range(n_genes):
                f = diagram_value(values, theta, nodes[gene], nodes[gene + 1], edge, low, high, leaf)
                if change:
                    f = scale[condition[t], gene] * f + add[condition[t], gene]
                production[gene] = rates[0, gene] * capacity[t, gene] * f
            if n_compartments == 3:
                _step_spliced(
                    now, production, rates, numbers, makes_protein, keys[t], step, dt, kind, amplitude, normals
                )
            else:
                _step_mrna(
                    now, production, rates, numbers, makes_protein, keys[t], step, dt, kind, amplitude, reject, normals
                )
            while taken < when.shape[1] and when[t, taken] <= step + 1:
                snapshots[t, taken] = now
                taken += 1


@njit
def _step_mrna(
    now: NDArray[np.float64],
    production: NDArray[np.float64],
    rates: NDArray[np.float64],
    numbers: NDArray[np.uint64],
    makes_protein: NDArray[np.bool_],
    key: np.uint64,
    step: int,
    dt: float,
    kind: int,
    amplitude: float,
    reject: bool,
    normals: NDArray[np.float64],
) -> None:
    """Advance ``dx = m f - l_x x``, and with two compartments ``dp = r x - l_p p``, by one step."""
    start = mix(key + np.uint64(step + 1) * GOLDEN)
    with_protein = len(now) == 2
    for gene in range(len(production)):
        bits = mix(start + numbers[gene] * GOLDEN)
        x = now[0, gene]
        now[0, gene] = _moved(
            x, production[gene], rates[1, gene] * x, dt, kind, amplitude, normals[bits & MASK], reject
        )
        if with_protein and makes_protein[gene]:
            p = now[1, gene]
            normal = normals[(bits >> BITS) & MASK]
            now[1, gene] = _moved(p, rates[2, gene] * x, rates[3, gene] * p, dt, kind, amplitude, normal, reject)


@njit
def _step_spliced(
    now: NDArray[np.float64],
    production: NDArray[np.float64],
    rates: NDArray[np.float64],
    numbers: NDArray[np.uint64],
    makes_protein: NDArray[np.bool_],
    key: np.uint64,
    step: int,
    dt: float,
    kind: int,
    amplitude: float,
    normals: NDArray[np.float64],
) -> None:
    """Advance ``du = a f - b u``, ``ds = b u - g s``, ``dp = l s - d p``; splicing moves u and s by the same noise."""
    start = mix(key + np.uint64(step + 1) * GOLDEN)
    for gene in range(len(production)):
        bits = mix(start + numbers[gene] * GOLDEN)
        u, s = now[0, gene], now[1, gene]
        born, spliced, gone = production[gene], rates[1, gene] * u, rates[2, gene] * s
        made, matured, lost = dt * born, dt * spliced, dt * gone
        if kind != 0:
            made += amplitude * np.sqrt(born) * normals[bits & MASK]
            matured += amplitude * np.sqrt(spliced) * normals[(bits >> BITS) & MASK]
            lost += amplitude * np.sqrt(gone) * normals[(bits >> SHIFTS[2]) & MASK]
        now[0, gene] = max(u + made - matured, 0.0)
        now[1, gene] = max(s + matured - lost, 0.0)
        if makes_protein[gene]:
            p = now[2, gene]
            normal = normals[(bits >> SHIFTS[3]) & MASK]
            noise = LANGEVIN if kind != 0 else 0
            now[2, gene] = _moved(p, rates[3, gene] * s, rates[4, gene] * p, dt, noise, amplitude, normal, False)
