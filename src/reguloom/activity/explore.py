"""Candidate thresholds after Bioconductor's AUCell, for regulons where one rule does not fit.

Aibar et al., Nature Methods 14:1083 (2017), supplementary note. Each candidate is drawn from another picture of the
activity: one normal, a mixture of two or three, or the density itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, root_seed

#: Largest share of cells that a threshold may misplace.
TAIL = 0.01
#: Smallest population looked for, as R's ``smallestPopPercent``.
SMALLEST_POPULATION = 0.25
#: A second peak counts when it is at least this share of the highest.
PEAK_SHARE = 0.05
_GRID = 512


@accepts_seed
def explore_thresholds(values: Sequence[float] | np.ndarray | pd.Series, *, rng: SeedLike = 0) -> pd.DataFrame:
    """Return R's candidate thresholds for the activity of one regulon, and which one R's rule takes.

    The mixtures are fitted here by expectation maximisation from a seed, in R by another package, so the numbers
    agree with R's in kind and not to the digit.

    Parameters
    ----------
    values
        Activity of one regulon, shape ``(n_cells,)``.
    rng
        Seed of the mixtures' starting points.

    Returns
    -------
    Indexed by candidate: ``threshold``, ``n_cells`` above it, ``chosen``. Candidates: ``Global_k1`` (upper tail of
    one normal), ``L_k2`` (upper tail of the left of two normals), ``R_k3`` (lower tail of the right of three),
    ``minimumDens`` (valley after the highest peak of the density, if another peak follows), ``tenPercentOfMax``
    (where the density has fallen to a tenth of its highest), ``outlierOfGlobal`` (beyond all that one normal would
    give). Chosen is ``minimumDens`` where it exists, otherwise the highest of the others.

    Raises
    ------
    InputError
        If the activity is the same in every cell.
    """
    from scipy.stats import norm

    activity = np.asarray(values, dtype=np.float64)
    if activity.size == 0 or activity.min() == activity.max():
        msg = "the activity is the same in every cell, so no threshold can part them; leave this regulon out."
        raise InputError(msg)
    n, mean, spread = len(activity), activity.mean(), activity.std(ddof=1)
    found = {
        "Global_k1": norm.isf(TAIL / n + SMALLEST_POPULATION, mean, spread),
        "outlierOfGlobal": norm.isf(TAIL / n, mean, spread),
        **_from_mixtures(activity, root_seed(rng) % 2**32),
        **_from_density(activity),
    }
    table = pd.DataFrame({"threshold": pd.Series(found, dtype=np.float64)}).rename_axis("candidate")
    table["n_cells"] = [int((activity > at).sum()) for at in table["threshold"]]
    table["chosen"] = table.index == _choice(table["threshold"], float(activity.max()))
    return table


def _choice(thresholds: pd.Series, highest: float) -> str:
    """Return the candidate that R's rule takes; those above every cell cannot part anything."""
    if "minimumDens" in thresholds:
        return "minimumDens"
    useful = thresholds[thresholds < highest].drop("outlierOfGlobal", errors="ignore")
    return str((useful if len(useful) else thresholds).idxmax())


def _from_mixtures(activity: np.ndarray, seed: int) -> dict[str, float]:
    """Return ``L_k2`` and ``R_k3``, where the sample has enough distinct values for the mixture."""
    from scipy.stats import norm
    from sklearn.mixture import GaussianMixture

    found = {}
    for n_components, name in ((2, "L_k2"), (3, "R_k3")):
        if len(np.unique(activity)) <= n_components:
            continue
        model = GaussianMixture(n_components, random_state=seed).fit(activity[:, None])
        means, spreads = model.means_.ravel(), np.sqrt(model.covariances_.ravel())
        if name == "L_k2":
            left = int(means.argmin())
            found[name] = float(norm.isf(TAIL / len(activity), means[left], spreads[left]))
        else:
            right = int(means.argmax())
            found[name] = float(norm.ppf(TAIL, means[right], spreads[right]))
    return {name: at for name, at in found.items() if at > 0}


def _from_density(activity: np.ndarray) -> dict[str, float]:
    """Return ``minimumDens`` and ``tenPercentOfMax`` from a kernel density of twice Silverman's width."""
    grid, density = _density(activity)
    highest = int(density.argmax())
    found = {}
    low = np.flatnonzero(density[highest:] <= 0.1 * density[highest])
    if len(low):
        found["tenPercentOfMax"] = float(grid[highest + low[0]])
    inner = np.arange(max(highest, 1), len(grid) - 1)
    valleys = inner[(density[inner] < density[inner - 1]) & (density[inner] <= density[inner + 1])]
    for valley in valleys:
        if density[valley:].max() >= PEAK_SHARE * density[highest] and density[valley:].argmax() > 0:
            found["minimumDens"] = float(grid[valley])
            break
    return found


def _density(activity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a normal kernel density on a grid that covers the sample."""
    quartiles = np.subtract(*np.percentile(activity, [75, 25])) / 1.34
    scale = min(activity.std(ddof=1), quartiles) or activity.std(ddof=1)
    width = 2 * 0.9 * scale * len(activity) ** -0.2
    grid = np.linspace(activity.min() - 3 * width, activity.max() + 3 * width, _GRID)
    distinct, counts = np.unique(activity, return_counts=True)
    return grid, np.array([counts @ np.exp(-0.5 * ((at - distinct) / width) ** 2) for at in grid])
