"""How a model's answers are had: fitted on what it may see, asked for the test units, put in the order of the table."""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, ReguloomError
from reguloom._files import existing
from reguloom._logging import logger
from reguloom._random import child_seed
from reguloom._reading import content_errors, read_frame
from reguloom.core.perturbation import Perturbation
from reguloom.core.perturbation_data import PerturbationData
from reguloom.core.prediction import Prediction
from reguloom.evaluate._response_truth import Table, Truth
from reguloom.evaluate._split import Split, Unit
from reguloom.evaluate.response_baselines import Baseline

N_CELLS = 200
"""Cells that a model is asked for per unit."""


@dataclass(eq=False)
class Answer:
    """What a model says of the test units.

    Parameters
    ----------
    profiles
        Predicted expression, ``(n_units, n_genes)``; units without an answer hold the control.
    answered
        Which units were answered.
    cells
        Unit → predicted cells, where a model predicts cells.
    real
        Unit → the cells they are held against; those of the unit if left out.
    notes
        What has to be known, in words.
    """

    profiles: Table
    answered: NDArray[np.bool_]
    cells: dict[Unit, NDArray[np.float32]] = field(default_factory=dict)
    real: dict[Unit, NDArray[np.float32]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def is_static(model: Any) -> bool:
    """Tell whether `model` is a table of predictions, which belongs to one split alone."""
    return isinstance(model, Prediction | pd.DataFrame | str | os.PathLike) or hasattr(model, "obs_names")


def answer(
    model: Any, data: PerturbationData, split: Split, truth: Truth, *, seed: int, name: str, device: str | None
) -> Answer:
    """Return a model's answers for the test units of a split.

    Parameters
    ----------
    model
        A predictor, fitted or not, a class of one, a Prediction, a table, or a file of these.
    data
        The whole screen; a model to be fitted gets it without the test cells.
    split, truth
        What is asked.
    seed
        Root seed.
    name
        What the model is called.
    device
        Passed on to models that take one.
    """
    if is_static(model):
        file = model if isinstance(model, str | os.PathLike) else name
        with content_errors(file, what="table of predicted expression, perturbations x genes"):
            return _from_table(_read(model), data, truth)
    notes: list[str] = []
    model = model() if inspect.isclass(model) else model
    if isinstance(model, Baseline):
        # Baselines use the means of training units alone, which are computed once for all of them.
        model.fit(data, split)
    elif hasattr(model, "fit") and not _is_fitted(model):
        visible = data.select(np.flatnonzero(~_hidden(data, split)))
        model = _call(copy.deepcopy(model).fit, visible, split, rng=child_seed(seed, "fit", name) >> 1, device=device)
    elif hasattr(model, "fit") or hasattr(model, "predict"):
        made_on = getattr(model, "split_", None)
        if not isinstance(made_on, Split):
            notes.append("fitted elsewhere, on cells that this split may hold back")
        elif made_on.hash != split.hash:
            notes.append("fitted on another split: some of these answers may have been learned from")
    if not hasattr(model, "predict"):
        kind = type(model).__name__
        msg = f"{name!r} is a {kind} without predict(); give a predictor, a Prediction, a table or a file."
        raise InputError(msg)
    found = _ask(model, data, truth)
    found.notes[:0] = notes
    _ask_for_cells(model, data, truth, found, seed)
    return found


def _hidden(data: PerturbationData, split: Split) -> NDArray[np.bool_]:
    """Return which cells no model may see."""
    hidden = np.zeros(data.n_cells, dtype=bool)
    hidden[split.cells(data, "test")] = True
    return hidden & ~data.is_control


def _is_fitted(model: Any) -> bool:
    """Tell whether a model holds fitted attributes: names that end in an underscore, and something in them."""
    held = (value for name, value in vars(model).items() if name.endswith("_") and not name.startswith("_"))
    return any(value is not None and not (hasattr(value, "__len__") and len(value) == 0) for value in held)


def _call(function: Any, *args: Any, **options: Any) -> Any:
    """Call a function with those options that it takes."""
    names = inspect.signature(function).parameters
    anything = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in names.values())
    given = {name: value for name, value in options.items() if value is not None and (anything or name in names)}
    return function(*args, **given)


def _ask(model: Any, data: PerturbationData, truth: Truth) -> Answer:
    """Ask a fitted predictor for every unit; one by one if it refuses some."""
    conditions = list(dict.fromkeys(condition for condition, _ in truth.units))
    contexts = list(dict.fromkeys(context for _, context in truth.units))
    asked = {condition: data.asked(condition) for condition in conditions}
    rows: dict[Unit, Table] = {}
    refused: dict[str, str] = {}
    remarks: dict[str, str] = {}
    # Some models take all contexts at once, some one after the other, and some know of none.
    one_by_one = len(data.contexts) > 1 and "context" in inspect.signature(model.predict).parameters
    for context in contexts if one_by_one else [None]:
        try:
            rows.update(_predict(model, list(asked.values()), contexts, context, data, truth, remarks))
        except ReguloomError as error:
            logger.debug("asked one by one, because: %s", error)
            for condition, perturbation in asked.items():
                try:
                    rows.update(_predict(model, [perturbation], contexts, context, data, truth, remarks))
                except ReguloomError as why:
                    refused[condition] = str(why)
    found = _placed(rows, truth)
    if refused:
        first = next(iter(refused.items()))
        found.notes.append(f"{len(refused)} perturbations not answered, such as {first[0]}: {first[1]}")
    if remarks:
        first = next(iter(remarks.items()))
        found.notes.append(f"{len(remarks)} remarks of its own, such as {first[0]}: {first[1]}")
    return found


def _predict(
    model: Any,
    perturbations: list[Perturbation],
    contexts: Sequence[str],
    context: str | None,
    data: PerturbationData,
    truth: Truth,
    remarks: dict[str, str],
) -> dict[Unit, Table]:
    """Ask for several perturbations, in one context or in several; keep what the model remarks on its answers."""
    found = _call(model.predict, perturbations, contexts=list(contexts), context=context)
    if not isinstance(found, Prediction):
        msg = f"predict() of {type(model).__name__} returned a {type(found).__name__}; it has to return a Prediction."
        raise InputError(msg)
    remarks.update(found.checks)
    return _rows(found, data, truth, context)


def _rows(
    prediction: Prediction, data: PerturbationData, truth: Truth, asked_context: str | None = None
) -> dict[Unit, Table]:
    """Return the predicted profile of each unit: the predicted change upon the one control of the table."""
    delta = prediction.delta.toarray() if hasattr(prediction.delta, "indptr") else np.asarray(prediction.delta)
    several = list(prediction.perturbations)
    if len(several) == 1 and len(delta) > 1 and prediction.obs is None:
        # A row for each cell: their mean is the answer.
        delta, contexts = delta.mean(axis=0, keepdims=True), [asked_context]
    else:
        several = several * len(delta) if len(several) == 1 else several
        contexts = _contexts(prediction, data) if asked_context is None else [asked_context] * len(delta)
    known = data.genes.get_indexer(prediction.genes.astype(str))
    if (known < 0).all():
        few = list(prediction.genes[:3])
        msg = f"the prediction has none of the screen's genes (it has {few}); use the same names."
        raise InputError(msg)
    wide = np.zeros((len(delta), data.n_genes))
    wide[:, known[known >= 0]] = delta[:, known >= 0]
    keys = {_key(data.conditions[data.condition_labels.index(condition)]): condition for condition, _ in truth.units}
    rows: dict[Unit, Table] = {}
    for perturbation, context, change in zip(several, contexts, wide, strict=True):
        condition = keys.get(_key(perturbation))
        for i, unit in enumerate(truth.units):
            if unit[0] == condition and context in (None, unit[1]):
                rows[unit] = truth.control[i] + change
    return rows


def _key(perturbation: Perturbation) -> tuple[Any, ...]:
    """Return what tells perturbations apart whatever is said of how they work."""
    unsaid = {gene: one.value for gene, one in perturbation.targets.items() if one.mode == "unknown"}
    doses = {gene: value for gene, value in unsaid.items() if np.isfinite(value)}
    return frozenset(perturbation.genes), perturbation.dose, frozenset(doses.items())


def _contexts(prediction: Prediction, data: PerturbationData) -> list[str | None]:
    """Return the context of each row: from ``obs['context']``, else after the ``|`` of its name, else any."""
    if prediction.obs is not None and "context" in prediction.obs:
        return [str(one) for one in prediction.obs["context"]]
    after = [str(row).partition("|")[2] for row in prediction.rows]
    return [one if one in data.contexts else None for one in after]


def _placed(rows: dict[Unit, Table], truth: Truth) -> Answer:
    """Put profiles in the order of the units."""
    answered = np.array([unit in rows for unit in truth.units])
    profiles = np.stack([rows.get(unit, truth.control[i]) for i, unit in enumerate(truth.units)])
    if not np.isfinite(profiles).all():
        bad = ~np.isfinite(profiles).all(axis=1)
        profiles[bad], answered[bad] = truth.control[bad], False
    n_missing = int((~answered).sum())
    notes = [f"{n_missing} of {len(answered)} units without an answer count as no change"] if n_missing else []
    return Answer(profiles, answered, notes=notes)


def _ask_for_cells(model: Any, data: PerturbationData, truth: Truth, found: Answer, seed: int) -> None:
    """Let a model that predicts cells turn control cells, which the table chooses, into perturbed ones."""
    parameters = inspect.signature(model.predict).parameters
    if not hasattr(model, "predict_cells") and not {"adata", "context"} <= set(parameters):
        return
    for condition, context in truth.units:
        chosen = _chosen(data, condition, context, seed)
        try:
            cells = _cells(model, data.asked(condition), data, chosen, context)
        except ReguloomError as error:
            logger.info("no cells of %s in %s: %s", condition, context, error)
            continue
        if cells is not None:
            found.cells[condition, context] = cells


def shifted_controls(data: PerturbationData, truth: Truth, found: Answer, seed: int) -> None:
    """Let every control cell change as the mean does: how a prediction of means predicts cells."""
    for i, (condition, context) in enumerate(truth.units):
        chosen = _chosen(data, condition, context, seed)
        found.cells[condition, context] = data.values(chosen) + (found.profiles[i] - truth.control[i]).astype(
            np.float32
        )


def _chosen(data: PerturbationData, condition: str, context: str, seed: int) -> NDArray[np.int64]:
    """Draw the control cells that a unit's cells are predicted from."""
    pool = data.control_pool(data.contexts.index(context)).cells
    random = np.random.default_rng(child_seed(seed, "cells", condition, context))
    return np.sort(random.choice(pool, min(N_CELLS, len(pool)), replace=False))


def _cells(
    model: Any, perturbation: Perturbation, data: PerturbationData, chosen: NDArray[np.int64], context: str
) -> NDArray[np.float32] | None:
    """Return what a model makes of chosen control cells, ``(n_cells, n_genes)``; None if it predicts means alone."""
    if hasattr(model, "predict_cells"):
        return np.asarray(model.predict_cells(perturbation, data.values(chosen), context), dtype=np.float32)
    found = model.predict(perturbation, data.select(chosen), context=context if len(data.contexts) > 1 else None)
    if len(found.rows) != len(chosen) or not found.genes.equals(data.genes):
        return None
    return np.asarray(found.control + found.delta, dtype=np.float32)


def _read(model: Any) -> Any:
    """Return the table in a file."""
    if not isinstance(model, str | os.PathLike):
        return model
    path = existing(Path(model), what="prediction")
    if path.suffix == ".h5ad":
        return _h5ad(path)
    if {".csv", ".tsv", ".txt"} & set(path.suffixes):
        return read_frame(path, what="prediction", index_col=0, sep="," if ".csv" in path.suffixes else "\t")
    msg = f"{path} is no prediction that is known; accepted are .csv and .tsv (perturbations x genes) and .h5ad."
    raise InputError(msg)


def _h5ad(path: Path) -> Any:
    """Return the AnnData in a file."""
    import anndata
    import h5py
    from anndata._io.specs.registry import IORegistryError

    with content_errors(path, what="h5ad file", also=(IORegistryError,)):
        with h5py.File(path, "r") as file:
            # The list of names tells many a damaged file at once that HDF5 would search for minutes.
            sorted(file)
        return anndata.read_h5ad(path)


def _from_table(table: Any, data: PerturbationData, truth: Truth) -> Answer:
    """Take predicted expression out of a Prediction, a table of perturbations × genes, or an AnnData."""
    if isinstance(table, Prediction):
        return _placed(_rows(table, data, truth), truth)
    if isinstance(table, pd.DataFrame):
        names, genes, values, contexts = [str(one) for one in table.index], table.columns, table.to_numpy(float), None
        if any(name.partition("|")[2] in data.contexts for name in names):
            contexts = [name.partition("|")[2] for name in names]
            names = [name.partition("|")[0] for name in names]
    else:
        names, contexts = _labels_of(table, data)
        genes = table.var_names
        values = np.asarray(table.X.toarray() if hasattr(table.X, "toarray") else table.X, dtype=np.float64)
    return _gathered(names, contexts, pd.Index(genes).astype(str), values, data, truth)


def _labels_of(adata: Any, data: PerturbationData) -> tuple[list[str], list[str] | None]:
    """Return perturbation and context of each row of an AnnData."""
    column = next((name for name in ("perturbation", "condition", data.obs.columns[0]) if name in adata.obs), None)
    if column is None:
        msg = f"the predicted AnnData has no obs['perturbation']; it has {list(adata.obs)[:8]}."
        raise InputError(msg)
    contexts = [str(one) for one in adata.obs["context"]] if "context" in adata.obs else None
    return [str(one) for one in adata.obs[column]], contexts


def _gathered(
    names: list[str], contexts: list[str] | None, genes: pd.Index, values: Table, data: PerturbationData, truth: Truth
) -> Answer:
    """Put rows of predicted expression, one or many for each unit, in the order of the units."""
    place = data.genes.get_indexer(genes)
    if (place < 0).all():
        msg = f"the prediction has none of the screen's genes (it has {list(genes[:3])}); use the same names."
        raise InputError(msg)
    code: dict[str, str] = {}
    for name in dict.fromkeys(names):
        try:
            code[name] = data.condition_labels[data.condition(name)]
        except ReguloomError:
            continue
    labels = np.array([code.get(name, "") for name in names], dtype=object)
    where = None if contexts is None else np.array(contexts, dtype=object)
    rows: dict[Unit, Table] = {}
    cells: dict[Unit, NDArray[np.float32]] = {}
    for i, (condition, context) in enumerate(truth.units):
        chosen = np.flatnonzero((labels == condition) if where is None else (labels == condition) & (where == context))
        if not len(chosen):
            continue
        wide = np.broadcast_to(truth.control[i], (len(chosen), data.n_genes)).copy()
        wide[:, place[place >= 0]] = values[chosen][:, place >= 0]
        rows[condition, context] = wide.mean(axis=0)
        if len(chosen) > 1:
            cells[condition, context] = wide.astype(np.float32)
    found = _placed(rows, truth)
    found.cells = cells
    missing = data.n_genes - len(np.unique(place[place >= 0]))
    if missing:
        found.notes.append(f"{missing} of {data.n_genes} genes are not predicted and count as unchanged")
    return found
