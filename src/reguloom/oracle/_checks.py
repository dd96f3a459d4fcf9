"""Conditions for trusting a simulated shift, and what it means where one fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom.core import Perturbation
from reguloom.oracle.simulate import out_of_range

if TYPE_CHECKING:
    from reguloom.oracle.model import Oracle

MANY_CELLS, FAR, GROWING = 0.5, 0.5, 1.5
LOW_R2 = 0.1


def failed_checks(
    oracle: Oracle, one: Perturbation, values: Any, shift: Any, growth: Any, groups: Any
) -> dict[str, str]:
    """Return the failed checks of one prediction: name → what it means.

    Parameters
    ----------
    oracle
        The fitted network.
    one
        The perturbation.
    values, shift
        ``(n_cells, n_genes)``.
    growth
        Size of the shift after each step.
    groups
        Number of each cell's group.
    """
    found: dict[str, str] = {}
    farthest, share = out_of_range(values, shift, oracle.limits)
    others = ~oracle.genes.isin(one.genes)
    out = np.flatnonzero(others & ((share > MANY_CELLS) | (farthest > FAR)))
    if out.size:
        worst = out[np.argmax(farthest[out])]
        found["out_of_range"] = (
            f"{out.size} genes leave their observed range far or in most cells; {oracle.genes[worst]} by "
            f"{farthest[worst]:.0%} of it, in {share[worst]:.0%} of the cells (Oracle.out_of_range lists them). The "
            "network is asked about states that no cell showed."
        )
    if len(growth) > 2 and growth[-2] > 0 and growth[-1] > GROWING * growth[-2]:
        steps = ", ".join(f"{size:.3g}" for size in growth)
        found["growing"] = f"the shift still grows with every step ({steps}): fewer steps, or read the direction alone."
    for gene in one.genes:
        silent = _silent_groups(oracle, values, groups, gene)
        if silent:
            found[f"not_expressed_{gene}"] = f"{gene} is not expressed in {', '.join(silent)}: nothing happens there."
    if not shift[:, others].any():
        found["no_effect"] = "no other gene changes: the answer is 'no change', not 'no role'."
    names = set(oracle.network.targets)
    r2 = oracle.targets.loc[oracle.targets["target"].isin(names), "r2_cv"]
    if len(r2) and np.nanmedian(r2) < LOW_R2:
        found["poor_fit"] = (
            f"the median target has R² {np.nanmedian(r2):.2f} in held-out cells: its regulators hardly tell it."
        )
    return found


def _silent_groups(oracle: Oracle, values: Any, groups: Any, gene: str) -> list[str]:
    """Return the groups in which a gene is 0 in every cell."""
    column = values[:, oracle.genes.get_loc(gene)]
    names = oracle.groups.categories
    return [str(name) for code, name in enumerate(names) if (groups == code).any() and not column[groups == code].any()]
