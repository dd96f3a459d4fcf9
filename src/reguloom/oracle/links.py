"""Fitted edges: weighed per group, filtered, and fitted again for simulation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import EmptyResultError, InputError, MissingKeyError
from reguloom._progress import track
from reguloom._random import child_seed
from reguloom._units import map_units
from reguloom.core import Network, Provenance
from reguloom.manifold._blas import one_blas_thread
from reguloom.oracle._bagging import METHODS, SKLEARN_SEED, Table, bagging_ridge_sklearn
from reguloom.oracle._design import Design
from reguloom.oracle._gram import group_data, regulator_scale

WEIGHTS = ("coef_abs", "-logp")


def fit_links(
    expression: NDArray[Any],
    design: Design,
    groups: pd.Categorical,
    *,
    method: str,
    alpha: float,
    n_bags: int,
    max_features: float,
    compat: str | None,
    seed: int,
    n_jobs: int | None,
) -> Network:
    """Weigh every edge of `design` in every group of cells.

    Parameters
    ----------
    expression
        ``(n_cells, n_genes)``.
    design
        The candidate edges.
    groups
        Group of each cell.
    method, alpha, n_bags, max_features
        The regression; see :func:`reguloom.oracle.fit`.
    compat
        ``"celloracle"`` draws scikit-learn's bags.
    seed
        Root seed.
    n_jobs
        Threads.

    Returns
    -------
    Network
        Edges by group, target and regulator; ``weight`` is the mean coefficient with its sign.
    """
    if method not in METHODS:
        msg = f"method {method!r} is not known; accepted are {', '.join(METHODS)}."
        raise InputError(msg)
    model = bagging_ridge_sklearn if compat and method == "bagging_ridge" else METHODS[method]
    scale = regulator_scale(expression, design)

    def work(code: int) -> Table:
        x, y = group_data(expression, np.flatnonzero(groups.codes == code), design, scale)
        own = SKLEARN_SEED if compat else child_seed(seed, "links", str(groups.categories[code]))
        return model(x, y, design, alpha=alpha, n_bags=n_bags, max_features=max_features, seed=own)

    codes = range(len(groups.categories))
    with one_blas_thread():
        found = list(track(map_units(work, codes, n_jobs), len(codes), "fitting groups"))
    provenance = Provenance(
        method, {"alpha": alpha, "n_bags": n_bags, "max_features": max_features, "compat": compat}, seed,
        citations=("10.1038/s41586-022-05688-9",),
    )  # fmt: skip
    return _as_network(design, groups, found, provenance)


def _as_network(design: Design, groups: pd.Categorical, found: Sequence[Table], provenance: Provenance) -> Network:
    """Return the tables of all groups as one network."""
    n_groups = len(found)
    columns = {name: np.concatenate([table[name] for table in found]) for name in found[0]}
    extra = pd.DataFrame(
        {
            "group": pd.Categorical.from_codes(
                np.repeat(np.arange(n_groups), design.n_edges), groups.categories.astype(str)
            ),
            "coef_mean": columns["coef_mean"],
            "coef_abs": np.abs(columns["coef_mean"]),
            **{name: values for name, values in columns.items() if name != "coef_mean"},
        }
    )
    return Network(
        regulators=design.regulator_names.rename("source"),
        targets=design.target_names.rename("target"),
        source=np.tile(design.source, n_groups).astype(np.int32),
        target=np.tile(design.target_of_edge, n_groups).astype(np.int32),
        weight=columns["coef_mean"],
        sign=np.sign(columns["coef_mean"]).astype(np.int8),
        extra=extra,
        provenance=provenance,
    )


def filter_links(
    network: Network,
    *,
    p: float | None = 0.001,
    weight: str = "coef_abs",
    n_edges: int | None = 10_000,
    sources: Iterable[str] | None = None,
    targets: Iterable[str] | None = None,
) -> Network:
    """Keep the strongest edges of each group.

    Parameters
    ----------
    network
        What :func:`fit` found (``Oracle.links``), or CellOracle's table of links (:func:`reguloom.io.read_network`).
    p
        Largest p; CellOracle's, which says little (see ``Oracle.links``). None keeps all.
    weight
        ``"coef_abs"`` or ``"-logp"``: what strongest means.
    n_edges
        How many edges of each group are kept; None keeps all.
    sources, targets
        Regulators and targets to keep; all if left out.

    Returns
    -------
    The network with fewer edges, strongest first within a group; ties by target, then regulator.

    Raises
    ------
    MissingKeyError
        If the network lacks a column that is needed.
    EmptyResultError
        If no edge is left.
    """
    needed = ["group", weight, *(["p"] if p is not None else [])]
    lacking = [name for name in needed if name not in network.extra]
    if lacking:
        msg = (
            f"the network has no column {lacking}; it has {list(network.extra.columns)}: fit it with oracle.fit first."
        )
        raise MissingKeyError(msg)
    keep = np.ones(len(network), dtype=bool) if p is None else (network.extra["p"] <= p).to_numpy()
    for wanted, names, codes in (
        (sources, network.regulators, network.source),
        (targets, network.targets, network.target),
    ):
        if wanted is not None:
            keep = keep & names.isin(list(wanted))[codes]
    rows = np.flatnonzero(keep)
    group = pd.factorize(network.extra["group"].astype(str).to_numpy()[rows], sort=True)[0]
    strength = network.extra[weight].to_numpy()[rows]
    names = [np.argsort(np.argsort(one.to_numpy(dtype=str))) for one in (network.regulators, network.targets)]
    order = np.lexsort((names[0][network.source[rows]], names[1][network.target[rows]], -strength, group))
    place = np.arange(order.size) - np.searchsorted(group[order], group[order], side="left")
    chosen = rows[order[place < (order.size if n_edges is None else n_edges)]]
    if not chosen.size:
        msg = f"no edge of {len(network)} passes (p <= {p}, {n_edges} edges a group); allow a larger p."
        raise EmptyResultError(msg)
    return network.take(chosen)
