"""Counts from a wiring: activity of TFs, Hill-type responses of their targets, bursts, library size, dropout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from reguloom._random import generator
from reguloom.datasets._wiring import Wiring

BLOCK = 2048
"""Cells simulated at a time; a block has its own seed, so it is part of what defines a world."""
HILL = 2.0
"""Hill coefficient of every regulation."""
ON, OFF = 1.1, -1.2
"""Log-activity of a master in the types that use it, and in the others."""
NOISE = 0.8
"""Standard deviation of a TF's log-activity within one type."""
TF_LEVEL, GENE_LEVEL = 1.0, 0.045
"""Typical mean counts of a TF at log-activity 0, and of an unregulated gene."""
STATE_LOADING = 0.7
"""How strongly a hidden state of the cell (its stress, its cycle) moves the genes that follow it."""
SHARE_STATE = 0.25
"""Share of genes that follow the hidden state."""
MARKER_FOLD = 6.0
"""Fold change of a marker that no TF regulates, in its type."""
P_DROPOUT = 0.2
"""Chance that a weakly expressed gene is missed although it is expressed."""
DEPTH_SD = 0.5
"""Standard deviation of the log library size."""


@dataclass(frozen=True, eq=False)
class Levels:
    """What differs between genes besides their regulation, shape ``(n_genes,)`` each, TFs first.

    Parameters
    ----------
    base
        Mean counts without regulation.
    bursts
        Shape of the gamma distribution of the rate: small means few, large bursts.
    state
        Loading on the hidden state of the cell.
    """

    base: NDArray[np.float64]
    bursts: NDArray[np.float64]
    state: NDArray[np.float64]


def draw_levels(n_tfs: int, n_others: int, rng: np.random.Generator) -> Levels:
    """Draw basal expression, burstiness and state loading of each gene."""
    n_genes = n_tfs + n_others
    base = np.concatenate(
        [rng.lognormal(np.log(TF_LEVEL), 0.3, n_tfs), rng.lognormal(np.log(GENE_LEVEL), 0.6, n_others)]
    )
    loading = np.where(rng.random(n_genes) < SHARE_STATE, STATE_LOADING, 0.0) * rng.choice([-1.0, 1.0], n_genes)
    return Levels(base=base, bursts=rng.uniform(1.0, 3.0, n_genes), state=loading)


def draw_types(n_cells: int, n_cell_types: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the type of each cell: unequal shares, every type with at least two cells where there are enough."""
    shares = rng.dirichlet(np.full(n_cell_types, 6.0))
    at_least = np.tile(np.arange(n_cell_types), 2)[:n_cells]
    types = np.concatenate([at_least, rng.choice(n_cell_types, size=n_cells - len(at_least), p=shares)])
    return rng.permutation(types)


def activity(wiring: Wiring, types: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the log-activity of every TF in every cell, shape ``(n_cells, n_tfs)``.

    Masters are set by the cell's type; a TF below them follows its regulators' Hill response, scaled by its
    strengths. Every TF adds noise of its own, which is what tells its targets from those of its neighbours.
    """
    n_tfs = wiring.program.shape[1]
    noise = rng.normal(0.0, NOISE, (len(types), n_tfs))
    level = np.where(wiring.program[types], ON, OFF)
    regulated = wiring.tf_on_tf.any(axis=0)
    free = ~regulated & ~wiring.source_tf
    log_activity = level + noise
    log_activity[:, free] = 1.6 * noise[:, free]
    for tf in np.flatnonzero(regulated):
        regulators = np.flatnonzero(wiring.tf_on_tf[:, tf])
        drive = np.zeros(len(types))
        for regulator in regulators:
            strength = wiring.tf_on_tf[regulator, tf]
            drive += strength * (hill(log_activity[:, regulator]) - 0.5)
        log_activity[:, tf] = drive / np.sqrt(len(regulators)) + noise[:, tf]
    return log_activity


def hill(log_activity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``x^n / (1 + x^n)`` for log x."""
    return 1.0 / (1.0 + np.exp(-HILL * log_activity))


def counts(
    wiring: Wiring, levels: Levels, types: NDArray[np.int64], log_activity: NDArray[np.float64], *, root: int
) -> csr_array:
    """Return counts, shape ``(n_cells, n_genes)``, TFs first, float32.

    The mean of a gene is ``base * prod(1 + w h) / prod(1 + w' h')`` over its activators and repressors, with `h` the
    Hill response of the TF. A cell's rate is gamma-distributed around it (bursts; the shape is the number of bursts
    in one lifetime of the mRNA), counts are Poisson, and weak ones drop out.
    """
    blocks = []
    for start in range(0, len(types), BLOCK):
        rows = slice(start, start + BLOCK)
        rng = generator(root, "counts", start)
        mean = _mean(wiring, levels, types[rows], log_activity[rows], rng)
        blocks.append(csr_array(_observe(mean, levels, rng).astype(np.float32)))
    return csr_array(vstack(blocks, format="csr"))


def _mean(
    wiring: Wiring,
    levels: Levels,
    types: NDArray[np.int64],
    log_activity: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the mean counts of a block of cells."""
    response = hill(log_activity)
    log_mean = np.broadcast_to(np.log(levels.base), (len(types), len(levels.base))).copy()
    n_tfs = log_activity.shape[1]
    log_mean[:, :n_tfs] += 0.8 * log_activity
    for tf, gene in zip(*np.nonzero(wiring.tf_on_gene), strict=True):
        strength = wiring.tf_on_gene[tf, gene]
        log_mean[:, n_tfs + gene] += np.sign(strength) * np.log1p(abs(strength) * response[:, tf])
    n_repressors = np.concatenate([np.zeros(n_tfs), (wiring.tf_on_gene < 0).sum(axis=0)])
    log_mean += n_repressors * np.log(4.0)  # a repressed gene is strong without its repressor, or nobody would see it
    log_mean[:, n_tfs:] += np.log(MARKER_FOLD) * (wiring.marker == types[:, None])
    state = rng.normal(size=len(types))
    return np.exp(log_mean + state[:, None] * levels.state)


def _observe(mean: NDArray[np.float64], levels: Levels, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return what a sequencer sees of mean expression."""
    depth = rng.lognormal(0.0, DEPTH_SD, len(mean))
    rate = depth[:, None] * mean * rng.gamma(levels.bursts, 1.0 / levels.bursts, mean.shape)
    seen = rng.random(mean.shape) >= P_DROPOUT * np.exp(-mean)
    return rng.poisson(rate) * seen


def embedding(
    log_activity: NDArray[np.float64], types: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return two coordinates per cell, shape ``(n_cells, 2)``: types apart, and within each its main variation.

    A picture of the true state, not of the counts: the types' centres stand around a circle, and the cells of each
    spread along the two main axes of their TF activity.
    """
    n_types = int(types.max()) + 1
    radius = max(4.0, 1.4 * n_types) if n_types > 1 else 0.0
    angle = 2 * np.pi * (np.arange(n_types) + rng.uniform(-0.12, 0.12, n_types)) / n_types
    distance = radius * rng.uniform(0.8, 1.15, n_types)
    place = np.empty((len(types), 2))
    for kind in range(n_types):
        rows = types == kind
        turn = rng.uniform(0, np.pi)
        main, second = _main_axes(log_activity[rows])
        place[rows, 0] = distance[kind] * np.cos(angle[kind]) + main * np.cos(turn) - second * np.sin(turn)
        place[rows, 1] = distance[kind] * np.sin(angle[kind]) + main * np.sin(turn) + second * np.cos(turn)
    return place.astype(np.float32)


def _main_axes(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first two principal components of some cells, scaled to a fixed spread."""
    centred = values - values.mean(axis=0)
    # einsum sums in one order whatever the BLAS and its threads: the same seed gives the same bytes
    _, axes = np.linalg.eigh(np.einsum("ij,ik->jk", centred, centred))
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
    scores = np.einsum("ij,jk->ik", centred, axes * np.where(largest < 0, -1.0, 1.0))[:, ::-1]
    deviation = scores.std(axis=0)
    scores = scores / np.where(deviation > 0, deviation, 1.0)
    return 1.15 * scores[:, 0], 0.85 * scores[:, min(1, scores.shape[1] - 1)]
