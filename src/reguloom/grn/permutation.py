"""Permutation p-values: how often an edge gets as strong when the cells of its target are shuffled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._progress import track
from reguloom._random import SeedLike, accepts_seed, child_seed, generator, root_seed
from reguloom._threads import map_ordered
from reguloom.core import Expression, Network
from reguloom.core.fdr import benjamini_hochberg
from reguloom.grn._input import build_problem, choose_cells
from reguloom.grn._problem import Problem
from reguloom.grn._registry import Method, find


@dataclass(frozen=True, eq=False)
class _Shuffled(Problem):
    """Targets with their cells shuffled: number ``k * n_permutations + b`` is target k in permutation b."""

    n_permutations: int = 1

    def target(self, k: int) -> NDArray[np.float64]:
        """Return a target's values in random order."""
        gene, b = divmod(k, self.n_permutations)
        rng = generator(self.seed, "grn", "shuffle", str(self.target_names[gene]), b)
        return rng.permutation(super().target(gene))

    def target_columns(self, targets: Any) -> Any:
        """Return several shuffled targets as CSC."""
        from scipy.sparse import csc_array

        return csc_array(np.stack([self.target(k) for k in targets], axis=1).astype(np.float32))

    def own_position(self, k: int) -> int:
        """Return the target's place among the regulators."""
        return super().own_position(k // self.n_permutations)

    def seed_of(self, k: int, method: str) -> np.uint64:
        """Return a seed for the target in this permutation."""
        gene, b = divmod(k, self.n_permutations)
        return np.uint64(child_seed(self.seed, "grn", method, str(self.target_names[gene]), "permutation", b))


@accepts_seed
def permutation_fdr(
    network: Network,
    data: Any,
    *,
    layer: str | None = None,
    method: str | None = None,
    n_permutations: int = 1000,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
    **method_params: Any,
) -> Network:
    """Add a p-value and a false discovery rate to each edge.

    Each target is fitted again with its cells shuffled, which leaves everything but the relation to the regulators as
    it is. ``p = (count + 1) / (n_permutations + 1)``, where count is how often the shuffled edge is as strong as the
    observed one; ``fdr`` is Benjamini and Hochberg's over all pairs of a regulator and a target of the network, pairs
    without an edge counting with p = 1.

    Parameters
    ----------
    network
        From :func:`reguloom.grn.infer`; its provenance says with which method, parameters and cells.
    data
        The matrix that it was inferred from.
    layer
        Which values; None takes what the provenance says.
    method
        Method, if the network carries no provenance.
    n_permutations
        Shuffles per target; the smallest p is 1 / (n_permutations + 1).
    rng
        Seed.
    n_jobs
        Threads.
    method_params
        The method's parameters, if the network carries no provenance.

    Returns
    -------
    The same edges in the same order, with the columns ``p`` and ``fdr``.

    Raises
    ------
    InputError
        If `n_permutations` is below 1, the method is not known, or genes of the network are not in the matrix.

    References
    ----------
    Benjamini & Hochberg, J. R. Stat. Soc. B 57:289 (1995); North et al., Am. J. Hum. Genet. 71:439 (2002).
    """
    if n_permutations < 1:
        msg = f"n_permutations is {n_permutations}; it must be at least 1."
        raise InputError(msg)
    chosen, params, selection = _settings(network, method, method_params)
    expression = Expression.of(data, layer=layer or selection.get("layer")).check_values()
    expression = choose_cells(
        data, expression, subsample=selection.get("subsample"), stratify=selection.get("stratify"),
        seed=selection.get("seed") or 0,
    )  # fmt: skip
    problem = _problem(network, expression, root_seed(rng), n_permutations)
    counts = _exceedances(network, problem, chosen, params, n_jobs)
    p = ((counts + 1.0) / (n_permutations + 1.0)).astype(np.float64)
    own = np.isin(problem.target_names, problem.regulator_names).sum()
    n_pairs = problem.n_regulators * problem.n_targets - int(own)
    added = pd.DataFrame({"p": p, "fdr": benjamini_hochberg(p, n_tests=max(n_pairs, p.size))})
    kept = network.extra.drop(columns=["p", "fdr"], errors="ignore").reset_index(drop=True)
    return replace(network, extra=pd.concat([kept, added], axis=1) if kept.shape[1] else added)


def _settings(network: Network, method: str | None, given: dict[str, Any]) -> tuple[Method, dict[str, Any], Any]:
    """Return method, parameters and choice of cells from the provenance, or from what was given."""
    record = network.provenance
    if record is None or method is not None or given:
        chosen = find(method or "grnboost2")
        return chosen, chosen.params(given), {}
    chosen = find(record.method)
    params = {name: record.params[name] for name in chosen.params({}) if name in record.params}
    if record.params.get("subsample") and record.params.get("stratify") == "given":
        msg = "the network was inferred from cells drawn by a list of groups; give only these cells and the method."
        raise InputError(msg)
    return chosen, params, {**record.params, "seed": record.seed}


def _problem(network: Network, expression: Expression, seed: int, n_permutations: int) -> _Shuffled:
    """Return the shuffled problems of the network's genes."""
    regulators = list(network.regulators[np.unique(network.source)])
    targets = list(network.targets[np.unique(network.target)])
    missing = sorted(set(regulators) - set(expression.genes))
    if missing:
        msg = f"{len(missing)} regulators of the network are not in the matrix, such as {missing[:3]}."
        raise InputError(msg)
    plain = build_problem(expression, regulators, targets=targets, min_cells=0, min_fraction=0.0, seed=seed)
    fields = {name: getattr(plain, name) for name in plain.__dataclass_fields__}
    return _Shuffled(**fields, n_permutations=n_permutations)


def _exceedances(
    network: Network, problem: _Shuffled, chosen: Method, params: dict[str, Any], n_jobs: int | None
) -> NDArray[np.int64]:
    """Return how often each edge is reached by a shuffled one, shape ``(n_edges,)``."""
    fit = chosen.prepare()(problem, **params)
    source = problem.regulator_names.get_indexer(network.regulators)[network.source]
    target = problem.target_names.get_indexer(network.targets)[network.target]
    order = np.argsort(target, kind="stable")
    bounds = np.searchsorted(target[order], np.arange(problem.n_targets + 1))
    counts = np.zeros(len(network), np.int64)

    def one(k: int) -> None:
        edges = order[bounds[k] : bounds[k + 1]]
        observed = np.full(problem.n_regulators, np.inf)
        observed[source[edges]] = network.weight[edges]
        reached = np.zeros(problem.n_regulators, np.int64)
        for found in fit(range(k * problem.n_permutations, (k + 1) * problem.n_permutations)):
            reached[found.regulators] += found.importance >= observed[found.regulators]
        counts[edges] = reached[source[edges]]

    for _ in track(map_ordered(one, range(problem.n_targets), n_jobs), problem.n_targets, "permutations"):
        pass
    return counts
