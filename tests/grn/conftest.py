"""Small data and comparisons for the tests of network inference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def world() -> tuple[pd.DataFrame, list[str]]:
    """Counts of 150 cells x 24 genes, and 8 regulators that drive the 16 others."""
    rng = np.random.default_rng(3)
    level = rng.gamma(0.7, 1.5, size=(150, 8))
    wiring = rng.random((8, 16)) * (rng.random((8, 16)) < 0.25)
    rate = np.hstack([level, level @ wiring + 0.2])
    names = [f"TF{i}" for i in range(8)] + [f"g{i}" for i in range(16)]
    cells = [f"cell{i}" for i in range(150)]
    return pd.DataFrame(rng.poisson(rate).astype(np.float32), cells, names), names[:8]


def as_adjacencies(network) -> pd.DataFrame:
    """A network as arboreto's table."""
    frame = network.to_frame().rename(columns={"source": "TF", "weight": "importance"})
    return frame[["TF", "target", "importance"]].astype({"TF": str, "target": str})


def compare(one: pd.DataFrame, two: pd.DataFrame, *, top: int = 1000) -> dict[str, float]:
    """Spearman of importances over the union, Jaccard of the strongest edges, correlation of the trees per target."""
    keys = ["TF", "target"]
    joined = one.merge(two, on=keys, how="outer").fillna(0)
    strongest = [set(map(tuple, table.nlargest(top, "importance")[keys].to_numpy())) for table in (one, two)]
    trees = [table.groupby("target")["importance"].sum() for table in (one, two)]
    return {
        "spearman": joined["importance_x"].corr(joined["importance_y"], method="spearman"),
        "jaccard": len(strongest[0] & strongest[1]) / len(strongest[0] | strongest[1]),
        "trees": trees[0].corr(trees[1]),
    }
