"""Network inference: the one call for every method."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Literal, overload

import pandas as pd

from reguloom._logging import logger
from reguloom._random import SeedLike, accepts_seed, root_seed
from reguloom._units import parse_shard
from reguloom.core import Expression, Network, Provenance
from reguloom.grn._checkpoint import Checkpoint
from reguloom.grn._input import build_problem, choose_cells
from reguloom.grn._problem import PreparedFit
from reguloom.grn._registry import find
from reguloom.grn._runner import collect, report_states, run, target_table


@overload
def infer(data: Any, tfs: Any = ..., *, return_meta: Literal[False] = ..., **options: Any) -> Network: ...
@overload
def infer(data: Any, tfs: Any = ..., *, return_meta: Literal[True], **options: Any) -> tuple[Network, pd.DataFrame]: ...
@accepts_seed
def infer(
    data: Any,
    tfs: Iterable[str] | str | os.PathLike[str] | None = None,
    *,
    layer: str | None = None,
    mask_var: str | Sequence[bool] | None = None,
    method: str = "grnboost2",
    targets: Iterable[str] | None = None,
    min_cells: int = 0,
    min_fraction: float = 0.0,
    subsample: int | None = None,
    stratify: str | Sequence[Any] | None = None,
    limit: int | None = None,
    rng: SeedLike = 0,
    n_jobs: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    shard: str | tuple[int, int] | None = None,
    return_meta: bool = False,
    **method_params: Any,
) -> Network | tuple[Network, pd.DataFrame]:
    """Infer which regulators explain each gene's expression.

    One regression per target gene, on all regulators but itself. Values may be counts or normalised; negative ones
    (scaled data) are allowed. The same seed gives the same bytes for any number of threads, any division into shards,
    and any order of the genes.

    Parameters
    ----------
    data
        AnnData (in memory or backed), DataFrame of cells × genes, or Expression, shape ``(n_cells, n_genes)``.
    tfs
        Regulators: names, a file with one name a line, or None (``"all"``) for every gene. Those that are not in the
        matrix are reported; only if none is left, it is an error.
    layer, mask_var
        Which values and which genes to use.
    method
        See :func:`reguloom.grn.methods`.
    targets
        Genes to explain; all by default.
    min_cells, min_fraction
        Leave out genes detected in fewer cells, or in a smaller share of the cells.
    subsample
        Infer from this many cells, drawn at random.
    stratify
        Column of ``adata.obs``, or one value per cell: draw from each group in proportion.
    limit
        Keep this many edges, the strongest.
    rng
        Seed.
    n_jobs
        Threads.
    checkpoint
        Folder that takes finished targets as they come.
    resume
        Whether to go on with what the checkpoint holds.
    shard
        ``"i/n"``: fit the i-th of n parts of the targets; :func:`reguloom.grn.merge_shards` puts them together.
    return_meta
        Whether to return the table of targets as well.
    method_params
        The method's own, such as ``n_estimators``.

    Returns
    -------
    The network, strongest edge first, ties by regulator and then target. ``weight`` is the importance, above 0; for
    correlations its size, with ``sign``. With `return_meta` also one row per target: ``target``, ``n_estimators``
    (trees), ``n_edges`` and ``state`` (``ok``, ``constant``, ``no regulator`` or ``no split``).

    Raises
    ------
    InputError
        If a value is NaN or infinite, gene names repeat, fewer than 10 cells or no regulator are there, a parameter is
        not the method's or out of range, or the checkpoint belongs to another run.

    References
    ----------
    Moerman et al., Bioinformatics 35:2159 (2019); Huynh-Thu et al., PLoS ONE 5:e12776 (2010).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> a = np.random.default_rng(0).poisson(2.0, 200)
    >>> cells = pd.DataFrame({"A": a, "B": 3 * a + 1, "C": a[::-1]})
    >>> infer(cells, ["A", "C"], targets=["B"]).to_frame().loc[0, "source"]
    'A'
    """
    chosen, seed, part = find(method), root_seed(rng), parse_shard(shard)
    params = chosen.params(method_params)
    expression = Expression.of(data, layer=layer, mask_var=mask_var).check_values()
    expression = choose_cells(data, expression, subsample=subsample, stratify=stratify, seed=seed)
    problem = build_problem(expression, tfs, targets=targets, min_cells=min_cells, min_fraction=min_fraction, seed=seed)
    logger.info(
        "%s: %d targets, %d regulators, %d cells",
        *(method, problem.n_targets, problem.n_regulators, problem.n_cells),
    )
    selection = {"layer": layer, "min_cells": min_cells, "min_fraction": min_fraction, "subsample": subsample,
                 "stratify": stratify if stratify is None or isinstance(stratify, str) else "given"}  # fmt: skip
    inputs = {"expression": expression.fingerprint(), "genes": _names_fingerprint(problem)}
    run_id = {"method": method, "seed": seed if chosen.random else None, "params": params, **inputs}
    saved = None if checkpoint is None else Checkpoint(checkpoint, run_id, shard=part, resume=resume)
    fit = PreparedFit(chosen.prepare(), problem, params)
    found = run(problem, fit, block=chosen.block, shard=part, n_jobs=n_jobs, checkpoint=saved, description=method)
    meta = target_table(problem, found)
    states = report_states(meta)
    record = {**params, **selection, "limit": limit, "n_cells": problem.n_cells, "targets": dict(states)}
    if part[1] > 1:
        record["shard"] = f"{part[0]}/{part[1]}"
    citations = (f"doi:{chosen.citation}",) if chosen.citation else ()
    provenance = Provenance(method, record, seed=seed if chosen.random else None, inputs=inputs, citations=citations)
    network = collect(problem, found, limit=limit, provenance=provenance)
    return (network, meta) if return_meta else network


def _names_fingerprint(problem: Any) -> str:
    """Return a hash of the names of regulators and targets."""
    from reguloom.core.provenance import fingerprint

    return fingerprint(list(problem.regulator_names), list(problem.target_names))
