"""Where the Gaussians sit, and how wide they are."""

from __future__ import annotations

import numpy as np

from reguloom._random import root_seed

MAX_AUTO = 1500
"""Control points beyond this cost cubic time and bring no accuracy on single cells."""


def default_number(n_cells: int) -> int:
    """Return how many control points to use: the original's 5 %, at least 50, at most 1,500."""
    return min(max(min(50, n_cells), int(0.05 * n_cells) + 1), MAX_AUTO)


def choose(states: np.ndarray, velocities: np.ndarray, n_control: int, *, rng: int = 0) -> np.ndarray:
    """Return the rows of the cells that become control points, drawn in proportion to their speed.

    Cells at the same place are drawn once. The original reports positions among its sorted unique states as if they
    were rows of the data; these are rows of the data.

    Parameters
    ----------
    states, velocities
        ``(n_cells, k)``.
    n_control
        How many, at most one per distinct state.
    rng
        Seed; 0 gives the original's choice.
    """
    unique, first = np.unique(states, axis=0, return_index=True)
    speed = np.linalg.norm(velocities[first], axis=1)
    n_control = min(n_control, len(unique))
    total = speed.sum()
    share = speed / total if total > 0 else np.full(len(unique), 1.0 / len(unique))
    if np.count_nonzero(share) < n_control:
        share = (share + 1e-12) / (share + 1e-12).sum()
    drawn = np.random.default_rng(root_seed(rng)).choice(np.arange(len(unique)), n_control, p=share, replace=False)
    return first[drawn]


def bandwidth(control_points: np.ndarray) -> float:
    """Return the original's beta: from the mean distance to the nearest fifth of the other control points.

    Parameters
    ----------
    control_points
        ``(n_control, k)``.
    """
    from sklearn.neighbors import NearestNeighbors

    n_control = len(control_points)
    if n_control < 2:
        return 1.0
    n_near = min(max(2, int(0.2 * n_control)), n_control)
    algorithm = "ball_tree" if control_points.shape[1] > 10 else "kd_tree"
    search = NearestNeighbors(n_neighbors=n_near, algorithm=algorithm).fit(control_points)
    distances, _ = search.kneighbors(control_points)
    reach = np.sqrt(2.0) * distances[:, 1:].mean() / 1.5
    return float(1.0 / max(reach**2, 1e-300))
