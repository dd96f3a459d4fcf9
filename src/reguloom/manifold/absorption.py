"""Fate probabilities: where a Markov chain over cells ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import ConvergenceWarning, InputError, warn

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_DIRECT = 3000


def absorption_probabilities(steps: csr_array, terminal: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability that a walk from each cell ends in each terminal set.

    Parameters
    ----------
    steps
        Transition probabilities, ``(n_cells, n_cells)``, rows summing to 1.
    terminal
        Number of the terminal set that each cell belongs to, -1 for cells on the way, ``(n_cells,)``.

    Returns
    -------
    ``(n_cells, n_sets)``; a row sums to 1 unless no set can be reached from the cell.

    Raises
    ------
    InputError
        If there is no terminal cell, or a row is no distribution.
    """
    from scipy.sparse import csr_array, eye_array
    from scipy.sparse.linalg import splu

    from reguloom.manifold._blas import one_blas_thread

    terminal = np.asarray(terminal)
    ends, way = np.flatnonzero(terminal >= 0), np.flatnonzero(terminal < 0)
    if not ends.size:
        msg = "no cell is terminal; name at least one set of cells in which walks end."
        raise InputError(msg)
    sums = np.asarray(steps.sum(axis=1)).ravel()
    if steps.data.min(initial=0.0) < 0 or np.abs(sums - 1).max() > 1e-6:
        msg = "the rows of the transition matrix are no probabilities; use the softmax kernel."
        raise InputError(msg)
    n_sets = int(terminal.max()) + 1
    made = np.zeros((len(terminal), n_sets))
    made[ends, terminal[ends]] = 1.0
    if not way.size:
        return made
    rows = csr_array(steps)[way]
    into = np.asarray(rows[:, ends] @ made[ends])
    # A little leak keeps the system regular where cells cannot reach any end; it changes nothing else visibly.
    system = eye_array(len(way)) - (1 - 1e-10) * rows[:, way]
    with one_blas_thread():
        if len(way) <= _DIRECT:
            found = splu(system.tocsc()).solve(into)
        else:
            found = np.column_stack([_iterate(system, column) for column in into.T])
    made[way] = np.clip(found, 0.0, 1.0)
    return made


def _iterate(system: csr_array, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve one column by GMRES, whose memory grows with the edges alone."""
    from scipy.sparse.linalg import gmres

    found, failed = gmres(system, target, rtol=1e-8, atol=1e-12, restart=60, maxiter=200)
    if failed:
        warn("fate probabilities have not converged; walks may take very long to end.", ConvergenceWarning)
    return np.asarray(found)
