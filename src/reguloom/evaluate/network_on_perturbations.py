"""A network scored on a perturbation screen, as CausalBench does: do targets move when regulators are perturbed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import EmptyResultError, InputError
from reguloom._random import SeedLike, accepts_seed, child_seed, root_seed
from reguloom.core.network import Network
from reguloom.core.perturbation_data import PerturbationData
from reguloom.evaluate.distances import wasserstein_per_feature

if TYPE_CHECKING:
    from anndata import AnnData

LEVEL = 0.05
GENES_AT_A_TIME = 500
COLUMNS = ("network", "metric", "value", "low", "high", "chance", "p", "n")


@accepts_seed
def network_on_perturbations(
    networks: Network | Mapping[str, Any],
    data: PerturbationData | AnnData,
    *,
    top: int | None = None,
    n_omitted: int = 500,
    n_null: int = 200,
    rng: SeedLike = 0,
    **reading: Any,
) -> pd.DataFrame:
    """Score networks by what happens to targets when regulators are perturbed.

    An edge can be tested if its regulator is perturbed alone in the screen and its target is measured. Its target is
    compared between the perturbed cells and the controls of the same context, and contexts are averaged.

    Parameters
    ----------
    networks
        One network, or several by name.
    data
        The screen; an AnnData is read with the options `reading`.
    top
        How many strongest edges that can be tested; all if left out.
    n_omitted
        Pairs that a network leaves out, drawn for the false-omission rate.
    n_null
        Random networks with as many edges of each regulator, for chance and p.
    rng
        Seed.
    reading
        For :meth:`reguloom.core.PerturbationData.from_anndata`.

    Returns
    -------
    pandas.DataFrame
        ``network``, ``metric``: ``precision`` (share of edges with p < 0.05 by Mann–Whitney), ``wasserstein`` (mean
        distance of the target's distribution), ``false_omission_rate`` (share of pairs left out with p < 0.05),
        ``sign_accuracy`` (of signed edges that pass: the target falls under a knocked-out activator, or rises under
        one that is over-expressed; only if the screen says which); ``value``, its 95 % interval over regulators
        (bootstrap), ``chance``, ``p`` and ``n``.

    Raises
    ------
    EmptyResultError
        If no edge can be tested.

    References
    ----------
    Chevalley et al., CausalBench, Communications Biology 2025.
    """
    screen = PerturbationData.of(data, **reading)
    named = {"network": networks} if isinstance(networks, Network) else dict(networks)
    seed = root_seed(rng)
    tests = pair_tests(screen)
    rows = []
    for name, one in named.items():
        if not isinstance(one, Network):
            msg = f"{name!r} is a {type(one).__name__}; give a Network, or several by name."
            raise InputError(msg)
        edges = _testable(one, tests, top)
        if not len(edges):
            msg = f"no edge of {name!r} can be tested: its regulators are not perturbed alone, or names differ."
            raise EmptyResultError(msg)
        random = np.random.default_rng(child_seed(seed, name))
        rows += [{"network": name, **row} for row in _scores(edges, tests, screen, n_omitted, n_null, random)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def pair_tests(data: PerturbationData) -> dict[str, pd.DataFrame]:
    """Return tests of every regulator that is perturbed alone against every measured gene.

    Parameters
    ----------
    data
        The screen.

    Returns
    -------
    dict
        ``p`` (Mann–Whitney, the smallest over contexts times their number), ``wasserstein`` and ``shift`` (means over
        contexts), each regulators × genes.
    """
    found: dict[str, dict[str, NDArray[np.float64]]] = {"p": {}, "wasserstein": {}, "shift": {}}
    singles = {one.genes[0]: code for code, one in enumerate(data.conditions) if len(one.genes) == 1}
    for gene, code in sorted(singles.items()):
        per_context = [
            _compared(data, cells, data.control_pool(context).cells)
            for context in range(len(data.contexts))
            if len(cells := data.cells_of(code, context)) > 1
        ]
        if not per_context:
            continue
        p, distance, shift = (np.stack(part) for part in zip(*per_context, strict=True))
        found["p"][gene] = np.minimum(p.min(axis=0) * len(p), 1.0)
        found["wasserstein"][gene], found["shift"][gene] = distance.mean(axis=0), shift.mean(axis=0)
    return {name: pd.DataFrame(rows, index=data.genes).T for name, rows in found.items()}


def _compared(
    data: PerturbationData, cells: NDArray[np.int64], controls: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return Mann–Whitney p, Wasserstein distance and shift of the mean of every gene."""
    from scipy.stats import mannwhitneyu

    treated, untreated = data.values(cells), data.values(controls)
    p, distance = np.ones(data.n_genes), np.zeros(data.n_genes)
    for start in range(0, data.n_genes, GENES_AT_A_TIME):
        part = slice(start, start + GENES_AT_A_TIME)
        varies = start + np.flatnonzero(np.ptp(np.vstack([treated[:, part], untreated[:, part]]), axis=0) > 0)
        if len(varies):
            p[varies] = mannwhitneyu(treated[:, varies], untreated[:, varies], axis=0, method="asymptotic").pvalue
            distance[varies] = wasserstein_per_feature(
                treated[:, varies].astype(np.float64), untreated[:, varies].astype(np.float64)
            )
    return p, distance, treated.mean(axis=0, dtype=np.float64) - untreated.mean(axis=0, dtype=np.float64)


def _testable(network: Network, tests: dict[str, pd.DataFrame], top: int | None) -> pd.DataFrame:
    """Return the edges that the screen can test, the strongest first, no self-loops."""
    frame = network.to_frame()
    keep = frame["source"].isin(tests["p"].index) & frame["target"].isin(tests["p"].columns)
    frame = frame[keep & (frame["source"].astype(str) != frame["target"].astype(str))]
    frame = frame.assign(strength=frame["weight"].abs()).sort_values("strength", ascending=False, kind="stable")
    frame = frame.drop_duplicates(["source", "target"]).astype({"source": str, "target": str})
    return frame if top is None else frame.head(top)


def _scores(
    edges: pd.DataFrame, tests: dict[str, pd.DataFrame], data: PerturbationData, n_omitted: int, n_null: int,
    random: np.random.Generator,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the rows of one network."""
    rows = tests["p"].index.get_indexer(edges["source"])
    columns = tests["p"].columns.get_indexer(edges["target"])
    tables = {name: table.to_numpy() for name, table in tests.items()}
    own = np.zeros(tables["p"].shape, dtype=bool)
    own[rows, columns] = True
    itself = tests["p"].columns.get_indexer(tests["p"].index)
    allowed = np.ones_like(own)
    allowed[np.flatnonzero(itself >= 0), itself[itself >= 0]] = False
    passed = (tables["p"] < LEVEL).astype(np.float64)
    found = []
    for metric, table in (("precision", passed), ("wasserstein", tables["wasserstein"])):
        value = table[rows, columns]
        null = np.array([_random(table, rows, allowed, random).mean() for _ in range(n_null)])
        found.append(_row(metric, value, rows, random, null))
    omitted = np.argwhere(allowed & ~own)
    drawn = omitted[np.sort(random.choice(len(omitted), min(n_omitted, len(omitted)), replace=False))]
    share = passed[drawn[:, 0], drawn[:, 1]]
    chance = {"chance": float(passed[allowed].mean())}
    found.append(_row("false_omission_rate", share, drawn[:, 0], random, None) | chance)
    found += _signs(edges, tables, rows, columns, data, random)
    return found


def _random(
    table: NDArray[np.float64], rows: NDArray[np.intp], allowed: NDArray[np.bool_], random: np.random.Generator
) -> NDArray[np.float64]:
    """Return values of a random network: as many targets of each regulator, drawn from all."""
    parts = []
    for row, n in zip(*np.unique(rows, return_counts=True), strict=True):
        targets = np.flatnonzero(allowed[row])
        parts.append(table[row, random.choice(targets, min(n, len(targets)), replace=False)])
    return np.concatenate(parts)


def _row(
    metric: str, values: NDArray[np.float64], rows: NDArray[np.intp], random: np.random.Generator,
    null: NDArray[np.float64] | None,
) -> dict[str, Any]:  # fmt: skip
    """Return the mean with an interval over regulators, what chance gives, and how often it does better."""
    code, names = pd.factorize(rows)
    sums, counts = np.bincount(code, values), np.bincount(code)
    weights = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=1000)
    drawn = (weights @ sums) / np.maximum(weights @ counts, 1)
    mean = float(values.mean())
    known = null is not None and len(null) > 0
    beaten = (1 + int((null >= mean).sum())) / (1 + len(null)) if null is not None and known else np.nan
    chance = float(null.mean()) if null is not None and known else np.nan
    low, high = (float(np.quantile(drawn, q)) for q in (0.025, 0.975))
    return {"metric": metric, "value": mean, "low": low, "high": high, "chance": chance, "p": beaten,
            "n": len(values)}  # fmt: skip


def _signs(
    edges: pd.DataFrame, tables: dict[str, NDArray[np.float64]], rows: NDArray[np.intp], columns: NDArray[np.intp],
    data: PerturbationData, random: np.random.Generator,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return whether targets go the way that the sign of the edge says, if the screen says what was done."""
    direction = {"knockout": -1.0, "overexpression": 1.0}.get(data.target_mode)
    sign = edges["sign"].to_numpy(dtype=np.float64) if "sign" in edges else np.zeros(len(edges))
    told = (sign != 0) & (tables["p"][rows, columns] < LEVEL)
    if direction is None or not told.any():
        return []
    right = (np.sign(tables["shift"][rows, columns]) == direction * sign)[told].astype(np.float64)
    return [_row("sign_accuracy", right, rows[told], random, None) | {"chance": 0.5}]
