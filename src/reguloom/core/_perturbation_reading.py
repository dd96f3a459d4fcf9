"""How a screen is read out of an AnnData, and how its mean profiles are computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, MissingKeyError
from reguloom._logging import logger
from reguloom.core import _expression_kind as expression_kind
from reguloom.core import _perturbation_labels as labels
from reguloom.core.expression import Expression
from reguloom.core.perturbation import Perturbation, Target
from reguloom.core.pseudobulk import Pseudobulk

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.core.perturbation_data import PerturbationData

NO_CONTEXT, NO_BATCH = "all", "all"


def read(
    adata: AnnData,
    *,
    perturbation: str | None,
    control: str | Sequence[str] | None,
    covariates: str | Sequence[str],
    batch: str | None,
    dose: str | None,
    layer: str | None,
    counts_layer: str | None,
    values: str,
    sep: str | None,
    target_sum: float | None,
) -> dict[str, Any]:
    """Return the fields of a PerturbationData; see :meth:`PerturbationData.from_anndata`."""
    expression = Expression.of(adata, layer=layer)
    column = labels.find_column(adata.obs, perturbation)
    covariates = [covariates] if isinstance(covariates, str) else list(covariates)
    obs = _columns(adata.obs, [column, *covariates, *filter(None, [batch, dose])])
    rows = _labelled(obs, [column, *covariates, *filter(None, [batch])])
    obs = obs if rows is None else obs.iloc[rows]
    conditions, condition_codes, raw = _conditions(obs, column, dose, sep, control, expression.genes)
    contexts, context_codes = _joined(obs, covariates, NO_CONTEXT)
    batches, batch_codes = _joined(obs, [batch] if batch else [], NO_BATCH)
    kind = _kind(expression, values)
    return {
        "expression": expression,
        "conditions": conditions,
        "condition_codes": condition_codes,
        "contexts": contexts,
        "context_codes": context_codes,
        "batches": batches,
        "batch_codes": batch_codes,
        "kind": kind,
        "scale": _scale(expression, rows, target_sum) if kind == "counts" else None,
        "rows": rows,
        "obs": obs,
        "raw_labels": raw,
        "counts_source": None if counts_layer is None else Expression.of(adata, layer=counts_layer),
    }


def canonical(label: str) -> str:
    """Return the label of a perturbation written in any notation with usual separators."""
    return labels.parse(label, None, sep=None, controls=labels.control_names(None)).label


def dose_of(perturbation: Perturbation, target: Target) -> float:
    """Return the dose of one gene of a perturbation; 1 if there is none."""
    if perturbation.dose is not None:
        return float(perturbation.dose)
    return float(target.value) if target.mode == "unknown" and np.isfinite(target.value) else 1.0


def _columns(obs: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the columns that are used."""
    missing = [name for name in names if name not in obs]
    if missing:
        msg = f"adata.obs has no column {missing[0]!r}; it has {list(obs)[:12]}."
        raise MissingKeyError(msg)
    return obs[list(dict.fromkeys(names))].copy()


def _labelled(obs: pd.DataFrame, names: list[str]) -> NDArray[np.int64] | None:
    """Return the positions of cells that have every label; None if all do."""
    known = obs[names].notna().all(axis=1).to_numpy()
    if known.all():
        return None
    if not known.any():
        msg = f"no cell has a value in each of the columns {names}; check their names."
        raise InputError(msg)
    logger.warning("%d of %d cells lack a value in %s and are left out", int((~known).sum()), len(known), names)
    return np.flatnonzero(known)


def _conditions(
    obs: pd.DataFrame,
    column: str,
    dose: str | None,
    sep: str | None,
    control: str | Sequence[str] | None,
    genes: pd.Index,
) -> tuple[tuple[Perturbation, ...], NDArray[np.int32], dict[str, int]]:
    """Return the distinct perturbations, each cell's, and what each label as it came stands for."""
    controls = labels.control_names(control)
    text = obs[column].astype(str)
    doses = obs[dose].astype(object) if dose else pd.Series([None] * len(obs), index=obs.index, dtype=object)
    keys = pd.MultiIndex.from_arrays([text.to_numpy(), doses.astype(str).to_numpy()])
    codes, distinct = pd.factorize(keys)
    first = np.unique(codes, return_index=True)[1]
    sep = sep or labels.separator(set(text), set(genes), controls)
    parsed = [labels.parse(text.iloc[i], doses.iloc[i], sep=sep, controls=controls) for i in first]
    others = sorted({one.label: one for one in parsed if not one.is_control}.items())
    if len(others) == 0:
        msg = f"column {column!r} names no perturbation; it holds {list(text.unique()[:5])}."
        raise InputError(msg)
    if not any(one.is_control for one in parsed):
        usual = ", ".join(sorted(labels.CONTROL_LABELS - {""}))
        msg = (
            f"column {column!r} has no control cells (none is called {usual}); "
            f"say what controls are called with control= (--control); it holds {list(text.unique()[:5])}."
        )
        raise InputError(msg)
    position = {"control": 0} | {label: i for i, (label, _) in enumerate(others, 1)}
    of_key = np.array([position[one.label] for one in parsed], dtype=np.int32)
    raw: dict[str, int] = {}
    for (label, _), code in zip(distinct, of_key, strict=True):
        raw.setdefault(str(label), int(code))
    return (Perturbation(), *(one for _, one in others)), of_key[codes], raw


def _joined(obs: pd.DataFrame, names: list[str], nothing: str) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return the distinct joined values of columns, sorted, and each cell's."""
    if not names:
        return (nothing,), np.zeros(len(obs), dtype=np.int32)
    text = obs[names[0]].astype(str)
    for name in names[1:]:
        text = text + "|" + obs[name].astype(str)
    codes, found = pd.factorize(text.to_numpy(dtype=object), sort=True)
    return tuple(str(one) for one in found), codes.astype(np.int32)


def _kind(expression: Expression, values: str) -> str:
    """Return what the values are."""
    if values in expression_kind.KINDS:
        return values
    if values != "auto":
        msg = f"values is {values!r}; accepted are auto, {', '.join(expression_kind.KINDS)}."
        raise InputError(msg)
    kind = expression_kind.detect(expression)
    logger.info("values look like %s", "counts" if kind == "counts" else "log-normalised expression")
    return kind


def _scale(expression: Expression, rows: NDArray[np.int64] | None, target_sum: float | None) -> NDArray[np.float32]:
    """Return the factor that brings each cell's total to the target; empty cells keep 1."""
    totals = np.concatenate([np.asarray(block.sum(axis=1), dtype=np.float64).ravel()
                             for _, _, block in expression.blocks()])  # fmt: skip
    totals = totals if rows is None else totals[rows]
    target = float(np.median(totals[totals > 0])) if target_sum is None else float(target_sum)
    return np.divide(target, totals, out=np.ones_like(totals), where=totals > 0).astype(np.float32)


def pseudobulk(data: PerturbationData, cells: NDArray[np.int64] | None) -> Pseudobulk:
    """Return mean profiles of every pair of condition and context, block by block.

    Parameters
    ----------
    data
        The screen.
    cells
        Positions, possibly repeated; all if None.
    """
    part = data if cells is None else data.select(cells)
    n_contexts, n_batches = len(data.contexts), len(data.batches)
    keys = part.condition_codes.astype(np.int64) * n_contexts + part.context_codes
    groups, codes = np.unique(keys, return_inverse=True)
    total, square = _sums(part, codes, len(groups))
    n_cells = np.bincount(codes, minlength=len(groups))
    means = total / n_cells[:, None]
    spread = np.maximum(square - n_cells[:, None] * means**2, 0.0) / np.maximum(n_cells - 1, 1)[:, None]
    condition, context = np.divmod(groups, n_contexts)
    # The same cells stand for the control of every group: those of the whole screen, whatever part was asked for.
    strata = np.bincount(codes * n_batches + part.batch_codes, minlength=len(groups) * n_batches)
    control = _matched(data, context, strata.reshape(len(groups), n_batches) / n_cells[:, None])
    return Pseudobulk(means, spread, control, n_cells, condition, context, data.condition_labels, data.contexts,
                      data.genes)  # fmt: skip


def _sums(part: PerturbationData, codes: NDArray[np.intp], n_groups: int) -> tuple[Any, Any]:
    """Return sums and sums of squares of each group, ``(n_groups, n_genes)``."""
    from scipy.sparse import csr_array

    total = np.zeros((n_groups, part.n_genes))
    square = np.zeros_like(total)
    for start, stop, block in part.blocks():
        here, rows = np.unique(codes[start:stop], return_inverse=True)
        ones = np.ones(stop - start)
        member = csr_array((ones, (rows, np.arange(stop - start))), shape=(len(here), stop - start))
        values = block.astype(np.float64)
        squares = values * values
        for table, summand in ((total, member @ values), (square, member @ squares)):
            table[here] += summand.toarray() if hasattr(summand, "indptr") else summand
    return total, square


def _matched(data: PerturbationData, context: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each group, the mean of its matched controls, batches weighted as in the group."""
    pools = {(int(one), int(batch)) for i, one in enumerate(context) for batch in np.flatnonzero(shares[i])}
    means = {key: _pool_mean(data, data.control_pool(*key).cells) for key in sorted(pools)}
    control = np.zeros((len(context), data.n_genes))
    for i, one in enumerate(context):
        for batch in np.flatnonzero(shares[i]):
            control[i] += shares[i, batch] * means[int(one), int(batch)]
    return control


def _pool_mean(data: PerturbationData, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean profile of control cells."""
    total = np.zeros(data.n_genes)
    for start in range(0, len(cells), 2048):
        block = data.sparse_values(cells[start : start + 2048]).astype(np.float64)
        total += np.asarray(block.sum(axis=0)).ravel()
    return total / len(cells)
