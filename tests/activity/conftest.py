"""Small data with regulons, and the outputs of pySCENIC 0.12.1."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest

from reguloom.activity import aucell
from reguloom.core import Regulons


@pytest.fixture(scope="session")
def golden(shared: Path) -> SimpleNamespace:
    folder = shared / "golden" / "pyscenic" / "pbmc100"

    def table(name: str) -> pd.DataFrame:
        return pd.read_csv(folder / name, index_col=0)

    entries = json.loads((folder / "regulons_fixed.json").read_text())
    return SimpleNamespace(
        expression=table("expr.csv.gz"),
        rankings=table("rankings_seed777.csv.gz"),
        regulons=Regulons.from_dict({entry["name"]: entry["gene2weight"] for entry in entries}),
        auc={False: table("auc_noweights_seed777.csv"), True: table("auc_weights_seed777.csv")},
        binary=table("bin.csv"),
        thresholds=table("thresholds.csv")["0"],
        rss=table("rss.csv"),
        labels=table("labels.csv")["0"],
        derived=table("derive_auc_threshold.csv")["0"],
    )


@pytest.fixture
def sets() -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(3)
    genes = [f"Gene{i}" for i in range(40)]
    return {
        f"TF{k}(+)": {str(gene): float(rng.gamma(2)) for gene in rng.choice(genes, size=6 + k, replace=False)}
        for k in range(5)
    }


@pytest.fixture
def scored(counts: pd.DataFrame, sets: dict[str, dict[str, float]]) -> anndata.AnnData:
    adata = anndata.AnnData(counts)
    adata.obs["kind"] = pd.Categorical(np.where(np.arange(60) % 3 == 0, "b", "a"), categories=["b", "a"])
    adata.obs["donor"] = [f"d{i % 6}" for i in range(60)]
    aucell(adata, sets, auc_threshold=0.3)
    return adata
