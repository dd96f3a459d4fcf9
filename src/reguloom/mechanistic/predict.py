"""What a perturbation does to a Boolean network: its attractors and fates before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed
from reguloom.core import Perturbation, Prediction
from reguloom.mechanistic.fates import Fates, fates

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.mechanistic.boolean_network import BooleanNetwork


def levels(perturbation: Perturbation) -> dict[str, int]:
    """Return gene → 0 or 1, the Boolean form of a perturbation.

    Parameters
    ----------
    perturbation
        Level 0 is off and any other level on; fold 0 off and more than 1 on; quantiles from 0.5 on, 0 off.

    Raises
    ------
    InputError
        If a target lies between, such as a knock-down by half, or its label does not say what happens.
    """
    made = {}
    for gene, target in perturbation.targets.items():
        if target.mode == "max" or (target.mode == "level" and target.value > 0):
            made[gene] = 1
        elif (target.mode == "fold" and target.value > 1) or (target.mode == "quantile" and target.value >= 0.5):
            made[gene] = 1
        elif target.mode in ("level", "fold", "quantile") and target.value == 0:
            made[gene] = 0
        else:
            msg = (
                f"{gene} is neither switched off nor on by {perturbation.label!r}; a Boolean network takes "
                "Perturbation.knockout and Perturbation.overexpress (for a knock-down use the ODE form)."
            )
            raise InputError(msg)
    return made


def predict(
    network: BooleanNetwork, perturbations: Perturbation | Sequence[Perturbation], adata: AnnData | None = None
) -> Prediction:
    """Return how the share of time that each gene is on in the long run changes under each perturbation.

    Every attractor counts as often as asynchronous updating ends in it, and a gene as the share of the attractor's
    states in which it is on.

    Parameters
    ----------
    network
        The network.
    perturbations
        One or several; with `adata` one.
    adata
        Cells to start from; their expression is binarised gene by gene. Every state alike if left out.

    Returns
    -------
    Prediction
        One row for each perturbation, or for each cell.

    Raises
    ------
    InputError
        If several perturbations are given together with cells.
    """
    many = [perturbations] if isinstance(perturbations, Perturbation) else list(perturbations)
    provenance = network.provenance("boolean", perturbations=[one.to_dict() for one in many])
    genes = pd.Index(network.genes)
    if adata is not None:
        if len(many) != 1:
            msg = f"{len(many)} perturbations were given for the cells; ask for one at a time."
            raise InputError(msg)
        from reguloom.mechanistic.cells import binary_states, expected_levels

        states = binary_states(adata, network)
        control = expected_levels(network, states)
        changed = expected_levels(network.perturbed(many[0]), states)
        delta = changed.to_numpy() - control.to_numpy()
        return Prediction(delta, control.to_numpy(), adata.obs_names, genes, many, "mechanistic", provenance=provenance)
    before = fates(network)
    after = [fates(network.perturbed(one)) for one in many]
    control_levels = before.levels().to_numpy()
    delta = np.array([one.levels().to_numpy() for one in after]).reshape(len(many), len(genes)) - control_levels
    rows = pd.Index([one.label for one in many])
    checks = _checks([before, *after])
    return Prediction(delta, control_levels, rows, genes, many, "mechanistic", checks=checks, provenance=provenance)


def _checks(results: Sequence[Fates]) -> Mapping[str, str]:
    """Return what may be wrong with the prediction."""
    made = {}
    if any(not one.attractors.complete for one in results):
        made["attractors"] = "attractors may be missing: the solvers ran out of time"
    if any(one.method == "simulation" for one in results):
        made["fates"] = "fates are estimated from walks, not computed"
    if any("undecided" in one.table.index for one in results):
        made["undecided"] = "some walks did not reach an attractor"
    return made


@accepts_seed
def perturb(
    network: BooleanNetwork,
    perturbations: Perturbation | Sequence[Perturbation] | None = None,
    *,
    update: str = "asynchronous",
    initial: Mapping[str, int] | None = None,
    n_walks: int = 10_000,
    rng: SeedLike = 0,
) -> pd.DataFrame:
    """List the attractors and fates of a network before and after perturbations.

    Parameters
    ----------
    network
        The network.
    perturbations
        One or several; by default every single knock-out and over-expression.
    update
        ``asynchronous`` or ``synchronous``.
    initial
        Gene → start value; all combinations of the other genes are equally likely.
    n_walks
        Walks where fates cannot be computed.
    rng
        Seed of these walks.

    Returns
    -------
    DataFrame
        One row for each perturbation (``control`` first) and attractor: ``perturbation``, ``attractor`` (an attractor
        whose unperturbed genes agree with one of the control keeps its name, others are called ``new1`` …),
        ``space``, ``size``, ``basin`` (synchronous), ``probability``, ``lower``, ``upper``, ``control_probability``.
    """
    if perturbations is None:
        pairs = [(Perturbation.knockout(gene), Perturbation.overexpress(gene)) for gene in network.free]
        perturbations = [one for pair in pairs for one in pair]
    many = [perturbations] if isinstance(perturbations, Perturbation) else list(perturbations)
    control = fates(network, update=update, initial=initial, n_walks=n_walks, rng=rng)
    parts = [_rows("control", control, control, ())]
    for one in many:
        changed = network.perturbed(one)
        start = {gene: value for gene, value in (initial or {}).items() if gene not in one.genes}
        after = fates(changed, update=update, initial=start, n_walks=n_walks, rng=rng)
        parts.append(_rows(one.label, after, control, one.genes))
    return pd.concat(parts, ignore_index=True)


def _rows(label: str, after: Fates, control: Fates, changed: Sequence[str]) -> pd.DataFrame:
    """Return the attractors of one condition, named after those of the control where they agree."""
    table = after.table.rename_axis("own").reset_index()
    kept = [i for i, gene in enumerate(control.attractors.genes) if gene not in changed]
    known: dict[str, str] = {}
    for known_name, space in zip(control.attractors.names, control.table["space"], strict=False):
        known.setdefault("".join(space[i] for i in kept), known_name)
    names: list[str] = []
    n_new, used = 0, set()
    for own, space in zip(table["own"], table["space"], strict=True):
        name: str | None = known.get("".join(space[i] for i in kept)) if space else str(own)
        if name is None or name in used:
            n_new += 1
            name = f"new{n_new}"
        used.add(name)
        names.append(name)
    members = dict(zip(after.attractors.names, after.attractors, strict=True))
    before = control.probabilities
    return pd.DataFrame(
        {
            "perturbation": label,
            "attractor": names,
            "space": table["space"],
            "size": [members[own].size if own in members else np.nan for own in table["own"]],
            "basin": pd.array([members[own].basin if own in members else None for own in table["own"]], dtype="Int64"),
            "probability": table["probability"],
            "lower": table["lower"],
            "upper": table["upper"],
            "control_probability": [before.get(name, 0.0) for name in names],
        }
    )
