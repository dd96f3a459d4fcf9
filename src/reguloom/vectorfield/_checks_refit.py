"""Checks that fit the field again: to parts of the cells, and to velocities dealt out to other cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reguloom.vectorfield import _gaussian
from reguloom.vectorfield._check import Check, Draws
from reguloom.vectorfield._refits import Refits
from reguloom.vectorfield.fit import cosines

if TYPE_CHECKING:
    from reguloom.vectorfield.field import VectorField
    from reguloom.vectorfield.fixed_points import FixedPoints

FOLDS, SPLITS, N_NULL = 3, 5, 10
CELLS_OF_JACOBIAN = 300
STRONG = 0.1
"""Share of a Jacobian's entries that are looked at: the strongest."""


def held_out(made: VectorField, refits: Refits, draws: Draws) -> list[Check]:
    """Neighbourhoods that were held out are predicted, better than by fits to shuffled velocities and by the mean."""
    from reguloom.manifold.blocks import block_labels

    fold = block_labels(made.states, min(30, max(FOLDS, len(made.cells) // 10))) % FOLDS
    parts = [f"fold {one}" for one in range(FOLDS)]
    refits.cut(parts, [fold == one for one in range(FOLDS)])

    def scores(v: np.ndarray) -> tuple[float, float]:
        aimed, mean = np.zeros_like(v), np.zeros_like(v)
        for one in range(FOLDS):
            others = [name for name in parts if name != parts[one]]
            aimed[fold == one] = refits.values(refits.solve(others, fold != one, v))[fold == one]
            mean[fold == one] = v[fold != one].mean(axis=0)
        # Outliers are not the field's to explain; that there are few of them is another check.
        missed, spread = (float(made.inlier @ ((v - one) ** 2).sum(axis=1)) for one in (aimed, mean))
        return float(cosines(aimed, v).mean()), 1 - missed / max(spread, 1e-300)

    v = made.velocities
    cosine, share = scores(v)
    null = np.array([scores(v[rng.permutation(len(v))]) for rng in draws[:N_NULL]]).reshape(-1, 2)
    return [
        Check(
            "held-out cells are predicted",
            cosine,
            0.2,
            f"mean cosine {cosine:.2f} on neighbourhoods that were held out",
            f"mean cosine {cosine:.2f} on neighbourhoods that were held out: the field is not what the cells do",
            null[:, 0],
        ),
        Check(
            "more than one direction for all",
            share,
            0.05,
            f"the field explains {share:.0%} of what the mean velocity leaves open, on held-out neighbourhoods",
            f"on held-out neighbourhoods the field is no better than the mean velocity (R² {share:.2f}): it does not "
            "know where cells part",
            null[:, 1],
        ),
    ]


@dataclass(frozen=True)
class Halves:
    """What the fields of two halves of the cells say.

    Parameters
    ----------
    cosine
        Mean cosine between the two at the cells.
    signs
        Share of the strongest entries of the field's Jacobian that have the same sign in both; NaN without genes.
    ranks
        Rank correlation of what genes do to the flow; NaN without genes.
    kept
        Share of the field's fixed points that both have, with their kind; NaN if it has none.
    """

    cosine: float
    signs: float
    ranks: float
    kept: float


def halves(made: VectorField, refits: Refits, draws: Draws) -> list[Check]:
    """Fields of two halves of the cells agree: where they flow, on signs, on the order of genes, on fixed points."""
    from reguloom.vectorfield.fixed_points import fixed_points

    points = fixed_points(made, n_starts=60)
    cuts = [rng.random(len(made.cells)) < 0.5 for rng in draws[:SPLITS]]
    real = [_halve(made, refits, made.velocities, cut, points, at) for at, cut in enumerate(cuts)]
    null = []
    for number, rng in enumerate(draws[:N_NULL]):
        at = number % len(cuts)
        null.append(_halve(made, refits, made.velocities[rng.permutation(len(cuts[0]))], cuts[at], points, at))
    value = {name: float(np.mean([getattr(one, name) for one in real])) for name in _WORDS}
    return [
        Check(
            name,
            value[what],
            threshold,
            good.format(value[what]),
            bad.format(value[what]),
            np.array([getattr(one, what) for one in null]),
        )
        for what, (name, threshold, good, bad) in _WORDS.items()
        if np.isfinite(value[what])
    ]


_WORDS = {
    "cosine": (
        "halves of the cells agree",
        0.5,
        "fields of two halves agree with a cosine of {:.2f}",
        "fields of two halves agree with a cosine of {:.2f} only: another sample would give another field",
    ),
    "signs": (
        "signs of the Jacobian repeat",
        0.75,
        "{:.0%} of its strongest entries have the same sign in fields of two halves of the cells",
        "{:.0%} of its strongest entries have the same sign in fields of two halves of the cells, where chance gives "
        "50 %: do not read who activates whom",
    ),
    "ranks": (
        "the order of genes repeats",
        0.5,
        "two halves order the genes alike by what they do to the flow (rank correlation {:.2f})",
        "two halves order the genes differently by what they do to the flow (rank correlation {:.2f}): do not read "
        "who comes first",
    ),
    "kept": (
        "fixed points repeat",
        0.5,
        "{:.0%} of the fixed points are in the fields of two halves as well",
        "{:.0%} of the fixed points are in the fields of two halves as well: the others are of this sample",
    ),
}


def _halve(
    made: VectorField, refits: Refits, v: np.ndarray, cut: np.ndarray, points: FixedPoints, number: int
) -> Halves:
    """Return what the fields of two halves say, fitted to velocities that may have been dealt out at random."""
    parts = (f"half {number} a", f"half {number} b")
    refits.cut(parts, (cut, ~cut))
    left, right = (refits.solve([part], used, v) for part, used in zip(parts, (cut, ~cut), strict=True))
    cosine = float(cosines(refits.values(left), refits.values(right)).mean())
    coefficients = [refits.coefficients(one) for one in (left, right)]
    fields = [made.with_coefficients(one) for one in coefficients]
    kept = min(_kept(points, one, made) for one in fields) if len(points) else float("nan")
    if not made.space.has_genes:
        return Halves(cosine, float("nan"), float("nan"), kept)
    return Halves(cosine, *_genes(made, coefficients), kept)


def _genes(made: VectorField, coefficients: list[np.ndarray]) -> tuple[float, float]:
    """Return how far the signs of the strongest entries and the order of the genes agree."""
    from scipy.stats import spearmanr

    some = np.linspace(0, len(made.states) - 1, min(CELLS_OF_JACOBIAN, len(made.states))).astype(int)
    x, q = made.states[some], made.space.loadings
    weight = np.linalg.norm(q, axis=1)
    chosen = np.argsort(-weight, kind="stable")[:200]
    level = np.maximum(made.space.reconstruct(x).mean(axis=0), 0)

    def mean(c: np.ndarray) -> np.ndarray:
        return np.asarray(_gaussian.jacobian(x, made.control_points, made.bandwidth, c).mean(axis=0))

    own, left, right = (q[chosen] @ mean(c) @ q[chosen].T for c in (made.coefficients, *coefficients))
    strong = np.abs(own) >= np.quantile(np.abs(own), 1 - STRONG)
    signs = float((np.sign(left[strong]) == np.sign(right[strong])).mean())
    effects = [np.linalg.norm(q @ mean(c).T, axis=1) * level for c in coefficients]
    return signs, float(np.nan_to_num(spearmanr(*effects).statistic))


def _kept(points: FixedPoints, other: VectorField, made: VectorField) -> float:
    """Return the share of fixed points that another field has nearby, with the same kind."""
    from reguloom.vectorfield.fixed_points import described, newton

    typical = max(float(np.median(np.linalg.norm(other(), axis=1))), 1e-300)
    found, left = newton(other, points.states, 1e-6 * typical)
    near = np.linalg.norm(found - points.states, axis=1) < 0.1 * float(np.linalg.norm(np.ptp(made.states, axis=0)))
    kinds = described(other, found, typical).kind
    same = np.array([one == two for one, two in zip(kinds, points.kind, strict=True)])
    return float((near & same & (left <= 1e-6 * typical)).mean())


def coexpression(made: VectorField) -> Check:
    """The Jacobian says more than which genes vary together."""
    q = made.space.loadings
    chosen = np.argsort(-np.linalg.norm(q, axis=1), kind="stable")[:200]
    some = np.linspace(0, len(made.states) - 1, min(CELLS_OF_JACOBIAN, len(made.states))).astype(int)
    jacobian = q[chosen] @ made.jacobian(made.states[some]).mean(axis=0) @ q[chosen].T
    covariance = q[chosen] @ np.cov(made.states.T) @ q[chosen].T
    spread = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    off = ~np.eye(len(chosen), dtype=bool)
    value = abs(float(np.corrcoef(jacobian[off], (covariance / spread / spread[:, None])[off])[0, 1]))
    return Check(
        "more than co-expression",
        1 - value,
        0.1,
        f"entries of the Jacobian and correlations of the genes are {value:.2f} correlated",
        f"entries of the Jacobian and correlations of the genes are {value:.2f} correlated: it repeats co-expression",
    )
