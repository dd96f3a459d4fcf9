"""What CPA is stopped by in the original: agreement of means and variances, and how far labels were disentangled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reguloom.manifold.neighbors import nearest

N_NEIGHBORS = 30


def cpa_metric(
    observed: NDArray[np.floating],
    expected: NDArray[np.floating],
    variance: NDArray[np.floating],
    *,
    basal: NDArray[np.floating],
    after: NDArray[np.floating],
    labels: NDArray[np.integer],
) -> float:
    """Return ``R2(means) + R2(variances) / 2 + exp(purity(after) - purity(basal))``.

    Means and variances are those over the cells; the variance of a gene is that of the expected values and what the
    model says of each cell's own.

    Parameters
    ----------
    observed
        Values of the cells, ``(n_cells, n_genes)``.
    expected, variance
        What the model makes of them, same shape.
    basal, after
        Latent states without the perturbation and with it, ``(n_cells, n_latent)``.
    labels
        Perturbation of each cell, ``(n_cells,)``.
    """
    variance = np.broadcast_to(variance, expected.shape)
    means = r2(observed.mean(axis=0), expected.mean(axis=0))
    variances = r2(observed.var(axis=0), expected.var(axis=0) + variance.mean(axis=0))
    return float(means + 0.5 * variances + np.exp(purity(after, labels) - purity(basal, labels)))


def r2(observed: NDArray[np.floating], predicted: NDArray[np.floating]) -> float:
    """Return the share of the variance that is explained; not bounded below.

    Parameters
    ----------
    observed, predicted
        Same shape.
    """
    total = float(((observed - observed.mean()) ** 2).sum())
    return 1 - float(((observed - predicted) ** 2).sum()) / total if total > 0 else 0.0


def purity(states: NDArray[np.floating], labels: NDArray[np.integer], *, n_neighbors: int = N_NEIGHBORS) -> float:
    """Return the share of the nearest neighbours that carry the same label, averaged over cells.

    Parameters
    ----------
    states
        ``(n_cells, n)``.
    labels
        ``(n_cells,)``.
    n_neighbors
        How many, or all others if there are fewer.
    """
    n = min(n_neighbors, len(states) - 1)
    if n < 1:
        return 0.0
    return float((labels[nearest(states, n, n_jobs=1)[0]] == labels[:, None]).mean())
