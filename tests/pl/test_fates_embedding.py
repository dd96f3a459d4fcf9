from __future__ import annotations

import numpy as np
import pytest

import reguloom as rl
from reguloom.mechanistic import BooleanNetwork, simulate


@pytest.fixture(scope="module")
def cells():
    toggle = BooleanNetwork.from_rules({"A": "not B", "B": "not A", "C": "A"})
    return simulate(toggle, 60, perturbations=rl.Perturbation.knockout("A"), t_max=5)


def test_fate_and_pseudotime(cells):
    figure = rl.pl.fates_embedding(cells)
    assert [ax.get_title() for ax in figure.axes[:2]] == ["fate", "pseudotime"]
    assert sum(len(one.get_offsets()) for one in figure.axes[0].collections) == cells.n_obs
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == list(cells.obs["fate"].cat.categories)


def test_split(cells):
    figure = rl.pl.fates_embedding(cells, split="perturbation")
    assert [ax.get_title() for ax in figure.axes] == ["control", "A=0"]
    for ax in figure.axes:
        assert sorted(len(one.get_offsets()) for one in ax.collections if len(one.get_offsets())) == [60, 60]


def test_given_embedding_and_errors(cells):
    cells = cells.copy()
    cells.obsm["X_umap"] = np.random.default_rng(0).normal(size=(cells.n_obs, 2))
    assert rl.pl.fates_embedding(cells, basis="umap", pseudotime=None).axes[0].texts[0].get_text().startswith("UMAP 1")
    with pytest.raises(rl.MissingKeyError, match="tsne"):
        rl.pl.fates_embedding(cells, basis="tsne")
    cells.obs["cell"] = cells.obs_names
    with pytest.raises(rl.InputError, match="at most 16"):
        rl.pl.fates_embedding(cells, split="cell")
