"""Labels of screens: which genes a cell's label names, in any of the notations in use."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.core.perturbation import CONTROL_LABELS, Perturbation, Target

#: Columns that usually hold the labels, in the order in which they are looked for.
USUAL_COLUMNS = ("perturbation", "condition", "gene", "guide_identity", "guide_id", "treatment")
SEPARATORS = re.compile(r"[+,|;]")
#: Share of the labels with an underscore whose parts must all be known names before it is taken for a separator.
KNOWN_SHARE = 0.8
UNKNOWN = float("nan")


def separator(labels: Collection[str], genes: Collection[str], controls: frozenset[str]) -> str | None:
    """Return ``"_"`` if the labels join genes by underscores as scPerturb does, None for the other notations.

    An underscore also stands inside names, so it counts only if the parts are genes of the data or labels themselves.

    Parameters
    ----------
    labels
        The distinct labels.
    genes
        Names of the measured genes.
    controls
        Names of controls, in lower case.
    """
    if any(SEPARATORS.search(label) for label in labels):
        return None
    known = {*genes, *labels}
    joined = [label.split("_") for label in labels if "_" in label and label not in genes]
    clear = [all(part in known or part.lower() in controls for part in parts) for parts in joined]
    return "_" if clear and np.mean(clear) >= KNOWN_SHARE else None


def control_names(control: str | Sequence[str] | None) -> frozenset[str]:
    """Return the names that stand for "nothing was done", in lower case: the usual ones and the user's."""
    given = [control] if isinstance(control, str) else list(control or ())
    return CONTROL_LABELS | {str(name).strip().lower() for name in given}


def parse(label: str, dose: Any, *, sep: str | None, controls: frozenset[str]) -> Perturbation:
    """Return the perturbation that a label and a dose name, its genes sorted: ``B+A``, ``A+B`` are the same.

    Parameters
    ----------
    label
        The cell's label.
    dose
        Number, ``"0.1+1"`` with one dose for each part of the label, or None.
    sep
        What separates genes; the usual signs if None.
    controls
        Names of controls, in lower case.
    """
    if label.strip().lower() in controls:
        return Perturbation()
    parts = [part.strip() for part in re.split(re.escape(sep) if sep else SEPARATORS, label.strip())]
    doses = _doses(dose, len(parts), label)
    kept = {name: one for name, one in zip(parts, doses, strict=True) if name.lower() not in controls}
    if not kept:
        return Perturbation()
    values = set(kept.values())
    if len(values) == 1 or values <= {None}:
        return Perturbation({name: Target("unknown") for name in sorted(kept)}, dose=next(iter(values)))
    filled = {name: UNKNOWN if one is None else one for name, one in sorted(kept.items())}
    return Perturbation({name: Target("unknown", one) for name, one in filled.items()})


def _doses(dose: Any, n_parts: int, label: str) -> list[float | None]:
    """Return one dose for each part of a label."""
    if dose is None or (np.isscalar(dose) and pd.isna(dose)):
        return [None] * n_parts
    pieces = [piece.strip() for piece in str(dose).split("+")]
    try:
        numbers = [float(piece) for piece in pieces]
    except ValueError as error:
        msg = f"the dose of {label!r} is {dose!r}; a dose is a number, or one for each gene as in '0.1+1'."
        raise InputError(msg) from error
    if len(numbers) not in (1, n_parts):
        msg = f"{label!r} names {n_parts} parts and its dose {dose!r} has {len(numbers)}; give one dose, or one each."
        raise InputError(msg)
    return list(numbers * n_parts) if len(numbers) == 1 else list(numbers)


def find_column(obs: pd.DataFrame, named: str | None) -> str:
    """Return the column of labels: the one that is named, or the first of the usual ones."""
    if named is not None:
        return named
    found = [name for name in USUAL_COLUMNS if name in obs]
    if not found:
        msg = (
            f"adata.obs has none of the columns {list(USUAL_COLUMNS)}; say which one holds the perturbation, "
            f"perturbation=...; it has {list(obs)[:12]}."
        )
        raise InputError(msg)
    return found[0]
