"""A small world of two lineages, driven by a few factors, and an oracle fitted to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from reguloom import oracle
from reguloom.core import Network

TFS = ("Tf0", "Tf1", "Tf2", "Tf3", "Tf4", "Tf5")


def make_world(seed: int = 0, n_cells: int = 240, n_targets: int = 34) -> tuple[AnnData, Network]:
    """Cells along a fork: Tf0 rises along branch a, Tf1 along branch b, Tf2 falls; targets follow their factors."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.random(n_cells))
    branch = np.where(rng.random(n_cells) < 0.5, "a", "b")
    late = np.clip(2 * time - 0.6, 0, None)
    factors = np.column_stack([
        0.2 + 2 * late * (branch == "a"), 0.2 + 2 * late * (branch == "b"), 2.2 - 2 * time,
        *(0.5 + 0.4 * rng.random((3, n_cells))),
    ])  # fmt: skip
    factors += 0.15 * rng.random(factors.shape)
    edges = rng.random((6, n_targets)) < 0.35
    edges[np.arange(n_targets) % 6, np.arange(n_targets)] = True
    effect = edges * rng.choice([1.0, 1.0, -0.6], size=edges.shape) * (0.4 + 0.5 * rng.random(edges.shape))
    targets = np.clip(1.0 + factors @ effect + 0.1 * rng.normal(size=(n_cells, n_targets)), 0, None)
    genes = [*TFS, *(f"Gene{i:02d}" for i in range(n_targets))]
    adata = AnnData(
        np.hstack([factors, targets]),
        obs=pd.DataFrame(
            {"time": time, "branch": branch, "state": np.where(time < 0.4, "stem", branch)},
            index=[f"cell{i}" for i in range(n_cells)],
        ),
        var=pd.DataFrame(index=genes),
    )
    sign = np.where(branch == "a", 1.0, -1.0)
    places = np.column_stack([5 * time, 3 * late * sign]) + 0.15 * rng.normal(size=(n_cells, 2))
    adata.obsm["X_umap"] = places
    source, target = np.nonzero(edges)
    network = Network.from_edges([TFS[i] for i in source], [f"Gene{j:02d}" for j in target])
    return adata, network


@pytest.fixture(scope="session")
def make_worlds() -> Callable[..., tuple[AnnData, Network]]:
    """The function that makes worlds, for tests that need several."""
    return make_world


@pytest.fixture(scope="session")
def world() -> tuple[AnnData, Network]:
    return make_world()


@pytest.fixture(scope="session")
def model(world: tuple[AnnData, Network]) -> oracle.Oracle:
    adata, network = world
    return oracle.fit(adata, network, groupby="state", n_neighbors=5, p=None, n_bootstrap=10, n_jobs=1)


@pytest.fixture(scope="session")
def field(world: tuple[AnnData, Network]) -> oracle.Development:
    return oracle.development(world[0], pseudotime="time", n_neighbors=40, n_grid=20)


@pytest.fixture
def golden(shared: Path) -> Path:
    return shared / "golden" / "celloracle" / "paul15"
