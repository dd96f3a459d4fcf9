"""Simulated screens with known responses, and predictors with known faults."""

from __future__ import annotations

import functools
import itertools

import anndata
import numpy as np
import pandas as pd

from reguloom.core import Perturbation, PerturbationData, Prediction

N_GENES, N_TARGETS = 80, 12


def effects(seed: int = 0) -> pd.DataFrame:
    """Return the true log change under each single and each pair: additive, with a few interactions."""
    random = np.random.default_rng(seed)
    loadings = random.normal(size=(3, N_GENES))
    common = 0.15 * random.normal(size=N_GENES)
    names = [f"g{i:02d}" for i in range(N_TARGETS)]
    rows = {}
    for i, name in enumerate(names):
        rows[name] = common + 0.25 * random.normal(size=3) @ loadings + 0.1 * random.normal(size=N_GENES)
        rows[name][i] = -2.0
    for first, second in itertools.islice(itertools.combinations(names, 2), 0, 66, 3):
        rows[f"{first}+{second}"] = 0.9 * (rows[first] + rows[second]) + 0.1 * random.normal(size=N_GENES)
    return pd.DataFrame(rows, index=[f"g{i:02d}" for i in range(N_GENES)]).T


@functools.cache
def screen(
    *, n_cells: int = 60, seed: int = 0, contexts: tuple[str, ...] = ("x",), combinations: bool = True
) -> tuple[PerturbationData, pd.DataFrame]:
    """Return a screen and the expected log-normalised profile of each unit; made once, so leave them as they are."""
    random = np.random.default_rng(seed + 1)
    change = effects(seed)
    change = change if combinations else change[~change.index.str.contains("+", regex=False)]
    base = {context: random.normal(1.6, 0.9, N_GENES) for context in contexts}
    blocks, labels, where, expected = [], [], [], {}
    for context in contexts:
        for label in ["control", *change.index]:
            shift = 0.0 if label == "control" else change.loc[label].to_numpy()
            mean = np.exp(base[context] + shift)
            counts = random.poisson(
                mean * random.gamma(20, 1 / 20, (n_cells, 1)) * random.gamma(4, 1 / 4, (n_cells, N_GENES))
            )
            blocks.append(counts.astype(np.float32))
            labels += [label] * n_cells
            where += [context] * n_cells
            big = random.poisson(mean * random.gamma(20, 1 / 20, (4000, 1)) * random.gamma(4, 1 / 4, (4000, N_GENES)))
            expected[label, context] = big
    obs = pd.DataFrame({"perturbation": labels, "cell_type": where})
    obs.index = [f"c{i}" for i in range(len(obs))]
    adata = anndata.AnnData(np.vstack(blocks), obs=obs, var=pd.DataFrame(index=[f"g{i:02d}" for i in range(N_GENES)]))
    data = PerturbationData.from_anndata(adata, covariates="cell_type")
    target = float(np.median(np.vstack(blocks).sum(axis=1)))
    rows = {
        unit: np.log1p(big / big.sum(axis=1, keepdims=True) * target).mean(axis=0) for unit, big in expected.items()
    }
    index = pd.MultiIndex.from_tuples(list(rows), names=["condition", "context"])
    return data, pd.DataFrame(np.stack(list(rows.values())), index=index, columns=data.genes)


class Told:
    """Answers from a table of changes, whatever it is trained on."""

    def __init__(self, change: pd.DataFrame, name: str = "told") -> None:
        self.change, self.name = change, name

    def fit(self, data: PerturbationData, split: object) -> Told:
        self.n_seen_ = data.n_cells
        return self

    def predict(self, perturbations: list[Perturbation], adata: object = None) -> Prediction:
        labels = ["+".join(sorted(one.genes)) for one in perturbations]
        values = self.change.loc[labels].to_numpy()
        return Prediction(
            values, np.zeros(values.shape[1]), pd.Index(labels), self.change.columns, perturbations, "learned"
        )

    def available(self) -> pd.DataFrame:
        return pd.DataFrame({"available": True, "reason": ""}, index=self.change.index)


def changes(data: PerturbationData, expected: pd.DataFrame, context: str = "x") -> pd.DataFrame:
    """Return the expected change from the observed control."""
    table = expected.xs(context, level="context")
    bulk = data.pseudobulk()
    control = bulk.means[bulk.position("control", context)]
    return table.drop(index="control") - control
