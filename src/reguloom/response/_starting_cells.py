"""Which cells a prediction starts from: always controls, never cells that were perturbed already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reguloom._errors import InputError, MissingKeyError
from reguloom.core import Expression, PerturbationData
from reguloom.core.perturbation import CONTROL_LABELS
from reguloom.response._state import Cells, State, cells_of, size_factors

if TYPE_CHECKING:
    from anndata import AnnData


def starting_cells(state: State, adata: AnnData | PerturbationData | None, context: str | None, counts: bool) -> Cells:
    """Return the control cells that a prediction starts from.

    Parameters
    ----------
    state
        Of the fitted model.
    adata
        Where they are taken from; those kept from training if None. Perturbed cells in it are left aside.
    context
        Only this context.
    counts
        Whether the model needs counts.

    Raises
    ------
    InputError
        If there is no control cell.
    MissingKeyError
        If genes, columns or the context are missing.
    """
    if adata is None:
        cells = state.controls
    elif isinstance(adata, PerturbationData):
        cells = _of_screen(state, adata, counts)
    else:
        cells = _of_anndata(state, adata, counts)
    if context is not None:
        if context not in state.contexts:
            msg = f"there is no context {context!r}; the model was fitted on {list(state.contexts)[:10]}."
            raise MissingKeyError(msg)
        cells = cells.select(cells.context == state.contexts.index(context))
    if not len(cells):
        msg = "there is no control cell to start from; give cells that were not perturbed, or another context."
        raise InputError(msg)
    return cells


def _of_screen(state: State, data: PerturbationData, counts: bool) -> Cells:
    """Return the controls of a screen."""
    if list(data.genes) != list(state.genes):
        msg = "the screen has other genes than the model was fitted on; give an AnnData, whose genes are put in order."
        raise InputError(msg)
    cells = cells_of(data, np.flatnonzero(data.is_control), counts=counts)
    known = {name: i for i, name in enumerate(state.contexts)}
    number = np.array([known.get(name, -1) for name in data.contexts])
    return Cells(cells.values, number[cells.context], cells.counts, cells.scale, cells.names)


def _of_anndata(state: State, adata: AnnData, counts: bool) -> Cells:
    """Return the controls of an AnnData, read as the training data were."""
    reading = state.reading
    mask = _controls(adata, reading.get("perturbation"), reading.get("control", ()))
    expression = Expression.of(adata[mask], layer=reading.get("layer"))
    missing = state.genes.difference(expression.genes)
    if len(missing):
        msg = f"the cells lack {len(missing)} of the model's {len(state.genes)} genes, such as {list(missing[:3])}."
        raise MissingKeyError(msg)
    values = expression.select_genes(state.genes).to_dense(np.float32)
    raw: NDArray[np.float32] | None = values if reading["kind"] == "counts" else None
    scale: NDArray[np.float32] | None = None
    if raw is None and counts:
        if reading.get("counts_layer") is None:
            msg = "the model needs counts, and only log-normalised values were given; fit it with counts_layer=."
            raise MissingKeyError(msg)
        raw = Expression.of(adata[mask], layer=reading["counts_layer"]).select_genes(state.genes).to_dense(np.float32)
    if raw is not None:
        # The total over the model's genes, as in training.
        scale = size_factors(raw, reading["target_sum"])
    if reading["kind"] == "counts" and scale is not None:
        values = np.log1p(values * scale[:, None])
    codes = _contexts(state, adata, mask)
    kept = csr_array(raw) if counts and raw is not None else None
    return Cells(csr_array(values), codes, kept, scale if counts else None, expression.cells.astype(str))


def _controls(adata: AnnData, column: str | None, control: list[str]) -> NDArray[np.bool_]:
    """Return which cells are controls: all of them if the column of labels is not there."""
    if column is None or column not in adata.obs:
        return np.ones(adata.n_obs, dtype=bool)
    names = CONTROL_LABELS | {str(one).strip().lower() for one in control}
    mask = adata.obs[column].astype(str).str.strip().str.lower().isin(names).to_numpy(dtype=bool)
    if not mask.any():
        msg = (
            f"every cell in adata is perturbed (obs[{column!r}]); a prediction starts from control cells, and scoring "
            "what a model makes of perturbed cells would only measure how well it copies them."
        )
        raise InputError(msg)
    return mask


def _contexts(state: State, adata: AnnData, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the number of each cell's context, -1 for new ones."""
    covariates = list(state.reading.get("covariates", ()))
    missing = [name for name in covariates if name not in adata.obs]
    if missing:
        msg = f"adata.obs has no column {missing[0]!r}, which the model was fitted with as a covariate."
        raise MissingKeyError(msg)
    if not covariates:
        return np.zeros(int(mask.sum()), dtype=np.int64)
    text = adata.obs[covariates[0]].astype(str)
    for name in covariates[1:]:
        text = text + "|" + adata.obs[name].astype(str)
    known = {name: i for i, name in enumerate(state.contexts)}
    return np.array([known.get(one, -1) for one in text[mask]], dtype=np.int64)
