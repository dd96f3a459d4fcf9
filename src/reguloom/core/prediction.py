"""What a predictor answers: a direction, with its regime and the checks that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom.core.perturbation import Perturbation
from reguloom.core.provenance import Provenance

if TYPE_CHECKING:
    from anndata import AnnData

REGIMES = ("local-linear", "vector-field", "learned", "mechanistic", "baseline")


@dataclass(frozen=True, eq=False)
class Prediction:
    """A predicted change of expression.

    Parameters
    ----------
    delta
        Predicted minus control: ``(n_rows, n_genes)``, rows being cells or perturbations; may be sparse.
    control
        What it is measured against: ``(n_genes,)`` or the shape of `delta`.
    rows, genes
        Names of rows and genes.
    perturbations
        One for all rows, or one for each.
    regime
        One of ``local-linear``, ``vector-field``, ``learned``, ``mechanistic``, ``baseline``.
    checks
        Checks that failed: name → what that means, in words.
    provenance
        How the prediction was made.
    obs
        More about each row, such as ``source`` and ``uncertainty``; one row for each of `rows`.
    layers
        More values for each row and gene, such as ``sd``; each of the shape of `delta`.
    """

    delta: Any
    control: Any
    rows: pd.Index
    genes: pd.Index
    perturbations: Sequence[Perturbation]
    regime: str
    checks: Mapping[str, str] = field(default_factory=dict)
    provenance: Provenance | None = None
    obs: pd.DataFrame | None = None
    layers: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the regime and the shapes."""
        if self.regime not in REGIMES:
            msg = f"the regime is {self.regime!r}; accepted are {', '.join(REGIMES)}."
            raise InputError(msg)
        if self.delta.shape != (len(self.rows), len(self.genes)):
            msg = f"delta has shape {self.delta.shape}, with {len(self.rows)} rows and {len(self.genes)} genes named."
            raise InputError(msg)
        if np.shape(self.control) not in ((len(self.genes),), self.delta.shape):
            msg = f"control has shape {np.shape(self.control)}; give one value per gene, or the shape of delta."
            raise InputError(msg)
        if len(self.perturbations) not in (1, len(self.rows)):
            msg = f"{len(self.perturbations)} perturbations for {len(self.rows)} rows; give one, or one for each row."
            raise InputError(msg)
        if self.obs is not None and len(self.obs) != len(self.rows):
            msg = f"obs has {len(self.obs)} rows for {len(self.rows)} rows of the prediction; give one for each."
            raise InputError(msg)
        for name, values in self.layers.items():
            if np.shape(values) != self.delta.shape:
                msg = f"layer {name!r} has shape {np.shape(values)}; a layer has that of delta, {self.delta.shape}."
                raise InputError(msg)

    @property
    def calibrated(self) -> bool:
        """Whether magnitudes may be read as expression units: only a mechanistic model's may."""
        return self.regime == "mechanistic"

    def direction(self) -> np.ndarray:
        """Return the change scaled to unit length per row, ``(n_rows, n_genes)``; rows without change stay 0."""
        dense = _dense(self.delta)
        norm = np.linalg.norm(dense, axis=1, keepdims=True)
        return np.divide(dense, norm, out=np.zeros_like(dense), where=norm > 0)

    def to_anndata(self) -> AnnData:
        """Return an AnnData: ``X`` predicted expression, ``layers['delta']``, ``obs['perturbation']``.

        Columns of `obs` and `layers` are written beside these; the regime, the failed checks and the provenance are
        in ``uns['prediction']``.
        """
        from anndata import AnnData

        labels = [one.label for one in self.perturbations]
        labels = labels * len(self.rows) if len(labels) == 1 else labels
        dense = _dense(self.delta)
        adata = AnnData(_dense(self.control) + dense, obs=pd.DataFrame(index=self.rows.astype(str)))
        adata.var_names = self.genes.astype(str)
        adata.layers["delta"] = dense
        for name, values in self.layers.items():
            adata.layers[name] = _dense(values)
        if self.obs is not None:
            for name, column in self.obs.items():
                adata.obs[name] = column.to_numpy()
        adata.obs["perturbation"] = pd.Categorical(labels)
        adata.uns["prediction"] = {"regime": self.regime, "checks": dict(self.checks), "calibrated": self.calibrated}
        if self.provenance is not None:
            adata.uns["prediction"]["provenance"] = self.provenance.to_json()
        return adata

    def embed(self, basis: np.ndarray) -> np.ndarray:
        """Return the change projected linearly on loadings `basis`, ``(n_genes, n_dims)`` → ``(n_rows, n_dims)``."""
        basis = np.asarray(basis, dtype=np.float64)
        if basis.ndim != 2 or basis.shape[0] != len(self.genes):
            msg = (
                f"the basis has shape {basis.shape}; it needs one row of loadings for each of {len(self.genes)} genes."
            )
            raise InputError(msg)
        return np.asarray(self.delta @ basis)


@runtime_checkable
class Predictor(Protocol):
    """Anything that answers "what if": models, fields, rules and baselines alike."""

    def predict(self, perturbations: Perturbation | Sequence[Perturbation], adata: AnnData | None = None) -> Prediction:
        """Return the predicted change under each perturbation.

        Parameters
        ----------
        perturbations
            One or several.
        adata
            The cells to perturb; those that the predictor was fitted on if left out.
        """

    def available(self) -> pd.DataFrame:
        """Return which genes can be perturbed, and for each that cannot, why: columns ``available``, ``reason``."""


def _dense(values: Any) -> np.ndarray:
    """Return `values` as a dense float64 array."""
    return np.asarray(values.toarray() if hasattr(values, "indptr") else values, dtype=np.float64)
