"""What a screen can tell at all, before any model is scored on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.core.perturbation_data import PerturbationData
from reguloom.core.pseudobulk import Pseudobulk
from reguloom.evaluate._response_truth import FDR
from reguloom.evaluate._split import Split
from reguloom.evaluate.differential_expression import DifferentialExpression, differential_expression

FEW_CELLS = 30
STRONG_VARIATION = 0.6
COLUMNS = ("check", "context", "value", "remark")


def systematic_variation(delta: NDArray[np.float64]) -> float:
    """Return the mean cosine between each perturbation's change and the average change (Systema).

    Near 1, all perturbations do the same, and predicting the mean looks excellent.

    Parameters
    ----------
    delta
        Changes, ``(n_perturbations, n_genes)``.
    """
    average = delta.mean(axis=0)
    length = np.linalg.norm(delta, axis=1) * np.linalg.norm(average)
    cosine = np.divide(delta @ average, length, out=np.full(len(delta), np.nan), where=length > 0)
    return float(np.nanmean(cosine)) if np.isfinite(cosine).any() else float("nan")


def response_diagnostics(
    data: PerturbationData, split: Split | None = None, *, tests: DifferentialExpression | None = None
) -> pd.DataFrame:
    """Return what to know about a screen before models are compared on it.

    Parameters
    ----------
    data
        The screen.
    split
        With it, leaks between training and test are looked for.
    tests
        Differential expression, if it was computed before.

    Returns
    -------
    pandas.DataFrame
        ``check``, ``context``, ``value``, ``remark``; a remark says what it means where something is wrong.
    """
    bulk = data.pseudobulk()
    tests = differential_expression(data) if tests is None else tests
    rows: list[dict[str, Any]] = []
    for code, context in enumerate(data.contexts):
        here = np.flatnonzero((bulk.context_codes == code) & (bulk.condition_codes != 0))
        if len(here):
            rows += _of_context(data, bulk, tests, here, context)
    rows += _targets(data, bulk, tests)
    rows += _controls(data)
    rows += [] if split is None else _leaks(data, split)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(check: str, context: str, value: float, remark: str = "") -> dict[str, Any]:
    """Return one row of the table."""
    return {"check": check, "context": context, "value": float(value), "remark": remark}


def _of_context(
    data: PerturbationData, bulk: Pseudobulk, tests: DifferentialExpression, here: NDArray[np.intp], context: str
) -> list[dict[str, Any]]:
    """Return how strong, how alike and how well measured the perturbations of a context are."""
    variation = systematic_variation(bulk.delta[here])
    strong = variation > STRONG_VARIATION and len(here) > 2
    alike = "most of the change is common to all perturbations: the mean is hard to beat on control-based metrics"
    n_cells = bulk.n_cells[here]
    tested = tests.rows(tuple(bulk.units[i] for i in here))
    changed = (tests.p_adjusted[tested] < FDR).sum(axis=1)
    size = np.linalg.norm(bulk.delta[here], axis=1)
    few = int((n_cells < FEW_CELLS).sum())
    silent = int((changed == 0).sum())
    return [
        _row("perturbations", context, len(here)),
        _row("systematic variation", context, variation, alike if strong else ""),
        _row("cells per perturbation, median", context, float(np.median(n_cells))),
        _row("cells per perturbation, fewest", context, float(n_cells.min()),
             f"{few} perturbations have fewer than {FEW_CELLS} cells" if few else ""),
        _row("effect size (distance from control), median", context, float(np.median(size))),
        _row("changed genes per perturbation, median", context, float(np.median(changed))),
        _row("perturbations without a changed gene", context, silent / len(here),
             f"{silent} perturbations do nothing that can be measured" if silent else ""),
    ]  # fmt: skip


def _targets(data: PerturbationData, bulk: Pseudobulk, tests: DifferentialExpression) -> list[dict[str, Any]]:
    """Return whether targets are measured, and whether their own expression changed."""
    missing = [gene for gene in data.targets if gene not in data.genes]
    named = ", ".join(missing[:8]) + (" ..." if len(missing) > 8 else "")
    position = {unit: i for i, unit in enumerate(bulk.units)}
    hit, shift = [], []
    for row, (condition, context) in enumerate(tests.units):
        genes = data.conditions[data.condition_labels.index(condition)].genes
        for column in data.genes.get_indexer(list(genes)):
            if column >= 0:
                hit.append(tests.p[row, column] < FDR)
                shift.append(bulk.delta[position[condition, context], column])
    rows = [_row("targets that are not measured", "", len(missing), named)]
    if hit:
        share = float(np.mean(hit))
        weak = "the target's own expression rarely changes: check guides and labels" if share < 0.5 else ""
        rows += [_row("targets whose own expression changed (p < 0.05)", "", share, weak),
                 _row("change of the target's own expression, median", "", float(np.median(shift)))]  # fmt: skip
    return rows


def _controls(data: PerturbationData) -> list[dict[str, Any]]:
    """Return how many controls there are, and where they are not matched."""
    pools = data.control_pools()
    loose = pools[pools["level"] == "all"]
    remark = f"{', '.join(sorted(set(loose['context']))[:5])} have no controls of their own" if len(loose) else ""
    return [_row("control cells", "", int(data.is_control.sum())),
            _row("contexts measured against foreign controls", "", loose["context"].nunique(), remark)]  # fmt: skip


def _leaks(data: PerturbationData, split: Split) -> list[dict[str, Any]]:
    """Return what training and test have in common that they should not."""
    train, test = split.cells(data, "train", controls=False), split.cells(data, "test")
    names = data.cells
    both = names[train].intersection(names[test])
    prints = [_row_prints(data, part) for part in (train, test)]
    copies = len(np.intersect1d(prints[0], prints[1]))
    written: dict[int, list[str]] = {}
    for raw, code in data.raw_labels.items():
        written.setdefault(code, []).append(raw)
    twice = [labels for code, labels in written.items() if len(labels) > 1 and code != 0]
    batches = set(data.batch_codes[test].tolist()) - set(data.batch_codes[split.cells(data, "train")].tolist())
    return [
        _row("cells in training and test", "", len(both), "the same cells are on both sides" if len(both) else ""),
        _row("identical profiles in training and test", "", copies,
             "cells were copied under other names" if copies else ""),
        _row("perturbations written in several ways", "", len(twice),
             f"taken as one: {' = '.join(twice[0])}" if twice else ""),
        _row("test batches without training cells", "", len(batches),
             "part of the difference may be the batch" if batches and len(data.batches) > 1 else ""),
    ]  # fmt: skip


def _row_prints(data: PerturbationData, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a number for each cell that identical profiles share, and others practically never."""
    random = np.random.default_rng(0).normal(size=data.n_genes)
    found = [np.asarray(data.sparse_values(cells[start : start + 2048]).astype(np.float64) @ random).ravel()
             for start in range(0, len(cells), 2048)]  # fmt: skip
    prints = np.concatenate(found) if found else np.empty(0)
    return np.unique(np.round(prints[prints != 0], 9))
