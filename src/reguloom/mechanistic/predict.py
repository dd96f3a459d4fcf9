"""What a perturbation does to a Boolean network: the shares of time that genes are on, before and after."""

from __future__ import annotations

from reguloom._errors import InputError
from reguloom.core import Perturbation


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
