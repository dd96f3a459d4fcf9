"""Which genes matter in each group's network, and how groups differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import MissingKeyError
from reguloom.core import Network
from reguloom.oracle._path_kernels import betweenness, join_modules

ROLES = (
    "ultra-peripheral", "peripheral", "connector", "kinless", "provincial hub", "connector hub", "kinless hub",
)  # fmt: skip
"""Guimerà & Amaral (2005), R1 to R7."""
_SMALL = 300
"""Genes up to which eigenvectors are found densely."""


def network_scores(network: Network, *, compat: str | None = None) -> pd.DataFrame:
    """Score every gene of every group's network.

    Parameters
    ----------
    network
        With groups and coefficients, such as ``Oracle.network`` or what :func:`filter_links` gives.
    compat
        ``"celloracle"`` takes coefficients for lengths in the betweenness, so that strong edges are long. By default a
        strong edge is short: its length is 1 / coefficient.

    Returns
    -------
    DataFrame
        One row per group and gene: ``degree_all``, ``degree_in``, ``degree_out`` and the same as
        ``degree_centrality_`` (divided by the number of other genes), ``betweenness_centrality`` (directed, summed over
        pairs), ``eigenvector_centrality`` (undirected, largest 1), and the gene's cartographic role: ``module``,
        ``z_within``, ``participation``, ``role``.

    Raises
    ------
    MissingKeyError
        If the network has no coefficients.
    """
    if "coef_abs" not in network.extra:
        msg = f"the network has no column coef_abs (it has {list(network.extra.columns)}); fit it with oracle.fit."
        raise MissingKeyError(msg)
    names: list[str | None] = [*network.groups] or [None]
    tables = []
    for name in names:
        part = network if name is None else network.filter(group=name)
        table = _score(part, short=compat is None)
        table.insert(0, "group", "all" if name is None else str(name))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def network_entropy(network: Network) -> pd.DataFrame:
    """Return how evenly each target's regulators share its coefficients, by group.

    Parameters
    ----------
    network
        Unfiltered, such as ``Oracle.links``.

    Returns
    -------
    DataFrame
        One row per group and target with more than one regulator: ``entropy`` (nats) and ``entropy_norm`` (1: all
        regulators alike).
    """
    frame = network.to_frame().assign(value=network.extra["coef_abs"].to_numpy())
    frame["group"] = frame["group"].astype(str) if "group" in frame else "all"
    keys = [frame["group"], frame["target"].astype(str)]
    total, count = (frame["value"].groupby(keys).transform(how) for how in ("sum", "size"))
    share = np.divide(frame["value"], total, out=np.zeros(len(frame)), where=total.to_numpy() > 0)
    frame["entropy"] = -share * np.log(np.where(share > 0, share, 1.0))
    usable = frame[(count > 1) & (total > 0)]
    made = usable.groupby(["group", usable["target"].astype(str)]).agg(entropy=("entropy", "sum"), k=("value", "size"))
    made["entropy_norm"] = made["entropy"] / np.log(made["k"])
    return made.drop(columns="k").reset_index()


def compare_groups(network: Network, score: str = "degree_out") -> pd.DataFrame:
    """Return one score of every gene side by side, ``(n_genes, n_groups)``, largest difference first.

    Parameters
    ----------
    network
        As for :func:`network_scores`.
    score
        One of its columns; genes that a group lacks have 0.
    """
    wide = network_scores(network).pivot(index="gene", columns="group", values=score).fillna(0.0)
    spread = (wide.max(axis=1) - wide.min(axis=1)).to_numpy()
    return wide.iloc[np.argsort(-spread, kind="stable")]


def _score(network: Network, *, short: bool) -> pd.DataFrame:
    """Return the scores of one group."""
    genes = np.unique(
        np.concatenate(
            [network.regulators[network.source].to_numpy(str), network.targets[network.target].to_numpy(str)]
        )
    )
    source = np.searchsorted(genes, network.regulators.to_numpy(str)[network.source])
    target = np.searchsorted(genes, network.targets.to_numpy(str)[network.target])
    weight, n = network.extra["coef_abs"].to_numpy(), len(genes)
    out, into = np.bincount(source, minlength=n), np.bincount(target, minlength=n)
    length = 1.0 / np.maximum(weight, 1e-12) if short else weight
    order = np.argsort(source, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(out)]).astype(np.int64)
    table = pd.DataFrame({"gene": genes})
    for name, degree in (("all", out + into), ("in", into), ("out", out)):
        table[f"degree_{name}"] = degree
        table[f"degree_centrality_{name}"] = degree / max(n - 1, 1)
    table["betweenness_centrality"] = betweenness(indptr, target[order].astype(np.int64), length[order])
    both = np.zeros((n, n))
    np.add.at(both, (source, target), weight)
    both = both + both.T
    table["eigenvector_centrality"] = _eigenvector(both)
    return table.join(_cartography(both > 0))


def _eigenvector(matrix: NDArray[Any]) -> NDArray[np.float64]:
    """Return the leading eigenvector of a symmetric matrix, its largest entry 1."""
    from scipy.linalg import eigh
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import eigsh

    n = len(matrix)
    if n > _SMALL:
        # Any fixed start with all entries positive: the answer does not depend on it, its last digit does.
        leading = np.abs(eigsh(csr_array(matrix), k=1, which="LA", v0=np.ones(n), tol=0)[1][:, 0])
    else:
        leading = np.abs(eigh(matrix, subset_by_index=[n - 1, n - 1])[1][:, 0])
    return np.asarray(leading / max(leading.max(), 1e-300))


def _modules(adjacent: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the module of each node: the two whose union raises modularity most are joined, until none does.

    Clauset, Newman & Moore (2004); ties by position, so the answer is always the same.
    """
    inside = adjacent / max(adjacent.sum(), 1)
    label = np.arange(len(adjacent))
    join_modules(inside, inside.sum(axis=1), label)
    return np.asarray(np.unique(label, return_inverse=True)[1].reshape(-1), dtype=np.int64)


def _cartography(adjacent: NDArray[np.bool_]) -> pd.DataFrame:
    """Return module, within-module z, participation and role of each node."""
    module = _modules(adjacent)
    links = adjacent @ np.eye(module.max() + 1)[module]
    degree = links.sum(axis=1)
    within = links[np.arange(len(module)), module]
    mean, deviation = (pd.Series(within).groupby(module).transform(how).to_numpy() for how in ("mean", "std"))
    usable = np.nan_to_num(deviation) > 0
    z = np.divide(within - mean, deviation, out=np.zeros(len(module)), where=usable)
    share = np.divide(links, degree[:, None], out=np.zeros_like(links), where=degree[:, None] > 0)
    participation = 1.0 - (share**2).sum(axis=1)
    hub = 4 + np.digitize(participation, [0.30, 0.75], right=True)
    plain = np.digitize(participation, [0.05, 0.62, 0.80], right=True)
    role = np.array(ROLES, dtype=object)[np.where(z >= 2.5, hub, plain)]
    return pd.DataFrame({"module": module, "z_within": z, "participation": participation, "role": role})
