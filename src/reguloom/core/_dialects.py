"""Which columns mean source, target, weight and sign in the tables that people bring."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reguloom._errors import InputError

#: (source, target, weights in order of preference, what writes it)
DIALECTS = (
    ("source", "target", ("weight", "coef_mean", "score", "importance", "mor"), "reguloom, decoupler, CellOracle"),
    ("TF", "target", ("importance", "weight", "rho"), "pySCENIC, arboreto"),
    ("TF", "Target", ("importance", "weight"), "GENELINK"),
    ("Gene1", "Gene2", ("EdgeWeight", "weight", "Weight"), "BEELINE"),
    ("regulatoryGene", "targetGene", ("weight",), "GENIE3 (R)"),
)
SIGNS = {"+": 1, "-": -1, "activation": 1, "repression": -1, "1": 1, "-1": -1, "0": 0}


def to_native(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with columns ``source, target, weight, sign`` first and its other columns after them.

    Raises
    ------
    InputError
        If the columns fit no dialect.
    """
    for source, target, weights, _ in DIALECTS:
        if source in frame and target in frame:
            return _convert(frame, source, target, [name for name in weights if name in frame])
    known = "; ".join(f"{source}, {target}, {'|'.join(weights)} ({who})" for source, target, weights, who in DIALECTS)
    msg = f"a table with columns {list(frame.columns)[:8]} is no network in a known form; accepted are {known}."
    raise InputError(msg)


def _convert(frame: pd.DataFrame, source: str, target: str, weights: list[str]) -> pd.DataFrame:
    """Rename, and derive sign and weight where they are absent."""
    native = pd.DataFrame({"source": frame[source], "target": frame[target]}).reset_index(drop=True)
    native["weight"] = _numbers(frame[weights[0]]) if weights else 1.0
    native["sign"] = _sign(frame, native["weight"])
    used = {source, target, "sign", "Type", *(["weight"] if "weight" in frame else [])}
    if weights and weights[0] in ("EdgeWeight", "score", "mor", "Weight"):
        used.add(weights[0])
    rest = frame.drop(columns=[name for name in frame.columns if name in used]).reset_index(drop=True)
    if "cluster" in rest and "group" not in rest:
        rest = rest.rename(columns={"cluster": "group"})
    return pd.concat([native, rest], axis=1)


def _numbers(column: pd.Series) -> np.ndarray:
    """Return the weights as float64, or say which value is not a number."""
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.isna().any():
        bad = column[numbers.isna().to_numpy()].iloc[0]
        msg = f"column {column.name!r} of the network holds {bad!r}, which is not a number; mend or drop that row."
        raise InputError(msg)
    return numbers.to_numpy(dtype=np.float64)


def _sign(frame: pd.DataFrame, weight: pd.Series) -> np.ndarray:
    """Return the sign of each edge: a sign column, else pySCENIC's regulation, else that of a signed weight."""
    for name in ("sign", "regulation", "Type"):
        if name in frame:
            column = frame[name]
            if not pd.api.types.is_numeric_dtype(column):
                column = column.map(str).map(SIGNS).fillna(0)
            return np.sign(column.fillna(0).to_numpy(dtype=np.float64)).astype(np.int8)
    signed = any(name in frame for name in ("coef_mean", "mor")) or bool((weight < 0).any())
    return np.sign(weight.to_numpy()).astype(np.int8) if signed else np.zeros(len(frame), dtype=np.int8)
