"""How direction and size of the answer depend on the dose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from reguloom.manifold import Neighborhood
from reguloom.oracle.development import Development
from reguloom.oracle.model import Oracle
from reguloom.oracle.score import perturbation_score


def dose_response(
    oracle: Oracle,
    development: Development,
    gene: str,
    *,
    levels: Sequence[float] | None = None,
    n_doses: int = 9,
    lineages: Any = None,
    n_propagation: int = 3,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Set a gene to a series of levels and score each.

    Parameters
    ----------
    oracle
        From :func:`fit`.
    development
        From :func:`development`.
    gene
        Name.
    levels
        In the units of the expression that was fitted; from 0 to the gene's highest value if left out.
    n_doses
        How many levels then.
    lineages
        See :func:`perturbation_score`.
    n_propagation
        See :meth:`Oracle.predict`.
    n_jobs
        Threads.

    Returns
    -------
    One row per level and lineage: ``gene``, ``level``, ``observed_mean`` (of the gene in these cells) and the columns
    of ``PerturbationScore.table``.
    """
    near = Neighborhood.of(oracle.expression, development.embedding, n_jobs=n_jobs)
    column = int(oracle.genes.get_loc(gene)) if gene in oracle.genes else -1
    tables = []
    for one in oracle.dose_series(gene, levels=levels, n_doses=n_doses):
        prediction = oracle.predict(one, n_propagation=n_propagation, n_jobs=n_jobs)
        table = perturbation_score(prediction, development, lineages=lineages, neighborhood=near, n_jobs=n_jobs).table
        table.insert(0, "level", one.targets[gene].value)
        tables.append(table)
    made = pd.concat(tables, ignore_index=True)
    made.insert(0, "gene", gene)
    made.insert(2, "observed_mean", float(oracle.expression[:, column].mean()))
    return made
