"""Which genes can be perturbed, and for each that cannot, why."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError, MissingKeyError
from reguloom.core._gene_names import partner

if TYPE_CHECKING:
    from reguloom.oracle.model import Oracle

ABSENT = "not in the expression matrix"
NO_MOTIF = "no regulator in the prior network"
NO_EDGE = "regulator in the prior network, but none of its edges was kept"
CONSTANT = "the same value in every cell"


def availability(oracle: Oracle) -> pd.DataFrame:
    """Return one row per gene; see :meth:`Oracle.available`."""
    n_targets = np.zeros(len(oracle.genes), dtype=np.int64)
    n_groups = np.zeros(len(oracle.genes), dtype=np.int64)
    for one in oracle.coefficients:
        counts = np.bincount(one.nonzero()[0], minlength=len(oracle.genes))
        n_targets, n_groups = np.maximum(n_targets, counts), n_groups + (counts > 0)
    low, high = oracle.limits
    known = oracle.genes.isin(oracle.prior.regulators)
    reason = np.full(len(oracle.genes), "", dtype=object)
    reason[n_targets == 0] = NO_EDGE
    reason[~known & (n_targets == 0)] = NO_MOTIF
    reason[(low == high) & (n_targets == 0) & known] = CONSTANT
    frame = pd.DataFrame(
        {
            "available": n_targets > 0,
            "reason": reason,
            "mean": oracle.expression.mean(axis=0),
            "max": high,
            "n_targets": n_targets,
            "n_groups": n_groups,
        },
        index=pd.Index(oracle.genes, name="gene"),
    )
    absent = oracle.prior.regulators.difference(oracle.genes)
    if len(absent):
        by_upper = {str(gene).upper(): gene for gene in oracle.genes}
        others = [by_upper.get(partner(str(name)), "") for name in absent]
        why = [f"{ABSENT}, which has {other}: rename it in the network" if other else ABSENT for other in others]
        rest = pd.DataFrame(
            {"available": False, "reason": why, "mean": np.nan, "max": np.nan, "n_targets": 0, "n_groups": 0},
            index=pd.Index(absent, name="gene"),
        )
        frame = pd.concat([frame, rest])
    return frame.sort_values("available", ascending=False, kind="stable")


def refuse(oracle: Oracle, genes: Iterable[str]) -> None:
    """Raise if one of `genes` cannot be perturbed.

    Raises
    ------
    MissingKeyError
        If it is not in the matrix.
    InputError
        If it has no edges.
    """
    for gene in genes:
        if gene in oracle.regulators:
            continue
        close = difflib.get_close_matches(str(gene), list(oracle.regulators), n=3, cutoff=0.5)
        hint = f"the closest that can be are {', '.join(close)}" if close else "Oracle.available() lists those that can"
        if gene not in oracle.genes:
            msg = f"{gene!r} cannot be perturbed: it is {ABSENT}; {hint}."
            raise MissingKeyError(msg)
        why = NO_EDGE if gene in oracle.prior.regulators else NO_MOTIF
        msg = f"{gene!r} cannot be perturbed: it is {why.removeprefix('the ')}; {hint}."
        raise InputError(msg.replace("it is no regulator", "it is not a regulator"))
