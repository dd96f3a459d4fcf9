"""A small screen with a planted additive truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

GENES = [f"G{i:02d}" for i in range(30)]
TARGETS = [f"G{i:02d}" for i in range(6)]


def additive_screen(*, n_cells: int = 60, counts: bool = False, contexts: int = 1, seed: int = 0, doses: bool = False):
    """Return a screen in which every target shifts eight genes, and pairs do what both do."""
    import anndata

    rng = np.random.default_rng(seed)
    base = rng.uniform(1.0, 2.5, len(GENES))
    effect = {one: rng.choice([-0.8, 0.8], len(GENES)) * (rng.random(len(GENES)) < 8 / 30) for one in TARGETS}
    labels = ["control", "control", *TARGETS, *(f"{a}+{b}" for a, b in zip(TARGETS[:-1], TARGETS[1:], strict=True))]
    rows, names, where, dose = [], [], [], []
    for context in range(contexts):
        offset = 0.4 * context * np.sin(np.arange(len(GENES)))
        for label in labels:
            for one in (0.5, 1.0) if doses and label != "control" else (1.0,):
                shift = sum((effect[gene] * one for gene in label.split("+") if gene in effect), np.zeros(len(GENES)))
                rows.append(base + offset + shift + 0.3 * rng.normal(size=(n_cells, len(GENES))))
                names += [label] * n_cells
                where += [f"type{context}"] * n_cells
                dose += [str(one)] * n_cells
    values = np.clip(np.vstack(rows), 0, None)
    values = rng.poisson(np.expm1(values)) if counts else values
    obs = pd.DataFrame({"perturbation": names, "cell_type": where, "dose": dose})
    obs.index = [f"cell{i}" for i in range(len(obs))]
    adata = anndata.AnnData(values.astype(np.float32), obs=obs, var=pd.DataFrame(index=GENES))
    adata.uns["effect"] = pd.DataFrame(effect, index=GENES)
    return adata


@pytest.fixture(scope="session")
def make_screen() -> Callable[..., object]:
    """The maker of screens."""
    return additive_screen


@pytest.fixture(scope="session")
def screen():
    """The screen, log-normalised, read."""
    from reguloom.core import PerturbationData

    return PerturbationData.from_anndata(additive_screen(), values="log")


@pytest.fixture(scope="session")
def pairs_held_out(screen):
    """A split whose test part is two pairs of trained genes."""
    from reguloom.evaluate import Split

    units = sorted(screen.pseudobulk().units)
    test = [unit for unit in units if unit[0] in ("G00+G01", "G03+G04")]
    return Split("pairs", tuple(unit for unit in units if unit not in test), (), tuple(test))
