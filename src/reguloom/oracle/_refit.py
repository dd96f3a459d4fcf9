"""The regression that simulations use: plain ridge on the filtered edges of each group, with what can be said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom._random import generator
from reguloom._units import map_units
from reguloom.core import Expression, Network
from reguloom.manifold._blas import one_blas_thread
from reguloom.manifold.blocks import block_labels
from reguloom.oracle._design import Design
from reguloom.oracle._edge_errors import Measured, block_pulls, bootstrap
from reguloom.oracle._gram import Moments, group_data
from reguloom.oracle._kernels import held_out_error, solve_targets

_FOLDS = 5
_CELL_BLOCKS = 20


def group_designs(network: Network, groups: pd.Categorical, genes: pd.Index) -> list[Design]:
    """Return the edges of each group; a network without groups serves every group alike."""
    if "group" not in network.extra:
        return [Design.of(network, genes)] * len(groups.categories)
    source = genes.get_indexer(network.regulators)[network.source]
    target = genes.get_indexer(network.targets)[network.target]
    label = network.extra["group"].astype(str).to_numpy()
    valid = (source >= 0) & (target >= 0) & (source != target)
    made = []
    for name in groups.categories.astype(str):
        rows = valid & (label == name)
        made.append(Design.of_columns(source[rows], target[rows], genes))
    return made


def refit(
    expression: NDArray[Any],
    groups: pd.Categorical,
    designs: Sequence[Design],
    *,
    alpha: float,
    n_bootstrap: int,
    seed: int,
    places: NDArray[Any],
    raw: Expression | None = None,
    weights: csr_array | None = None,
    n_jobs: int | None,
) -> tuple[Network, list[csr_array], pd.DataFrame]:
    """Fit each group's edges by ridge regression on unscaled expression.

    Parameters
    ----------
    expression
        ``(n_cells, n_genes)``.
    groups
        Group of each cell.
    designs
        Edges of each group.
    alpha
        Penalty.
    n_bootstrap
        Draws of blocks of cells behind the standard errors.
    seed
        Root seed of the draws.
    places
        Coordinates in which cells are cut into blocks, ``(n_cells, n_dims)``.
    raw, weights
        Expression before it was smoothed, and the weights of the averages; None if it was not.
    n_jobs
        Threads.

    Returns
    -------
    The network (``coef_mean``, ``se``, ``ci_low``, ``ci_high``, ``sign_agreement``), the coefficients of each group as
    ``(n_genes, n_genes)`` with regulators in rows, and one row per group and target with its cross-validated R².
    """
    labels = [str(name) for name in groups.categories]

    def work(code: int) -> tuple[NDArray[Any], pd.DataFrame, pd.DataFrame]:
        rows = np.flatnonzero(groups.codes == code)
        rng = generator(seed, "bootstrap", labels[code])
        x, y = group_data(expression, rows, designs[code])
        cells = None if weights is None or measured is None else Measured(measured, weights[rows], places)
        return _fit_group(x, y, designs[code], alpha, n_bootstrap, rng, places[rows], cells)

    measured: Any = None if raw is None or weights is None else raw.to_csr() if raw.is_sparse else raw.to_dense()
    with one_blas_thread():
        found = list(map_units(work, range(len(labels)), n_jobs))
    n_genes = expression.shape[1]
    matrices = []
    for design, (coefficients, _, _) in zip(designs, found, strict=True):
        row, column = design.regulators[design.source], design.targets[design.target_of_edge]
        matrices.append(csr_array((coefficients, (row, column)), shape=(n_genes, n_genes)))
    for label, (_, edges, targets) in zip(labels, found, strict=True):
        edges.insert(2, "group", label)
        targets.insert(0, "group", label)
    frame = pd.concat([edges for _, edges, _ in found], ignore_index=True)
    network = Network.from_edges(
        frame["source"], frame["target"], frame["coef_mean"].to_numpy(), sign=np.sign(frame["coef_mean"].to_numpy()),
        extra=frame.drop(columns=["source", "target"]),
    )  # fmt: skip
    network = replace(network, extra=network.extra.assign(group=pd.Categorical(network.extra["group"], labels)))
    return network, matrices, pd.concat([targets for _, _, targets in found], ignore_index=True)


def _fit_group(
    x: NDArray[Any], y: NDArray[Any], design: Design, alpha: float, n_bootstrap: int, rng: np.random.Generator,
    places: NDArray[Any], cells: Measured | None,
) -> tuple[NDArray[Any], pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Return coefficients, the table of edges and the table of targets of one group."""
    block = block_labels(places, _CELL_BLOCKS)
    parts = [Moments.of(x[block == b], y[block == b]) for b in range(block.max() + 1)]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    coefficients = _solve(whole, design, alpha)
    edges = pd.DataFrame(
        {
            "source": design.regulator_names[design.source],
            "target": design.target_names[design.target_of_edge],
            "coef_mean": coefficients,
            "coef_abs": np.abs(coefficients),
        }
    )
    if n_bootstrap > 1:
        pulls = block_pulls(x, y, design, coefficients, block, cells)
        draws = coefficients + bootstrap(whole.centred()[0], pulls, design, alpha, n_bootstrap, rng)
        edges["se"] = draws.std(axis=0, ddof=1)
        edges["ci_low"], edges["ci_high"] = np.quantile(draws, [0.025, 0.975], axis=0)
        edges["sign_agreement"] = (np.sign(draws) == np.sign(coefficients)).mean(axis=0)
    targets = pd.DataFrame({"target": design.target_names, "n_regulators": np.diff(design.indptr)})
    targets["r2_cv"] = _cross_validate(parts, whole, design, alpha)
    return coefficients, edges, targets


def _combine(parts: Sequence[Moments], times: NDArray[Any]) -> Moments:
    """Return the sums over blocks, each counted so many times."""
    made = None
    for part, n in zip(parts, times, strict=True):
        if n:
            made = part.scaled(float(n)) if made is None else made + part.scaled(float(n))
    return parts[0] if made is None else made


def _solve(moments: Moments, design: Design, alpha: float) -> NDArray[np.float64]:
    """Return the coefficients of every edge."""
    gram, cross = moments.centred()
    out = np.empty(design.n_edges)
    solve_targets(gram, cross, design.indptr, design.source, np.ones(design.n_edges, dtype=np.bool_), alpha, out)
    return out


def _cross_validate(parts: Sequence[Moments], whole: Moments, design: Design, alpha: float) -> NDArray[np.float64]:
    """Return the R² of each target over held-out folds of neighbouring cells; NaN where there are too few cells."""
    n_folds = min(_FOLDS, len(parts))
    if n_folds < 2:
        return np.full(design.targets.size, np.nan)
    wrong, total, out = np.zeros(design.targets.size), np.zeros(design.targets.size), np.zeros(design.targets.size)
    for fold in range(n_folds):
        inside = np.arange(len(parts)) * n_folds // len(parts) == fold
        held, train = _combine(parts, inside.astype(int)), _combine(parts, (~inside).astype(int))
        mean_x, mean_y = train.x / train.n, train.y / train.n
        xx, xy, yy = held.about(mean_x, mean_y)
        held_out_error(xx, xy, yy, design.indptr, design.source, _solve(train, design, alpha), out)
        wrong += out
        total += yy
    return 1.0 - np.divide(wrong, total, out=np.full_like(wrong, np.nan), where=total > 0)
