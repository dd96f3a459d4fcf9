"""The metrics that GEARS reports, for comparison with published numbers: on cells, per perturbation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from reguloom._errors import InputError

BANDS = {"frac_in_range": (0, 100), "frac_in_range_45_55": (45, 55), "frac_in_range_40_60": (40, 60),
         "frac_in_range_25_75": (25, 75)}  # fmt: skip


def _pearson(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the correlation; 0 where it is not defined, as GEARS has it."""
    if min(np.ptp(one), np.ptp(other)) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def gears_metrics(
    predicted: ArrayLike,
    observed: ArrayLike,
    labels: Sequence[str],
    *,
    control: ArrayLike,
    ranked: Mapping[str, Sequence[int]],
) -> pd.DataFrame:
    """Return GEARS's metrics of each perturbation.

    Correlations of whole profiles (``pearson``) are near 1 for any prediction: they are here for comparison alone.

    Parameters
    ----------
    predicted, observed
        Expression of the same number of cells, ``(n_cells, n_genes)``.
    labels
        Perturbation of each cell.
    control
        Mean of the control cells, ``(n_genes,)``.
    ranked
        Perturbation → columns of its differentially expressed genes, the strongest first.

    Returns
    -------
    pandas.DataFrame
        Perturbations × ``mse``, ``pearson``, ``mse_de``, ``pearson_de`` (20 genes), ``pearson_delta``,
        ``pearson_delta_de``, ``frac_correct_direction_all`` (``_20``, ``_50``, ``_100``, ``_200``),
        ``frac_in_range`` (of the observed cells; ``_45_55`` ... between percentiles), ``mean_sigma``, ``std_sigma``,
        ``frac_sigma_below_1``, ``frac_sigma_below_2``.

    Raises
    ------
    InputError
        If shapes do not fit.
    """
    said, real = np.asarray(predicted, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    names = np.asarray([str(one) for one in labels])
    if said.shape != real.shape or len(names) != len(said):
        msg = f"predicted is {said.shape}, observed {real.shape}, and there are {len(names)} labels; they must fit."
        raise InputError(msg)
    base = np.asarray(control, dtype=np.float64)
    rows = {}
    for name in np.unique(names):
        here = names == name
        rows[str(name)] = _of_one(said[here], real[here], base, np.asarray(ranked.get(str(name), ()), dtype=np.intp))
    return pd.DataFrame(rows).T.rename_axis("perturbation")


def _of_one(
    predicted: NDArray[np.float64], observed: NDArray[np.float64], control: NDArray[np.float64],
    ranked: NDArray[np.intp],
) -> dict[str, float]:  # fmt: skip
    """Return the metrics of one perturbation."""
    said, real = predicted.mean(axis=0), observed.mean(axis=0)
    found = {"mse": float(((said - real) ** 2).mean()), "pearson": _pearson(said, real),
             "pearson_delta": _pearson(said - control, real - control)}  # fmt: skip
    right = np.sign(said - control) == np.sign(real - control)
    found["frac_correct_direction_all"] = float(right.mean())
    if not len(ranked):
        return found
    for n in (20, 50, 100, 200):
        found[f"frac_correct_direction_{n}"] = float(right[ranked[:n]].mean())
    top = ranked[:20]
    found["mse_de"], found["pearson_de"] = float(((said - real)[top] ** 2).mean()), _pearson(said[top], real[top])
    found["pearson_delta_de"] = _pearson((said - control)[top], (real - control)[top])
    spread = observed[:, top].std(axis=0)
    top, spread = top[spread > 0], spread[spread > 0]
    for name, (low, high) in BANDS.items() if len(top) else ():
        bounds = np.percentile(observed[:, top], [low, high], axis=0)
        found[name] = float(((said[top] >= bounds[0]) & (said[top] <= bounds[1])).mean())
    if len(top):
        sigma = np.abs(said[top] - real[top]) / spread
        found |= {"mean_sigma": float(sigma.mean()), "std_sigma": float(sigma.std())}
        found |= {f"frac_sigma_below_{n}": float((sigma <= n).mean()) for n in (1, 2)}
    return found
