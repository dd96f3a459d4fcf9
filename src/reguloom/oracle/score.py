"""Scores that tell whether a perturbation moves cells along development or against it, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed
from reguloom.core import Prediction
from reguloom.manifold import Neighborhood
from reguloom.oracle._fields import ALL, Lineage, take_lineages
from reguloom.oracle.development import Development


@dataclass(frozen=True, eq=False)
class PerturbationScore:
    """A simulated shift held against development.

    Parameters
    ----------
    table
        One row per lineage: ``negative`` (against development), ``positive`` (along it), ``net``, ``effect_size``
        (mean length of the change of expression of a cell, perturbed genes left out; uncalibrated), ``share_affected``
        (cells with any change), ``n_cells``, ``n_points``.
    bins
        The same scores by lineage and bin of pseudotime.
    grid
        One row per point: coordinates, ``mass``, ``kept``, flow, development, ``inner_product``, ``pseudotime``.
    cells
        One row per cell: shift, ``inner_product`` with development nearby, ``effect_size``.
    label
        The perturbation.
    basis
        Name of the embedding.
    checks
        Checks that the prediction failed.
    development
        The field.
    """

    table: pd.DataFrame
    bins: pd.DataFrame
    grid: pd.DataFrame
    cells: pd.DataFrame
    label: str
    basis: str
    checks: Mapping[str, str]
    development: Development

    def __repr__(self) -> str:
        """Say the scores of all cells."""
        first = self.table.iloc[0]
        return f"PerturbationScore({self.label}: negative {first['negative']:.3g}, positive {first['positive']:.3g})"


@accepts_seed
def perturbation_score(
    prediction: Prediction,
    development: Development | None,
    *,
    lineages: Any = None,
    n_bins: int = 10,
    sigma_corr: float = 0.05,
    n_neighbors: int = 200,
    sampled_fraction: float = 1.0,
    neighborhood: Neighborhood | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> PerturbationScore:
    """Hold the direction of a prediction against development.

    Each cell's change of expression is turned into a direction on the embedding (transition probabilities over its
    neighbours), averaged on a grid, and multiplied with development there. Direction and size are apart: the scores
    tell direction and stay the same if the change is doubled; ``effect_size`` tells the size.

    Parameters
    ----------
    prediction
        Of one perturbation, a row per cell, for the cells of `development`.
    development
        From :func:`development`.
    lineages
        Mapping of name → mask of cells, or one label per cell; all cells if left out.
    n_bins
        Bins of pseudotime.
    sigma_corr
        Width of the kernel ``exp(r / sigma)`` behind transition probabilities.
    n_neighbors
        Nearest cells on the embedding that a cell can move to.
    sampled_fraction
        Share of them that is used.
    neighborhood
        Made before for these cells, to save its making.
    rng
        Seed of the sampling.
    n_jobs
        Threads.

    Returns
    -------
    PerturbationScore
        Tables by lineage, by bin, by point and by cell.

    Raises
    ------
    InputError
        If there is no development field, or it is of other cells than the prediction.
    """
    if development is None:
        msg = (
            "scoring needs a field of development, and there is none; make one with "
            "oracle.development(adata, pseudotime='...', basis='umap')."
        )
        raise InputError(msg)
    delta = prediction.delta
    if delta.shape[0] != len(development.embedding) or np.shape(prediction.control) != delta.shape:
        msg = (
            f"the prediction has {delta.shape[0]} rows and the development field {len(development.embedding)} cells; "
            "predict one perturbation (not a list) for the same cells."
        )
        raise InputError(msg)
    chosen = take_lineages({ALL: np.ones(delta.shape[0], bool)} if lineages is None else lineages, development, None)
    near = neighborhood or Neighborhood.of(
        prediction.control, development.embedding, n_neighbors=n_neighbors, sampled_fraction=sampled_fraction, rng=rng,
        n_jobs=n_jobs,
    )  # fmt: skip
    shift = near.shift(delta, sigma_corr=sigma_corr, n_jobs=n_jobs)
    made = [Lineage.of(name, mask, development, n_jobs) for name, mask in chosen.items()]
    size = effect_size(delta, prediction.genes.isin(prediction.perturbations[0].genes))
    edges = _edges(development, n_bins)
    return PerturbationScore(
        table=pd.DataFrame([_row(one, shift, size) for one in made]),
        bins=pd.concat([_bins(one, shift, development, edges) for one in made], ignore_index=True),
        grid=_grid(development, shift, edges),
        cells=_cells(development, shift, size, prediction.rows),
        label=prediction.perturbations[0].label,
        basis=development.basis,
        checks=dict(prediction.checks),
        development=development,
    )


def effect_size(delta: Any, perturbed: NDArray[Any]) -> NDArray[np.float64]:
    """Return the length of each cell's change of expression, perturbed genes left out."""
    squares = np.einsum("ij,ij->i", delta, delta) - np.einsum("ij,ij->i", delta[:, perturbed], delta[:, perturbed])
    return np.sqrt(np.maximum(squares, 0.0))


def _row(lineage: Lineage, shift: Any, size: Any) -> dict[str, Any]:
    """Return the scores of one lineage."""
    negative, positive = lineage.summary(lineage.inner_product(shift))
    return {
        "lineage": lineage.name,
        "negative": negative,
        "positive": positive,
        "net": positive - negative,
        "effect_size": float(size[lineage.mask].mean()),
        "share_affected": float((size[lineage.mask] > 0).mean()),
        "n_cells": int(lineage.mask.sum()),
        "n_points": int(lineage.points.size),
    }


def _edges(development: Development, n_bins: int) -> NDArray[np.float64]:
    """Return the inner edges of equal bins of pseudotime over the kept points."""
    values = development.grid_pseudotime[development.kept]
    if not np.isfinite(values).all():
        return np.zeros(0)
    return np.linspace(values.min(), values.max(), n_bins + 1)[1:-1]


def _bins(lineage: Lineage, shift: Any, development: Development, edges: Any) -> pd.DataFrame:
    """Return scores by bin of pseudotime."""
    product = lineage.inner_product(shift)
    times = development.grid_pseudotime[lineage.points]
    which = np.digitize(times, edges) if edges.size else np.zeros(len(times), dtype=int)
    rows = []
    for number in np.unique(which):
        negative, positive = lineage.summary(product[which == number])
        rows.append(
            {
                "lineage": lineage.name,
                "bin": int(number),
                "pseudotime": float(times[which == number].mean()),
                "negative": negative,
                "positive": positive,
                "n_points": int((which == number).sum()),
            }
        )
    return pd.DataFrame(rows)


def _grid(development: Development, shift: Any, edges: Any) -> pd.DataFrame:
    """Return the table of points."""
    flow, points = development.weights.average(shift), development.grid.points
    return pd.DataFrame(
        {
            "x": points[:, 0],
            "y": points[:, 1],
            "mass": development.weights.mass,
            "kept": development.kept,
            "flow_x": flow[:, 0],
            "flow_y": flow[:, 1],
            "development_x": development.flow[:, 0],
            "development_y": development.flow[:, 1],
            "inner_product": (flow * development.flow).sum(axis=1),
            "pseudotime": development.grid_pseudotime,
            "bin": np.digitize(development.grid_pseudotime, edges) if edges.size else 0,
        }
    )


def _cells(development: Development, shift: Any, size: Any, names: pd.Index) -> pd.DataFrame:
    """Return the table of cells; development at a cell is that of the nearest kept point."""
    from reguloom.manifold import nearest

    kept = np.flatnonzero(development.kept)
    closest = kept[nearest(development.grid.points[kept], 1, queries=development.embedding)[0][:, 0]]
    return pd.DataFrame(
        {
            "x": development.embedding[:, 0],
            "y": development.embedding[:, 1],
            "shift_x": shift[:, 0],
            "shift_y": shift[:, 1],
            "inner_product": (shift * development.flow[closest]).sum(axis=1),
            "effect_size": size,
            "pseudotime": development.pseudotime,
        },
        index=names,
    )
