"""Velocities from spliced and unspliced counts, or from labelling: one line through the extremes of each gene.

At steady state unspliced = gamma spliced (beta, the splicing rate, is the unit of time); what lies above the line is
being induced. Bergen et al., Nat Biotechnol 38:1408 (2020); La Manno et al., Nature 560:494 (2018); Qiu et al., Cell
185:690 (2022) for labelling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reguloom._errors import InputError, MissingKeyError, warn
from reguloom.core import Expression
from reguloom.vectorfield.moments import moments, normalised_pair, smoothing

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy.sparse import csr_array

METHODS = ("stochastic", "steady_state")
EXTREME = 95.0
MIN_GAMMA, MIN_R2 = 0.01, 0.01


def velocity(
    adata: AnnData,
    *,
    basis: str = "pca",
    method: str = "stochastic",
    n_neighbors: int = 30,
    min_r2: float = MIN_R2,
    key_added: str = "velocity",
    n_jobs: int | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Estimate the velocity of each gene in each cell.

    Parameters
    ----------
    adata
        With ``layers['Ms']`` and ``['Mu']``, or the counts to smooth.
    basis
        Where neighbours are near, for the moments.
    method
        ``"steady_state"``: slope through the cells of highest expression. ``"stochastic"``: generalised least squares
        that adds the second moments, which a few extreme cells cannot sway as much.
    n_neighbors
        For the moments.
    min_r2
        A gene is used downstream if its line explains at least this share of the variance of unspliced.
    key_added
        Layer to write, and beginning of the names in ``var``.
    n_jobs
        Number of threads.
    copy
        Return a changed copy and leave `adata` as it is.

    Returns
    -------
    The copy, or None.

    Writes
    ------
    ``adata.layers[key_added]`` : float64 ``(n_cells, n_genes)``
        ``Mu - gamma Ms``, in normalised counts per unit of splicing time; NaN where gamma cannot be fitted.
    ``adata.var[f'{key_added}_gamma']``, ``[f'{key_added}_r2']``, ``[f'{key_added}_genes']``
        Slope, quality of the line, and whether the gene is used.
    ``adata.layers['Ms']``, ``adata.layers['Mu']``
        If they were missing.
    """
    if method not in METHODS:
        msg = f"the method is {method!r}; accepted are {', '.join(METHODS)} (or bring velocities of your own)."
        raise InputError(msg)
    adata = adata.copy() if copy else adata
    if not {"Ms", "Mu"} <= set(adata.layers):
        moments(adata, basis=basis, n_neighbors=n_neighbors, n_jobs=n_jobs)
    s, u = (Expression.of(adata, layer=name).to_dense() for name in ("Ms", "Mu"))
    extreme = extremes(s, u)
    gamma = slope(s, u, extreme)
    if method == "stochastic":
        graph = smoothing(adata, basis, n_neighbors, n_jobs)
        gamma = stochastic_slope(s, u, *_second_moments(graph, *normalised_pair(adata)), gamma, extreme)
    found = u - gamma * s
    quality = r2(found, u)
    fitted = np.isfinite(gamma) & (gamma > 0)
    found[:, ~fitted] = np.nan
    used = fitted & (gamma > MIN_GAMMA) & (quality > min_r2) & (s > 0).any(axis=0) & (u > 0).any(axis=0)
    if used.sum() < 2:
        used = fitted & (quality >= np.nanquantile(quality[fitted], 0.8)) if fitted.any() else fitted
        warn(f"hardly any gene passes r2 > {min_r2}; the best fifth ({used.sum()} genes) is used: treat with caution.")
    adata.layers[key_added] = found
    adata.var[f"{key_added}_gamma"], adata.var[f"{key_added}_r2"] = gamma, quality
    adata.var[f"{key_added}_genes"] = used
    return adata if copy else None


def lines(graph: csr_array, spliced: csr_array, unspliced: csr_array, method: str) -> tuple[np.ndarray, ...]:
    """Return smoothed spliced and unspliced counts and the slope of each gene's line.

    Parameters
    ----------
    graph
        Averages each cell with its neighbours, ``(n_cells, n_cells)``.
    spliced, unspliced
        Normalised counts, ``(n_cells, n_genes)``.
    method
        As in :func:`velocity`.
    """
    s, u = (np.asarray((graph @ one).todense()) for one in (spliced, unspliced))
    extreme = extremes(s, u)
    gamma = slope(s, u, extreme)
    if method == "stochastic":
        gamma = stochastic_slope(s, u, *_second_moments(graph, spliced, unspliced), gamma, extreme)
    return s, u, gamma


def _second_moments(graph: csr_array, spliced: csr_array, unspliced: csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Return the smoothed squares of spliced, and products of unspliced and spliced."""
    squares, products = graph @ spliced.multiply(spliced), graph @ unspliced.multiply(spliced)
    return np.asarray(squares.todense()), np.asarray(products.todense())


def extremes(s: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return which cells are a gene's top 5 % in ``s / max s + u / max u``: those closest to steady state, induced."""
    total = s / np.maximum(s.max(axis=0), 1e-3) + u / np.maximum(u.max(axis=0), 1e-3)
    return np.asarray(total >= np.percentile(total, EXTREME, axis=0))


def slope(s: np.ndarray, u: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the slope through the origin of u on s over the cells of a mask, ``(n_genes,)``; NaN where s is 0."""
    square = (s * s * mask).sum(axis=0)
    return np.divide((s * u * mask).sum(axis=0), square, out=np.full(s.shape[1], np.nan), where=square > 0)


def stochastic_slope(
    s: np.ndarray, u: np.ndarray, ss: np.ndarray, us: np.ndarray, gamma: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Return the slope by generalised least squares over first and second moments.

    Rows ``u = gamma s`` (extreme cells) and ``2 us + u = gamma (2 ss - s)``, each weighed by one over the standard
    deviation of its residual.

    Parameters
    ----------
    s, u
        First moments, ``(n_cells, n_genes)``.
    ss, us
        Uncentred second moments.
    gamma
        Slope from the first moments.
    mask
        Extreme cells.
    """
    second_s, second_u = 2 * ss - s, 2 * us + u
    spread = np.maximum((u - gamma * s).std(axis=0), 1e-12)
    again = slope(second_s, second_u, np.ones_like(mask))
    spread2 = np.maximum((second_u - again * second_s).std(axis=0), 1e-12)
    x = np.concatenate([s * mask / spread, second_s / spread2])
    y = np.concatenate([u * mask / spread, second_u / spread2])
    return slope(x, y, np.ones(x.shape, dtype=bool))


def r2(residual: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the share of the variance that is explained, ``(n_genes,)``; 0 for a gene that does not vary."""
    total = ((values - values.mean(axis=0)) ** 2).sum(axis=0)
    left = (residual**2).sum(axis=0)
    return np.asarray(1 - np.divide(left, total, out=np.ones_like(left), where=total > 0))


def labelling(
    adata: AnnData,
    *,
    new: str = "new",
    total: str = "total",
    time: float | str = 1.0,
    key_added: str = "velocity",
    copy: bool = False,
) -> AnnData | None:
    """Estimate velocities from metabolic labelling, whose unit of time is real.

    One labelling time: ``k`` = slope of new on total, ``gamma = -ln(1 - k) / t``. Several times (`time` names a column
    of ``obs``): gamma is the slope of ``-ln(1 - k)`` on time. Either way
    ``alpha = gamma new / (1 - exp(-gamma t))`` and ``velocity = alpha - gamma total``.

    Parameters
    ----------
    adata
        With layers of new (labelled) and total transcripts, normalised and better smoothed.
    new, total
        Names of the layers.
    time
        How long cells were labelled, in the unit that velocities are per; or a column of ``obs``.
    key_added
        Layer to write.
    copy
        Return a changed copy and leave `adata` as it is.

    Returns
    -------
    The copy, or None.

    Writes
    ------
    ``adata.layers[key_added]`` : float64 ``(n_cells, n_genes)``
        Change of total transcripts per unit of time; NaN where the rate cannot be fitted.
    ``adata.var[f'{key_added}_gamma']``, ``[f'{key_added}_genes']``
        Decay per unit of time, and whether the gene is used.
    """
    adata = adata.copy() if copy else adata
    labelled, whole = (Expression.of(adata, layer=name).to_dense() for name in (new, total))
    times = _times(adata, time)
    if (times <= 0).any():
        msg = "a labelling time is 0 or below; leave those cells out."
        raise InputError(msg)
    points = np.unique(times)
    k = np.array([slope(whole[times == one], labelled[times == one], np.ones(1)) for one in points])
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = -np.log1p(-np.where((k > 0) & (k < 1), k, np.nan))
        seen = np.isfinite(logs)
        over = (points[:, None] * np.where(seen, logs, 0)).sum(axis=0)
        gamma = over / (points[:, None] ** 2 * seen).sum(axis=0)
        alpha = gamma * labelled / -np.expm1(-gamma * times[:, None])
    gamma = np.where(seen.any(axis=0), gamma, np.nan)
    adata.layers[key_added] = np.where(np.isfinite(gamma), alpha - gamma * whole, np.nan)
    adata.var[f"{key_added}_gamma"] = gamma
    adata.var[f"{key_added}_genes"] = np.isfinite(gamma)
    return adata if copy else None


def _times(adata: AnnData, time: float | str) -> np.ndarray:
    """Return the labelling time of each cell."""
    if not isinstance(time, str):
        return np.full(adata.n_obs, float(time))
    if time not in adata.obs:
        msg = f"adata.obs has no {time!r}; it has {sorted(adata.obs.columns)[:12]}."
        raise MissingKeyError(msg)
    return np.asarray(adata.obs[time], dtype=np.float64)
