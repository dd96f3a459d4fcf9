"""The single checks of :func:`reguloom.vectorfield.diagnose`: each a value, its null, a threshold and words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._errors import InputError
from reguloom.core import Expression
from reguloom.vectorfield import rates
from reguloom.vectorfield._solver import Features, solve_ridge
from reguloom.vectorfield.fit import cosines

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.vectorfield.field import VectorField

Draws = list[np.random.Generator]
CELLS, CELLS_PER_COMPONENT = 200, 20
FOLDS = 3


@dataclass(frozen=True)
class Check:
    """One check: it passes if the value is beyond the threshold, and beyond its null where there is one."""

    name: str
    value: float
    threshold: float
    good: str
    bad: str
    null: np.ndarray = field(default_factory=lambda: np.empty(0))
    upper: float = float("inf")

    @property
    def z(self) -> float:
        """How many standard deviations of the null the value lies above its mean."""
        if len(self.null) < 2:
            return float("nan")
        return float((self.value - self.null.mean()) / max(float(self.null.std(ddof=1)), 1e-9))

    @property
    def passed(self) -> bool:
        """Whether it may be believed."""
        return bool(self.threshold <= self.value <= self.upper) and not (self.z < 3)

    @property
    def verdict(self) -> str:
        """What it means, in words."""
        if not self.passed and self.threshold <= self.value <= self.upper:
            return f"{self.good}; but velocities dealt out at random do as well ({self.null.mean():.2f})"
        return self.good if self.passed else self.bad

    def row(self) -> dict[str, Any]:
        """Return it as a row of the table."""
        return {
            "check": self.name,
            "value": self.value,
            "null": float(self.null.mean()) if self.null.size else float("nan"),
            "null_sd": float(self.null.std(ddof=1)) if self.null.size > 1 else float("nan"),
            "z": self.z,
            "threshold": self.threshold,
            "passed": self.passed,
            "verdict": self.verdict,
        }


def cell_number(made: VectorField) -> Check:
    """Enough cells for the number of components."""
    n, k = len(made.cells), made.n_components
    return Check(
        "enough cells",
        n,
        max(CELLS, CELLS_PER_COMPONENT * k),
        f"{n} cells for {k} components",
        f"{n} cells are too few for a field of {k} components: its Jacobian, fixed points and paths are guesses",
    )


def collapse(made: VectorField) -> Check:
    """The field is of the size of the velocities, and most cells belong to it."""
    f = made()
    ratio = float(np.linalg.norm(f) / max(float(np.linalg.norm(made.velocities)), 1e-300))
    share = float((made.inlier > 0.5).mean())
    return Check(
        "field and velocities agree in size",
        min(ratio, share),
        0.1,
        f"{share:.0%} inliers, length {ratio:.2f} of the velocities'",
        f"the fit has collapsed or sees mostly noise: {share:.0%} inliers, length {ratio:.2g} of the velocities'",
    )


def confidence(made: VectorField, near: np.ndarray, draws: Draws) -> Check:
    """Neighbours move alike, more than the same velocities dealt out to other cells."""

    def mean(v: np.ndarray) -> float:
        unit = v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-300)
        return float(np.einsum("nkd,nd->nk", unit[near], unit).mean())

    v = made.velocities
    return Check(
        "neighbours move alike",
        mean(v),
        0.1,
        "velocities agree between neighbours (smoothing alone raises this, so it proves little)",
        "velocities of neighbours hardly agree: there is no common flow to fit",
        np.array([mean(v[rng.permutation(len(v))]) for rng in draws]),
    )


def reachability(made: VectorField, near: np.ndarray, draws: Draws) -> Check:
    """Velocities point to where other cells are, not into the void."""
    from reguloom.vectorfield.transition import softmax

    def mean(v: np.ndarray) -> float:
        steps = softmax(made.states, v, near)
        return float(cosines(v, np.asarray(steps @ made.states) - made.states).mean())

    v = made.velocities
    turned = [mean(np.linalg.norm(v, axis=1)[:, None] * _unit(rng.normal(size=v.shape))) for rng in draws]
    return Check(
        "velocities lead to cells",
        mean(v),
        0.0,
        "velocities point along the cells",
        "velocities point off the cells no less than random directions do",
        np.array(turned),
    )


def held_out(made: VectorField, draws: Draws) -> Check:
    """The field predicts cells that it has not seen, better than one fitted to velocities dealt out at random."""
    value = _folds(made, made.velocities)
    return Check(
        "held-out cells are predicted",
        value,
        0.2,
        f"mean cosine {value:.2f} on neighbourhoods that were held out",
        f"mean cosine {value:.2f} on neighbourhoods that were held out: the field is not what the cells do",
        np.array([_folds(made, made.velocities[rng.permutation(len(made.velocities))]) for rng in draws[:10]]),
    )


def halves(made: VectorField, draws: Draws) -> Check:
    """Fields fitted to two halves of the cells agree."""
    features = _features(made)

    def agree(v: np.ndarray, rng: np.random.Generator) -> float:
        half = rng.random(len(v)) < 0.5
        left, right = (_refit(made, features, v, side) for side in (half, ~half))
        return float(cosines(features.predict(left), features.predict(right)).mean())

    v = made.velocities
    found = [agree(v, rng) for rng in draws[:5]]
    value = float(np.mean(found))
    return Check(
        "halves of the cells agree",
        value,
        0.5,
        f"fields of two halves agree with a cosine of {value:.2f}",
        f"fields of two halves agree with a cosine of {value:.2f} only: another sample would give another field",
        np.array([agree(v[rng.permutation(len(v))], rng) for rng in draws[5:15]]),
    )


def linearity(made: VectorField) -> Check:
    """The first order holds over the distance to a neighbour."""
    some = np.linspace(0, len(made.states) - 1, min(300, len(made.states))).astype(int)
    x = made.states[some]
    from scipy.spatial import cKDTree

    step = made.states[cKDTree(made.states).query(x, k=2)[1][:, 1]] - x
    value = float(np.median(cosines(made(x + step) - made(x), made.directional(step, x))))
    return Check(
        "linear from cell to cell",
        value,
        0.8,
        f"first order and difference agree between neighbours (cosine {value:.2f})",
        f"the field bends within the distance of neighbours (cosine {value:.2f}): do not read Jacobians",
    )


def crossing(made: VectorField, near: np.ndarray, edge: tuple[str, str], draws: Draws) -> Check:
    """Cells at a border move across it in the known direction."""
    if made.groups is None or not set(edge) <= set(made.groups.categories):
        known = [] if made.groups is None else list(made.groups.categories)
        msg = f"the edge {edge} names groups that are not there; there are {known or 'none (fit with groupby=)'}."
        raise InputError(msg)
    source, sink = (np.asarray(made.groups == one) for one in edge)
    rows = np.flatnonzero(source & sink[near].any(axis=1))

    def mean(v: np.ndarray) -> float:
        found = [cosines(made.states[near[i][sink[near[i]]]] - made.states[i], np.tile(v[i], (sink[near[i]].sum(), 1)))
                 for i in rows]  # fmt: skip
        return float(np.mean([one.mean() for one in found])) if len(rows) else float("nan")

    v = made.velocities
    value = mean(v)
    return Check(
        f"cells cross from {edge[0]} to {edge[1]}",
        value,
        0.0,
        f"cells at the border move across (cosine {value:.2f})",
        f"cells at the border do not move across (cosine {value:.2f}, {len(rows)} cells): velocity may be reversed",
        np.array([mean(v[rng.permutation(len(v))]) for rng in draws]) if len(rows) else np.empty(0),
    )


def unspliced_share(adata: AnnData) -> Check:
    """The share of unspliced counts is that of whole cells."""
    spliced, unspliced = (
        float(Expression.of(adata, layer=name).X.sum(dtype=np.float64)) for name in ("spliced", "unspliced")
    )
    value = unspliced / max(spliced + unspliced, 1e-300)
    return Check(
        "share of unspliced counts",
        value,
        0.05,
        f"{value:.0%} of the counts are unspliced",
        f"{value:.0%} of the counts are unspliced, where 5 to 50 % are usual: nuclei, or intron counting went wrong",
        upper=0.5,
    )


def gene_number(adata: AnnData) -> Check:
    """Enough genes have a line of unspliced on spliced."""
    s, u = (Expression.of(adata, layer=name).to_dense() for name in ("Ms", "Mu"))
    gamma = rates.slope(s, u, rates.extremes(s, u))
    good = (rates.r2(u - gamma * s, u) > rates.MIN_R2) & (gamma > rates.MIN_GAMMA)
    n = int(good.sum())
    return Check(
        "enough velocity genes",
        n,
        50,
        f"{n} of {adata.n_vars} genes follow a line of unspliced on spliced",
        f"{n} of {adata.n_vars} genes follow a line of unspliced on spliced: directions rest on very few genes",
    )


def permuted_genes(adata: AnnData, labels: np.ndarray, draws: Draws) -> Check:
    """Unspliced follows spliced within groups, more than after shuffling one of them over the cells of a group."""
    s, u = (Expression.of(adata, layer=name).to_dense() for name in ("Ms", "Mu"))

    def median(v: np.ndarray) -> float:
        left, right = (one[:, usable] - one[:, usable].mean(axis=0) for one in (s, v))
        size = np.sqrt((left**2).sum(axis=0) * (right**2).sum(axis=0))
        return float(np.median((left * right).sum(axis=0) / size)) if len(usable) else 0.0

    def within(rng: np.random.Generator) -> np.ndarray:
        order = np.arange(len(labels))
        for label in np.unique(labels):
            own = np.flatnonzero(labels == label)
            order[own] = own[rng.permutation(len(own))]
        return u[order]

    varies = (s.std(axis=0) > 1e-6 * s.mean(axis=0)) & (u.std(axis=0) > 1e-6 * u.mean(axis=0))
    usable = np.flatnonzero(varies)[:300]
    value = median(u)
    return Check(
        "unspliced follows spliced",
        value,
        0.1,
        f"median correlation {value:.2f} over genes",
        f"median correlation {value:.2f} over genes: counts hold no dynamics",
        np.array([median(within(rng)) for rng in draws[:10]]),
    )


def _folds(made: VectorField, v: np.ndarray) -> float:
    """Return the mean cosine on neighbourhoods that were held out."""
    from reguloom.manifold.blocks import block_labels

    fold = block_labels(made.states, min(30, max(FOLDS, len(v) // 10))) % FOLDS
    features, aimed = _features(made), np.zeros_like(v)
    for one in range(FOLDS):
        found = features.predict(_refit(made, features, v, fold != one))
        aimed[fold == one] = found[fold == one]
    return float(cosines(aimed, v).mean())


def _features(made: VectorField) -> Features:
    """Return the whitened features of the field's cells."""
    return Features.of(made.states, made.control_points, made.bandwidth, dtype="float64", n_jobs=None)


def _refit(made: VectorField, features: Features, v: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Return the solution on some of the cells, as smooth as the field."""
    scale2 = max(float((made.velocities**2).mean()), 1e-300)
    noise = made.report.get("sigma2", float(((made.velocities - made()) ** 2).mean())) / scale2
    damping = max(made.report.get("ridge", 3.0) * noise, 1e-9)
    return solve_ridge(*features.normal_equations(np.maximum(made.inlier, 1e-5) * used, v / scale2**0.5), damping)


def _unit(v: np.ndarray) -> np.ndarray:
    """Return rows of length 1."""
    return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True))
