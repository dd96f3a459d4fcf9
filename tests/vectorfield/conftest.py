"""A world whose field is known, and the reference data of the original."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from reguloom.vectorfield import VectorField, fit

N_GENES = 12


@dataclass(frozen=True)
class Toggle:
    """Two genes that repress each other and ten that follow, seen through a rotation; velocities are exact."""

    adata: AnnData
    weights: np.ndarray

    def velocity(self, expression: np.ndarray) -> np.ndarray:
        a, b = expression[:, 0], expression[:, 1]
        core = np.stack([4 / (1 + b**3) - a, 4 / (1 + a**3) - b], axis=1)
        return np.hstack([core, expression[:, :2] @ self.weights - expression[:, 2:]])

    def jacobian(self, expression: np.ndarray) -> np.ndarray:
        a, b = expression[:, 0], expression[:, 1]
        made = np.tile(-np.eye(N_GENES), (len(expression), 1, 1))
        made[:, 0, 1] = -12 * b**2 / (1 + b**3) ** 2
        made[:, 1, 0] = -12 * a**2 / (1 + a**3) ** 2
        made[:, 2:, :2] = self.weights.T
        return made


def make_toggle(n_cells: int = 600, noise: float = 0.0, seed: int = 0) -> Toggle:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(2, N_GENES - 2)) * 0.4
    core = rng.uniform(0, 4.5, (n_cells, 2))
    x = np.hstack([core, core @ weights + rng.normal(size=(n_cells, N_GENES - 2)) * 0.05])
    names = [f"G{i}" for i in range(N_GENES)]
    adata = AnnData(x, obs=pd.DataFrame(index=[f"c{i}" for i in range(n_cells)]), var=pd.DataFrame(index=names))
    made = Toggle(adata, weights)
    v = made.velocity(x)
    v += noise * rng.normal(size=v.shape) * v.std()
    vt = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2]
    adata.varm["PCs"] = vt.T
    adata.obsm["X_pca"] = (x - x.mean(axis=0)) @ vt.T
    adata.obsm["velocity_pca"] = v @ vt.T
    adata.layers["Ms"], adata.layers["velocity"] = x.copy(), v
    adata.obs["state"] = pd.Categorical(np.where(core[:, 0] > core[:, 1], "A", "B"))
    return made


@pytest.fixture(scope="session")
def toggle() -> Toggle:
    return make_toggle()


@pytest.fixture(scope="session")
def field(toggle: Toggle) -> VectorField:
    return fit(toggle.adata, groupby="state", n_control=150, n_bootstrap=5)


@dataclass(frozen=True)
class Dynamo:
    """Outputs of dynamo-release 1.5.3 and the data they were made from."""

    folder: Path

    def __call__(self, name: str) -> Any:
        return np.load(self.folder / f"{name}.npz", allow_pickle=True)

    @property
    def adata(self) -> AnnData:
        inputs = self("inputs")
        x = inputs["X_pca"]
        names = [f"g{i}" for i in range(len(inputs["PCs"]))]
        adata = AnnData(x @ inputs["PCs"].T + inputs["pca_mean"], var=pd.DataFrame(index=names))
        adata.obs_names = [f"c{i}" for i in range(len(x))]
        adata.obs["lineage"] = pd.Categorical(inputs["lineage"].astype(str))
        adata.obsm["X_pca"], adata.obsm["velocity_pca"] = x, inputs["V_pca"]
        adata.uns["PCs"], adata.uns["pca_mean"] = inputs["PCs"], inputs["pca_mean"]
        stored = self("sparsevfc_M_default_it30")
        adata.uns["VecFld_pca"] = {**{name: stored[name] for name in stored.files}, "X": x, "Y": inputs["V_pca"]}
        return adata


@pytest.fixture(scope="session")
def dynamo(shared: Path) -> Dynamo:
    return Dynamo(shared / "golden" / "dynamo")


@pytest.fixture(scope="session")
def original(dynamo: Dynamo) -> VectorField:
    """The original's own field."""
    return VectorField.from_dynamo(dynamo.adata)


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference over the largest value."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())
