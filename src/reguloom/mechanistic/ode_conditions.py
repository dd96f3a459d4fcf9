"""Perturbations as changes of transcription: what every gene's regulation is multiplied by, and what is added."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.core import Perturbation
from reguloom.core.perturbation import Target


def conditions(
    perturbations: Sequence[Perturbation],
    genes: Sequence[str],
    highest: NDArray[np.float64],
    observed: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each perturbation does to transcription: ``scale f + add``, in shares of the maximum.

    A knock-out makes no more transcripts, a knock-down makes a share of them; over-expression transcribes at the
    rate that keeps the level, whatever the rule says. `dose` (0 to 1) goes from no effect to the full one.

    Parameters
    ----------
    perturbations
        One or several.
    genes
        Names, in the model's order.
    highest
        mRNA at full transcription, ``(n_genes,)``.
    observed
        mRNA of unperturbed cells ``(n_cells, n_genes)``, for levels given as quantiles.

    Returns
    -------
    ``scale`` and ``add``, each ``(n_perturbations, n_genes)``.

    Raises
    ------
    InputError
        If a gene is not in the model, the dose is not between 0 and 1, or a level needs cells and none are given.
    """
    places = {gene: i for i, gene in enumerate(genes)}
    scale, add = np.ones((len(perturbations), len(genes))), np.zeros((len(perturbations), len(genes)))
    for row, perturbation in enumerate(perturbations):
        dose = 1.0 if perturbation.dose is None else perturbation.dose
        if not 0 <= dose <= 1:
            msg = f"the dose of {perturbation.label} is {dose:g}; here a dose is the share of the effect, 0 to 1."
            raise InputError(msg)
        for gene, target in perturbation.targets.items():
            if gene not in places:
                known = ", ".join(list(genes)[:8])
                msg = f"{gene} is not in the model; its genes are {known}{' ...' if len(genes) > 8 else ''}."
                raise InputError(msg)
            i = places[gene]
            factor, constant = _effect(target, highest[i], None if observed is None else observed[:, i], gene)
            scale[row, i] = 1.0 + dose * (factor - 1.0)
            add[row, i] = dose * constant
    return scale, add


def _effect(target: Target, highest: float, observed: NDArray[np.float64] | None, gene: str) -> tuple[float, float]:
    """Return factor and constant of one gene's transcription."""
    if target.mode == "fold":
        return max(target.value, 0.0), 0.0
    if target.mode == "max":
        return 0.0, 1.0
    if target.mode == "quantile":
        if observed is None:
            msg = (
                f"the level of {gene} is a quantile of its own values, and no cells are given; give a level or a fold."
            )
            raise InputError(msg)
        return 0.0, float(np.quantile(observed, target.value)) / highest
    level = target.level(np.zeros(1))[0]
    if level < 0:
        msg = (
            f"the level of {gene} is {level:g}; give one that is not negative (at most {highest:g} is reached unaided)."
        )
        raise InputError(msg)
    return 0.0, float(level) / highest
