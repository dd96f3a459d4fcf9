"""SparseVFC: a smooth field through noisy velocities, of which some are outliers.

Ma et al., Pattern Recognition 46:3519 (2013). A velocity is the field plus Gaussian noise, or an outlier spread evenly
over some volume; expectation maximisation alternates between how likely each cell is an inlier and a weighted, smooth
least-squares field.

The original takes the number 5 for that volume, whatever the units and the number of dimensions. With velocities in
the units of a PCA the outliers then win within three iterations and the field is zero, without a word. Here the
velocities are scaled to unit variance and the volume is that of the ball of their typical length;
``compat="dynamo"`` gives the original's constants.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reguloom._errors import ConvergenceWarning, InputError, ValidityWarning, warn
from reguloom._random import SeedLike, accepts_seed, root_seed
from reguloom.vectorfield import control_points as points
from reguloom.vectorfield._solver import Features, Running, solve_ridge

COMPATIBLE = (None, "dynamo")
_FLOOR = 1e-8
FIELD_TOL, SMALL_FIELD_TOL = 3e-3, 1e-4
SLACK = 1e-3
WARM_CELLS = 5000
"""From so many cells on the mixture settles with fewer control points first."""


@dataclass(frozen=True)
class Start:
    """Where expectation maximisation begins."""

    fitted: np.ndarray
    sigma2: float
    share: float


@dataclass(frozen=True)
class Mixture:
    """What the expectation maximisation assumes, and when it stops.

    Parameters
    ----------
    ridge
        Weight of smoothness (the original's lambda).
    log_volume
        Logarithm of the volume over which outliers spread.
    inlier_share
        Share of inliers to begin with.
    theta
        A cell is an inlier if its probability exceeds this.
    min_probability
        No cell weighs less than this.
    tol
        Relative change of the energy at which it has converged.
    max_iter
        Most iterations.
    field_tol
        Relative change of the field at which it has converged: the energy goes on creeping with the noise variance long
        after the field stands still.
    hard_share
        Take the share of cells above theta for the share of inliers, as the original does, in place of their mean
        probability, which is what maximises the likelihood. Where every cell is an inlier with probability 0.7 the
        share then falls to its floor, and the field with it.
    slack
        Change of a cell's weight that does not yet enter the sums: most weights stand still after a few iterations.
    damping
        Ridge times noise variance, held fixed. Where it follows the noise, a strong ridge shrinks the field, which
        raises the noise, which shrinks the field further, and what held-out cells chose is lost.
    """

    def strength(self, sigma2: float) -> float:
        """Return what is added to the diagonal at a noise variance."""
        return self.ridge * sigma2 if self.damping is None else self.damping

    ridge: float = 3.0
    log_volume: float = float(np.log(5.0))
    inlier_share: float = 0.9
    theta: float = 0.75
    min_probability: float = 1e-5
    tol: float = 1e-5
    max_iter: int = 100
    field_tol: float = 0.0
    hard_share: bool = False
    slack: float = 0.0
    damping: float | None = None


@dataclass(frozen=True, eq=False)
class SparseVFC:
    """A fitted field, in the units of the velocities.

    Parameters
    ----------
    control_points
        Centres of the Gaussians, ``(n_control, k)``.
    control_index
        The rows of the cells that they are, ``(n_control,)``.
    bandwidth
        beta in ``exp(-beta |x - z|^2)``, in one over squared units of the states.
    coefficients
        ``(n_control, k)``.
    fitted
        The field at the cells, ``(n_cells, k)``.
    inlier
        Probability that a cell's velocity belongs to the field, ``(n_cells,)``.
    sigma2
        Variance of the noise in one dimension.
    energies
        Value of the objective in each iteration.
    converged
        Whether the objective had settled.
    scale
        What velocities were divided by while fitting.
    ridge
        Weight of smoothness that was used.
    theta
        Probability above which a cell is an inlier.
    """

    control_points: np.ndarray
    control_index: np.ndarray
    bandwidth: float
    coefficients: np.ndarray
    fitted: np.ndarray
    inlier: np.ndarray
    sigma2: float
    energies: np.ndarray
    converged: bool
    scale: float
    ridge: float
    theta: float = 0.75
    _features: Features | None = field(default=None, repr=False)

    @property
    def n_iter(self) -> int:
        """Number of iterations."""
        return len(self.energies)

    @property
    def inliers(self) -> np.ndarray:
        """Rows of the cells that belong to the field."""
        return np.flatnonzero(self.inlier > self.theta)


@accepts_seed
def sparsevfc(
    states: np.ndarray,
    velocities: np.ndarray,
    *,
    n_control: int | None = None,
    bandwidth: float | None = None,
    ridge: float = 3.0,
    damping: float | None = None,
    volume: float | None = None,
    inlier_share: float = 0.9,
    theta: float = 0.75,
    min_probability: float = 1e-5,
    tol: float = 1e-5,
    max_iter: int | None = None,
    control_index: np.ndarray | None = None,
    dtype: str = "float64",
    compat: str | None = None,
    device: str | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> SparseVFC:
    """Fit a field to velocities.

    Parameters
    ----------
    states, velocities
        ``(n_cells, k)``, finite.
    n_control
        Number of control points; 5 % of the cells, at least 50 and at most 1,500, if left out.
    bandwidth
        beta; from the spacing of the control points if left out.
    ridge
        Weight of smoothness, lambda.
    damping
        Lambda times the noise variance (of velocities scaled to variance 1), held fixed in place of lambda.
    volume
        Volume over which outliers spread, in units of the velocities to the power k; that of the ball whose
        radius is their root mean square length if left out.
    inlier_share, theta, min_probability
        Share of inliers to begin with; probability above which a cell is one; least weight of a cell.
    tol, max_iter
        When to stop; at most 100 iterations (30 in the original).
    control_index
        Rows of the cells to take as control points, in place of a random choice.
    dtype
        ``"float64"`` or ``"float32"``, the type of the products over the cells; sums and solution are float64.
    compat
        ``"dynamo"``: velocities are not scaled and the volume is 5.
    device
        Where products over the cells are computed: numpy on the processor if left out, else a device of PyTorch
        (``"auto"``, ``"cuda"``, ``"cpu"``), which agrees with numpy to 1e-8 in float64 but not to the byte.
    rng
        Seed of the control points; 0 gives the original's.
    n_jobs
        Number of threads; changes nothing but the time.

    Returns
    -------
    The field, in the units of the velocities.

    Raises
    ------
    InputError
        If the arrays do not fit each other, hold NaN, or an option cannot be used.
    """
    states, velocities = _checked(states, velocities, dtype, compat)
    scale = 1.0 if compat == "dynamo" else float(np.sqrt((velocities**2).mean())) or 1.0
    chosen = control_index
    if chosen is None:
        wanted = n_control or points.default_number(len(states))
        chosen = points.choose(states, velocities, wanted, rng=root_seed(rng))
    centres = states[chosen]
    beta = float(bandwidth) if bandwidth is not None else points.bandwidth(centres)
    how: dict[str, Any] = {"dtype": dtype, "n_jobs": n_jobs, "device": device}
    features = Features.of(states, centres, beta, **how)
    large = compat is None and len(states) >= WARM_CELLS
    mixture = Mixture(
        ridge=ridge,
        log_volume=_log_volume(velocities.shape[1], volume, scale, compat),
        inlier_share=inlier_share,
        theta=theta,
        min_probability=min_probability,
        tol=tol,
        max_iter=max_iter or (30 if compat == "dynamo" else 100),
        hard_share=compat == "dynamo",
        field_tol=FIELD_TOL if large else SMALL_FIELD_TOL if compat is None else 0.0,
        slack=SLACK if large else 0.0,
        damping=damping,
    )
    start = None
    if compat is None:
        start = _warm(states, velocities / scale, centres, beta, mixture, how)
    solution, fitted, inlier, sigma2, energies, converged = expectation_maximisation(
        features, velocities / scale, mixture, start=start
    )
    made = SparseVFC(
        centres,
        np.asarray(chosen),
        beta,
        features.coefficients(solution) * scale,
        fitted * scale,
        inlier,
        sigma2 * scale**2,
        np.asarray(energies),
        converged,
        scale,
        mixture.strength(sigma2) / sigma2,
        theta,
        features,
    )
    _warn_if_collapsed(made, velocities)
    return made


def expectation_maximisation(
    features: Features,
    targets: np.ndarray,
    mixture: Mixture,
    *,
    weights: np.ndarray | None = None,
    start: Start | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, list[float], bool]:
    """Alternate between inlier probabilities and field.

    Parameters
    ----------
    features
        Whitened features of the cells.
    targets
        Velocities, ``(n_cells, k)``.
    mixture
        Assumptions.
    weights
        How often each cell counts (0 leaves it out), for held-out cells.
    start
        Where to begin, in place of no field at all.

    Returns
    -------
    Solution in whitened coordinates, field at the cells, inlier probabilities, noise variance, energies, and whether
    it converged.
    """
    n_cells, k = targets.shape
    counts = np.ones(n_cells) if weights is None else weights
    fitted, solution = np.zeros_like(targets), np.zeros((features.rank, k))
    sigma2 = float((counts @ (targets**2).sum(axis=1)) / (counts.sum() * k))
    sigma2 = 1e-7 if sigma2 < _FLOOR else sigma2
    share, before = mixture.inlier_share, 1.0
    if start is not None:
        fitted, sigma2, share = start.fitted, start.sigma2, start.share
    energies: list[float] = []
    equations = Running(features, targets, mixture.slack)
    inlier, converged = np.ones(n_cells), False
    while len(energies) < mixture.max_iter and not converged and sigma2 > _FLOOR:
        residual = ((targets - fitted) ** 2).sum(axis=1)
        inlier = posterior(residual, sigma2, share, k, mixture.log_volume)
        heavy = counts * inlier
        energy = heavy @ residual / (2 * sigma2) + heavy.sum() * np.log(sigma2) * k / 2
        energy += mixture.strength(sigma2) / sigma2 / 2 * (solution**2).sum()
        energies.append(float(energy))
        converged = bool(abs((energy - before) / energy) <= mixture.tol)
        before = float(energy)
        inlier = np.maximum(inlier, mixture.min_probability)
        heavy = counts * inlier
        solution = solve_ridge(*equations.at(heavy), mixture.strength(sigma2))
        last, fitted = fitted, features.predict(solution)
        moved = float(((fitted - last) ** 2).sum())
        converged = converged or moved <= mixture.field_tol**2 * float((fitted**2).sum())
        residual = ((targets - fitted) ** 2).sum(axis=1)
        sigma2 = float(heavy @ residual / (heavy.sum() * k))
        certain = (inlier > mixture.theta) if mixture.hard_share else inlier
        share = float(np.clip((certain @ counts) / counts.sum(), 0.05, 0.95))
    return solution, fitted, inlier, sigma2, energies, converged


def _warm(
    states: np.ndarray, targets: np.ndarray, centres: np.ndarray, beta: float, mixture: Mixture, how: dict[str, Any]
) -> Start | None:
    """Return where the mixture settles with a quarter of the control points, at a sixteenth of the cost."""
    few = len(centres) // 4
    if len(states) < WARM_CELLS or few < 50:
        return None
    features = Features.of(states, centres[:few], beta, **how)
    _, fitted, inlier, sigma2, _, _ = expectation_maximisation(features, targets, mixture)
    return Start(fitted, sigma2, float(np.clip(inlier.mean(), 0.05, 0.95)))


def posterior(residual: np.ndarray, sigma2: float, share: float, k: int, log_volume: float) -> np.ndarray:
    """Return the probability that each residual is noise and not an outlier, computed in logarithms."""
    from scipy.special import expit

    log_in = -residual / (2 * sigma2)
    seen = log_in[log_in > -745.0]  # beyond this the original's exponential is 0, and takes the least that is not
    log_in = np.maximum(log_in, seen.min() if seen.size else -745.0)
    log_out = 0.5 * k * np.log(2 * np.pi * sigma2) + np.log((1 - share) / share) - log_volume
    return np.asarray(expit(log_in - log_out))


def _log_volume(k: int, volume: float | None, scale: float, compat: str | None) -> float:
    """Return the logarithm of the volume over which outliers spread, in units of the scaled velocities."""
    from scipy.special import gammaln

    if volume is not None:
        return float(np.log(volume) - k * np.log(scale))
    if compat == "dynamo":
        return float(np.log(5.0))
    # The radius is the velocities' root mean square length, which is sqrt(k) after scaling.
    return float(0.5 * k * np.log(np.pi) - gammaln(0.5 * k + 1) + 0.5 * k * np.log(k))


def _checked(states: np.ndarray, velocities: np.ndarray, dtype: str, compat: str | None) -> tuple[np.ndarray, ...]:
    """Return both arrays as contiguous float64, or say what is wrong with them."""
    states = np.ascontiguousarray(states, dtype=np.float64)
    velocities = np.ascontiguousarray(velocities, dtype=np.float64)
    if states.ndim != 2 or states.shape != velocities.shape:
        msg = f"states have shape {states.shape} and velocities {velocities.shape}; both are cells x dimensions."
        raise InputError(msg)
    if len(states) < 3:
        msg = f"a field needs more than {len(states)} cells with a velocity; check which cells have one."
        raise InputError(msg)
    if not (np.isfinite(states).all() and np.isfinite(velocities).all()):
        msg = "states or velocities hold NaN or infinite values; leave those cells out."
        raise InputError(msg)
    if not velocities.any():
        msg = "every velocity is 0; check the slot of the velocities."
        raise InputError(msg)
    if dtype not in ("float32", "float64"):
        msg = f"dtype is {dtype!r}; accepted are 'float64' and 'float32'."
        raise InputError(msg)
    if compat not in COMPATIBLE:
        msg = f"compat is {compat!r}; accepted are None and 'dynamo'."
        raise InputError(msg)
    return states, velocities


def _warn_if_collapsed(made: SparseVFC, velocities: np.ndarray) -> None:
    """Say aloud when the outliers have won, which the original does not."""
    share = float((made.inlier > made.theta).mean())
    strength = float(np.linalg.norm(made.fitted) / np.linalg.norm(velocities))
    if share < 0.05 or strength < 0.1:
        warn(
            f"the field has collapsed: {share:.0%} of the cells are inliers and its length is {strength:.2g} of the "
            "velocities'; they are in units that the outlier model does not fit (compat='dynamo'), or all noise.",
            ValidityWarning,
        )
    elif not made.converged and made.n_iter >= 100:
        warn(f"the fit had not settled after {made.n_iter} iterations; raise max_iter.", ConvergenceWarning)
