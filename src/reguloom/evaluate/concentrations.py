"""Predictions in concentrations of molecules, made comparable with log-normalised expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.core.perturbation import Perturbation
from reguloom.core.prediction import Prediction

if TYPE_CHECKING:
    from anndata import AnnData


class FromConcentrations:
    """A predictor whose numbers are concentrations (such as an OdeModel), asked for log-normalised expression.

    Predicted and control concentrations are brought to the same total and logged, ``log1p``, as counts are.

    Parameters
    ----------
    model
        The predictor.
    total
        The total that counts of the screen were normalised to.
    """

    def __init__(self, model: Any, *, total: float) -> None:
        if not total > 0:
            msg = f"the total is {total}; give the total that the screen's counts were normalised to, above 0."
            raise InputError(msg)
        self.model, self.total = model, total

    def predict(self, perturbations: Perturbation | Sequence[Perturbation], adata: AnnData | None = None) -> Prediction:
        """Return the predicted change of log-normalised expression.

        Parameters
        ----------
        perturbations
            One or several.
        adata
            Passed on.

        Raises
        ------
        InputError
            If a predicted concentration is negative.
        """
        found = self.model.predict(perturbations, adata)
        delta = found.delta.toarray() if hasattr(found.delta, "indptr") else np.asarray(found.delta, dtype=np.float64)
        control = np.broadcast_to(np.asarray(found.control, dtype=np.float64), delta.shape)
        if control.min() < 0 or (control + delta).min() < -1e-9:
            msg = "a predicted level is negative; FromConcentrations takes concentrations, which are not."
            raise InputError(msg)
        before, after = self._logged(control), self._logged(np.maximum(control + delta, 0.0))
        return replace(found, delta=after - before, control=before)

    def available(self) -> pd.DataFrame:
        """Return what the predictor says can be perturbed."""
        return self.model.available()

    def _logged(self, levels: np.ndarray) -> np.ndarray:
        """Return levels at the common total, logged."""
        sums = levels.sum(axis=1, keepdims=True)
        return np.log1p(np.divide(levels * self.total, sums, out=np.zeros_like(levels), where=sums > 0))
