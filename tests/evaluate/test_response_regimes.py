"""Every regime answers in the same table: local-linear, vector field, mechanistic, rules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import reguloom as rl
from reguloom.core import PerturbationData


@pytest.fixture(scope="module")
def asked() -> tuple[PerturbationData, rl.datasets.SimulatedWorld]:
    world = rl.datasets.world("S", 150, rng=0)
    tfs = world.tfs[:4]
    singles = [rl.Perturbation.knockout(tf) for tf in tfs]
    pairs = [rl.Perturbation.knockout(*pair) for pair in itertools.combinations(tfs, 2)]
    screen = world.perturb([*singles, *pairs], n_cells=40, sampling="end")
    screen.obs["perturbation"] = [label.replace("=0", "") for label in screen.obs["perturbation"].astype(str)]
    return PerturbationData.from_anndata(screen, target_mode="knockout"), world


def cells(data: PerturbationData):
    from anndata import AnnData

    made = AnnData(data.values(np.arange(data.n_cells)))
    made.var_names = data.genes
    return made


def test_all_regimes_are_scored(asked) -> None:
    data, world = asked
    total = float(np.median(data.counts(np.arange(data.n_cells)).sum(axis=1)))
    moving = world.adata.copy()
    rl.vectorfield.velocity(moving)
    centred = moving.layers["Ms"] - moving.layers["Ms"].mean(axis=0)
    left, singular, right = np.linalg.svd(centred, full_matrices=False)
    moving.obsm["X_pca"], moving.varm["PCs"] = (left * singular)[:, :6], right[:6].T
    models = {
        "oracle": rl.oracle.fit(cells(data), world.network),
        "field": rl.vectorfield.fit(moving),
        "rules": rl.mechanistic.BooleanNetwork.from_network(world.network),
        "equations": rl.evaluate.FromConcentrations(world.model, total=total),
    }
    scores = rl.evaluate.response(models, data, "unseen-combination", n_splits=1, n_bootstrap=50)
    table = scores.table()
    for name in models:
        assert np.isfinite(table.loc[name, ["score", "l2"]]).all()
        assert any("fitted elsewhere" in note for note in scores.notes[name])
        answered = [note for note in scores.notes[name] if "without an answer" in note]
        assert not answered or any(" not answered, such as " in note for note in scores.notes[name])
    # The equations that made the screen know what sets its pairs apart, which the mean does not.
    assert table.loc["equations", "centroid_accuracy"] >= table.loc["mean", "centroid_accuracy"]
    raw = rl.evaluate.response({"raw": world.model}, data, "unseen-combination", n_splits=1, n_bootstrap=50).table()
    assert raw.loc["raw", "l2"] > table.loc["equations", "l2"]


def test_concentrations_are_brought_to_one_total(asked) -> None:
    _, world = asked
    question = [rl.Perturbation.knockout(world.tfs[0])]
    raw = world.model.predict(question)
    said = rl.evaluate.FromConcentrations(world.model, total=500.0).predict(question)
    level = raw.control + raw.delta[0]
    np.testing.assert_allclose(np.expm1(said.control + said.delta)[0], level / level.sum() * 500, rtol=1e-6)
    with pytest.raises(rl.InputError, match="above 0"):
        rl.evaluate.FromConcentrations(world.model, total=0)


def test_the_true_network_beats_a_shuffled_one_on_the_screen(asked) -> None:
    data, world = asked
    frame = world.network.to_frame()
    random = np.random.default_rng(0)
    other = frame.assign(target=random.permutation(frame["target"].to_numpy()))
    shuffled = rl.Network.from_edges(other["source"], other["target"], other["weight"].to_numpy())
    table = rl.evaluate.network_on_perturbations({"true": world.network, "shuffled": shuffled}, data)
    values = table.pivot(index="network", columns="metric", values="value")
    assert values.loc["true", "wasserstein"] > values.loc["shuffled", "wasserstein"]
