"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data and the outputs of the original tools; tests that need it are skipped without it."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("REGULOOM_SHARED", default))
    if not (folder / "golden").is_dir():
        pytest.skip(f"the folder of reference data is not here ({folder}); set REGULOOM_SHARED to it")
    return folder


@pytest.fixture
def counts() -> pd.DataFrame:
    """Sparse-looking counts, 60 cells x 40 genes, with gene and cell names."""
    rng = np.random.default_rng(7)
    values = rng.poisson(rng.gamma(0.6, 1.5, size=40), size=(60, 40)).astype(np.float32)
    return pd.DataFrame(values, [f"cell{i}" for i in range(60)], [f"Gene{i}" for i in range(40)])
