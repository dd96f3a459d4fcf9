"""Checks of the counts behind the velocities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._random import child_seed
from reguloom.core import Expression
from reguloom.vectorfield import rates
from reguloom.vectorfield._check import Check, Draws
from reguloom.vectorfield._checks import ends
from reguloom.vectorfield.moments import capture, normalised
from reguloom.vectorfield.thinning import halve, whole_counts

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.vectorfield.field import VectorField

GENES = 500
SMOOTHING = 30
RELIABLE = 0.7
"""Least reliability of a measure that single cases are judged by (Nunnally 1978)."""


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
    s, u = _moments(adata, slice(None))
    gamma = rates.slope(s, u, rates.extremes(s, u))
    quality = rates.r2(u - gamma * s, u)
    good = (quality > rates.MIN_R2) & (gamma > rates.MIN_GAMMA)
    n = int(good.sum())
    middle = float(np.median(quality[good])) if n else 0.0
    return Check(
        "enough velocity genes",
        n,
        50,
        f"{n} of {adata.n_vars} genes follow a line of unspliced on spliced (median R² {middle:.2f})",
        f"{n} of {adata.n_vars} genes follow a line of unspliced on spliced: directions rest on very few genes",
    )


def permuted_genes(adata: AnnData, labels: np.ndarray, draws: Draws) -> Check:
    """Shuffling unspliced over the cells of a group, and fitting the line again, makes the line worse."""
    s, u = _moments(adata, _varying(adata)[:GENES])

    def error(values: np.ndarray) -> np.ndarray:
        line = rates.slope(s, values, np.ones(values.shape, dtype=bool))
        return np.asarray(np.abs(values - line * s).mean(axis=0))

    def within(rng: np.random.Generator) -> np.ndarray:
        mixed = u.copy()
        for label in np.unique(labels):
            own = np.flatnonzero(labels == label)
            mixed[own] = rng.permuted(u[own], axis=0)
        return mixed

    dealt = np.array([error(within(rng)) for rng in draws[:10]])
    typical = np.maximum(dealt.mean(axis=0), 1e-300)
    value = float(np.median(1 - error(u) / typical)) if s.shape[1] else 0.0
    return Check(
        "unspliced follows spliced",
        value,
        0.05,
        f"errors of the line of unspliced on spliced are {value:.0%} smaller than after shuffling within groups",
        f"the line of unspliced on spliced is hardly better than after shuffling within groups ({value:.0%}): within "
        "groups the counts hold no dynamics",
        np.median(1 - dealt / typical, axis=1) if s.shape[1] else np.empty(0),
    )


def thinned(adata: AnnData, made: VectorField, seed: int, draws: Draws) -> list[Check]:
    """Two halves of the molecules agree: on velocities, and on what unspliced counts say beyond the spliced ones.

    Each molecule goes to one half or the other, so the halves share the biology and not the counting noise. Agreement
    on what differs between cells is stepped up to the full depth (Spearman and Brown). Neighbours are those of the
    field, found with all the counts, which flatters the counts a little.

    A velocity ``u - gamma s`` also repeats if ``u`` is nothing but noise, since ``s`` does. So the second check takes
    off whatever a line with an intercept says of u from s: what is left is the loop of the phase portrait.
    """
    from reguloom.manifold import nearest, smoothing_weights

    rows = adata.obs_names.astype(str).get_indexer(made.cells)
    counts = [whole_counts(adata, name) for name in ("spliced", "unspliced")]
    if (rows < 0).any() or counts[0] is None or counts[1] is None:
        return []
    graph = smoothing_weights(*nearest(made.states, min(SMOOTHING - 1, len(rows) - 1)))
    genes, loadings = _genes(adata, made)
    halves = [
        halve(one[rows], np.random.default_rng(child_seed(seed, "thin", at)))
        for at, one in enumerate(counts)
        if one is not None
    ]
    velocities, loops = [], []
    for spliced, unspliced in zip(*halves, strict=True):
        size = capture(spliced, unspliced)
        seen = [normalised(one, size)[:, genes] for one in (spliced, unspliced)]
        s, u, gamma = rates.lines(graph, seen[0], seen[1], "stochastic")
        velocities.append(_components(np.nan_to_num(u - gamma * s), s, loadings))
        loops.append(_components(_beyond(s, u), s, loadings))
    return [
        _agreement(
            "halves of the counts agree",
            velocities,
            draws,
            "velocities from two halves of the molecules agree on {:.0%} of what differs between cells",
            "velocities from two halves of the molecules agree on {:.0%} of what differs between cells: the rest is "
            "counting noise, which neighbours share, so that held-out cells cannot show it",
        ),
        _agreement(
            "unspliced says more than spliced",
            loops,
            draws,
            "what unspliced counts say beyond spliced ones repeats in two halves of the molecules, by {:.0%}",
            "what unspliced counts say beyond spliced ones repeats in two halves of the molecules by {:.0%} only: "
            "velocities are spliced counts with a minus sign, and where cells go is a guess",
        ),
    ]


def _agreement(name: str, halves: list[np.ndarray], draws: Draws, good: str, bad: str) -> Check:
    """Return the check that two halves agree, against halves whose cells are dealt out."""
    left, right = (one - one.mean(axis=0) for one in halves)
    value = _stepped_up(left, right)
    null = np.array([_stepped_up(left, right[rng.permutation(len(right))]) for rng in draws])
    said = max(value, 0.0)
    return Check(name, value, RELIABLE, good.format(said), bad.format(said), null)


def _beyond(s: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return what a line with an intercept leaves of u, gene by gene."""
    x, y = s - s.mean(axis=0), u - u.mean(axis=0)
    square = (x * x).sum(axis=0)
    return np.asarray(y - np.divide((x * y).sum(axis=0), square, out=np.zeros_like(square), where=square > 0) * x)


def directions(
    adata: AnnData, made: VectorField, edge: tuple[str, str], layers: tuple[str, str], draws: Draws
) -> Check:
    """Genes that differ between two groups move the right way in the first."""
    source, sink = ends(made, edge)
    rows = adata.obs_names.astype(str).get_indexer(made.cells)
    speeds, counts = (Expression.of(adata, layer=name).select_cells(rows).to_dense() for name in layers)
    way = counts[sink].mean(axis=0) - counts[source].mean(axis=0)
    way /= np.maximum(counts.std(axis=0), 1e-12)
    known = np.isfinite(speeds).all(axis=0)
    chosen = np.flatnonzero(known)[np.argsort(-np.abs(way[known]), kind="stable")[:100]]
    speeds, way = speeds[:, chosen], way[chosen]

    def right(v: np.ndarray) -> float:
        return float((np.sign(v[source].mean(axis=0)) == np.sign(way)).mean())

    value = right(speeds)
    return Check(
        f"genes move from {edge[0]} to {edge[1]}",
        value,
        0.6,
        f"{value:.0%} of the {len(chosen)} genes that differ most move the right way in {edge[0]}",
        f"{value:.0%} of the {len(chosen)} genes that differ most move the right way in {edge[0]}, where chance gives "
        "50 %: velocity may be reversed",
        np.array([right(speeds[rng.permutation(len(speeds))]) for rng in draws]),
    )


def _moments(adata: AnnData, genes: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return smoothed spliced and unspliced counts of genes."""
    s, u = (Expression.of(adata, layer=name).to_dense()[:, genes] for name in ("Ms", "Mu"))
    return s, u


def _varying(adata: AnnData) -> np.ndarray:
    """Return the genes whose smoothed counts differ between cells."""
    s, u = _moments(adata, slice(None))
    return np.flatnonzero((s.std(axis=0) > 1e-6 * s.mean(axis=0)) & (u.std(axis=0) > 1e-6 * u.mean(axis=0)))


def _genes(adata: AnnData, made: VectorField) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the genes that velocities are compared in, and their loadings if the basis has them."""
    if made.space.has_genes:
        at = adata.var_names.astype(str).get_indexer(made.space.genes)
        return at[at >= 0], made.space.loadings[at >= 0]
    spread = np.asarray(Expression.of(adata, layer="spliced").X.mean(axis=0)).ravel()
    return np.argsort(-spread, kind="stable")[:GENES], None


def _components(v: np.ndarray, s: np.ndarray, loadings: np.ndarray | None) -> np.ndarray:
    """Return velocities in the components of the basis, or scaled in genes where it has none."""
    if loadings is not None:
        return np.asarray((v / (1.0 + s)) @ loadings)
    return np.asarray(v / np.maximum(v.std(axis=0), 1e-12))


def _stepped_up(left: np.ndarray, right: np.ndarray) -> float:
    """Return the agreement of two halves stepped up to the whole: ``2 r / (1 + r)``."""
    r = float((left * right).sum() / max(np.sqrt((left**2).sum() * (right**2).sum()), 1e-300))
    return 2 * r / (1 + r) if r > 0 else r
