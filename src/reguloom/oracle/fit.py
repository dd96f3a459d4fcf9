"""Fit a network to cells: which of the prior's edges carry weight in which group."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pandas as pd

from reguloom import io
from reguloom._errors import InputError
from reguloom._logging import logger
from reguloom._random import SeedLike, accepts_seed, root_seed
from reguloom.core import Network, Provenance, Regulons
from reguloom.core.provenance import fingerprint
from reguloom.oracle._design import Design
from reguloom.oracle._input import take_expression, take_groups
from reguloom.oracle._refit import group_designs, refit
from reguloom.oracle.impute import averaged, neighbor_weights, principal_components
from reguloom.oracle.links import filter_links, fit_links
from reguloom.oracle.model import Oracle

if TYPE_CHECKING:
    from anndata import AnnData

COMPAT = (None, "celloracle")
CITATIONS = ("10.1038/s41586-022-05688-9",)


@accepts_seed
def fit(
    adata: AnnData,
    network: Network | Regulons | pd.DataFrame | str | os.PathLike[str],
    *,
    layer: str | None = None,
    groupby: str | None = None,
    mask_var: str | None = None,
    normalize: bool | str = False,
    impute: bool = True,
    n_neighbors: int | None = None,
    n_pcs: int | None = None,
    method: str = "bagging_ridge",
    alpha: float = 10.0,
    n_bags: int = 20,
    max_features: float = 0.8,
    p: float | None = 0.001,
    n_edges: int | None = 10_000,
    refit_alpha: float = 10.0,
    n_bootstrap: int = 50,
    compat: str | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
) -> Oracle:
    """Fit a prior network to the cells of each group, so that perturbations can be simulated.

    Every target is regressed on its regulators by bagging ridge regression, the strongest edges are kept, and their
    coefficients are fitted once more for simulation (Kamimoto et al., Nature 2023).

    Parameters
    ----------
    adata
        Cells; normalised, logarithmic expression.
    network
        Which regulators may regulate which genes: a network, regulons, a CellOracle base network, a table, or a path.
    layer
        Layer to use; ``X`` if left out.
    groupby
        Column of ``adata.obs``: each group gets coefficients of its own. One fit for all cells if left out.
    mask_var
        Column of ``adata.var`` that says which genes to use.
    normalize
        Whether raw counts are scaled to the median library size and logged; without it they are refused. ``"auto"``
        does so if the values are counts.
    impute
        Whether expression is smoothed over neighbouring cells first (see :func:`impute`).
    n_neighbors, n_pcs
        Of the imputation.
    method
        ``"bagging_ridge"``, ``"ridge"`` or ``"bayesian_ridge"``.
    alpha
        Ridge penalty while edges are weighed (regulators scaled to unit deviation).
    n_bags, max_features
        Bags, and the share of a target's regulators in each.
    p, n_edges
        Which edges are kept; see :func:`filter_links`.
    refit_alpha
        Ridge penalty of the coefficients that are simulated with (regulators not scaled).
    n_bootstrap
        Draws of whole blocks of neighbouring cells, as they were measured, behind the standard errors of these
        coefficients; 0 for none.
    compat
        ``"celloracle"`` draws the original's bags and follows its rule for keeping perturbed genes at their level.
    rng
        Seed.
    n_jobs
        Threads; the result does not depend on it.

    Returns
    -------
    Oracle
        Ready for ``predict``.

    Raises
    ------
    InputError
        If the values are raw counts or scaled, or the network shares no gene with the matrix.
    EmptyResultError
        If no edge passes.
    """
    if compat not in COMPAT:
        msg = f"compat is {compat!r}; accepted are None and 'celloracle'."
        raise InputError(msg)
    seed = root_seed(rng)
    expression = take_expression(adata, layer=layer, mask_var=mask_var, normalize=normalize)
    groups = take_groups(adata, groupby, expression.n_cells)
    prior = io.as_network(network)
    design = Design.of(prior, expression.genes)
    params = {
        "layer": layer, "groupby": groupby, "impute": impute, "n_neighbors": n_neighbors, "n_pcs": n_pcs,
        "method": method, "alpha": alpha, "n_bags": n_bags, "max_features": max_features, "p": p, "n_edges": n_edges,
        "refit_alpha": refit_alpha, "n_bootstrap": n_bootstrap, "compat": compat,
    }  # fmt: skip
    scores = principal_components(expression, n_pcs)
    weights = neighbor_weights(expression, n_neighbors=n_neighbors, scores=scores, n_jobs=n_jobs) if impute else None
    values = expression.to_dense() if weights is None else averaged(expression, weights)
    links = fit_links(
        values, design, groups, method=method, alpha=alpha, n_bags=n_bags, max_features=max_features, compat=compat,
        seed=seed, n_jobs=n_jobs,
    )  # fmt: skip
    kept = filter_links(links, p=p, n_edges=n_edges)
    fitted, coefficients, targets = refit(
        values, groups, group_designs(kept, groups, expression.genes), alpha=refit_alpha, n_bootstrap=n_bootstrap,
        seed=seed, places=scores[:, :10], raw=expression, weights=weights, n_jobs=n_jobs,
    )  # fmt: skip
    logger.info("%d of %d edges are kept in %d groups", len(fitted), len(links), len(groups.categories))
    return Oracle(
        expression=values, cells=expression.cells, genes=expression.genes, groups=groups, groupby=groupby or "",
        prior=_within(prior, design), links=links, network=fitted, coefficients=tuple(coefficients), targets=targets,
        provenance=Provenance(
            "oracle", params, seed, inputs={"expression": fingerprint(values)}, citations=CITATIONS
        ),
    )  # fmt: skip


def _within(prior: Network, design: Design) -> Network:
    """Return the prior's edges that the fit could use, and the names of all its regulators."""
    return Network(
        regulators=design.regulator_names.append(prior.regulators.difference(design.regulator_names)).rename("source"),
        targets=design.target_names.rename("target"),
        source=design.source.astype("int32"),
        target=design.target_of_edge.astype("int32"),
        weight=design.source.astype("float64") * 0 + 1.0,
        sign=(design.source * 0).astype("int8"),
    )
